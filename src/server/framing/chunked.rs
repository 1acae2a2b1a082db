//! A chunked body (RFC 9112, section 7.1), followed to its end byte by byte; nothing is decoded or kept.

use super::head::split_field;

/// So many bytes of a body may be frame and not content: sizes, line ends, extensions, trailers. Chunks of one byte cost
/// a turn of every loop behind each; a SOAP stack that sends 256 KiB in chunks of 4 KiB spends some 500.
const FRAME_BYTES: usize = 16 * 1_024;
/// A trailer's line has at most so many bytes: as much as is kept of one to judge it.
const TRAILER_BYTES: usize = 256;
/// Digits of a chunk's size: 4 GiB is more than any body may have.
const SIZE_DIGITS: u8 = 8;

/// Where in a chunked body.
#[derive(Debug)]
pub(super) struct Chunked {
    at: At,
    frame_bytes: usize,
}

#[derive(Debug)]
enum At {
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

/// The body is not framed as the standard says, or has more frame than content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl Chunked {
    pub fn new() -> Self {
        Self { at: At::Size { size: 0, digits: 0 }, frame_bytes: 0 }
    }

    pub fn is_at_end(&self) -> bool {
        matches!(self.at, At::End)
    }

    /// Follows the body through `bytes`: how many of them belong to it.
    pub fn follow(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if let At::Data { left } = &mut self.at {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
                if *left == 0 {
                    self.at = At::DataCr;
                }
                rest = rest.get(here..).unwrap_or_default();
                continue;
            }
            if self.is_at_end() {
                break;
            }
            self.frame_bytes = self.frame_bytes.saturating_add(1);
            if self.frame_bytes > FRAME_BYTES {
                return Err(Broken);
            }
            self.at = step(std::mem::replace(&mut self.at, At::End), *byte).ok_or(Broken)?;
            rest = after;
        }
        Ok(bytes.len().saturating_sub(rest.len()))
    }
}

/// One byte of frame.
fn step(at: At, byte: u8) -> Option<At> {
    match (at, byte) {
        (At::Size { size, digits }, _) if byte.is_ascii_hexdigit() && digits < SIZE_DIGITS => {
            let digit = char::from(byte).to_digit(16)?;
            Some(At::Size {
                size: size.checked_mul(16)?.checked_add(u64::from(digit))?,
                digits: digits.saturating_add(1),
            })
        }
        (At::Size { size, digits: 1.. }, b'\r') => Some(At::SizeEnd { size }),
        (At::Size { size, digits: 1.. }, b';') => Some(At::Extension { size }),
        (At::Extension { size }, b'\r') => Some(At::SizeEnd { size }),
        (At::Extension { size }, b'\t' | b' '..=b'~') => Some(At::Extension { size }),
        (At::SizeEnd { size: 0 }, b'\n') => Some(At::Trailer { line: Vec::new() }),
        (At::SizeEnd { size }, b'\n') => Some(At::Data { left: size }),
        (At::DataCr, b'\r') => Some(At::DataLf),
        (At::DataLf, b'\n') => Some(At::Size { size: 0, digits: 0 }),
        (At::Trailer { line }, b'\r') => Some(At::TrailerEnd { line }),
        (At::Trailer { mut line }, _) if byte != b'\n' && line.len() < TRAILER_BYTES => {
            line.push(byte);
            Some(At::Trailer { line })
        }
        (At::TrailerEnd { line }, b'\n') if line.is_empty() => Some(At::End),
        (At::TrailerEnd { mut line }, b'\n') => {
            split_field(&line)?;
            line.clear();
            Some(At::Trailer { line })
        }
        _ => None,
    }
}
