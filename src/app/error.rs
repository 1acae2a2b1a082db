//! Errors at start and reload.

use super::finding::{Finding, Findings, Severity};
use crate::config::Origin;

/// Why the service cannot start or reload: every error that was found, each with its setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AppError(pub Findings);

impl From<Vec<Finding>> for AppError {
    fn from(findings: Vec<Finding>) -> Self {
        Self(Findings::new(findings))
    }
}

impl AppError {
    /// The system starts no thread.
    pub(super) fn of_thread(error: std::io::Error) -> Self {
        let text = format!("cannot start a thread: {error}");
        vec![Finding::at(Severity::Error, Origin::Default, "", text).of_system()].into()
    }
}
