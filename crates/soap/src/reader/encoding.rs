//! From bytes to characters: UTF-8 and UTF-16, and the XML declaration (XML 1.0, sections 2.8,
//! 4.3.3 and appendix F).
//!
//! Three sources can name the encoding: `Content-Type`, the byte order mark, the declaration. They
//! must agree; nothing is guessed from the content. A [`Document`] contains only characters that
//! XML allows, and its content starts after the declaration.

use std::borrow::Cow;

use super::characters::{first_illegal, is_space};
use super::scanner::Scanner;
use super::text::count_line_ends;
use crate::Charset;
use crate::message_error::{BadMessage, Location, MessageError, Violation};
use crate::xml_error::XmlError;
use ehealth_core::explained::{Cause, Explained};

/// Bytes in which an XML declaration is searched, for the operator.
const DECLARATION_BYTES: usize = 256;

/// A document as characters.
pub struct Document<'a> {
    text: Cow<'a, str>,
    declaration_bytes: usize,
}

impl<'a> Document<'a> {
    /// Decodes the bytes, and parses the declaration.
    ///
    /// # Errors
    /// [`BadMessage`] if the encoding is unsupported or contradictory, or if the bytes are invalid
    /// in it; if the declaration is invalid; if there is a character that no document may contain.
    pub fn from_bytes(bytes: &'a [u8], charset: Option<Charset>) -> Result<Self, Explained<BadMessage>> {
        let nowhere = |violation| Explained::new(BadMessage::new(violation, None), beginning(bytes, charset, None));
        let (mark, content) = split_mark(bytes).map_err(nowhere)?;
        let encoding = match (charset, mark) {
            (Some(charset), Some(mark)) if !mark.fits(charset) => {
                return Err(nowhere(MessageError::EncodingConflict.into()));
            }
            (_, Some(mark)) => mark,
            (Some(Charset::Utf16BigEndian), None) => Mark::Utf16BigEndian,
            (Some(Charset::Utf16LittleEndian), None) => Mark::Utf16LittleEndian,
            (Some(Charset::Utf16), None) => return Err(nowhere(MessageError::NoByteOrderMark.into())),
            (Some(Charset::Utf8) | None, None) if looks_like_utf16(content) => {
                return Err(nowhere(MessageError::NoByteOrderMark.into()));
            }
            (Some(Charset::Utf8) | None, None) => Mark::Utf8,
        };
        let text = decode(content, encoding).map_err(nowhere)?;
        if let Some(at) = first_illegal(&text) {
            let line = count_line_ends(text.get(..at).unwrap_or_default()).saturating_add(1);
            let code = text.get(at..).and_then(|rest| rest.chars().next()).map(u32::from).unwrap_or_default();
            let bad = BadMessage::new(XmlError::Character.into(), Some(Location { line, path: "/".to_owned() }));
            return Err(Explained::new(bad, Cause::new("character", &format!("U+{code:04X}"))));
        }
        let nowhere =
            |violation| Explained::new(BadMessage::new(violation, None), beginning(bytes, charset, Some(&text)));
        let declaration = read_declaration(&text).map_err(nowhere)?;
        if let Some(named) = declaration.encoding {
            let named = Charset::from_name(named).ok_or_else(|| nowhere(MessageError::UnreadEncoding.into()))?;
            if !encoding.fits(named) {
                return Err(nowhere(MessageError::EncodingConflict.into()));
            }
        }
        let declaration_bytes = declaration.bytes;
        Ok(Self { text, declaration_bytes })
    }

    /// The declaration, and the content after it.
    pub(crate) fn split(&self) -> (&str, &str) {
        self.text.split_at_checked(self.declaration_bytes).unwrap_or((&self.text, ""))
    }
}

