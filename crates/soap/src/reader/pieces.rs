//! Cuts a document into pieces: finds where each begins and ends, before anything in it is checked.
//!
//! The first characters of a piece determine its kind, and it ends at the first delimiter that can
//! end it (XML 1.0, productions 14, 15, 18 to 21, 40, 42, 44, 66 and 68). This module does not
//! check the content of a piece, nor the order of pieces. One pass, no allocation, and every
//! character belongs to exactly one piece.

use memchr::{memchr, memchr2, memchr3};

use super::characters::is_space;
use crate::message_error::{MessageError, Violation};
use crate::xml_error::XmlError;

/// A piece of a document: the text between its delimiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// `<` … `>`
    Start(&'a str),
    /// `<` … `/>`
    Empty(&'a str),
    /// `</` … `>`
    End(&'a str),
    /// Characters up to the next piece of another kind, without delimiters.
    Text(&'a str),
    /// `<![CDATA[` … `]]>`
    Section(&'a str),
    /// `&` … `;`
    Reference(&'a str),
    /// `<!--` … `-->`
    Comment(&'a str),
}

/// Cuts off the first piece. Returns it with the rest; `None` at the end of the text.
///
/// Refuses a DOCTYPE and a processing instruction where they begin: nothing of them is read.
pub(super) fn cut(text: &str) -> Result<Option<(Piece<'_>, &str)>, Violation> {
    let cut = match text.as_bytes() {
        [] => return Ok(None),
        [b'<', b'/', ..] => {
            let end = |inside: &str| memchr(b'>', inside.as_bytes());
            within(text, "</", end, ">").map(|(name, rest)| (Piece::End(name), rest))
        }
        [b'<', b'!', ..] => cut_declaration(text)?,
        [b'<', b'?', ..] => return Err(refuse_instruction(text)),
        [b'<', ..] => within(text, "<", tag_end, ">").map(|(tag, rest)| match tag.strip_suffix('/') {
            Some(tag) => (Piece::Empty(tag), rest),
            None => (Piece::Start(tag), rest),
        }),
        [b'&', ..] => {
            let end = |inside: &str| memchr3(b';', b'&', b'<', inside.as_bytes());
            let (name, rest) = within(text, "&", end, ";").ok_or(XmlError::Reference)?;
            Some((Piece::Reference(name), rest))
        }
        bytes => {
            let end = memchr2(b'<', b'&', bytes).unwrap_or(bytes.len());
            text.split_at_checked(end).map(|(piece, rest)| (Piece::Text(piece), rest))
        }
    };
    // The text begins as markup, but the end delimiter is missing.
    Ok(Some(cut.ok_or(XmlError::Markup)?))
}

/// Cuts off a piece that begins with `<!`.
fn cut_declaration(text: &str) -> Result<Option<(Piece<'_>, &str)>, Violation> {
    const COMMENT: &str = "<!--";
    const SECTION: &str = "<![CDATA[";
    if text.starts_with(COMMENT) {
        return Ok(within(text, COMMENT, |inside| inside.find("-->"), "-->")
            .map(|(comment, rest)| (Piece::Comment(comment), rest)));
    }
    if text.starts_with(SECTION) {
        return Ok(within(text, SECTION, |inside| inside.find("]]>"), "]]>")
            .map(|(section, rest)| (Piece::Section(section), rest)));
    }
    Err(if text.starts_with("<!DOCTYPE") { MessageError::Doctype.into() } else { XmlError::Markup.into() })
}

/// The error for text that begins with `<?`. An XML declaration is only valid at the start, where
/// it was already read.
fn refuse_instruction(text: &str) -> Violation {
    let is_declaration = text.strip_prefix("<?xml").is_some_and(|rest| rest.starts_with(is_space));
    if is_declaration { XmlError::Declaration.into() } else { MessageError::ProcessingInstruction.into() }
}

/// Splits off the text between `open`, with which `text` begins, and `close`, at the position that
/// `end` finds. `None` if there is no such position, or something other than `close` is there.
fn within<'a>(
    text: &'a str,
    open: &str,
    end: impl FnOnce(&str) -> Option<usize>,
    close: &str,
) -> Option<(&'a str, &'a str)> {
    let inside = text.get(open.len()..)?;
    let (inside, rest) = inside.split_at_checked(end(inside)?)?;
    Some((inside, rest.strip_prefix(close)?))
}

/// Position of the end of a tag (without its `<`): the first `>` that is not in an attribute value.
fn tag_end(tag: &str) -> Option<usize> {
    let mut seen = 0_usize;
    loop {
        let rest = tag.as_bytes().get(seen..)?;
        let at = memchr3(b'>', b'"', b'\'', rest)?;
        let (quote, value) = rest.get(at..)?.split_first()?;
        if *quote == b'>' {
            return seen.checked_add(at);
        }
        let value_and_quotes = memchr(*quote, value)?.checked_add(2)?;
        seen = seen.checked_add(at)?.checked_add(value_and_quotes)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(mut text: &str) -> Result<Vec<Piece<'_>>, Violation> {
        let mut pieces = Vec::new();
        while let Some((piece, rest)) = cut(text)? {
            pieces.push(piece);
            text = rest;
        }
        Ok(pieces)
    }

    #[test]
    fn cuts_each_piece_at_its_first_end_delimiter() {
        use Piece::{Comment, Empty, End, Reference, Section, Start, Text};
        for (text, expected) in [
            ("", &[][..]),
            ("a>b", &[Text("a>b")]),
            ("<a>b</a >", &[Start("a"), Text("b"), End("a ")]),
            ("<a b=\"'>\" c='\"/>'>", &[Start("a b=\"'>\" c='\"/>'")]),
            ("<a b='/'/><a/>>", &[Empty("a b='/'"), Empty("a"), Text(">")]),
            ("<></>", &[Start(""), End("")]),
            ("<!----><!--a-b--><!--->-->", &[Comment(""), Comment("a-b"), Comment("->")]),
            ("<![CDATA[]]]>]]>", &[Section("]"), Text("]]>")]),
            (
                "<![CDATA[]]]]>a&amp;b&;é",
                &[Section("]]"), Text("a"), Reference("amp"), Text("b"), Reference(""), Text("é")],
            ),
        ] {
            assert_eq!(pieces(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_pieces_without_an_end() {
        for text in ["<", "</", "<a", "<a b='>", "<a b=\">'", "<!", "<!-", "<!--->", "<![CDATA[]>", "<![cdata[]]>"] {
            assert_eq!(pieces(text), Err(XmlError::Markup.into()), "{text}");
        }
        for text in ["&", "&a", "&a&b;", "&a<b;"] {
            assert_eq!(pieces(text), Err(XmlError::Reference.into()), "{text}");
        }
    }
}
