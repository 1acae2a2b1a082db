//! Reader of HTTP/1.1 responses, limited to what the measured servers send.

use memchr::memmem::Finder;

/// A response that is being read.
#[derive(Debug, Default)]
pub struct Response {
    bytes: Vec<u8>,
    /// Head, once it is complete.
    head: Option<Head>,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    status: u16,
    end: usize,
    length: usize,
    is_last: bool,
}

/// A complete response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub has_expected: bool,
    /// Whether the connection ends with it.
    pub is_last: bool,
    pub bytes: usize,
}

/// The response cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

impl Response {
    /// Buffer for the next bytes.
    pub fn room(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.head = None;
    }

    /// Takes the response, once it is complete.
    pub fn take(&mut self, expected: &Finder<'_>) -> Result<Option<Answer>, Unreadable> {
        let head = match self.head {
            Some(head) => head,
            None => match read_head(&self.bytes)? {
                Some(head) => *self.head.insert(head),
                None => return Ok(None),
            },
        };
        let whole = head.end + head.length;
        if self.bytes.len() < whole {
            return Ok(None);
        }
        let has_expected = expected.find(&self.bytes[head.end..whole]).is_some();
        let answer = Answer { status: head.status, has_expected, is_last: head.is_last, bytes: whole };
        self.clear();
        Ok(Some(answer))
    }
}

fn read_head(bytes: &[u8]) -> Result<Option<Head>, Unreadable> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let text = str::from_utf8(&bytes[..end]).map_err(|_| Unreadable)?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).ok_or(Unreadable)?;
    let status = status.get(..3).and_then(|digits| digits.parse().ok()).ok_or(Unreadable)?;
    let (mut length, mut is_last) = (None, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        } else if name.eq_ignore_ascii_case("connection") {
            is_last = value.trim().eq_ignore_ascii_case("close");
        }
    }
    Ok(Some(Head { status, end: end + 4, length: length.ok_or(Unreadable)?, is_last }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_complete_with_its_last_byte() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nconnection: close\r\n\r\nhello";
        let (mut response, finder) = (Response::default(), Finder::new("ell"));
        for (place, byte) in bytes.iter().enumerate() {
            assert_eq!(response.take(&finder), Ok(None), "before byte {place}");
            response.room().push(*byte);
        }
        let answer = Answer { status: 200, has_expected: true, is_last: true, bytes: bytes.len() };
        assert_eq!(response.take(&finder), Ok(Some(answer)));
        assert_eq!(response.take(&finder), Ok(None));
    }

    #[test]
    fn unreadable_responses_are_reported() {
        for bytes in ["SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 abc\r\ncontent-length: 1\r\n\r\n"] {
            let mut response = Response::default();
            response.room().extend_from_slice(bytes.as_bytes());
            assert_eq!(response.take(&Finder::new("")), Err(Unreadable), "{bytes}");
        }
    }
}
