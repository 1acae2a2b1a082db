//! Where a value was set, and what is wrong with it: the words for both, told to operators as they stand here.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from. A later one goes before an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// It stands in a file.
    File {
        /// Which one.
        file: PathBuf,
        /// The line, from 1; 0 where the file as a whole is meant.
        line: usize,
    },
    /// This variable of the environment.
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

/// One mistake in what an operator wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands.
    pub origin: Origin,
    /// The key with its sections, `consumer[2].grant[1].fields`; empty where none is meant.
    pub key: String,
    /// What is wrong and what would be right.
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

/// Every mistake that was found; at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// A setting in force: what it is, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key with its sections.
    pub key: String,
    /// The value, as it would be written; of a secret, the file that holds it.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}
