//! Splits the XML of a notification: elements in no namespace, values in attributes, nothing else.
//!
//! quick-xml finds the tags. This module rejects everything that quick-xml accepts and that XML 1.0
//! or this format does not: doctypes, processing instructions, text, CDATA, references, two
//! attributes of one name, attributes without white space between them, characters that XML
//! forbids, a second root. The result is well-formed and small.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Maximum attributes of an element; those of a notification have five.
const ATTRIBUTES_MAX: usize = 8;

/// One tag of the document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// A start tag; an empty element is a start tag followed by an end tag.
    Open(Element),
    /// An end tag.
    Close,
}

/// Name and attributes of a start tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// Name as written.
    pub name: String,
    /// Line of the tag, from 1.
    pub line: u64,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// Values of the attributes with exactly these names, in this order; `None` if one is missing
    /// or there is another.
    pub fn exactly<const N: usize>(&self, names: [&str; N]) -> Option<[&str; N]> {
        if self.attributes.len() != N {
            return None;
        }
        let mut values = [""; N];
        for (value, name) in values.iter_mut().zip(names) {
            *value = &self.attributes.iter().find(|(found, _)| found == name)?.1;
        }
        Some(values)
    }
}

/// Why a document cannot be split into tags, and the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct XmlError {
    /// Line of the construct, from 1.
    pub line: u64,
    /// Whether the document ends too early: it is being uploaded, or was cut.
    pub is_cut: bool,
}

/// Splits a complete document into its tags.
pub(super) fn tags(document: &str) -> Result<Vec<Tag>, XmlError> {
    let mut lines = Lines::new(document);
    let is_forbidden = |(at, c): &(usize, char)| !is_xml_char(*c) || (*at == 0 && *c == '\u{feff}');
    if let Some((at, _)) = document.char_indices().find(is_forbidden) {
        return Err(XmlError { line: lines.line_at(at as u64), is_cut: false });
    }
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_comments = true;
    let mut tags = Vec::new();
    let mut depth = 0_usize;
    loop {
        let position = reader.buffer_position();
        let line = lines.line_at(position);
        let wrong = XmlError { line, is_cut: false };
        let event = reader.read_event().map_err(|error| XmlError { line, is_cut: is_cut(&error, document) })?;
        if depth == 0 && !tags.is_empty() && matches!(event, Event::Start(_) | Event::Empty(_)) {
            return Err(wrong);
        }
        match event {
            Event::Start(start) => {
                tags.push(Tag::Open(element(&start, line).ok_or(wrong)?));
                depth = depth.saturating_add(1);
            }
            Event::Empty(start) => {
                tags.push(Tag::Open(element(&start, line).ok_or(wrong)?));
                tags.push(Tag::Close);
            }
            Event::End(_) => {
                tags.push(Tag::Close);
                depth = depth.saturating_sub(1);
            }
            Event::Text(text) if text.chars().all(is_blank) => {}
            Event::Comment(_) => {}
            Event::Decl(declaration) if position == 0 && is_declaration(&declaration) => {}
            Event::Eof if depth == 0 && !tags.is_empty() => return Ok(tags),
            Event::Eof => return Err(XmlError { line, is_cut: true }),
            Event::Text(_)
            | Event::Decl(_)
            | Event::CData(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => return Err(wrong),
        }
    }
}

/// Whether a document with this error ends too early. A document that has its last tag does not: a
/// quote or an angle bracket is missing before it.
fn is_cut(error: &quick_xml::Error, document: &str) -> bool {
    matches!(error, quick_xml::Error::Syntax(_)) && !document.trim_end_matches(is_blank).ends_with(LAST_TAG)
}

/// End of a complete notification.
const LAST_TAG: &str = "</notification>";

/// Counts lines, forwards.
struct Lines<'a> {
    document: &'a [u8],
    position: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(document: &'a str) -> Self {
        Self { document: document.as_bytes(), position: 0, line: 1 }
    }

    /// Line of a position, from 1. Positions must not decrease.
    fn line_at(&mut self, position: u64) -> u64 {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let passed = self.document.get(self.position..position).unwrap_or_default();
        self.line = self.line.saturating_add(passed.iter().filter(|byte| **byte == b'\n').count() as u64);
        self.position = position;
        self.line
    }
}

