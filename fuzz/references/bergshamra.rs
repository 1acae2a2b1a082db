//! Exclusive canonical forms by the library bergshamra, over its own XML parser: a second
//! implementation for comparison.
//!
//! Its parser uppsala 0.12 does not normalise white space in attribute values (XML 1.0, section 3.3.3).
//! It is given documents in which that is done; libxml2 compares the rule.

use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::nodeset::NodeSet;

/// Canonical form of one element of a document, by its index in document order.
///
/// # Errors
/// The library's message, or that the document has fewer elements.
pub fn canonical(document: &[u8], element: usize, prefixes: &[&str]) -> Result<Vec<u8>, String> {
    let text = normalized(&decoded(document).ok_or("characters in another encoding")?);
    let document = uppsala::parse(&text).map_err(|error| error.to_string())?;
    let mut elements =
        document.descendants(document.root()).into_iter().filter(|node| document.element(*node).is_some());
    let apex = elements.nth(element).ok_or("the document has fewer elements")?;
    let nodes = NodeSet::tree_without_comments(apex, &document);
    canonicalize_doc(&document, C14nMode::Exclusive, Some(&nodes), prefixes).map_err(|error| error.to_string())
}

/// Text of a document without its byte order mark.
fn decoded(document: &[u8]) -> Option<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<_> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    match document {
        [0xff, 0xfe, bytes @ ..] => utf16(bytes, u16::from_le_bytes),
        [0xfe, 0xff, bytes @ ..] => utf16(bytes, u16::from_be_bytes),
        _ => String::from_utf8(document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document).to_vec()).ok(),
    }
}

/// The document with line feeds as line ends, and with blanks in place of white space in attribute
/// values.
fn normalized(document: &str) -> String {
    let lines = document.replace("\r\n", "\n").replace('\r', "\n");
    let (mut text, mut rest) = (String::with_capacity(lines.len()), lines.as_str());
    while let Some(start) = rest.find('<') {
        let (before, markup) = rest.split_at(start);
        text.push_str(before);
        let other = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
        let other = other.into_iter().find(|(open, _)| markup.starts_with(open));
        let length = match other {
            Some((open, close)) => markup[open.len()..].find(close).map(|at| open.len() + at + close.len()),
            None => tag_length(markup),
        };
        let (markup, after) = markup.split_at(length.unwrap_or(markup.len()));
        match other {
            Some(_) => text.push_str(markup),
            // Outside the values white space may be any.
            None => text.push_str(&markup.replace(['\n', '\t'], " ")),
        }
        rest = after;
    }
    text + rest
}

/// Length of the tag at the begin of the text.
fn tag_length(markup: &str) -> Option<usize> {
    let mut quote = None;
    markup.char_indices().find_map(|(at, character)| {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, '>') => return Some(at + 1),
            (None | Some(_), _) => {}
        }
        None
    })
}
