//! Writes elements and text as bytes: compact, and identical for identical input.
//!
//! For any text, the output is well-formed and reads back as that text: the writer escapes what XML
//! requires, and replaces characters that XML does not allow by U+FFFD. Does not check the order of
//! elements.

use std::fmt::{self, Display, Write as _};

use super::names::{Element, Namespace, envelope};
use super::reader::characters::is_legal;

/// Initial capacity in bytes. Most answers are shorter, and are written without reallocation.
const USUAL_BYTES: usize = 2_048;

/// A document under construction.
pub struct Writer(String);

impl Writer {
    /// Creates a document with its XML declaration.
    #[must_use]
    pub fn new() -> Self {
        let mut document = String::with_capacity(USUAL_BYTES);
        document.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        Self(document)
    }

    /// The document's bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    /// Returns the document.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Writes an element in a namespace, declares its prefix on it, and writes `content`.
    pub fn declare(&mut self, namespace: Namespace, name: &str, content: impl FnOnce(&mut Self)) {
        let prefix = namespace.prefix();
        self.raw(&["<", prefix, ":", name, " xmlns:", prefix, "=\"", namespace.uri(), "\">"]);
        content(self);
        self.raw(&["</", prefix, ":", name, ">"]);
    }

    /// Writes a header block that the receiver must understand (SOAP 1.1, section 4.2.3), and declares
    /// its prefix on it. An outer element declares that of the envelope.
    pub fn mandatory_block(&mut self, block: Element, content: impl FnOnce(&mut Self)) {
        let Some(namespace) = block.namespace else { return };
        let (prefix, soap) = (namespace.prefix(), Namespace::Envelope.prefix());
        let (name, must_understand) = (block.name, envelope::MUST_UNDERSTAND);
        self.raw(&["<", prefix, ":", name, " xmlns:", prefix, "=\"", namespace.uri(), "\" ", soap, ":"]);
        self.raw(&[must_understand, "=\"1\">"]);
        content(self);
        self.raw(&["</", prefix, ":", name, ">"]);
    }

    /// Writes an element in a namespace whose prefix an outer element declares.
    pub fn qualified(&mut self, namespace: Namespace, name: &str, content: impl FnOnce(&mut Self)) {
        let prefix = namespace.prefix();
        self.raw(&["<", prefix, ":", name, ">"]);
        content(self);
        self.raw(&["</", prefix, ":", name, ">"]);
    }

    /// Writes a local element with `content`.
    pub fn element(&mut self, element: Element, content: impl FnOnce(&mut Self)) {
        self.local(element.name, content);
    }

    /// Writes an element without namespace, with `content`.
    pub fn local(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
        content(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// Writes a local element with a text.
    pub fn value(&mut self, element: Element, text: &str) {
        self.element(element, |writer| writer.text(text));
    }

    /// Writes a local element with one attribute and a text.
    pub fn annotated(&mut self, name: &str, attribute: &str, value: &str, text: &str) {
        self.raw(&["<", name, " ", attribute, "=\""]);
        self.attribute_value(value);
        self.0.push_str("\">");
        self.text(text);
        self.raw(&["</", name, ">"]);
    }

    /// Writes the value of an attribute, escaped: a reader would normalise white space (XML 1.0, section
    /// 3.3.3).
    fn attribute_value(&mut self, value: &str) {
        if is_plain(value) && !value.contains('"') {
            return self.0.push_str(value);
        }
        let mut rest = value;
        while let Some((at, special)) = rest.char_indices().find(|(_, c)| matches!(c, '"' | '\t' | '\n')) {
            let (before, from) = rest.split_at(at);
            self.text(before);
            self.0.push_str(match special {
                '\t' => "&#9;",
                '\n' => "&#10;",
                _ => "&quot;",
            });
            rest = from.get(1..).unwrap_or_default();
        }
        self.text(rest);
    }

    /// Writes a local element with the `Display` form of a value.
    pub fn display(&mut self, element: Element, value: impl Display) {
        // Neither the writer nor the `Display` of any value returns an error.
        self.element(element, |writer| write!(writer, "{value}").unwrap_or_default());
    }

    /// Writes text, escaped.
    pub fn text(&mut self, text: &str) {
        if is_plain(text) {
            return self.0.push_str(text);
        }
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                // Unescaped, a reader would normalise it to a line feed.
                '\r' => self.0.push_str("&#13;"),
                legal if is_legal(legal) => self.0.push(legal),
                _ => self.0.push(char::REPLACEMENT_CHARACTER),
            }
        }
    }

    fn raw(&mut self, parts: &[&str]) {
        self.0.extend(parts.iter().copied());
    }
}

/// Whether a text has nothing to escape, as most texts. The loop has no branch, so that it handles many
/// bytes at a time.
fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') & !matches!(byte, b'&' | b'<' | b'>');
    text.bytes().fold(true, |all, byte| all & is_plain(byte))
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::element::ECHO;
    use crate::reader::{Document, Reader};

    fn read_back(text: &str) -> String {
        let mut writer = Writer::new();
        writer.value(ECHO, text);
        let bytes = writer.into_bytes();
        let document = Document::from_bytes(&bytes, None).expect("characters");
        let mut reader = Reader::new(&document);
        reader.next_token().expect("the element");
        let value = reader.read_value().expect("its text");
        reader.next_token().expect("well-formed to its end");
        value.into_owned()
    }

    #[test]
    fn every_legal_character_reads_back_and_no_other() {
        for character in (0..=0x10_ffff).step_by(7).chain(0..0x80).chain([0xfffe, 0xffff]).filter_map(char::from_u32) {
            let expected = if is_legal(character) { character } else { char::REPLACEMENT_CHARACTER };
            assert_eq!(read_back(&character.to_string()), expected.to_string(), "{character:?}");
        }
        let markup = "]]> <a b='c'>&amp;\r\n\t \r</a> <!-- -->";
        assert_eq!(read_back(markup), markup);
    }
}
