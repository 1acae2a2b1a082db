//! Origin of a value, and errors in what an operator wrote, in the words that operators see.

use std::fmt;
use std::path::PathBuf;

/// Origin of a value. A later variant overrides an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The default.
    Default,
    /// A file.
    File {
        /// Path of the file.
        file: PathBuf,
        /// Line, from 1; 0 for the file as a whole.
        line: usize,
    },
    /// The environment variable of this name.
    Environment(String),
    /// `--set` on the command line.
    Argument,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line: 0 } => write!(f, "{}", file.display()),
            Self::File { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Argument => f.write_str("--set"),
        }
    }
}

/// An error in what an operator wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where the value was set.
    pub origin: Origin,
    /// Key with its sections, for example `consumer[2].grant[1].fields`; empty for an error of the
    /// whole file.
    pub key: String,
    /// What is wrong, and what the value must be.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.text)
    }
}

/// Every error that was found; at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// An active setting with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Key with its sections.
    pub key: String,
    /// Value as a file would have it; for a secret, the path of its file.
    pub value: String,
    /// Where the value was set.
    pub origin: Origin,
}
