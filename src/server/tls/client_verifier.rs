//! Verifies client certificates during the TLS handshake, and again after a reload.
//!
//! A verified path is cached for as long as it is known to be valid ([`Admission`]), with the facts
//! of its certificate. A client that reconnects then costs one hash instead of the path's
//! signatures. The cache belongs to the active configuration: a new one starts empty, and every
//! open connection is verified again with its next request.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::digest;
use parking_lot::Mutex;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};

use super::refused_client;
use super::trust::{Admission, Admitted, PathError, RefusedCertificate, Trust};
use certificates::Facts;
use ehealth_core::lookup::Caller;
use ehealth_core::model::{Clock, Digest, Timestamp};
use ehealth_core::policy::Certified;
use soap::signature::{Problem, SignatureMethod, VerificationKey};

/// Maximum cached paths; when it is reached, the cache is cleared. Some hundred consumers have a
/// few paths each.
const MAX_CACHED_PATHS: usize = 4_096;

/// Client verifier of one configuration.
pub struct ClientVerifier {
    trust: Trust,
    clock: Arc<dyn Clock>,
    algorithms: WebPkiSupportedAlgorithms,
    cache: Mutex<HashMap<[u8; 32], VerifiedClient>>,
    unused_lists: Vec<PathBuf>,
}

/// A client whose certificate was accepted.
#[derive(Debug, Clone)]
pub struct VerifiedClient {
    /// Period for which it is admitted.
    pub admission: Admission,
    /// SHA-256 of its issuer's public key, from the verified path.
    pub issuer_key: Digest,
    /// Facts of its certificate.
    pub facts: Arc<Facts>,
    /// Its key as it verified the last message signature.
    key: Arc<Mutex<Option<Arc<VerificationKey>>>>,
}

impl VerifiedClient {
    /// The client as a caller. Every path of a certificate has the same issuer's key first: the one that
    /// signed it.
    #[must_use]
    pub fn caller(&self) -> Caller {
        let Self { issuer_key, facts, .. } = self;
        let (application, environment) = (facts.application, facts.environment);
        let certify =
            |organisation| Certified { organisation, application, environment, key: facts.key, issuer: *issuer_key };
        Caller { certified: facts.organisation.ok().map(certify), fingerprint: facts.fingerprint }
    }

    /// Its key for message signatures by this algorithm. The last one is kept: parsing a key costs a third of
    /// a verification.
    ///
    /// # Errors
    /// [`Problem`] if its key is of another kind.
    pub fn verification_key(&self, method: SignatureMethod) -> Result<Arc<VerificationKey>, Box<Problem>> {
        let mut kept = self.key.lock();
        if let Some(key) = kept.as_ref().filter(|key| key.method() == method) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(VerificationKey::parse(method, &self.facts.public_key)?);
        *kept = Some(Arc::clone(&key));
        Ok(key)
    }
}

impl ClientVerifier {
    /// Verifier with these authorities, at the time of this clock.
    #[must_use]
    pub fn new(trust: Trust, clock: Arc<dyn Clock>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { trust, clock, algorithms, cache: Mutex::default(), unused_lists: Vec::new() }
    }

    /// The same verifier, which names these files of revocation lists that no authority issued.
    #[must_use]
    pub fn with_unused_lists(self, files: Vec<PathBuf>) -> Self {
        Self { unused_lists: files, ..self }
    }

    /// Files of revocation lists that have no effect: none of the authorities issued them.
    #[must_use]
    pub fn unused_lists(&self) -> &[PathBuf] {
        &self.unused_lists
    }

    /// Authorities and revocation lists.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Verifies a client's certificate, sent with these others, at this moment.
    ///
    /// # Errors
    /// [`RefusedCertificate`] says why it is not admitted.
    pub fn admit(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
    ) -> Result<VerifiedClient, RefusedCertificate> {
        let now = self.clock.now();
        let path = hash(leaf, sent);
        if let Some(verified) = self.cached(&path, now) {
            return Ok(verified);
        }
        let Admitted { admission, issuer_key } = self.trust.admit(leaf, sent, now)?;
        let facts = Facts::from_der(leaf).map_err(|_| RefusedCertificate::Malformed)?;
        let verified = VerifiedClient { admission, issuer_key, facts: Arc::new(facts), key: Arc::default() };
        let mut cache = self.cache.lock();
        if cache.len() >= MAX_CACHED_PATHS {
            cache.clear();
        }
        cache.insert(path, verified.clone());
        Ok(verified)
    }

    fn cached(&self, path: &[u8; 32], now: Timestamp) -> Option<VerifiedClient> {
        self.cache.lock().get(path).filter(|verified| verified.admission.holds(now)).cloned()
    }
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier").field("trust", &self.trust).finish_non_exhaustive()
    }
}

