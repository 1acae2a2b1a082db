//! The bounded reader: the one XML parser at the door.
//!
//! Documents come cut into pieces (`pieces`); here each is judged as it comes: characters, names, tags and their pairs,
//! references, comments, namespaces, what may stand outside the root. A DOCTYPE or a processing instruction is refused
//! where it begins, before it is cut. The bounds of [`limits`](crate::limits) are counted on the way. One pass; what
//! is handed out borrows from the document unless a reference or a line end had to be changed in it.
//!
//! It knows no SOAP and no schema, and is public so that it can be held against other parsers. A document that was read
//! to [`Token::End`] is well-formed (XML 1.0, fourth edition; Namespaces in XML 1.0), has no DOCTYPE and no processing
//! instruction, and keeps every bound. Nothing was expanded, fetched or opened. One that was not read to its end may still
//! be anything.

pub(super) mod characters;
mod encoding;
mod namespaces;
mod pieces;
pub(super) mod place;
mod scanner;
mod tag;
mod text;
mod walk;

use std::borrow::Cow;

use memchr::memchr2;

pub use encoding::Document;
pub use namespaces::{Name, Space};
pub use tag::Attribute;

use super::flaw::XmlError;
use super::limits::{CHILDREN, DEPTH, EVENTS, TEXT_BYTES};
use super::mistake::{BadMessage, MessageError, Objection};
use namespaces::Namespaces;
use pieces::Piece;
use tag::Tag;

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
    tag: Tag<'a>,
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

/// Limits of one document that depend on who reads it: a request is smaller than a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderLimits {
    /// Maximum children of one element.
    pub children: usize,
    /// Maximum parser events: starts, ends, texts, sections, comments, references.
    pub events: usize,
}

impl ReaderLimits {
    /// Limits of a request: [`CHILDREN`] and [`EVENTS`].
    pub const REQUEST: Self = Self { children: CHILDREN, events: EVENTS };
}

/// Reads a document from its first to its last piece.
pub struct Reader<'a> {
    declaration: &'a str,
    content: &'a str,
    /// What of `content` was not read, and that with the piece that was read last.
    rest: &'a str,
    rest_before: &'a str,
    due: Due,
    namespaces: Namespaces<'a>,
    open: Vec<Open<'a>>,
    attributes: Vec<Attribute<'a>>,
    has_root: bool,
    events: usize,
    limits: ReaderLimits,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of a document.
    #[must_use]
    pub fn new(document: &'a Document<'_>) -> Self {
        Self::with_limits(document, ReaderLimits::REQUEST)
    }

    /// A reader at the beginning of a document, with its own limits.
    #[must_use]
    pub fn with_limits(document: &'a Document<'_>, limits: ReaderLimits) -> Self {
        let (declaration, content) = document.split();
        Self {
            declaration,
            content,
            rest: content,
            rest_before: content,
            due: Due::Nothing,
            namespaces: Namespaces::new(),
            open: Vec::with_capacity(DEPTH),
            attributes: Vec::new(),
            has_root: false,
            events: 0,
            limits,
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
            self.rest_before = self.rest;
            let Some((piece, rest)) = pieces::cut(self.rest)? else {
                let is_whole = self.open.is_empty() && self.has_root;
                return if is_whole { Ok(Token::End) } else { Err(XmlError::Unfinished.into()) };
            };
            self.rest = rest;
            self.count_event()?;
            match piece {
                Piece::Start(tag) => return self.open_element(tag, Due::Nothing),
                Piece::Empty(tag) => return self.open_element(tag, Due::Close),
                Piece::End(name) => {
                    let is_open = |open: &Open<'_>| name.trim_end_matches(characters::is_space) == open.tag.written;
                    if !self.open.last().is_some_and(is_open) {
                        return Err(XmlError::EndTag.into());
                    }
                    self.due = Due::Leave;
                    return Ok(Token::Close);
                }
                Piece::Text(text) if self.open.is_empty() && characters::is_blank(text) => {}
                Piece::Text(text) => {
                    self.count_text(text.len())?;
                    // Most text needs no second look.
                    if memchr2(b']', b'\r', text.as_bytes()).is_none() {
                        return Ok(Token::Text(Cow::Borrowed(text)));
                    }
                    if text.contains("]]>") {
                        return Err(XmlError::SectionEnd.into());
                    }
                    return Ok(Token::Text(text::normalize_line_ends(text)));
                }
                Piece::Section(text) => {
                    self.count_text(text.len())?;
                    return Ok(Token::Text(text::normalize_line_ends(text)));
                }
                Piece::Reference(name) => {
                    let character = text::resolve_reference(name)?;
                    self.count_text(character.len_utf8())?;
                    return Ok(Token::Text(Cow::Owned(character.to_string())));
                }
                Piece::Comment(comment) => {
                    if comment.len() > TEXT_BYTES {
                        return Err(MessageError::TextLength.into());
                    }
                    if comment.contains("--") || comment.ends_with('-') {
                        return Err(XmlError::Comment.into());
                    }
                }
            }
        }
    }

    fn open_element(&mut self, content: &'a str, due: Due) -> Result<Token<'a>, Objection> {
        match self.open.last_mut() {
            Some(parent) => {
                parent.children = parent.children.saturating_add(1);
                if parent.children > self.limits.children {
                    return Err(MessageError::Children.into());
                }
            }
            None if self.has_root => return Err(XmlError::SecondRoot.into()),
            None => self.has_root = true,
        }
        if self.open.len() >= DEPTH {
            return Err(MessageError::Depth.into());
        }
        let outside = self.namespaces.mark();
        let tag = tag::read_tag(content, &mut self.namespaces, &mut self.attributes)?;
        self.open.push(Open { tag, outside, children: 0, text_bytes: 0 });
        self.due = due;
        Ok(Token::Open(tag.name))
    }

    fn count_event(&mut self) -> Result<(), Objection> {
        self.events = self.events.saturating_add(1);
        if self.events > self.limits.events { Err(MessageError::Events.into()) } else { Ok(()) }
    }

    fn count_text(&mut self, bytes: usize) -> Result<(), Objection> {
        let element = self.open.last_mut().ok_or(XmlError::TextOutside)?;
        element.text_bytes = element.text_bytes.saturating_add(bytes);
        if element.text_bytes > TEXT_BYTES { Err(MessageError::TextLength.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
