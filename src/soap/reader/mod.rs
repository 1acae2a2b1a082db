//! The bounded reader: the one XML parser at the door.
//!
//! quick-xml cuts the document into pieces and pairs the tags; it accepts most documents that are not well-formed.
//! Everything it leaves open is judged here, piece by piece: characters, names, tags, references, comments, namespaces,
//! what may stand outside the root. A DOCTYPE or a processing instruction is refused where it begins, before it is cut.
//! The bounds of [`limits`](crate::soap::limits) are counted on the way. One pass; what is handed out borrows from the
//! document unless a reference or a line end had to be changed in it.
//!
//! It knows no SOAP and no schema, and is public so that it can be held against other parsers. A document that was read to [`Token::End`] is well-formed (XML 1.0, fourth edition;
//! Namespaces in XML 1.0), has no DOCTYPE and no processing instruction, and keeps every bound. Nothing was expanded,
//! fetched or opened. One that was not read to its end may still be anything.

pub(super) mod characters;
mod encoding;
mod namespaces;
pub(super) mod place;
mod scanner;
mod tag;
mod text;
mod walk;

use std::borrow::Cow;

use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::Event;

pub use encoding::Document;
pub use namespaces::{Name, Space};
pub use tag::Attribute;

use super::flaw::Flaw;
use super::limits::{CHILDREN, DEPTH, EVENTS, TEXT_BYTES};
use super::mistake::{BadMessage, Mistake, Objection};
use namespaces::Namespaces;

/// A piece of a document, as it means.
#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// An element begins. Its attributes are [`Reader::attributes`] until the next token is read.
    Open(Name<'a>),
    /// Text of the open element, or a part of it.
    Text(Cow<'a, str>),
    /// The open element ends. It is still part of the path until the next token is read.
    Close,
    /// The document ends, and was right to its end.
    End,
}

/// An element that is open.
struct Open<'a> {
    name: Name<'a>,
    /// The namespace scope to go back to.
    outside: usize,
    children: usize,
    text_bytes: usize,
}

/// What has to be done before the next piece is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    /// The tag just read was an empty one: its end is next.
    Close,
    /// The end of the innermost element was told: leave it.
    Leave,
}

