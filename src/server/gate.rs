//! What is in force at a moment: the policy, what the service shows in TLS, and whom it lets in. Swapped whole.
//!
//! A verified path is remembered for as long as it is known to hold ([`Admission`]), with what its certificate says, so that
//! a caller that connects again costs one hash instead of the path's signatures. The memory belongs to the state in force: a new one starts empty,
//! and every open connection is asked again with its next request.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};

use super::trust::{Admission, PathFlaw, RefusedCertificate, Trust};
use crate::certificates::Facts;
use ehealth_core::model::{Clock, Timestamp};
use ehealth_core::policy::Register;

/// So many verified paths are remembered; then all are forgotten at once. Some hundred consumers have a few each.
const MAX_REMEMBERED: usize = 4_096;

/// The state in force. Does not change; a reload makes a new one.
#[derive(Debug)]
pub struct ActiveConfig {
    /// Who may ask what.
    pub register: Register,
    /// TLS, with the service's own certificate.
    pub tls: Arc<ServerConfig>,
    /// Whom TLS lets in.
    pub gate: Arc<ClientVerifier>,
    /// The service's own certificate, with its issuers behind it: what operators are shown.
    pub chain: Vec<CertificateDer<'static>>,
}

/// The gatekeeper of one state in force.
pub struct ClientVerifier {
    trust: Trust,
    clock: Arc<dyn Clock>,
    algorithms: WebPkiSupportedAlgorithms,
    remembered: Mutex<HashMap<[u8; 32], Known>>,
}

/// A caller that was let in.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// For how long.
    pub admission: Admission,
    /// What its certificate says.
    pub facts: Arc<Facts>,
}

impl ClientVerifier {
    /// A gatekeeper that judges by this trust and the time of this clock.
    #[must_use]
    pub fn new(trust: Trust, clock: Arc<dyn Clock>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { trust, clock, algorithms, remembered: Mutex::default() }
    }

    /// Whom it lets in.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Judges a caller's certificate, sent with these others, at this moment.
    ///
    /// # Errors
    /// [`RefusedCertificate`] says why it is not let in.
    pub(super) fn admit(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
    ) -> Result<Known, RefusedCertificate> {
        let now = self.clock.now();
        let path = hash(leaf, sent);
        if let Some(known) = self.recall(&path, now) {
            return Ok(known);
        }
        let admission = self.trust.admit(leaf, sent, now)?;
        let facts = Facts::from_der(leaf).map_err(|_| RefusedCertificate::Malformed)?;
        let known = Known { admission, facts: Arc::new(facts) };
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(path, known.clone());
        Ok(known)
    }

    fn recall(&self, path: &[u8; 32], now: Timestamp) -> Option<Known> {
        // Nobody can panic while holding the lock: the map is read or added to.
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(path).filter(|known| known.admission.holds(now)).cloned()
    }
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier").field("trust", &self.trust).finish_non_exhaustive()
    }
}

/// What stands for a path: every certificate as it was sent, each with its length.
fn hash(leaf: &CertificateDer<'_>, sent: &[CertificateDer<'_>]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for certificate in std::iter::once(leaf).chain(sent) {
        context.update(&certificate.len().to_be_bytes());
        context.update(certificate);
    }
    let mut bytes = [0; 32];
    // A SHA-256 value has 32 bytes, so the copy is whole.
    bytes.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

impl ClientCertVerifier for ClientVerifier {
    /// None: a SOAP stack has one certificate, and a list of authorities only tells strangers whom we trust.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        match self.admit(end_entity, intermediates) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(refused) => {
                tracing::info!(code = refused.code(), %refused, "certificate refused");
                Err(rustls::Error::InvalidCertificate(alert_of(refused)))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The alert that the caller is sent (RFC 8446, section 6.2): what it can do something about, and no more.
fn alert_of(refused: RefusedCertificate) -> CertificateError {
    match refused {
        RefusedCertificate::Revoked => CertificateError::Revoked,
        RefusedCertificate::Path(PathFlaw::Expired) => CertificateError::Expired,
        RefusedCertificate::Path(PathFlaw::NotValidYet) => CertificateError::NotValidYet,
        RefusedCertificate::Path(PathFlaw::UnknownIssuer) => CertificateError::UnknownIssuer,
        RefusedCertificate::Path(PathFlaw::Signature | PathFlaw::KeyUsage | PathFlaw::Rule)
        | RefusedCertificate::Malformed
        | RefusedCertificate::PathTooLong
        | RefusedCertificate::IssuerMayNotSign => CertificateError::BadEncoding,
        RefusedCertificate::Unfit(_) => CertificateError::InvalidPurpose,
        RefusedCertificate::Closed(_) => CertificateError::UnknownRevocationStatus,
    }
}
