//! Ways to walk through a document that every schema needs: to the next child, over a value, past an element.
//!
//! Knows no schema itself. What is passed over is still read and judged, piece by piece.

use std::borrow::Cow;

use super::characters::{is_blank, trim};
use super::tag::parse_name;
use super::{Name, Reader, Token};
use crate::mistake::{BadMessage, MessageError};

impl<'a> Reader<'a> {
    /// Reads a value as the name of something in scope here (XML Schema 1.0 part 2, section 3.2.18).
    pub fn resolve_name<'n>(&self, value: &'n str) -> Option<Name<'n>> {
        self.namespaces.resolve(parse_name(trim(value)).ok()?).ok()
    }

    /// The next child element of the open one; `None` if the open one ends.
    ///
    /// # Errors
    /// As [`Self::next_token`], and for text other than white space.
    pub fn next_child(&mut self) -> Result<Option<Name<'a>>, BadMessage> {
        loop {
            match self.next_token()? {
                Token::Open(name) => return Ok(Some(name)),
                Token::Close | Token::End => return Ok(None),
                Token::Text(text) if is_blank(&text) => {}
                Token::Text(_) => return Err(self.object(MessageError::TextAmongElements)),
            }
        }
    }

    /// The text of the open element, in one piece, to its end.
    ///
    /// # Errors
    /// As [`Self::next_token`], and for an element inside.
    pub fn read_value(&mut self) -> Result<Cow<'a, str>, BadMessage> {
        let mut value = Cow::Borrowed("");
        loop {
            match self.next_token()? {
                Token::Text(text) if value.is_empty() => value = text,
                Token::Text(text) => value.to_mut().push_str(&text),
                Token::Open(_) => return Err(self.object(MessageError::ElementInValue)),
                Token::Close | Token::End => return Ok(value),
            }
        }
    }

    /// Passes over the rest of the open element, whatever is in it.
    ///
    /// # Errors
    /// As [`Self::next_token`].
    pub fn skip_rest(&mut self) -> Result<(), BadMessage> {
        let depth = self.open.len();
        loop {
            match self.next_token()? {
                Token::Close if self.open.len() == depth => return Ok(()),
                Token::End => return Ok(()),
                Token::Open(_) | Token::Text(_) | Token::Close => {}
            }
        }
    }
}
