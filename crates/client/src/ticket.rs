//! The service's ticket of an exchange.
//!
//! The text stays as received, to be quoted to the operator of the service. A ticket is a UUID, so
//! that it is safe on a terminal and in a log.

use std::fmt;

/// `ticketCBSS`, and `X-Request-Id` over HTTP: a UUID (RFC 9562, section 4).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CbssTicket(String);

impl CbssTicket {
    /// Parses a UUID with hyphens; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_uuid = text.len() == 36
            && text.bytes().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        is_uuid.then(|| Self(text.to_owned()))
    }

    /// The text as received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CbssTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CbssTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_is_a_ticket() {
        assert!(CbssTicket::parse("5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f").is_some());
        for text in ["", "5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0", "5f0c3a5211c1e-4b5e-9d0a-6d7a3c2b1e0ff", "é"] {
            assert!(CbssTicket::parse(text).is_none(), "{text}");
        }
    }
}
