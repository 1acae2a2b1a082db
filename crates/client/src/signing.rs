//! Signs the requests of a client (docs/guides/signing.md).
//!
//! Each attempt is signed on its own, with its own ids and the time at which it is sent: a service
//! refuses a signature that it received before.

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use rustls::time_provider::TimeProvider;
use soap::signature::{MessageKind, SigningIdentity, SigningKey, SigningOptions, sign};
use tls_files::{parse_certificates, parse_private_key};

use ehealth_core::model::Timestamp;

use super::error::ClientError;
use super::settings::{Part, SettingsError, SigningPem};

/// Time from `Created` to `Expires` of a request: 5 min. A service accepts at most 10.
const LIFETIME_MILLIS: i64 = 300_000;

/// Key and certificate that sign requests.
pub(super) struct RequestSigner(SigningIdentity);

/// An envelope as it is sent once.
pub(super) struct SignedEnvelope {
    pub bytes: Bytes,
    /// Value of its signature, which the response must confirm; `None`: it is not signed.
    pub signature: Option<Vec<u8>>,
}

impl RequestSigner {
    /// Reads certificate and key, and checks that they belong together.
    pub(super) fn new(pem: &SigningPem) -> Result<Self, SettingsError> {
        let content = |part| move |reason| SettingsError::Content { part, reason };
        let chain = parse_certificates(&pem.certificate_pem).map_err(content(Part::SigningCertificate))?;
        let der = parse_private_key(&pem.key_pem).map_err(content(Part::SigningKey))?;
        let key = SigningKey::from_der(der.secret_der()).ok_or(SettingsError::SigningKeyType)?;
        // `parse_certificates` returns at least one.
        let certificate = chain.into_iter().next().ok_or(SettingsError::SigningKeyOfAnother)?;
        let is_its_key = public_key_of(&certificate).is_some_and(|info| key.belongs_to(&info));
        if !is_its_key {
            return Err(SettingsError::SigningKeyOfAnother);
        }
        Ok(Self(SigningIdentity { key, certificate: certificate.to_vec() }))
    }

    /// Signs an envelope for one attempt.
    pub(super) fn sign(&self, envelope: &[u8], now: Timestamp) -> Result<SignedEnvelope, ClientError> {
        let options = SigningOptions {
            kind: MessageKind::Request,
            created: now,
            expires: now.plus_millis(LIFETIME_MILLIS),
            confirmations: &[],
        };
        let signed = sign(envelope, &self.0, options).map_err(ClientError::Signing)?;
        Ok(SignedEnvelope { bytes: Bytes::from(signed.message), signature: Some(signed.value) })
    }
}

/// `SubjectPublicKeyInfo` of a certificate, DER; `None` if the certificate is malformed.
pub(super) fn public_key_of(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
    Some(parsed.subject_public_key_info().to_vec())
}

/// The current time.
///
/// # Errors
/// [`ClientError::Tls`], as TLS itself without a clock.
pub(super) fn now(time: &dyn TimeProvider) -> Result<Timestamp, ClientError> {
    let time = time.current_time().ok_or(ClientError::Tls(rustls::Error::FailedToGetCurrentTime))?;
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_millis(seconds.saturating_mul(1_000)))
}
