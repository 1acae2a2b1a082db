//! TLS of a consumer, with as little work as the measurement allows.
//!
//! The server certificate is fully verified once. After that the same certificate is recognised by
//! its bytes, and signatures made with it are not verified again: the server does the full work of
//! every handshake, and the generator, which is not measured, stays cheaper. Sessions are never
//! resumed.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tls_files::{provider, read_certificates, read_private_key, root_store};

/// Verifies the server once and recognises it later.
#[derive(Debug)]
pub struct KnownServer {
    first: Arc<WebPkiServerVerifier>,
    certificate: OnceLock<CertificateDer<'static>>,
    has_signed: AtomicBool,
}

impl KnownServer {
    /// Trusts the CA certificates of a file.
    pub fn new(authority: &Path) -> Result<Arc<Self>, String> {
        let wrong = |reason: &dyn std::fmt::Display| format!("{}: {reason}", authority.display());
        let authorities = read_certificates(authority).map_err(|error| error.to_string())?;
        let roots = root_store(authorities).map_err(|error| wrong(&error))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        let first = verifier.map_err(|error| wrong(&error))?;
        Ok(Arc::new(Self { first, certificate: OnceLock::new(), has_signed: AtomicBool::new(false) }))
    }

    fn check(
        &self,
        verify: impl FnOnce() -> Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.has_signed.load(Ordering::Relaxed) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let valid = verify()?;
        self.has_signed.store(true, Ordering::Relaxed);
        Ok(valid)
    }
}

impl ServerCertVerifier for KnownServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.certificate.get().is_some_and(|known| known == end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.first.verify_server_cert(end_entity, intermediates, name, ocsp, now)?;
        // No other thread can have set it: there is one thread.
        let _ = self.certificate.set(end_entity.clone().into_owned());
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check(|| self.first.verify_tls12_signature(message, cert, dss))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check(|| self.first.verify_tls13_signature(message, cert, dss))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.first.supported_verify_schemes()
    }
}

/// Client configuration with this certificate.
pub fn configure(server: &Arc<KnownServer>, certificate: &Path, key: &Path) -> Result<Arc<ClientConfig>, String> {
    let chain = read_certificates(certificate).map_err(|error| error.to_string())?;
    let private = read_private_key(key).map_err(|error| error.to_string())?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(server) as _)
        .with_client_auth_cert(chain, private);
    let mut config = config.map_err(|error| format!("{}: {error}", key.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
