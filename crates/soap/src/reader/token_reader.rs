//! Reads a document token by token, and checks each piece as it comes.

use std::borrow::Cow;

use memchr::memchr2;

use super::characters;
use super::encoding::Document;
use super::namespaces::{Name, Namespaces};
use super::pieces::{self, Piece};
use super::tag::{self, Attribute, Tag};
use super::text;
use crate::limits::{CHILDREN, DEPTH, EVENTS, REPLY_CHILDREN, REPLY_EVENTS, TEXT_BYTES};
use crate::message_error::{BadMessage, MessageError, Violation};
use crate::xml_error::XmlError;
use ehealth_core::explained::Explained;

/// A token of a document: the meaning of a piece.
#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// An element begins. [`Reader::attributes`] returns its attributes until the next token is
    /// read.
    Open(Name<'a>),
    /// Text of the open element, or a part of it.
    Text(Cow<'a, str>),
    /// The open element ends. It is still part of the path until the next token is read.
    Close,
    /// The document ends, and is well-formed.
    End,
}

/// An open element.
pub(super) struct OpenElement<'a> {
    pub(super) tag: Tag<'a>,
    /// The namespace scope to restore.
    pub(super) outside: usize,
    children: usize,
    text_bytes: usize,
}

/// What the reader does before it reads the next piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    /// Return the end of the element: its tag was an empty-element tag.
    Close,
    /// Leave the innermost element: its end was returned.
    Leave,
}

/// Limits of one document that depend on its kind: a request is smaller than a reply.
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

    /// Limits of a reply: [`REPLY_CHILDREN`] and [`REPLY_EVENTS`].
    pub const REPLY: Self = Self { children: REPLY_CHILDREN, events: REPLY_EVENTS };
}

/// Reads a document from its first to its last piece.
pub struct Reader<'a> {
    pub(super) declaration: &'a str,
    pub(super) content: &'a str,
    /// The unread part of `content`.
    pub(super) rest: &'a str,
    /// The same from before the piece that was read last.
    pub(super) rest_before: &'a str,
    due: Due,
    pub(super) namespaces: Namespaces<'a>,
    pub(super) open: Vec<OpenElement<'a>>,
    attributes: Vec<Attribute<'a>>,
    has_root: bool,
    events: usize,
    limits: ReaderLimits,
}

impl<'a> Reader<'a> {
    /// Creates a reader at the beginning of a request.
    #[must_use]
    pub fn new(document: &'a Document<'_>) -> Self {
        Self::with_limits(document, ReaderLimits::REQUEST)
    }

    /// Creates a reader at the beginning of a document with these limits.
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

    /// Reads the next token. Skips comments, and white space outside the root element.
    ///
    /// # Errors
    /// [`BadMessage`] where the document is not well-formed or exceeds a bound. The reader must not
    /// be used afterwards.
    pub fn next_token(&mut self) -> Result<Token<'a>, Explained<BadMessage>> {
        self.read_piece().map_err(|violation| self.located(violation, self.excerpt()))
    }

    /// The attributes of the element of the last [`Token::Open`], without namespace declarations.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes
    }

    /// Whether the end of an element was read last.
    pub(super) fn is_at_end_of_element(&self) -> bool {
        self.due == Due::Leave
    }

    fn read_piece(&mut self) -> Result<Token<'a>, Violation> {
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
                    let is_open =
                        |open: &OpenElement<'_>| name.trim_end_matches(characters::is_space) == open.tag.written;
                    if !self.open.last().is_some_and(is_open) {
                        return Err(XmlError::EndTag.into());
                    }
                    self.due = Due::Leave;
                    return Ok(Token::Close);
                }
                Piece::Text(text) if self.open.is_empty() && characters::is_blank(text) => {}
                Piece::Text(text) => {
                    self.count_text(text.len())?;
                    return check_text(text);
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
                Piece::Comment(comment) => check_comment(comment)?,
            }
        }
    }

    fn open_element(&mut self, content: &'a str, due: Due) -> Result<Token<'a>, Violation> {
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
        self.open.push(OpenElement { tag, outside, children: 0, text_bytes: 0 });
        self.due = due;
        Ok(Token::Open(tag.name))
    }

    fn count_event(&mut self) -> Result<(), Violation> {
        self.events = self.events.saturating_add(1);
        if self.events > self.limits.events { Err(MessageError::Events.into()) } else { Ok(()) }
    }

    fn count_text(&mut self, bytes: usize) -> Result<(), Violation> {
        let element = self.open.last_mut().ok_or(XmlError::TextOutside)?;
        element.text_bytes = element.text_bytes.saturating_add(bytes);
        if element.text_bytes > TEXT_BYTES { Err(MessageError::TextLength.into()) } else { Ok(()) }
    }
}

/// Checks text outside CDATA sections, and normalises its line ends.
#[inline]
fn check_text(text: &str) -> Result<Token<'_>, Violation> {
    // Most text contains neither: it is returned as it is.
    if memchr2(b']', b'\r', text.as_bytes()).is_none() {
        return Ok(Token::Text(Cow::Borrowed(text)));
    }
    if text.contains("]]>") {
        return Err(XmlError::SectionEnd.into());
    }
    Ok(Token::Text(text::normalize_line_ends(text)))
}

fn check_comment(comment: &str) -> Result<(), Violation> {
    if comment.len() > TEXT_BYTES {
        return Err(MessageError::TextLength.into());
    }
    if comment.contains("--") || comment.ends_with('-') {
        return Err(XmlError::Comment.into());
    }
    Ok(())
}
