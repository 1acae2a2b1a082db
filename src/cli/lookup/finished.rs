//! What a file of results has already, so that the next run leaves it out.

use std::collections::{BTreeMap, BTreeSet};

use super::input::{Content, Entry};
use ehealth_core::model::Ssin;

/// Entries of a file of results.
///
/// A line without an SSIN is known by its text, of which a file may have several: a row accounts for
/// one line of that text. Line numbers would not do, because the input may be edited between two runs.
#[derive(Debug, Default)]
pub(super) struct Finished {
    persons: BTreeSet<Ssin>,
    /// Number of rows of each text.
    invalid: BTreeMap<String, usize>,
}

impl Finished {
    pub fn add_person(&mut self, ssin: Ssin) {
        self.persons.insert(ssin);
    }

    pub fn add_invalid(&mut self, text: String) {
        *self.invalid.entry(text).or_default() += 1;
    }

    /// The entries that have no row yet, in their order.
    pub fn leave_open(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let mut is_open = |entry: &Entry| match &entry.content {
            Content::Person(ssin) => !self.persons.contains(ssin),
            Content::Invalid(invalid) => !self.take_invalid(&invalid.text),
        };
        entries.into_iter().filter(|entry| is_open(entry)).collect()
    }

    /// Takes one row of this text away; `false` if none is left.
    pub fn take_invalid(&mut self, text: &str) -> bool {
        match self.invalid.get_mut(text) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    /// Number of rows.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.persons.len() + self.invalid.values().sum::<usize>()
    }
}
