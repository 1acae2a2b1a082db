//! Why an export cannot go on, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use audit_log::ReadError;

/// Why an export ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    /// The audit log is damaged, has a gap, or cannot be read.
    #[error("{0}; run audit verify")]
    Log(#[from] ReadError),
    /// The log begins later.
    #[error(
        "gap: record {wanted} is the next one, but the log begins with record {first}; the records between were \
         pruned or removed. Continue with --after {} in a new file",
        first.saturating_sub(1)
    )]
    Gap { wanted: u64, first: u64 },
    /// The log ends earlier than what was exported or signed.
    #[error("gap: record {wanted} is expected, but the log ends before record {end}; run audit verify")]
    Ends { wanted: u64, end: u64 },
    /// The state was made from another log.
    #[error("record {0} is not the one that was exported; this is another log, or it was changed. Run audit verify")]
    OtherRecord(u64),
    /// More records are not known to be durable than a writer has under way.
    #[error("more than 4 MiB from record {0} on are not known to be durable; run audit verify")]
    NotDurable(u64),
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    /// What is there is no regular file.
    #[error("{}: not a regular file; name another one", .0.display())]
    NotAFile(PathBuf),
    /// Another export uses it.
    #[error("{}: another export uses it; wait for its end, or name another file", .0.display())]
    Locked(PathBuf),
    /// The file is not empty, and there is no state.
    #[error("{}: the file is not empty; add --state to continue an export, or name another file", .0.display())]
    NotEmpty(PathBuf),
    /// The state is no state of this export.
    #[error("{}: {problem}; name another state file", path.display())]
    State { path: PathBuf, problem: String },
    /// The file is not as the export left it.
    #[error("{}: at byte {at} {problem}; restore the file, or move it away and go on in a new one", path.display())]
    Changed { path: PathBuf, at: u64, problem: &'static str },
    /// Standard output was closed.
    #[error("standard output was closed; what follows was not written")]
    Closed,
}

impl ExportError {
    pub fn file(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |error| Self::File { path: path.to_owned(), error }
    }
}
