//! A chunked body (RFC 9112, section 7.1), followed to its end byte by byte. Nothing is decoded or
//! kept.

use super::head::split_field;
use ehealth_core::explained::{Cause, Explained};

/// Maximum bytes of a body that are framing and not content: sizes, line ends, extensions,
/// trailers. Chunks of one byte would cost an iteration of every loop behind them. A SOAP stack
/// that sends 256 KiB in chunks of 4 KiB uses some 500 bytes.
const MAX_OVERHEAD_BYTES: usize = 16 * 1_024;
/// Maximum bytes of a trailer line; a line is kept to be checked.
const MAX_TRAILER_BYTES: usize = 256;
/// Maximum digits of a chunk size, with leading zeros: 4 GiB exceeds the limit on any body.
const MAX_SIZE_DIGITS: u8 = 8;
/// Maximum content bytes of a body, in all its chunks.
const MAX_BODY_BYTES: u64 = soap::limits::DOCUMENT_BYTES as u64;

/// Position in a chunked body.
#[derive(Debug)]
pub(super) struct ChunkedBody {
    position: Position,
    overhead_bytes: usize,
    /// Content bytes in the chunks whose sizes were read.
    announced_bytes: u64,
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

impl Position {
    /// The part of a chunked body in which it is.
    fn name(&self) -> &'static str {
        match self {
            Self::Size { .. } => "chunk size",
            Self::Extension { .. } => "chunk extension",
            Self::SizeEnd { .. } => "line end of a chunk size",
            Self::Data { .. } => "chunk",
            Self::DataCr | Self::DataLf => "line end of a chunk",
            Self::Trailer { .. } | Self::TrailerEnd { .. } => "trailer",
            Self::End => "end",
        }
    }
}

/// Why a chunked body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChunkedError {
    /// The framing violates the standard, or exceeds [`MAX_OVERHEAD_BYTES`].
    Broken,
    /// The sizes of the chunks together exceed the limit on any body. The chunk that exceeds it is
    /// refused when its size is read, not when its bytes have come.
    TooLarge,
}

impl ChunkedBody {
    pub fn new() -> Self {
        Self { position: Position::Size { size: 0, digits: 0 }, overhead_bytes: 0, announced_bytes: 0 }
    }

    pub fn is_at_end(&self) -> bool {
        matches!(self.position, Position::End)
    }

    /// Follows the body through `bytes`; returns how many of them belong to it.
    ///
    /// # Errors
    /// [`ChunkedError`]; it is final. Its cause has one byte: those behind it may be content.
    pub fn follow(&mut self, bytes: &[u8]) -> Result<usize, Explained<ChunkedError>> {
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
                let overhead = u64::try_from(self.overhead_bytes).unwrap_or(u64::MAX);
                return Err(Explained::new(ChunkedError::Broken, Cause::number("bytes of framing", overhead)));
            }
            let position = std::mem::replace(&mut self.position, Position::End);
            let part = position.name();
            self.position = step(position, *byte).ok_or_else(|| {
                Explained::new(ChunkedError::Broken, Cause::from_bytes("byte", &[*byte]).and("part", part))
            })?;
            self.check_size()?;
            rest = after;
        }
        Ok(bytes.len().saturating_sub(rest.len()))
    }

    /// Refuses a size, digit by digit, that exceeds the limit with those before it.
    fn check_size(&mut self) -> Result<(), Explained<ChunkedError>> {
        match &self.position {
            Position::Size { size, .. } if self.announced_bytes.saturating_add(*size) > MAX_BODY_BYTES => {
                let announced = self.announced_bytes.saturating_add(*size);
                Err(Explained::new(ChunkedError::TooLarge, Cause::number("bytes in chunks, at least", announced)))
            }
            Position::Data { left } => {
                self.announced_bytes = self.announced_bytes.saturating_add(*left);
                Ok(())
            }
            Position::Size { .. }
            | Position::Extension { .. }
            | Position::SizeEnd { .. }
            | Position::DataCr
            | Position::DataLf
            | Position::Trailer { .. }
            | Position::TrailerEnd { .. }
            | Position::End => Ok(()),
        }
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
