//! The active configuration: policy, TLS and client verifier, replaced as a whole by a reload.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;

use super::signatures::ResponseSigner;
use super::tls::client_verifier::ClientVerifier;
use ehealth_core::policy::Register;

/// Configuration under which requests are decided. Immutable; a reload makes a new one.
#[derive(Debug)]
pub struct ActiveConfig {
    /// Registered consumers and their grants.
    pub register: Register,
    /// TLS configuration, with the service's own certificate.
    pub tls: Arc<ServerConfig>,
    /// Verifier of client certificates.
    pub client_verifier: Arc<ClientVerifier>,
    /// Signs responses; `None`: no consumer wants it.
    pub response_signer: Option<ResponseSigner>,
    /// The service's own certificate followed by its issuers, as operators see it.
    pub chain: Vec<CertificateDer<'static>>,
}
