//! Mutual TLS: the service's identity, and the clients that it admits, read from the operator's
//! files.
//!
//! TLS 1.2 and 1.3 with AEAD and ephemeral key agreement only, HTTP/1.1 or 1.0 by ALPN. A client
//! certificate from a configured authority is required. Sessions are not resumed: a resumed session
//! would skip the certificate check. [`super::trust`] decides whether a certificate is admitted,
//! and [`certificates`] which organisation it identifies.

// TLS configurations, made from files.
mod config;
mod own;

// Clients: certificate paths and revocation lists, and their verification in a handshake.
pub(super) mod client_verifier;
pub(super) mod handshake_failure;
pub(super) mod refused_client;
pub mod trust;

pub use client_verifier::ClientVerifier;
pub use config::{
    OperatorFiles, OperatorSide, RevocationFiles, TlsError, TlsFiles, load, load_authorities, load_for_operators,
    load_verifier, load_with_verifier, time_of,
};
pub use own::is_valid_for;
pub use tls_files::{provider, read_all_certificates, read_certificates};
pub use trust::find_issuer_key;
