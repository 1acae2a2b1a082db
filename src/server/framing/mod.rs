//! Where each request begins and ends, decided before the HTTP library sees a byte of it.
//!
//! That library is lenient, as a browser's server should be; a gateway must not be: what it and another program on the
//! way read differently is a request that one of them did not see. So a head is held back until it is whole and judged
//! ([`head`]), a body is followed to its end ([`chunked`]), and what is refused here is refused for good.
//!
//! Pure: bytes in, verdicts out. The bytes themselves, and the time that they take, are `wire`'s.

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

use chunked::Chunked;
use memchr::memchr2;

use super::door::HttpRefusal;

/// Bytes of a request's head: SOAP stacks send less than one KiB, with a token of somebody's own perhaps eight.
const HEAD_BYTES: usize = 16 * 1_024;

/// How a request's body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    /// So many bytes.
    Sized(u64),
    Chunked,
}

/// What is to be done with the bytes that were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// So many of them may pass; not 0.
    Pass(usize),
    /// So many of them, which are not 0, are to be forgotten.
    Drop(usize),
    /// More must come before anything can be said; show all of them again then.
    Wait,
}

/// Why nothing more may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The next request is refused; those before it stand.
    Head(HttpRefusal),
    /// The body of the request that is being read is broken.
    Body,
}

/// Where in the stream of requests.
#[derive(Debug)]
enum At {
    Head,
    Sized { left: u64 },
    Chunked(Chunked),
}

/// Follows the bytes of one connection.
#[derive(Debug)]
pub(super) struct Framing {
    at: At,
    /// Bytes of the head that were looked at, and where its last line begins.
    seen: usize,
    line: usize,
    /// Where the fields begin; 0 until the request line is whole.
    fields: usize,
    may_drop_empty_line: bool,
}

impl Framing {
    pub fn new() -> Self {
        Self { at: At::Head, seen: 0, line: 0, fields: 0, may_drop_empty_line: true }
    }

    /// Whether a new request may begin here.
    pub fn is_between_requests(&self) -> bool {
        matches!(self.at, At::Head)
    }

    /// Judges the next bytes of the connection. Those that were waited with are shown again, from the head's first.
    ///
    /// # Errors
    /// [`Stop`] for good.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Verdict, Stop> {
        if bytes.is_empty() {
            return Ok(Verdict::Wait);
        }
        match &mut self.at {
            At::Head => self.advance_head(bytes).map_err(Stop::Head),
            At::Sized { left } => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
                if *left == 0 {
                    self.begin_request();
                }
                Ok(Verdict::Pass(here))
            }
            At::Chunked(chunked) => {
                let here = chunked.follow(bytes).map_err(|_| Stop::Body)?;
                if chunked.is_at_end() {
                    self.begin_request();
                }
                Ok(Verdict::Pass(here))
            }
        }
    }

    fn begin_request(&mut self) {
        *self = Self::new();
    }

    fn advance_head(&mut self, bytes: &[u8]) -> Result<Verdict, HttpRefusal> {
        loop {
            let rest = bytes.get(self.seen..).unwrap_or_default();
            let plain = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            self.seen = self.seen.saturating_add(plain);
            self.bound()?;
            match rest.get(plain..).unwrap_or_default() {
                [] | [b'\r'] => return Ok(Verdict::Wait),
                [b'\r', b'\n', ..] => {}
                _ => return Err(HttpRefusal::Framing),
            }
            let line = bytes.get(self.line..self.seen).unwrap_or_default();
            self.seen = self.seen.saturating_add(2);
            if let Some(verdict) = self.end_line(bytes, line)? {
                return Ok(verdict);
            }
            self.line = self.seen;
            self.bound()?;
        }
    }

    /// Refuses a head, or its first line, that is too long as far as it was looked at.
    fn bound(&self) -> Result<(), HttpRefusal> {
        match self.fields {
            0 if self.seen > head::LINE_BYTES => Err(HttpRefusal::TargetTooLong),
            1.. if self.seen > HEAD_BYTES => Err(HttpRefusal::HeadTooLarge),
            _ => Ok(()),
        }
    }

    /// A line is whole: the verdict, if it was the head's last.
    fn end_line(&mut self, bytes: &[u8], line: &[u8]) -> Result<Option<Verdict>, HttpRefusal> {
        if self.fields == 0 {
            if line.is_empty() && self.may_drop_empty_line {
                // RFC 9112, section 2.2: old clients send a line end after a body. One, not a stream of them.
                self.begin_request();
                self.may_drop_empty_line = false;
                return Ok(Some(Verdict::Drop(2)));
            }
            head::judge_request_line(line)?;
            self.fields = self.seen;
            return Ok(None);
        }
        if !line.is_empty() {
            return Ok(None);
        }
        let whole = self.seen;
        self.at = match head::judge_fields(bytes.get(self.fields..self.line).unwrap_or_default())? {
            Body::Sized(0) => At::Head,
            Body::Sized(left) => At::Sized { left },
            Body::Chunked => At::Chunked(Chunked::new()),
        };
        (self.seen, self.line, self.fields, self.may_drop_empty_line) = (0, 0, 0, true);
        Ok(Some(Verdict::Pass(whole)))
    }
}