/// The characters of a document: XML 1.0, production 2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether this is `<?xml version="1.0"?>`, without encoding or with UTF-8.
fn is_declaration(content: &str) -> bool {
    let Some(attributes) = content.strip_prefix("xml").and_then(attributes) else { return false };
    match attributes.as_slice() {
        [("version", "1.0")] => true,
        [("version", "1.0"), ("encoding", encoding)] => encoding.eq_ignore_ascii_case("utf-8"),
        [("version", "1.0"), ("encoding", encoding), ("standalone", "yes" | "no")] => {
            encoding.eq_ignore_ascii_case("utf-8")
        }
        _ => false,
    }
}

fn element(start: &BytesStart<'_>, line: u64) -> Option<Element> {
    let attributes = attributes(start.attributes_raw())?;
    Some(Element {
        name: start.name().0.to_owned(),
        line,
        attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    })
}

/// Splits ` a="1" b='2' `. Requires white space before each attribute, names of `[a-z0-9]`, values
/// without `<` and `&`, and no name twice.
fn attributes(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches(is_blank);
        if trimmed.is_empty() {
            return Some(found);
        }
        if trimmed.len() == rest.len() || found.len() == ATTRIBUTES_MAX {
            return None;
        }
        let (name, after) = trimmed.split_once('=')?;
        let name = name.trim_end_matches(is_blank);
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return None;
        }
        let after = after.trim_start_matches(is_blank);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = after.strip_prefix(quote).and_then(|text| text.split_once(quote))?;
        if value.contains(['<', '&']) || found.iter().any(|(other, _)| *other == name) {
            return None;
        }
        found.push((name, value));
        rest = after;
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(document: &str) -> Option<Vec<String>> {
        let open = |tag| if let Tag::Open(element) = tag { Some(element.name) } else { None };
        tags(document).ok().map(|tags| tags.into_iter().filter_map(open).collect())
    }

    #[test]
    fn splits_a_document_with_every_allowed_construct() {
        let document = "<?xml version='1.0' encoding=\"utf-8\"?>\n<!-- so -->\n<a x='1' y = \"2\" >\n<b/><b\tz='>'></b >\n</a>\n<!---->";
        assert_eq!(names(document).expect("allowed"), ["a", "b", "b"]);
    }

    #[test]
    fn refuses_what_xml_or_the_format_forbids() {
        for document in [
            "",
            "text",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><a/>",
            "<a/>text",
            "<a>text</a>",
            "<a>&#32;</a>",
            "<a><![CDATA[]]></a>",
            "<!DOCTYPE a><a/>",
            "<?p?><a/>",
            "<a/><?xml version='1.0'?>",
            " <?xml version='1.0'?><a/>",
            "<?xml version='1.1'?><a/>",
            "<?xml version='1.0' encoding='latin1'?><a/>",
            "<?xml encoding='utf-8'?><a/>",
            "\u{feff}<a/>",
            "<a><!-- -- --></a>",
            "<a>\u{1}</a>",
            "<!-- \u{ffff} --><a/>",
            "<a x='1' x='2'/>",
            "<a x='1'y='2'/>",
            "<a x/>",
            "<a x=1/>",
            "<a x='<'/>",
            "<a x='&amp;'/>",
            "<a x='1/>",
            "<a xml:lang='nl'/>",
            "<a a='' b='' c='' d='' e='' f='' g='' h='' i=''/>",
        ] {
            assert!(tags(document).is_err(), "{document}");
        }
    }

    #[test]
    fn an_error_has_its_line_and_says_whether_the_end_is_missing() {
        let document = "<?xml version='1.0'?>\n<notification\n x='1'>\n<b/>\n<!-- -->\n<b y='2'/></notification>\n";
        assert!(tags(document).is_ok());
        let last = document.rfind('>').expect("a tag");
        for length in 0..last {
            let error = tags(&document[..length]).expect_err("cut");
            assert!(error.is_cut, "{length}: {error:?}");
        }
        for (from, to, line) in [
            ("<b/>", "<b></c>", 4),
            ("<b/>", "text", 3),
            ("y='2'", "y=2", 6),
            ("y='2'", "y='2", 6),
            ("version='1.0'", "version='2.0'", 1),
            ("x='1'", "x='\u{1}'", 3),
        ] {
            let error = tags(&document.replace(from, to)).expect_err("not well-formed");
            assert_eq!((error.line, error.is_cut), (line, false), "{from} → {to}");
        }
    }
}
