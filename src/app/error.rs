//! Errors at start and reload.

use std::io;
use std::net::SocketAddr;

use crate::admin::AdminError;
use crate::config::Problems;
use crate::server::tls::TlsError;
use audit_log::AuditError;

/// Why the service cannot start or reload.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The operator's files are invalid: policy, certificates, keys, CAs or CRLs. All errors are
    /// collected.
    #[error("{}", join(.policy.as_ref(), .tls))]
    Files {
        /// Errors of the policy file.
        policy: Option<Problems>,
        /// Errors of the files for TLS.
        tls: Vec<TlsError>,
    },
    /// The audit log cannot be opened.
    #[error("{0}")]
    Audit(#[from] AuditError),
    /// The address for consumers cannot be bound.
    #[error("cannot listen on {address} (server.listen): {reason}")]
    Listen {
        /// Address of the settings.
        address: SocketAddr,
        /// Error of the system.
        reason: io::Error,
    },
    /// The system starts no thread.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// The address for operators cannot be bound.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

fn join(policy: Option<&Problems>, tls: &[TlsError]) -> String {
    let lines = policy.iter().map(ToString::to_string).chain(tls.iter().map(ToString::to_string));
    lines.collect::<Vec<_>>().join("\n")
}
