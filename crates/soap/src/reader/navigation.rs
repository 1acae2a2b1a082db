//! Steps that every schema needs: to the next child, over a value, past an element.
//!
//! Knows no schema itself. An element that is skipped is still read and checked, piece by piece.

use std::borrow::Cow;

use super::characters::{is_blank, trim};
use super::namespaces::Name;
use super::tag::parse_name;
use super::token_reader::{Reader, Token};
use crate::message_error::{BadMessage, MessageError};
use ehealth_core::explained::{Cause, Explained};

impl<'a> Reader<'a> {
    /// Reads a value as a qualified name in scope here (XML Schema 1.0 part 2, section 3.2.18).
    #[must_use]
    pub fn resolve_name<'n>(&self, value: &'n str) -> Option<Name<'n>> {
        self.namespaces.resolve(parse_name(trim(value)).ok()?).ok()
    }

    /// The next child of the open element; `None` if the open element ends.
    ///
    /// # Errors
    /// As [`Self::next_token`], and for text other than white space.
    pub fn next_child(&mut self) -> Result<Option<Name<'a>>, Explained<BadMessage>> {
        loop {
            match self.next_token()? {
                Token::Open(name) => return Ok(Some(name)),
                Token::Close | Token::End => return Ok(None),
                Token::Text(text) if is_blank(&text) => {}
                Token::Text(text) => {
                    return Err(self.error(MessageError::TextAmongElements, Cause::new("text", &text)));
                }
            }
        }
    }

    /// The text of the open element to its end, in one string.
    ///
    /// # Errors
    /// As [`Self::next_token`], and for an element inside.
    pub fn read_value(&mut self) -> Result<Cow<'a, str>, Explained<BadMessage>> {
        let mut value = Cow::Borrowed("");
        loop {
            match self.next_token()? {
                Token::Text(text) if value.is_empty() => value = text,
                Token::Text(text) => value.to_mut().push_str(&text),
                Token::Open(_) => return Err(self.element_error(MessageError::ElementInValue)),
                Token::Close | Token::End => return Ok(value),
            }
        }
    }

    /// Skips the rest of the open element, whatever it contains.
    ///
    /// # Errors
    /// As [`Self::next_token`].
    pub fn skip_rest(&mut self) -> Result<(), Explained<BadMessage>> {
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
