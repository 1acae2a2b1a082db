//! `X-Consumer`: the header of a `sendTestMessageResponse` that says as whom the service knows the
//! caller. `docs/reference/contract.md` "sendTestMessage" defines it.
//!
//! A name is configured and can have any characters; a header field cannot (RFC 9110, section 5.5).
//! Its UTF-8 bytes are percent-encoded (RFC 3986, section 2.1), except visible ASCII characters
//! other than `%` and single spaces between them. So no name ends the field or adds another, and
//! none changes on the way.

use std::fmt::Write as _;

/// Name of the header.
pub const NAME: &str = "X-Consumer";

/// Maximum length of a name, in characters.
pub const NAME_CHARS: usize = 128;

/// Encodes a name as the value of the header.
#[must_use]
pub fn encode(name: &str) -> String {
    let mut value = String::with_capacity(name.len());
    let mut bytes = name.bytes().peekable();
    let mut before = None;
    while let Some(byte) = bytes.next() {
        let is_single_space = byte == b' ' && !matches!(before, None | Some(b' ')) && bytes.peek().is_some();
        before = Some(byte);
        if (byte.is_ascii_graphic() && byte != b'%') || is_single_space {
            value.push(char::from(byte));
        } else {
            // Writing to a string returns no error.
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

/// Decodes the value of the header. `None` if it is no percent-encoded UTF-8, or no name: empty,
/// longer than [`NAME_CHARS`], or with a control character, on which a terminal would act.
#[must_use]
pub fn decode(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let [high, low] = [rest.next()?, rest.next()?].map(|digit| char::from(digit).to_digit(16));
                bytes.push(u8::try_from(high? << 4 | low?).ok()?);
            }
            b' '..=b'~' => bytes.push(byte),
            _ => return None,
        }
    }
    let name = String::from_utf8(bytes).ok()?;
    let is_name = !name.is_empty() && name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control);
    is_name.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_stays_readable() {
        for (name, value) in [
            ("De Linde, health-insurance fund", "De Linde, health-insurance fund"),
            ("Mutualité \"Le Tilleul\"", "Mutualit%C3%A9 \"Le Tilleul\""),
            ("100 % sûr", "100 %25 s%C3%BBr"),
            (" a  b ", "%20a %20b%20"),
            (" ", "%20"),
            ("a\r\nX-Request-Id: b\0\u{7f}\u{85}", "a%0D%0AX-Request-Id: b%00%7F%C2%85"),
        ] {
            assert_eq!(encode(name), value);
        }
    }

    #[test]
    fn every_name_comes_back() {
        for name in ["De Linde", " a  b ", "%41", "é€😀", "\u{2028}\u{202e}", &"😀".repeat(128)] {
            let value = encode(name);
            assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')) && value.trim() == value, "{value}");
            assert_eq!(decode(&value).as_deref(), Some(name));
        }
    }

    #[test]
    fn refuses_what_is_no_name() {
        let long = encode(&"é".repeat(129));
        for value in ["", "%", "a%4", "%zz", "%+4", "%C3", "%1B[2J", "a%0D%0Ab", "%C2%85", "é", "a\tb", &long] {
            assert_eq!(decode(value), None, "{value}");
        }
    }
}