/// What the operator needs to see why a document cannot be read as text: its first bytes, the
/// charset, the declaration, and the first bytes that are not UTF-8. `text` is the document, if it
/// could be decoded.
fn beginning(bytes: &[u8], charset: Option<Charset>, text: Option<&str>) -> Cause {
    let hex = |bytes: &[u8]| bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let mut cause = Cause::new("first bytes", &hex(bytes));
    if let Some(charset) = charset {
        cause = cause.and("charset", charset.name());
    }
    let decoded = String::from_utf8_lossy(bytes.get(..DECLARATION_BYTES).unwrap_or(bytes));
    let text = text.unwrap_or(&decoded).trim_start_matches('\u{feff}');
    if let Some((declaration, _)) = text.strip_prefix("<?xml").and_then(|rest| rest.split_once('>')) {
        cause = cause.and("declaration", declaration.trim_matches([' ', '?']));
    } else if text.starts_with("<?xml") {
        cause = cause.and("declaration without end", text);
    }
    match std::str::from_utf8(bytes) {
        Err(error) if charset.is_none_or(|charset| charset == Charset::Utf8) => {
            let at = error.valid_up_to();
            cause.and("bytes", &format!("{} at offset {at}", hex(bytes.get(at..).unwrap_or_default())))
        }
        _ => cause,
    }
}

/// A byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Utf8,
    Utf16BigEndian,
    Utf16LittleEndian,
}

impl Mark {
    /// Whether a document with this mark may be called by the name of the charset.
    fn fits(self, charset: Charset) -> bool {
        match (self, charset) {
            (Self::Utf8, Charset::Utf8)
            | (Self::Utf16BigEndian, Charset::Utf16 | Charset::Utf16BigEndian)
            | (Self::Utf16LittleEndian, Charset::Utf16 | Charset::Utf16LittleEndian) => true,
            (Self::Utf8 | Self::Utf16BigEndian | Self::Utf16LittleEndian, _) => false,
        }
    }
}

/// Whether the first character is `<` in UTF-16.
fn looks_like_utf16(content: &[u8]) -> bool {
    matches!(content, [0, b'<', ..] | [b'<', 0, ..])
}

/// Splits off the byte order mark, if there is one.
fn split_mark(bytes: &[u8]) -> Result<(Option<Mark>, &[u8]), Violation> {
    match bytes {
        // UTF-32. Its little-endian mark begins like that of UTF-16.
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, b'<', ..] | [b'<', 0, 0, 0, ..] => {
            Err(MessageError::UnreadEncoding.into())
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => Ok((Some(Mark::Utf8), rest)),
        [0xfe, 0xff, rest @ ..] => Ok((Some(Mark::Utf16BigEndian), rest)),
        [0xff, 0xfe, rest @ ..] => Ok((Some(Mark::Utf16LittleEndian), rest)),
        _ => Ok((None, bytes)),
    }
}

fn decode(bytes: &[u8], encoding: Mark) -> Result<Cow<'_, str>, Violation> {
    match encoding {
        Mark::Utf8 => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
            // Bytes that are not UTF-8 are most often in the encoding that the declaration names:
            // report that one.
            let valid = bytes.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok());
            match valid.map(read_declaration) {
                Some(Ok(Declaration { encoding: Some(named), .. })) if Charset::from_name(named).is_none() => {
                    MessageError::UnreadEncoding.into()
                }
                Some(Err(violation)) => violation,
                _ => XmlError::Encoding.into(),
            }
        }),
        Mark::Utf16BigEndian => decode_utf16(bytes, u16::from_be_bytes),
        Mark::Utf16LittleEndian => decode_utf16(bytes, u16::from_le_bytes),
    }
}

fn decode_utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, Violation> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(XmlError::Encoding.into());
    }
    // A unit of UTF-16 takes at most three bytes of UTF-8: reserving them at once avoids
    // reallocation.
    let mut text = String::with_capacity(pairs.len().saturating_mul(3));
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        text.push(character.map_err(|_| XmlError::Encoding)?);
    }
    Ok(Cow::Owned(text))
}

/// Content of the XML declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Declaration<'t> {
    /// Encoding that it names.
    encoding: Option<&'t str>,
    /// Its length in bytes; 0 if there is no declaration.
    bytes: usize,
}

