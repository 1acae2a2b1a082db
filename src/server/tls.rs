//! Mutual TLS: what the service shows, and whom it lets in.
//!
//! TLS 1.2 and 1.3 with AEAD and ephemeral key agreement alone, HTTP/1.1 by ALPN, a client certificate from one of the
//! configured authorities required. Sessions are not resumed: a resumed session would skip the look at the
//! certificate. Which organisation a certificate names is [`crate::cert`]'s affair.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};

use crate::model::Clock;

/// The files that make up the service's side of TLS, all PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The service's certificate, followed by those of its issuers.
    pub certificate: PathBuf,
    /// The certificate's private key (PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
    /// The authorities whose clients are let in.
    pub client_ca: PathBuf,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing or no PEM.
    #[error("{}: {reason}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What was found instead.
        reason: rustls::pki_types::pem::Error,
    },
    /// A file holds no certificate.
    #[error("{}: holds no certificate (a PEM block `CERTIFICATE` was looked for)", .0.display())]
    NoCertificate(PathBuf),
    /// An authority's certificate cannot be used.
    #[error("{}: an authority's certificate cannot be used: {reason}", .file.display())]
    Authority {
        /// The file.
        file: PathBuf,
        /// What the TLS library said.
        reason: rustls::Error,
    },
    /// The set of authorities cannot be used.
    #[error("the client authorities cannot be used: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// The certificate and the key do not go together, or one of them cannot be used.
    #[error("the service's certificate and key cannot be used: {0}")]
    Identity(#[from] rustls::Error),
}

/// The cryptography that every TLS end of this program uses.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The clock that is handed in, as TLS asks for it.
struct ClockTime(Arc<dyn Clock>);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = self.0.now().as_millis() / 1_000;
        u64::try_from(seconds).ok().map(|seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl std::fmt::Debug for ClockTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClockTime")
    }
}

/// The time by which TLS judges certificates.
#[must_use]
pub fn time_of(clock: Arc<dyn Clock>) -> Arc<dyn TimeProvider> {
    Arc::new(ClockTime(clock))
}

/// Reads the files and makes the service's side of TLS, which judges certificates by the time of `clock`.
///
/// # Errors
/// [`TlsError`] names the file and what is wrong with it.
pub fn load(files: &TlsFiles, clock: Arc<dyn Clock>) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = provider();
    let verifier = WebPkiClientVerifier::builder_with_provider(
        Arc::new(load_authorities(&files.client_ca)?),
        Arc::clone(&provider),
    )
    .build()?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|reason| TlsError::File { file: files.key.clone(), reason })?;
    let mut config = ServerConfig::builder_with_details(provider, time_of(clock))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(load_certificates(&files.certificate)?, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// The authorities of a PEM file, as trust anchors.
///
/// # Errors
/// [`TlsError`] if the file cannot be read, is empty of certificates, or one of them cannot be an anchor.
pub fn load_authorities(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in load_certificates(file)? {
        roots.add(certificate).map_err(|reason| TlsError::Authority { file: file.to_owned(), reason })?;
    }
    Ok(roots)
}

/// Every certificate of a PEM file, in its order; at least one.
///
/// # Errors
/// [`TlsError`] if the file cannot be read, or has none.
pub fn load_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |reason| TlsError::File { file: file.to_owned(), reason };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(wrong)?.collect();
    match certificates.map_err(wrong)? {
        none if none.is_empty() => Err(TlsError::NoCertificate(file.to_owned())),
        certificates => Ok(certificates),
    }
}
