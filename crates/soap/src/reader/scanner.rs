//! A cursor over the inside of a tag or of the XML declaration: takes names, white space and quoted values one by one.
//!
//! Knows the spelling of these, not what they mean. What it hands out are slices of what it was given.

use super::characters::{is_name_rest, is_name_start, is_space};
use super::namespaces::QName;
use ehealth_core::model::ByteSet;

/// What is left to read.
pub(super) struct Scanner<'a>(&'a str);

/// What [`is_name_rest`] says of ASCII.
const ASCII_NAME: ByteSet = ByteSet::alphanumeric_and(b"_-.");

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Whether all was read.
    pub(super) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a str {
        self.0
    }

    /// Takes white space; whether there was any.
    pub(super) fn skip_space(&mut self) -> bool {
        if !self.0.starts_with(is_space) {
            return false;
        }
        self.0 = self.0.trim_start_matches(is_space);
        true
    }

    /// Takes this word if it is next.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        match self.0.strip_prefix(word) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a name with its prefix, if it has one (Namespaces in XML 1.0, productions 7 to 11); `None` if none is next. The
    /// name as a whole comes with it.
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
        // Names are mostly ASCII: looked at byte by byte.
        let ascii = self.0.bytes().position(|byte| !ASCII_NAME.contains(byte));
        let mut end = ascii.unwrap_or(self.0.len());
        if self.0.as_bytes().get(end).is_some_and(|byte| !byte.is_ascii()) {
            end = self.0.find(|character| !is_name_rest(character)).unwrap_or(self.0.len());
        }
        let (name, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(name)
    }

    /// Takes what stands between two quotes of one kind; `None` if no quote is next, or only one.
    pub(super) fn quoted(&mut self) -> Option<&'a str> {
        let quote = self.0.chars().next().filter(|character| matches!(character, '"' | '\''))?;
        let (value, rest) = self.0.strip_prefix(quote)?.split_once(quote)?;
        self.0 = rest;
        Some(value)
    }

    /// Takes an equals sign, with white space around it or not (production 25).
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
    fn a_byte_is_of_a_name_where_its_character_is() {
        for byte in 0..=0x7f_u8 {
            let character = char::from(byte);
            assert_eq!(ASCII_NAME.contains(byte), is_name_rest(character), "{character:?}");
        }
    }
}
