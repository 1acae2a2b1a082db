//! The XML of a notification: elements in no namespace whose facts are attributes, and nothing else.
//!
//! quick-xml finds the tags; everything that it lets pass and XML 1.0 or this format does not is refused here: doctypes,
//! processing instructions, text, CDATA, references, two attributes of one name, attributes without a blank between,
//! characters that XML has not, a second root. What comes out is well-formed and small.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// At most so many attributes an element; a notification's has five.
const ATTRIBUTES_MAX: usize = 8;

/// One tag of the document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// A start tag; an empty element is a start tag followed by an end tag.
    Open(Element),
    /// An end tag.
    Close,
}

/// A start tag's name and attributes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// The name as written.
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// The attributes of exactly these names, in this order; `None` if one is missing or another is there.
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

/// The document is not well-formed, or holds what a notification has no use for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unacceptable;

/// Splits a whole document into its tags.
pub(super) fn tags(document: &str) -> Result<Vec<Tag>, Unacceptable> {
    if document.starts_with('\u{feff}') || !document.chars().all(is_xml_char) {
        return Err(Unacceptable);
    }
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_comments = true;
    let mut tags = Vec::new();
    let mut depth = 0_usize;
    loop {
        let at_start = reader.buffer_position() == 0;
        let event = reader.read_event().map_err(|_| Unacceptable)?;
        if depth == 0 && !tags.is_empty() && matches!(event, Event::Start(_) | Event::Empty(_)) {
            return Err(Unacceptable);
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
            | Event::GeneralRef(_) => return Err(Unacceptable),
        }
    }
}

/// The characters of a document: XML 1.0, production 2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// `<?xml version="1.0"?>`, with UTF-8 as encoding or none.
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

fn element(start: &BytesStart<'_>) -> Result<Element, Unacceptable> {
    let attributes = attributes(start.attributes_raw())?;
    Ok(Element {
        name: start.name().0.to_owned(),
        attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    })
}

/// Splits ` a="1" b='2' `: a blank before each, plain names, no `<` and no `&` in a value, no name twice.
fn attributes(text: &str) -> Result<Vec<(&str, &str)>, Unacceptable> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches(is_blank);
        if trimmed.is_empty() {
            return Ok(found);
        }
        if trimmed.len() == rest.len() || found.len() == ATTRIBUTES_MAX {
            return Err(Unacceptable);
        }
        let (name, after) = trimmed.split_once('=').ok_or(Unacceptable)?;
        let name = name.trim_end_matches(is_blank);
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return Err(Unacceptable);
        }
        let after = after.trim_start_matches(is_blank);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(Unacceptable)?;
        let (value, after) = after.strip_prefix(quote).and_then(|text| text.split_once(quote)).ok_or(Unacceptable)?;
        if value.contains(['<', '&']) || found.iter().any(|(other, _)| *other == name) {
            return Err(Unacceptable);
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
    fn splits_a_document_with_everything_that_is_allowed() {
        let document = "<?xml version='1.0' encoding=\"utf-8\"?>\n<!-- so -->\n<a x='1' y = \"2\" >\n<b/><b\tz='>'></b >\n</a>\n<!---->";
        assert_eq!(names(document).expect("allowed"), ["a", "b", "b"]);
    }

    #[test]
    fn refuses_what_xml_or_the_format_does_not_allow() {
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
            assert_eq!(tags(document), Err(Unacceptable), "{document}");
        }
    }
}
