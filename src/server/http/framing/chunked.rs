//! A chunked body (RFC 9112, section 7.1), followed to its end byte by byte. Nothing is decoded or
//! kept.

use super::head::split_field;

/// Maximum bytes of a body that are framing and not content: sizes, line ends, extensions,
/// trailers. Chunks of one byte would cost an iteration of every loop behind them. A SOAP stack
/// that sends 256 KiB in chunks of 4 KiB uses some 500 bytes.
const MAX_OVERHEAD_BYTES: usize = 16 * 1_024;
/// Maximum bytes of a trailer line; a line is kept to be checked.
const MAX_TRAILER_BYTES: usize = 256;
/// Maximum digits of a chunk size: 4 GiB exceeds the limit on any body.
const MAX_SIZE_DIGITS: u8 = 8;

/// Position in a chunked body.
#[derive(Debug)]
pub(super) struct ChunkedBody {
    position: Position,
    overhead_bytes: usize,
}

#[derive(Debug)]
enum Position {
    Size { size: u64, digits: u8 },
    Extension { size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailer { line: Vec<u8> },
    TrailerEnd { line: Vec<u8> },
    End,
}

/// The body's framing violates the standard, or exceeds [`MAX_OVERHEAD_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BrokenBody;

impl ChunkedBody {
    pub fn new() -> Self {
        Self { position: Position::Size { size: 0, digits: 0 }, overhead_bytes: 0 }
    }

    pub fn is_at_end(&self) -> bool {
        matches!(self.position, Position::End)
    }

    /// Follows the body through `bytes`; returns how many of them belong to it.
    pub fn follow(&mut self, bytes: &[u8]) -> Result<usize, BrokenBody> {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if let Position::Data { left } = &mut self.position {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
                if *left == 0 {
                    self.position = Position::DataCr;
                }
                rest = rest.get(here..).unwrap_or_default();
                continue;
            }
            if self.is_at_end() {
                break;
            }
            self.overhead_bytes = self.overhead_bytes.saturating_add(1);
            if self.overhead_bytes > MAX_OVERHEAD_BYTES {
                return Err(BrokenBody);
            }
            self.position = step(std::mem::replace(&mut self.position, Position::End), *byte).ok_or(BrokenBody)?;
            rest = after;
        }
        Ok(bytes.len().saturating_sub(rest.len()))
    }
}

/// Advances by one byte of framing; `None` if it is not allowed there.
fn step(position: Position, byte: u8) -> Option<Position> {
    match (position, byte) {
        (Position::Size { size, digits }, _) if byte.is_ascii_hexdigit() && digits < MAX_SIZE_DIGITS => {
            let digit = char::from(byte).to_digit(16)?;
            Some(Position::Size {
                size: size.checked_mul(16)?.checked_add(u64::from(digit))?,
                digits: digits.saturating_add(1),
            })
        }
        (Position::Size { size, digits: 1.. }, b'\r') => Some(Position::SizeEnd { size }),
        (Position::Size { size, digits: 1.. }, b';') => Some(Position::Extension { size }),
        (Position::Extension { size }, b'\r') => Some(Position::SizeEnd { size }),
        (Position::Extension { size }, b'\t' | b' '..=b'~') => Some(Position::Extension { size }),
        (Position::SizeEnd { size: 0 }, b'\n') => Some(Position::Trailer { line: Vec::new() }),
        (Position::SizeEnd { size }, b'\n') => Some(Position::Data { left: size }),
        (Position::DataCr, b'\r') => Some(Position::DataLf),
        (Position::DataLf, b'\n') => Some(Position::Size { size: 0, digits: 0 }),
        (Position::Trailer { line }, b'\r') => Some(Position::TrailerEnd { line }),
        (Position::Trailer { mut line }, _) if byte != b'\n' && line.len() < MAX_TRAILER_BYTES => {
            line.push(byte);
            Some(Position::Trailer { line })
        }
        (Position::TrailerEnd { line }, b'\n') if line.is_empty() => Some(Position::End),
        (Position::TrailerEnd { mut line }, b'\n') => {
            split_field(&line)?;
            line.clear();
            Some(Position::Trailer { line })
        }
        (
            Position::Size { .. }
            | Position::Extension { .. }
            | Position::SizeEnd { .. }
            | Position::Data { .. }
            | Position::DataCr
            | Position::DataLf
            | Position::Trailer { .. }
            | Position::TrailerEnd { .. }
            | Position::End,
            _,
        ) => None,
    }
}
