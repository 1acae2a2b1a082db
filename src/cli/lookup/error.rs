//! Why no request could be made.

use std::fmt::Display;
use std::io;

use client::SettingsError;

/// Why no request could be made.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum LookupError {
    /// A file cannot be read.
    #[error("{file}: {reason}")]
    File { file: String, reason: io::Error },
    /// The certificate, the key or the URL is unusable.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// The value of an argument is invalid.
    #[error("{argument}: {reason}")]
    Argument { argument: &'static str, reason: String },
}

impl LookupError {
    /// The value of an argument is invalid.
    pub fn argument(argument: &'static str, reason: &dyn Display) -> Self {
        Self::Argument { argument, reason: reason.to_string() }
    }
}
