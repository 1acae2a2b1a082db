//! Request framing: where each request begins and ends, decided before the HTTP library sees a
//! byte.
//!
//! That library is lenient, as a browser's server should be. A gateway must be strict: if it and
//! another program on the way read the same bytes differently, one of them misses a request
//! (request smuggling). So a head is held back until it is complete and checked ([`head`]), a body
//! is followed to its end ([`chunked`]), and a refusal here is final.
//!
//! Pure: bytes in, progress out. `wire` reads the bytes and keeps the time.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "everything read here comes from a peer: no input may end the process"
    )
)]

mod chunked;
mod head;
#[cfg(test)]
mod tests;

use chunked::{ChunkedBody, ChunkedError};
use head::{BodyFraming, Version};
use memchr::memchr2;

use super::refusal::{HttpRefusal, Refusal};
use ehealth_core::explained::Cause;

/// Maximum bytes of a request's head: SOAP stacks send less than 1 KiB, with a security token of
/// their own perhaps 8 KiB.
const MAX_HEAD_BYTES: usize = 16 * 1_024;

/// What to do with the bytes that were checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Forward this many of them; never 0.
    Forward(usize),
    /// Discard this many of them; never 0.
    Discard(usize),
    /// Receive more, then pass all of them again.
    NeedMore,
}

/// Why no further byte may be forwarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FramingError {
    /// The next request is refused; those before it stand.
    Head(Refusal),
    /// The body of the current request is refused: it is broken or too large.
    Body(Refusal),
}

/// Position in the stream of requests.
#[derive(Debug)]
enum Position {
    Head,
    Sized {
        left: u64,
    },
    Chunked(ChunkedBody),
    /// Behind a request of HTTP/1.0: the connection ends with its answer, whatever the HTTP library
    /// makes of `Connection: keep-alive`.
    Ended,
}

/// Follows the bytes of one connection.
#[derive(Debug)]
pub(super) struct Framing {
    position: Position,
    /// Bytes of the head that were scanned.
    scanned: usize,
    /// Offset of the head's current line.
    line: usize,
    /// Offset of the header fields; 0 until the request line is complete.
    fields: usize,
    /// Version in the request line.
    version: Version,
    may_drop_empty_line: bool,
}

impl Framing {
    pub fn new() -> Self {
        Self {
            position: Position::Head,
            scanned: 0,
            line: 0,
            fields: 0,
            version: Version::Http11,
            may_drop_empty_line: true,
        }
    }

    /// Whether a new request may begin here.
    pub fn is_between_requests(&self) -> bool {
        matches!(self.position, Position::Head)
    }

    /// Checks the next bytes of the connection. Bytes of an incomplete head are passed again, from
    /// the head's first.
    ///
    /// # Errors
    /// [`FramingError`]; it is final.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Progress, FramingError> {
        if bytes.is_empty() {
            return Ok(Progress::NeedMore);
        }
        match &mut self.position {
            Position::Head => self.advance_head(bytes).map_err(FramingError::Head),
            Position::Sized { left } => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
                if *left == 0 {
                    self.begin_request();
                }
                Ok(Progress::Forward(here))
            }
            Position::Chunked(chunked) => {
                let refusal = |error| match error {
                    ChunkedError::Broken => HttpRefusal::Chunk,
                    ChunkedError::TooLarge => HttpRefusal::TooLarge,
                };
                let here = chunked.follow(bytes).map_err(|error| FramingError::Body(error.map(refusal)))?;
                if chunked.is_at_end() {
                    self.begin_request();
                }
                Ok(Progress::Forward(here))
            }
            Position::Ended => Ok(Progress::Discard(bytes.len())),
        }
    }

    /// Begins the next request, if there may be one.
    fn begin_request(&mut self) {
        let position = match self.version {
            Version::Http11 => Position::Head,
            Version::Http10 => Position::Ended,
        };
        *self = Self { position, ..Self::new() };
    }

    fn advance_head(&mut self, bytes: &[u8]) -> Result<Progress, Refusal> {
        loop {
            let rest = bytes.get(self.scanned..).unwrap_or_default();
            let plain = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            self.scanned = self.scanned.saturating_add(plain);
            self.check_length(bytes)?;
            match rest.get(plain..).unwrap_or_default() {
                [] | [b'\r'] => return Ok(Progress::NeedMore),
                [b'\r', b'\n', ..] => {}
                _ => return Err(self.refuse_line_end(bytes)),
            }
            let line = bytes.get(self.line..self.scanned).unwrap_or_default();
            self.scanned = self.scanned.saturating_add(2);
            if let Some(progress) = self.end_line(bytes, line)? {
                return Ok(progress);
            }
            self.line = self.scanned;
            self.check_length(bytes)?;
        }
    }

    /// Refuses a head, or its first line, whose scanned part is already too long.
    fn check_length(&self, bytes: &[u8]) -> Result<(), Refusal> {
        match self.fields {
            0 if self.scanned > head::MAX_LINE_BYTES => {
                Err(HttpRefusal::TargetTooLong.because(Cause::from_bytes("request line", bytes)))
            }
            1.. if self.scanned > MAX_HEAD_BYTES => {
                let scanned = u64::try_from(self.scanned).unwrap_or(u64::MAX);
                Err(HttpRefusal::HeadTooLarge.because(Cause::number("bytes", scanned)))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a line that does not end with CRLF.
    fn refuse_line_end(&self, bytes: &[u8]) -> Refusal {
        let line = bytes.get(self.line..self.scanned).unwrap_or_default();
        let cause = match self.fields {
            0 => Cause::from_bytes("request line", line),
            _ => head::name_of_field(line),
        };
        HttpRefusal::LineEnd.because(cause)
    }

    /// Checks a complete line; returns the progress if it ends the head.
    fn end_line(&mut self, bytes: &[u8], line: &[u8]) -> Result<Option<Progress>, Refusal> {
        if self.fields == 0 {
            if line.is_empty() && self.may_drop_empty_line {
                // RFC 9112, section 2.2: old clients send a line end after a body. One, not many.
                self.begin_request();
                self.may_drop_empty_line = false;
                return Ok(Some(Progress::Discard(2)));
            }
            self.version = head::check_request_line(line)?;
            self.fields = self.scanned;
            return Ok(None);
        }
        if !line.is_empty() {
            return Ok(None);
        }
        let whole = self.scanned;
        let position = match head::check_fields(self.version, bytes.get(self.fields..self.line).unwrap_or_default())? {
            BodyFraming::Sized(0) => None,
            BodyFraming::Sized(left) => Some(Position::Sized { left }),
            BodyFraming::Chunked => Some(Position::Chunked(ChunkedBody::new())),
        };
        let version = self.version;
        self.begin_request();
        if let Some(position) = position {
            // Its version says what comes behind the body.
            (self.position, self.version) = (position, version);
        }
        Ok(Some(Progress::Forward(whole)))
    }
}
