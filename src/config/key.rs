//! The form in which [`KEYS`](super::KEYS) describes a setting.

use super::kind::Kind;

/// How the packaged example shows a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// Set to this value.
    Set(&'static str),
    /// Commented out, with this value.
    Note(&'static str),
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Name with its sections; `DATASET` stands for each of the five datasets.
    pub name: &'static str,
    /// Kind of the value.
    pub kind: Kind,
    /// Default value; `None` if the setting has none.
    pub default: Option<&'static str>,
    /// Line in the packaged example.
    pub example: Example,
    /// Effect of the setting, limits, and advice for operators. Markdown, one paragraph.
    pub meaning: &'static str,
}

pub(super) const fn key(name: &'static str, kind: Kind, example: Example, meaning: &'static str) -> Key {
    Key { name, kind, default: None, example, meaning }
}

pub(super) const fn defaulted(name: &'static str, kind: Kind, default: &'static str, meaning: &'static str) -> Key {
    Key { name, kind, default: Some(default), example: Example::Note(default), meaning }
}
