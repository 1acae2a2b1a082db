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
mod scanner;
mod tag;
mod text;

use std::borrow::Cow;

use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::Event;

pub use encoding::Document;
pub use namespaces::{Name, Space};
pub use tag::Attribute;

use super::limits::{CHILDREN, DEPTH, EVENTS, TEXT_BYTES};
use super::mistake::{BadMessage, Flaw, Mistake, Note, Objection, Place};
use super::names;
use namespaces::Namespaces;

/// How much of an element path is told, so that a diagnostic fits its type.
pub(super) const PATH_CHARS: usize = 112;

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

    /// Reads a value as the name of something in scope here (XML Schema 1.0 part 2, section 3.2.18).
    pub(super) fn resolve_name<'n>(&self, value: &'n str) -> Option<Name<'n>> {
        self.namespaces.resolve(tag::parse_name(characters::trim(value)).ok()?).ok()
    }

    /// The next child element of the open one; `None` if the open one ends.
    ///
    /// # Errors
    /// As [`Self::next_token`], and for text other than white space.
    pub(super) fn next_child(&mut self) -> Result<Option<Name<'a>>, BadMessage> {
        loop {
            match self.next_token()? {
                Token::Open(name) => return Ok(Some(name)),
                Token::Close | Token::End => return Ok(None),
                Token::Text(text) if characters::is_blank(&text) => {}
                Token::Text(_) => return Err(self.object(Mistake::TextAmongElements)),
            }
        }
    }

    /// The text of the open element, in one piece, to its end.
    ///
    /// # Errors
    /// As [`Self::next_token`], and for an element inside.
    pub(super) fn read_value(&mut self) -> Result<Cow<'a, str>, BadMessage> {
        let mut value = Cow::Borrowed("");
        loop {
            match self.next_token()? {
                Token::Text(text) if value.is_empty() => value = text,
                Token::Text(text) => value.to_mut().push_str(&text),
                Token::Open(_) => return Err(self.object(Mistake::ElementInValue)),
                Token::Close | Token::End => return Ok(value),
            }
        }
    }

    /// Passes over the rest of the open element, whatever is in it.
    ///
    /// # Errors
    /// As [`Self::next_token`].
    pub(super) fn skip_rest(&mut self) -> Result<(), BadMessage> {
        let depth = self.open.len();
        loop {
            match self.next_token()? {
                Token::Close if self.open.len() == depth => return Ok(()),
                Token::End => return Ok(()),
                Token::Open(_) | Token::Text(_) | Token::Close => {}
            }
        }
    }

    /// A mistake in what was read last.
    pub(super) fn object(&self, mistake: Mistake) -> BadMessage {
        self.located(mistake.into())
    }

    /// A mistake in what was read last, with what should have stood there.
    pub(super) fn object_expecting(&self, mistake: Mistake, expected: &'static str) -> BadMessage {
        self.located(Objection { mistake, note: Some(Note::Expected(expected)) })
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
                    if piece.contains("]]>") {
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

    fn located(&self, objection: Objection) -> BadMessage {
        let rest = self.content.get(self.at..).unwrap_or_default();
        let blanks = rest.len().saturating_sub(rest.trim_start_matches(characters::is_space).len());
        let before = self.content.get(..self.at.saturating_add(blanks)).unwrap_or_default();
        let ended = text::count_line_ends(self.declaration).saturating_add(text::count_line_ends(before));
        BadMessage::new(objection, Some(Place { line: ended.saturating_add(1), path: self.path() }))
    }

    /// The path to the open element. Names that are not the contract's are not told. A long one loses its beginning.
    fn path(&self) -> String {
        let mut steps = Vec::with_capacity(self.open.len());
        let mut length = "...".len();
        for element in self.open.iter().rev() {
            let step = names::known(element.name.local).unwrap_or("*");
            length = length.saturating_add(step.len()).saturating_add(1);
            if length > PATH_CHARS {
                break;
            }
            steps.push(step);
        }
        let mut path = String::with_capacity(PATH_CHARS);
        if steps.len() < self.open.len() {
            path.push_str("...");
        }
        for step in steps.iter().rev() {
            path.push('/');
            path.push_str(step);
        }
        if path.is_empty() {
            path.push('/');
        }
        path
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