/// Parses the declaration, if the document begins with one (productions 23 to 32 and 80).
fn read_declaration(text: &str) -> Result<Declaration<'_>, Violation> {
    let Some(rest) = text.strip_prefix("<?xml").filter(|rest| rest.starts_with(is_space) || rest.starts_with("?>"))
    else {
        return Ok(Declaration { encoding: None, bytes: 0 });
    };
    let mut scanner = Scanner::new(rest);
    let version = pseudo_attribute(&mut scanner, "version")?.ok_or(XmlError::Declaration)?;
    if !is_version(version) {
        return Err(XmlError::Declaration.into());
    }
    let encoding = pseudo_attribute(&mut scanner, "encoding")?;
    if encoding.is_some_and(|name| !is_encoding_name(name)) {
        return Err(XmlError::Declaration.into());
    }
    let standalone = pseudo_attribute(&mut scanner, "standalone")?;
    if standalone.is_some_and(|value| !matches!(value, "yes" | "no")) {
        return Err(XmlError::Declaration.into());
    }
    scanner.skip_space();
    if !scanner.eat("?>") {
        return Err(XmlError::Declaration.into());
    }
    if version != "1.0" {
        return Err(MessageError::XmlVersion.into());
    }
    Ok(Declaration { encoding, bytes: text.len().saturating_sub(scanner.rest().len()) })
}

/// Takes a pseudo-attribute of the declaration with the white space before it, if it is next.
fn pseudo_attribute<'a>(scanner: &mut Scanner<'a>, name: &str) -> Result<Option<&'a str>, XmlError> {
    let mut ahead = Scanner::new(scanner.rest());
    if !ahead.skip_space() || !ahead.eat(name) {
        return Ok(None);
    }
    if !ahead.equals() {
        return Err(XmlError::Declaration);
    }
    let value = ahead.quoted().ok_or(XmlError::Declaration)?;
    *scanner = ahead;
    Ok(Some(value))
}

/// Whether the first four editions allow this version (production 26). Only `1.0` is supported.
fn is_version(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte))
}