/// Hash of a path: every certificate as it was sent, each with its length.
fn hash(leaf: &CertificateDer<'_>, sent: &[CertificateDer<'_>]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for certificate in std::iter::once(leaf).chain(sent) {
        context.update(&certificate.len().to_be_bytes());
        context.update(certificate);
    }
    let mut bytes = [0; 32];
    // A SHA-256 value has 32 bytes, so all are copied.
    bytes.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

impl ClientCertVerifier for ClientVerifier {
    /// No hints: a SOAP stack has one certificate, and a list would only reveal our authorities.
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
                refused_client::leave(refused, end_entity);
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

/// Alert that the client receives (RFC 8446, section 6.2): what it can act on, and no more.
fn alert_of(refused: RefusedCertificate) -> CertificateError {
    match refused {
        RefusedCertificate::Revoked => CertificateError::Revoked,
        RefusedCertificate::Path(PathError::Expired) => CertificateError::Expired,
        RefusedCertificate::Path(PathError::NotValidYet) => CertificateError::NotValidYet,
        RefusedCertificate::Path(PathError::UnknownIssuer) => CertificateError::UnknownIssuer,
        RefusedCertificate::Path(PathError::Signature | PathError::KeyUsage | PathError::Rule)
        | RefusedCertificate::Malformed
        | RefusedCertificate::PathTooLong
        | RefusedCertificate::IssuerMayNotSign => CertificateError::BadEncoding,
        RefusedCertificate::Unfit(_) => CertificateError::InvalidPurpose,
        RefusedCertificate::Closed(_) => CertificateError::UnknownRevocationStatus,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rustls::AlertDescription;

    use super::super::handshake_failure::HandshakeFailure;
    use super::super::trust::{ClosedIssuer, RefusalCode};
    use super::*;
    use certificates::UnfitLeaf;

    /// The guide that integrators follow when a handshake fails.
    const GUIDE: &str = include_str!("../../../docs/guides/call-fails.md");

    /// Every reason for which a certificate is refused.
    fn refusals() -> Vec<RefusedCertificate> {
        let unfit = [UnfitLeaf::Authority, UnfitLeaf::NoClientAuth, UnfitLeaf::NoDigitalSignature, UnfitLeaf::Key];
        let paths = [
            PathError::Expired,
            PathError::NotValidYet,
            PathError::UnknownIssuer,
            PathError::Signature,
            PathError::KeyUsage,
            PathError::Rule,
        ];
        let others = [
            RefusedCertificate::Malformed,
            RefusedCertificate::PathTooLong,
            RefusedCertificate::IssuerMayNotSign,
            RefusedCertificate::Revoked,
        ];
        let unfit = unfit.into_iter().map(RefusedCertificate::Unfit);
        let paths = paths.into_iter().map(RefusedCertificate::Path);
        unfit.chain(paths).chain(others).chain(ClosedIssuer::ALL.map(RefusedCertificate::Closed)).collect()
    }

    /// Rows of the guide's table of alerts: the first two columns.
    fn rows() -> Vec<(&'static str, &'static str)> {
        let (_, table) = GUIDE.split_once("<!-- alerts: ").expect("the table of alerts");
        let (table, _) = table.split_once("<!-- end -->").expect("its end");
        let cells = |row: &'static str| {
            let mut cells = row.strip_prefix("| ")?.split(" | ");
            Some((cells.next()?, cells.next()?))
        };
        table.lines().filter_map(cells).collect()
    }

    /// Name and number of an alert, as the guide writes them.
    fn name(alert: AlertDescription) -> String {
        let names = [
            (AlertDescription::CertificateExpired, "certificate_expired"),
            (AlertDescription::CertificateRevoked, "certificate_revoked"),
            (AlertDescription::UnknownCA, "unknown_ca"),
            (AlertDescription::BadCertificate, "bad_certificate"),
            (AlertDescription::UnsupportedCertificate, "unsupported_certificate"),
        ];
        let (_, name) = names.into_iter().find(|(known, _)| *known == alert).expect("an alert of the guide");
        format!("`{name}` ({})", u8::from(alert))
    }

    #[test]
    fn the_guide_has_the_alert_of_every_refused_certificate() {
        let codes: BTreeSet<_> = refusals().into_iter().map(RefusedCertificate::code).collect();
        let listed =
            RefusalCode::ALL.map(RefusalCode::code).into_iter().chain(ClosedIssuer::ALL.map(ClosedIssuer::code));
        assert_eq!(codes, listed.collect());
        for refused in refusals() {
            let (alert, code) = (name(alert_of(refused).into()), format!("`{}`", refused.code()));
            let found = rows().into_iter().filter(|(_, codes)| codes.contains(&code)).collect::<Vec<_>>();
            assert!(matches!(found.as_slice(), [(alerts, _)] if *alerts == alert), "{code} {alert}: {found:?}");
        }
    }

    #[test]
    fn the_guide_has_every_reason_of_a_failed_handshake() {
        for failure in HandshakeFailure::ALL {
            let code = format!("`{}`", failure.code());
            assert!(rows().iter().any(|(_, codes)| codes.contains(&code)), "{code}");
        }
    }
}
