//! The entries of a support bundle, as data.

use ehealth_core::model::Timestamp;

/// An entry of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its content, redacted.
    pub content: String,
    /// What was left out of it, in words.
    pub cut: Option<String>,
}

/// The entries, and what is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// In the order of [`NAMES`](super::NAMES).
    pub entries: Vec<Entry>,
    /// Names, and why they are missing.
    pub left_out: Vec<(&'static str, String)>,
    /// Time of the bundle.
    pub at: Timestamp,
}