/// Reads a document from its first to its last piece.
pub struct Reader<'a> {
    pieces: quick_xml::Reader<&'a [u8]>,
    declaration: &'a str,
    content: &'a str,
    /// Where in `content` the current piece begins.
    at: usize,
    due: Due,
    namespaces: Namespaces<'a>,
    open: Vec<Open<'a>>,
    attributes: Vec<Attribute<'a>>,
    has_root: bool,
    events: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of a document.
    #[must_use]
    pub fn new(document: &'a Document<'_>) -> Self {
        let (declaration, content) = document.split();
        Self {
            pieces: quick_xml::Reader::from_str(content),
            declaration,
            content,
            at: 0,
            due: Due::Nothing,
            namespaces: Namespaces::new(),
            open: Vec::with_capacity(DEPTH),
            attributes: Vec::new(),
            has_root: false,
            events: 0,
        }
    }

    /// The next piece. White space and comments outside the root element, and comments anywhere, are passed over.
    ///
    /// # Errors
    /// [`BadMessage`] where the document is not well-formed or exceeds a bound. Nothing can be read after that.
    pub fn next_token(&mut self) -> Result<Token<'a>, BadMessage> {
        self.read_piece().map_err(|objection| self.located(objection))
    }

    /// The attributes of the element that [`Token::Open`] just told, namespace declarations left out.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes
    }

    fn read_piece(&mut self) -> Result<Token<'a>, Objection> {
        match std::mem::replace(&mut self.due, Due::Nothing) {
            Due::Nothing => {}
            Due::Close => {
                self.count_event()?;
                self.due = Due::Leave;
                return Ok(Token::Close);
            }
            Due::Leave => {
                if let Some(left) = self.open.pop() {
                    self.namespaces.release(left.outside);
                }
            }
        }
        loop {
            let before = self.position();
            self.at = before;
            self.refuse_at_first_token()?;
            let event = self.pieces.read_event().map_err(|error| Objection::from(flaw_of(&error)))?;
            let piece = self.content.get(before..self.position()).unwrap_or_default();
            if !matches!(event, Event::Eof) {
                self.count_event()?;
            }
            match event {
                Event::Start(_) => return self.open_element(inside(piece, "<", ">")?, Due::Nothing),
                Event::Empty(_) => return self.open_element(inside(piece, "<", "/>")?, Due::Close),
                Event::End(_) => {
                    self.due = Due::Leave;
                    return Ok(Token::Close);
                }
                Event::Text(_) => {
                    if self.open.is_empty() && characters::is_blank(piece) {
                        continue;
                    }
                    self.count_text(piece.len())?;
                    if piece.as_bytes().contains(&b']') && piece.contains("]]>") {
                        return Err(Flaw::SectionEnd.into());
                    }
                    return Ok(Token::Text(text::normalize_line_ends(piece)));
                }
                Event::CData(_) => {
                    let section = inside(piece, "<![CDATA[", "]]>")?;
                    self.count_text(section.len())?;
                    return Ok(Token::Text(text::normalize_line_ends(section)));
                }
                Event::GeneralRef(_) => {
                    let character = text::resolve_reference(inside(piece, "&", ";")?)?;
                    self.count_text(character.len_utf8())?;
                    return Ok(Token::Text(Cow::Owned(character.to_string())));
                }
                Event::Comment(_) => {
                    let comment = inside(piece, "<!--", "-->")?;
                    if comment.len() > TEXT_BYTES {
                        return Err(Mistake::TextLength.into());
                    }
                    if comment.contains("--") || comment.ends_with('-') {
                        return Err(Flaw::Comment.into());
                    }
                }
                Event::Eof if self.open.is_empty() && self.has_root => return Ok(Token::End),
                Event::Eof => return Err(Flaw::Unfinished.into()),
                Event::Decl(_) | Event::PI(_) => return Err(Mistake::ProcessingInstruction.into()),
                // Spelled in small letters, or it would have been refused where it begins.
                Event::DocType(_) => return Err(Flaw::Markup.into()),
            }
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.pieces.buffer_position()).unwrap_or(usize::MAX)
    }

    /// Refuses a DOCTYPE, a processing instruction and a second byte order mark before anything of them is read.
    fn refuse_at_first_token(&self) -> Result<(), Objection> {
        let rest = self.content.get(self.at..).unwrap_or_default();
        // Most pieces are none of them.
        if !matches!(rest.as_bytes(), [b'<', b'!' | b'?', ..] | [0xef, ..]) {
            return Ok(());
        }
        if rest.starts_with("<!DOCTYPE") {
            return Err(Mistake::Doctype.into());
        }
        if let Some(instruction) = rest.strip_prefix("<?") {
            let is_declaration =
                instruction.strip_prefix("xml").is_some_and(|rest| rest.starts_with(characters::is_space));
            return Err(if is_declaration { Flaw::Declaration.into() } else { Mistake::ProcessingInstruction.into() });
        }
        if self.at == 0 && rest.starts_with('\u{feff}') {
            return Err(Flaw::TextOutside.into());
        }
        Ok(())
    }

    fn open_element(&mut self, content: &'a str, due: Due) -> Result<Token<'a>, Objection> {
        match self.open.last_mut() {
            Some(parent) => {
                parent.children = parent.children.saturating_add(1);
                if parent.children > CHILDREN {
                    return Err(Mistake::Children.into());
                }
            }
            None if self.has_root => return Err(Flaw::SecondRoot.into()),
            None => self.has_root = true,
        }
        if self.open.len() >= DEPTH {
            return Err(Mistake::Depth.into());
        }
        let outside = self.namespaces.mark();
        let name = tag::read_tag(content, &mut self.namespaces, &mut self.attributes)?;
        self.open.push(Open { name, outside, children: 0, text_bytes: 0 });
        self.due = due;
        Ok(Token::Open(name))
    }

    fn count_event(&mut self) -> Result<(), Objection> {
        self.events = self.events.saturating_add(1);
        if self.events > EVENTS { Err(Mistake::Events.into()) } else { Ok(()) }
    }

    fn count_text(&mut self, bytes: usize) -> Result<(), Objection> {
        let element = self.open.last_mut().ok_or(Flaw::TextOutside)?;
        element.text_bytes = element.text_bytes.saturating_add(bytes);
        if element.text_bytes > TEXT_BYTES { Err(Mistake::TextLength.into()) } else { Ok(()) }
    }
}

/// What stands between the delimiters of a piece.
fn inside<'a>(piece: &'a str, begin: &str, end: &str) -> Result<&'a str, Flaw> {
    piece.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end)).ok_or(Flaw::Markup)
}

/// What quick-xml refuses by itself.
fn flaw_of(error: &Error) -> Flaw {
    match error {
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_)) => Flaw::EndTag,
        Error::IllFormed(IllFormedError::UnclosedReference) => Flaw::Reference,
        Error::Syntax(_)
        | Error::IllFormed(
            IllFormedError::MissingDeclVersion(_)
            | IllFormedError::UnknownVersion
            | IllFormedError::MissingDoctypeName
            | IllFormedError::MissingEndTag(_)
            | IllFormedError::DoubleHyphenInComment,
        )
        | Error::InvalidAttr(_)
        | Error::Escape(_)
        | Error::Namespace(_)
        | Error::Io(_)
        | Error::Encoding(_) => Flaw::Markup,
    }
}

#[cfg(test)]
mod tests;