/// Whether the text is the name of an encoding (production 81).
fn is_encoding_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::Note;

    fn read(bytes: &[u8], charset: Option<Charset>) -> Result<String, MessageError> {
        match Document::from_bytes(bytes, charset) {
            Ok(document) => Ok(document.split().1.to_owned()),
            Err(bad) => Err(bad.reason().error()),
        }
    }

    fn utf16(text: &str, unit: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn reads_utf_8_and_utf_16_of_either_order() {
        let text = "<é𝄞/>";
        let both = [None, Some(Charset::Utf8)];
        for charset in both {
            assert_eq!(read(text.as_bytes(), charset), Ok(text.to_owned()));
            assert_eq!(read(format!("\u{feff}{text}").as_bytes(), charset), Ok(text.to_owned()));
        }
        for charset in [None, Some(Charset::Utf16)] {
            for declared in ["", "<?xml version='1.0' encoding='utf-16'?>"] {
                let document = format!("\u{feff}{declared}{text}");
                assert_eq!(read(&utf16(&document, u16::to_be_bytes), charset), Ok(text.to_owned()));
                assert_eq!(read(&utf16(&document, u16::to_le_bytes), charset), Ok(text.to_owned()));
            }
        }
    }

    #[test]
    fn a_charset_with_a_byte_order_needs_no_mark() {
        let text = "<é𝄞/>";
        for (charset, name, unit) in [
            (Charset::Utf16LittleEndian, "utf-16le", u16::to_le_bytes as fn(u16) -> [u8; 2]),
            (Charset::Utf16BigEndian, "utf-16be", u16::to_be_bytes),
        ] {
            for declared in [
                String::new(),
                "<?xml version='1.0' encoding='utf-16'?>".to_owned(),
                format!("<?xml version='1.0' encoding='{name}'?>"),
            ] {
                for mark in ["", "\u{feff}"] {
                    let document = utf16(&format!("{mark}{declared}{text}"), unit);
                    assert_eq!(read(&document, Some(charset)), Ok(text.to_owned()), "{name} {mark:?} {declared}");
                }
            }
        }
    }

    #[test]
    fn refuses_contradicting_encodings() {
        let marked = utf16("\u{feff}<a/>", u16::to_le_bytes);
        let conflict = Err(MessageError::EncodingConflict);
        assert_eq!(read(&marked, Some(Charset::Utf8)), conflict);
        assert_eq!(read("\u{feff}<a/>".as_bytes(), Some(Charset::Utf16)), conflict);
        for named in ["UTF-16", "UTF-16LE", "UTF-16BE"] {
            let document = format!("<?xml version='1.0' encoding='{named}'?><a/>");
            assert_eq!(read(document.as_bytes(), None), conflict, "{named}");
        }
        for (charset, other) in [
            (Charset::Utf16LittleEndian, u16::to_be_bytes as fn(u16) -> [u8; 2]),
            (Charset::Utf16BigEndian, u16::to_le_bytes),
        ] {
            assert_eq!(read(&utf16("\u{feff}<a/>", other), Some(charset)), conflict);
            assert_eq!(read("\u{feff}<a/>".as_bytes(), Some(charset)), conflict);
        }
        let declared = utf16("\u{feff}<?xml version='1.0' encoding='UTF-8'?><a/>", u16::to_be_bytes);
        assert_eq!(read(&declared, None), conflict);
    }

    #[test]
    fn refuses_other_encodings_and_utf_16_without_mark() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>";
        assert_eq!(read(latin, None), Err(MessageError::UnreadEncoding));
        assert_eq!(read(b"<?xml version='1.0' encoding='UTF-32'?><a/>", None), Err(MessageError::UnreadEncoding));
        assert_eq!(read(b"\xff\xfe\0\0<\0\0\0", None), Err(MessageError::UnreadEncoding));
        for unmarked in [utf16("<a/>", u16::to_le_bytes), utf16("<a/>", u16::to_be_bytes)] {
            assert_eq!(read(&unmarked, None), Err(MessageError::NoByteOrderMark));
            assert_eq!(read(&unmarked, Some(Charset::Utf16)), Err(MessageError::NoByteOrderMark));
        }
        assert_eq!(read(b"<a/>", Some(Charset::Utf16)), Err(MessageError::NoByteOrderMark));
    }

    #[test]
    fn refuses_bytes_that_are_invalid_in_their_encoding() {
        for bytes in [&b"<a>\xe9</a>"[..], b"<a>\xc0\x80</a>", b"<a>\xed\xa0\x80</a>", b"\xff\xfe<", b"\xff\xfe\0\xd8"]
        {
            let bad = Document::from_bytes(bytes, None).err().expect("refused");
            assert_eq!(bad.reason().note(), Some(Note::XmlError(XmlError::Encoding)), "{bytes:?}");
        }
    }

    #[test]
    fn refuses_an_invalid_declaration() {
        for declaration in [
            "<?xml?>",
            "<?xml version=1.0?>",
            "<?xml version='1.0\"?>",
            "<?xml encoding='UTF-8'?>",
            "<?xml encoding='UTF-8' version='1.0'?>",
            "<?xml version='1.0'encoding='UTF-8'?>",
            "<?xml version='1.0' standalone='yes' encoding='UTF-8'?>",
            "<?xml version='1.0' standalone='YES'?>",
            "<?xml version='1.0' encoding=''?>",
            "<?xml version='1.0' encoding='utf 8'?>",
            "<?xml version='1.0' encoding='8'?>",
            "<?xml version='1.0' other='1'?>",
            "<?xml version='1.0' version='1.0'?>",
            "<?xml version='1.0'",
            "<?xml version='1.0'>",
            "<?xml version='1.0' ? >",
            "<?xml version=''?>",
        ] {
            let document = format!("{declaration}<a/>");
            assert_eq!(read(document.as_bytes(), None), Err(MessageError::Malformed), "{declaration}");
        }
        assert_eq!(read(b"<?xml version='1.1'?><a/>", None), Err(MessageError::XmlVersion));
        let spaced = b"<?xml\n\tversion = \"1.0\" encoding\r=\n'utf-8' standalone='no' ?><a/>";
        assert_eq!(read(spaced, None), Ok("<a/>".to_owned()));
    }
}
