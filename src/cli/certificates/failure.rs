//! How a command about certificates fails.

use crate::cli::exit::Exit;

/// Exit code and message of a failure.
pub(super) type Failure = (Exit, String);

/// A failure of the machine or of a file.
pub(super) fn failed(error: &dyn std::fmt::Display) -> Failure {
    (Exit::Failed, error.to_string())
}
