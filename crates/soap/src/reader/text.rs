//! Normalisation of references, line ends and attribute values (XML 1.0, sections 2.11, 3.3.3 and
//! 4.1).
//!
//! No entity is expanded except the five that XML itself declares: there is no DOCTYPE that could
//! declare others. Text that needs no change is returned without a copy.

use std::borrow::Cow;

use super::characters::is_legal;
use crate::xml_error::XmlError;

/// Resolves a reference, given the text between `&` and `;`.
pub(super) fn resolve_reference(name: &str) -> Result<char, XmlError> {
    let character = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name.strip_prefix('#').and_then(read_code).and_then(char::from_u32).filter(|found| is_legal(*found)),
    };
    character.ok_or(XmlError::Reference)
}

/// Parses the number of a character reference, after its `#` (production 66). Allows leading zeros,
/// but no sign.
fn read_code(digits: &str) -> Option<u32> {
    let (digits, radix) = match digits.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0_u32, |code, digit| code.checked_mul(radix)?.checked_add(digit.to_digit(radix)?))
}

/// Replaces each line end by one line feed (section 2.11).
pub(super) fn normalize_line_ends(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Normalises an attribute value: resolves references, and replaces each line end and tab by a
/// space (section 3.3.3, for an attribute that no DOCTYPE declares).
pub(super) fn normalize_attribute(value: &str) -> Result<Cow<'_, str>, XmlError> {
    if !value.bytes().any(|byte| matches!(byte, b'<' | b'&' | b'\t' | b'\n' | b'\r')) {
        return Ok(Cow::Borrowed(value));
    }
    let mut normalized = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(character) = rest.chars().next() {
        rest = match character {
            '<' => return Err(XmlError::AttributeValue),
            '&' => {
                let (name, after) =
                    rest.strip_prefix('&').and_then(|rest| rest.split_once(';')).ok_or(XmlError::Reference)?;
                normalized.push(resolve_reference(name)?);
                after
            }
            '\t' | '\n' | '\r' => {
                normalized.push(' ');
                rest.strip_prefix("\r\n").unwrap_or_else(|| rest.get(1..).unwrap_or_default())
            }
            _ => {
                let plain = rest.find(['<', '&', '\t', '\n', '\r']).unwrap_or(rest.len());
                let (text, after) = rest.split_at_checked(plain).unwrap_or((rest, ""));
                normalized.push_str(text);
                after
            }
        };
    }
    Ok(Cow::Owned(normalized))
}

/// Number of line ends in the text. A line feed, a carriage return, or both together end a line.
pub(super) fn count_line_ends(text: &str) -> usize {
    let feeds = text.bytes().filter(|byte| *byte == b'\n').count();
    let returns = text.bytes().zip(text.bytes().skip(1).chain([0]));
    feeds.saturating_add(returns.filter(|(byte, next)| *byte == b'\r' && *next != b'\n').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_only_the_five_entities_and_legal_characters() {
        let legal = [
            ("amp", '&'),
            ("#65", 'A'),
            ("#x41", 'A'),
            ("#x0000000041", 'A'),
            ("#10", '\n'),
            ("#x10FFFF", '\u{10ffff}'),
        ];
        for (name, character) in legal {
            assert_eq!(resolve_reference(name), Ok(character), "{name}");
        }
        for name in [
            "",
            "#",
            "#x",
            "#X41",
            "#x 41",
            "#+65",
            "#-1",
            "#0",
            "#x1f",
            "#xD800",
            "#xFFFE",
            "#xFFFF",
            "#x110000",
            "nbsp",
            "AMP",
            " amp",
            "#99999999999999999999",
            "#x41g",
            "#٣",
        ] {
            assert_eq!(resolve_reference(name), Err(XmlError::Reference), "{name}");
        }
    }

    #[test]
    fn normalises_line_ends_in_text_and_attributes() {
        assert_eq!(normalize_line_ends("a\r\nb\rc\nd\r\r\n"), "a\nb\nc\nd\n\n");
        assert!(matches!(normalize_line_ends("a\nb"), Cow::Borrowed(_)));
        assert_eq!(normalize_attribute("a\r\nb\rc\nd\te&#10;&#13;&#9;f").as_deref(), Ok("a b c d e\n\r\tf"));
        assert!(matches!(normalize_attribute("a b"), Ok(Cow::Borrowed(_))));
        assert_eq!(normalize_attribute("a<b"), Err(XmlError::AttributeValue));
        for value in ["a&b", "&amp", "&&amp;", "&a;", "&;"] {
            assert_eq!(normalize_attribute(value), Err(XmlError::Reference), "{value}");
        }
    }

    #[test]
    fn counts_each_line_end_once() {
        assert_eq!(count_line_ends(""), 0);
        assert_eq!(count_line_ends("a\r\nb\rc\nd"), 3);
        assert_eq!(count_line_ends("\r\r\n\n\r"), 4);
    }
}
