//! A cursor over the content of a tag or of the XML declaration: takes names, white space and
//! quoted values one by one.
//!
//! Knows the syntax of these, not their meaning. Returns slices of its input.

use super::characters::{is_name_rest, is_name_start, is_space};
use super::namespaces::QName;
use ehealth_core::model::ByteSet;

/// The unread text.
pub(super) struct Scanner<'a>(&'a str);

/// The ASCII characters for which [`is_name_rest`] holds.
const ASCII_NAME: ByteSet = ByteSet::alphanumeric_and(b"_-.");

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Whether everything was read.
    pub(super) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// The unread text.
    pub(super) fn rest(&self) -> &'a str {
        self.0
    }

    /// Takes white space. Returns whether there was any.
    pub(super) fn skip_space(&mut self) -> bool {
        if !self.0.starts_with(is_space) {
            return false;
        }
        self.0 = self.0.trim_start_matches(is_space);
        true
    }

    /// Takes this word, if it is next. Returns whether it was.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        match self.0.strip_prefix(word) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a name with its optional prefix (Namespaces in XML 1.0, productions 7 to 11); `None`
    /// if no name is next. Returns the name as written, too.
    pub(super) fn name(&mut self) -> Option<(&'a str, QName<'a>)> {
        let before = self.0;
        let first = self.part_of_name()?;
        let name = if self.eat(":") {
            QName { prefix: first, local: self.part_of_name().filter(|_| !self.0.starts_with(':'))? }
        } else {
            QName { prefix: "", local: first }
        };
        Some((before.get(..before.len().saturating_sub(self.0.len()))?, name))
    }

    /// Takes a name without colon.
    fn part_of_name(&mut self) -> Option<&'a str> {
        if !self.0.starts_with(is_name_start) {
            return None;
        }
        // Most names are ASCII: scan them byte by byte.
        let ascii = self.0.bytes().position(|byte| !ASCII_NAME.contains(byte));
        let mut end = ascii.unwrap_or(self.0.len());
        if self.0.as_bytes().get(end).is_some_and(|byte| !byte.is_ascii()) {
            end = self.0.find(|character| !is_name_rest(character)).unwrap_or(self.0.len());
        }
        let (name, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(name)
    }

    /// Takes the text between two quotes of one kind; `None` if no quote is next, or the second is
    /// missing.
    pub(super) fn quoted(&mut self) -> Option<&'a str> {
        let quote = self.0.chars().next().filter(|character| matches!(character, '"' | '\''))?;
        let (value, rest) = self.0.strip_prefix(quote)?.split_once(quote)?;
        self.0 = rest;
        Some(value)
    }

    /// Takes an equals sign with optional white space around it (production 25). Returns whether
    /// there was one.
    pub(super) fn equals(&mut self) -> bool {
        self.skip_space();
        let is_next = self.eat("=");
        self.skip_space();
        is_next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ascii_table_equals_the_character_class() {
        for byte in 0..=0x7f_u8 {
            let character = char::from(byte);
            assert_eq!(ASCII_NAME.contains(byte), is_name_rest(character), "{character:?}");
        }
    }
}
