//! How the program ends: one number for each way, so that scripts can tell them apart.

use std::process::ExitCode;

/// The exit codes. 2 is clap's, for arguments that make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done; `lookup`: answered.
    Done,
    /// 1: failed; the message says why.
    Failed,
    /// 3: a file that the operator wrote has mistakes; all of them were told.
    Configuration,
    /// 4: the service cannot be reached, or TLS was refused.
    Unreachable,
    /// 5: `lookup`: the service answered without a result (NO_RESULT, INCOMPLETE_DATA).
    NoResult,
    /// 6: `lookup`: the service answered with a SOAP fault.
    Fault,
    /// 7: `sync`: a publisher's offer was refused; other datasets may have been taken.
    DatasetRefused,
    /// 8: `sync`: a feed could not be read, or the store not be written; other datasets may have been taken.
    SyncFailed,
    /// 9: `sync`: another run was at it; nothing was done for that dataset.
    SyncSkipped,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Configuration => 3,
            Self::Unreachable => 4,
            Self::NoResult => 5,
            Self::Fault => 6,
            Self::DatasetRefused => 7,
            Self::SyncFailed => 8,
            Self::SyncSkipped => 9,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
