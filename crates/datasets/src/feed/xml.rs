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

/// The document is not well-formed, or has a construct that a notification may not use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct XmlError;

/// Splits a complete document into its tags.
pub(super) fn tags(document: &str) -> Result<Vec<Tag>, XmlError> {
    if document.starts_with('\u{feff}') || !document.chars().all(is_xml_char) {
        return Err(XmlError);
    }
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_comments = true;
    let mut tags = Vec::new();
    let mut depth = 0_usize;
    loop {
        let at_start = reader.buffer_position() == 0;
        let event = reader.read_event().map_err(|_| XmlError)?;
        if depth == 0 && !tags.is_empty() && matches!(event, Event::Start(_) | Event::Empty(_)) {
            return Err(XmlError);
        }
        match event {
            Event::Start(start) => {
                tags.push(Tag::Open(element(&start)?));
                depth = depth.saturating_add(1);
            }
            Event::Empty(start) => {
                tags.push(Tag::Open(element(&start)?));
                tags.push(Tag::Close);
            }
            Event::End(_) => {
                tags.push(Tag::Close);
                depth = depth.saturating_sub(1);
            }
            Event::Text(text) if text.chars().all(is_blank) => {}
            Event::Comment(_) => {}
            Event::Decl(declaration) if at_start && is_declaration(&declaration) => {}
            Event::Eof if depth == 0 && !tags.is_empty() => return Ok(tags),
            Event::Text(_)
            | Event::Decl(_)
            | Event::Eof
            | Event::CData(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => return Err(XmlError),
        }
    }
}

/// The characters of a document: XML 1.0, production 2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether this is `<?xml version="1.0"?>`, without encoding or with UTF-8.
fn is_declaration(content: &str) -> bool {
    let Some(attributes) = content.strip_prefix("xml").and_then(|text| attributes(text).ok()) else { return false };
    match attributes.as_slice() {
        [("version", "1.0")] => true,
        [("version", "1.0"), ("encoding", encoding)] => encoding.eq_ignore_ascii_case("utf-8"),
        [("version", "1.0"), ("encoding", encoding), ("standalone", "yes" | "no")] => {
            encoding.eq_ignore_ascii_case("utf-8")
        }
        _ => false,
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let attributes = attributes(start.attributes_raw())?;
    Ok(Element {
        name: start.name().0.to_owned(),
        attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    })
}

/// Splits ` a="1" b='2' `. Requires white space before each attribute, names of `[a-z0-9]`, values
/// without `<` and `&`, and no name twice.
fn attributes(text: &str) -> Result<Vec<(&str, &str)>, XmlError> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches(is_blank);
        if trimmed.is_empty() {
            return Ok(found);
        }
        if trimmed.len() == rest.len() || found.len() == ATTRIBUTES_MAX {
            return Err(XmlError);
        }
        let (name, after) = trimmed.split_once('=').ok_or(XmlError)?;
        let name = name.trim_end_matches(is_blank);
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return Err(XmlError);
        }
        let after = after.trim_start_matches(is_blank);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(XmlError)?;
        let (value, after) = after.strip_prefix(quote).and_then(|text| text.split_once(quote)).ok_or(XmlError)?;
        if value.contains(['<', '&']) || found.iter().any(|(other, _)| *other == name) {
            return Err(XmlError);
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
            assert_eq!(tags(document), Err(XmlError), "{document}");
        }
    }
}
