//! Errors at start and reload.

use super::finding::{Finding, Findings};

/// Why the service cannot start or reload: every error that was found, each with its setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AppError(pub Findings);

impl From<Vec<Finding>> for AppError {
    fn from(findings: Vec<Finding>) -> Self {
        Self(Findings::new(findings))
    }
}
