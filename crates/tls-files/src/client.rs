//! TLS client configuration.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{ClientConfig, RootCertStore};

/// Client certificate with its private key.
pub struct Identity {
    /// Client certificate, followed by its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// Private key of the client certificate.
    pub key: PrivateKeyDer<'static>,
}

/// Builder of a TLS client configuration: TLS 1.2 and 1.3, ALPN `http/1.1`, no session resumption.
///
/// Sessions are not resumed, so that each handshake verifies the server's certificate and presents
/// the client's.
pub struct ClientTls {
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<Identity>,
    time: Arc<dyn TimeProvider>,
}

/// Error of [`ClientTls::build`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClientTlsError {
    /// The certificate of an authority cannot be a trust anchor.
    #[error("certificate {number} of the authorities cannot be used: {}", describe_error(.reason))]
    Authority {
        /// Position of the certificate, from 1.
        number: usize,
        /// Error of the TLS library.
        reason: rustls::Error,
    },
    /// The client certificate or its key cannot be used, or the two do not belong together.
    #[error("the client certificate and its key cannot be used: {}", describe_error(.0))]
    Identity(rustls::Error),
    /// The cryptography provider has no suitable TLS version.
    #[error("no TLS version can be used: {}", describe_error(.0))]
    Versions(rustls::Error),
}

/// Describes an error of the TLS library for people: its own texts have the names of its types.
#[must_use]
#[allow(clippy::wildcard_enum_match_arm, reason = "foreign enum, grows with its library")]
pub fn describe_error(error: &rustls::Error) -> String {
    use rustls::{CertificateError, Error};
    let text = match error {
        Error::InconsistentKeys(_) => "the private key does not belong to the certificate",
        Error::NoCertificatesPresented => "the other side sent no certificate",
        Error::InvalidCertificate(error) => match error {
            CertificateError::BadEncoding => "the certificate is malformed",
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet"
            }
            CertificateError::Revoked => "the certificate is revoked",
            CertificateError::UnknownIssuer => "no trusted authority issued the certificate",
            CertificateError::BadSignature => "a signature of the certificate is wrong",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is not valid for the name in the URL"
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "the certificate is not for this purpose"
            }
            _ => return error.to_string(),
        },
        Error::AlertReceived(alert) => {
            let name = alert.as_str().map_or_else(|| "an unknown alert".to_owned(), in_words);
            return format!("the other side ended the connection: {name}");
        }
        Error::General(text) => text,
        other => return other.to_string(),
    };
    text.to_owned()
}

/// A name such as `BadCertificate` in words: "bad certificate".
fn in_words(name: &str) -> String {
    let mut words = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// Cryptography provider of every TLS connection: aws-lc-rs.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Makes a store of trust anchors.
///
/// # Errors
/// [`ClientTlsError::Authority`] for the first certificate that cannot be a trust anchor.
pub fn root_store(authorities: Vec<CertificateDer<'static>>) -> Result<RootCertStore, ClientTlsError> {
    let mut roots = RootCertStore::empty();
    for (number, authority) in (1..).zip(authorities) {
        roots.add(authority).map_err(|reason| ClientTlsError::Authority { number, reason })?;
    }
    Ok(roots)
}

impl ClientTls {
    /// Trusts servers whose certificates these authorities issued.
    #[must_use]
    pub fn new(authorities: Vec<CertificateDer<'static>>) -> Self {
        Self { authorities, identity: None, time: Arc::new(DefaultTimeProvider) }
    }

    /// Presents a client certificate if the server requests one.
    #[must_use]
    pub fn with_identity(self, identity: Identity) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Verifies certificates at the time of this provider instead of the system's.
    #[must_use]
    pub fn with_time(self, time: Arc<dyn TimeProvider>) -> Self {
        Self { time, ..self }
    }

    /// Builds the configuration.
    ///
    /// # Errors
    /// [`ClientTlsError`] names the part that cannot be used.
    pub fn build(self) -> Result<ClientConfig, ClientTlsError> {
        let builder = ClientConfig::builder_with_details(provider(), self.time)
            .with_safe_default_protocol_versions()
            .map_err(ClientTlsError::Versions)?
            .with_root_certificates(root_store(self.authorities)?);
        let mut config = match self.identity {
            Some(Identity { chain, key }) => {
                builder.with_client_auth_cert(chain, key).map_err(ClientTlsError::Identity)?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}
