//! The exit codes: one number for each way a command can end, so that scripts can distinguish them.

use std::fmt::Display;
use std::process::ExitCode;

use crate::app::{AppError, Findings};
use crate::server::Drained;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done. `lookup`: answered.
    Done,
    /// 1: failed; the message gives the reason.
    Failed,
    /// 2: arguments are invalid; clap uses it too.
    Usage,
    /// 3: a file of the operator has errors; all of them are reported.
    Configuration,
    /// 4: the service cannot be reached, or the TLS handshake failed.
    Unreachable,
    /// 5: `lookup`: the service answered without a result (NO_RESULT, INCOMPLETE_DATA).
    NoResult,
    /// 6: `lookup`: the service answered with a SOAP fault.
    Fault,
    /// 7: `sync`: a publisher's files were refused; other datasets may have been updated.
    DatasetRefused,
    /// 8: `sync`: a feed could not be read or the store not be written; other datasets may have
    /// been updated.
    SyncFailed,
    /// 9: `sync`: another run was writing the dataset; nothing was done for it.
    SyncSkipped,
    /// 10: `policy explain`: the policy refuses the question.
    Refused,
    /// 11: `signature check`: a check found something wrong.
    SignatureWrong,
    /// 12: `certificates inspect`: the certificate would be refused.
    CertificateRefused,
    /// 13: `doctor`: a check found a problem.
    ProblemFound,
}

impl Exit {
    /// Number of the code.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::Unreachable => 4,
            Self::NoResult => 5,
            Self::Fault => 6,
            Self::DatasetRefused => 7,
            Self::SyncFailed => 8,
            Self::SyncSkipped => 9,
            Self::Refused => 10,
            Self::SignatureWrong => 11,
            Self::CertificateRefused => 12,
            Self::ProblemFound => 13,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// Code of a service that could not start. An error of the machine may pass, so the code is one
/// after which systemd starts the service again.
impl From<&AppError> for Exit {
    fn from(AppError(findings): &AppError) -> Self {
        Self::from(findings)
    }
}

/// Code of a check: that of a start which meets these findings.
impl From<&Findings> for Exit {
    fn from(findings: &Findings) -> Self {
        match (findings.have_errors(), findings.may_pass()) {
            (false, _) => Self::Done,
            (true, true) => Self::Failed,
            (true, false) => Self::Configuration,
        }
    }
}

/// Code of a service that was stopped.
impl From<Drained> for Exit {
    fn from(drained: Drained) -> Self {
        match drained {
            Drained::Whole => Self::Done,
            Drained::Cut(_) | Drained::NotAccepting => Self::Failed,
        }
    }
}

/// Prints the error and returns the code.
pub(super) fn fail(exit: Exit, error: &dyn Display) -> Exit {
    eprintln!("{error}");
    exit
}
