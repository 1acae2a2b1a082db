//! Settings of a client, checked once when the client is made.
//!
//! The caller reads the files of certificates and keys. After [`Target::new`] the URL has a host, a
//! port and a name that a certificate can be verified for, and the key belongs to the certificate.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use tls_files::{ClientTls, ClientTlsError, ContentError, Identity, parse_certificates, parse_private_key};

/// Settings of a [`Client`](super::Client). `Debug` does not show the key.
#[derive(Clone)]
pub struct Settings {
    /// Base URL of the service, `https://HOST[:PORT][/PREFIX]`. The paths of the operations are
    /// appended.
    pub url: String,
    /// Authorities of the service's certificate, PEM or DER.
    pub server_ca_pem: Vec<u8>,
    /// Client certificate, followed by its issuers, PEM.
    pub certificate_pem: Vec<u8>,
    /// Private key of the client certificate, PEM (PKCS #8, PKCS #1 or SEC 1).
    pub key_pem: Vec<u8>,
    /// Time limit of connecting, TLS included.
    pub connect_timeout: Duration,
    /// Time limit of a call, connecting and repeating included.
    pub deadline: Duration,
    /// When the client repeats a call by itself.
    pub repeat: Repeat,
    /// Certificate and key that sign the requests; `None`: requests are not signed.
    pub signing: Option<SigningPem>,
    /// Whether responses must be signed.
    pub verify_responses: VerifyResponses,
    /// Source of the time, for certificates and signatures: the system's clock, except in tests.
    pub time: Arc<dyn TimeProvider>,
}

/// Certificate and key that sign requests. They may be those of the TLS connection.
#[derive(Clone)]
pub struct SigningPem {
    /// Certificate, PEM or DER. Of several, the first signs.
    pub certificate_pem: Vec<u8>,
    /// Its private key, PEM (PKCS #8, PKCS #1 or SEC 1): RSA of at least 2048 bits, or EC on P-256 or
    /// P-384.
    pub key_pem: Vec<u8>,
}

/// Whether a response must be signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum VerifyResponses {
    /// Responses are not verified: TLS alone protects them.
    #[default]
    Off,
    /// Each response and each fault must be signed, and confirm the signature of a signed request.
    /// HTTP refusals below SOAP ([`ClientError::Refused`](super::ClientError::Refused)) cannot be
    /// signed.
    Required {
        /// Certificates that may sign responses, PEM or DER, besides the certificate that the server
        /// presents in the TLS handshake; `None`: only that one. They are compared as a whole; their
        /// issuers and validity periods are not checked.
        signers_pem: Option<Vec<u8>>,
    },
}

/// When the client repeats a call after its connection was lost, within the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    /// Only if no byte of the request was sent, so that it cannot have been answered. Every answer
    /// is recorded as a disclosure about a person; this keeps it at one.
    #[default]
    OnlyUnsent,
    /// Also once if a reused connection was lost after the request was sent. The service may then
    /// have answered, recorded and counted the question twice.
    EvenIfAnswered,
}

impl Settings {
    /// Settings with time limits for interactive use: 5 s to connect, 30 s for a call.
    #[must_use]
    pub fn new(url: &str, server_ca_pem: Vec<u8>, certificate_pem: Vec<u8>, key_pem: Vec<u8>) -> Self {
        Self {
            url: url.to_owned(),
            server_ca_pem,
            certificate_pem,
            key_pem,
            connect_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
            repeat: Repeat::default(),
            signing: None,
            verify_responses: VerifyResponses::default(),
            time: Arc::new(DefaultTimeProvider),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.url)
            .field("connect_timeout", &self.connect_timeout)
            .field("deadline", &self.deadline)
            .field("repeat", &self.repeat)
            .field("is_signing", &self.signing.is_some())
            .field("verify_responses", &self.verify_responses)
            .finish_non_exhaustive()
    }
}

/// The settings are invalid.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The URL is malformed, not `https`, without a host, or has a user, a query or a fragment.
    #[error("the URL must be https://HOST[:PORT][/PREFIX]")]
    Url,
    /// A certificate or key has other content than expected.
    #[error("{part}: {reason}")]
    Content {
        /// Invalid part of the settings.
        part: Part,
        /// Found and expected content.
        reason: ContentError,
    },
    /// An authority's certificate cannot be used, or the key does not belong to the client
    /// certificate.
    #[error("{part}: {reason}")]
    Tls {
        /// Invalid part of the settings.
        part: Part,
        /// Error of the TLS configuration.
        reason: ClientTlsError,
    },
    /// The signing key is of a kind that the profile of signed messages does not have.
    #[error("{}: expected RSA of at least 2048 bits, or EC on P-256 or P-384", Part::SigningKey)]
    SigningKeyType,
    /// The signing key does not belong to the signing certificate.
    #[error("{}: it does not belong to the signing certificate", Part::SigningKey)]
    SigningKeyOfAnother,
}

/// Part of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// [`Settings::server_ca_pem`].
    ServerCa,
    /// [`Settings::certificate_pem`].
    Certificate,
    /// [`Settings::key_pem`].
    Key,
    /// [`SigningPem::certificate_pem`].
    SigningCertificate,
    /// [`SigningPem::key_pem`].
    SigningKey,
    /// [`VerifyResponses::Required`].
    ResponseSigners,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerCa => "the authorities of the service",
            Self::Certificate => "the client certificate",
            Self::Key => "the key of the client certificate",
            Self::SigningCertificate => "the signing certificate",
            Self::SigningKey => "the signing key",
            Self::ResponseSigners => "the response signers",
        })
    }
}

/// Address of the service and TLS configuration.
#[derive(Clone)]
pub(super) struct Target {
    /// For the resolver, without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// `Host` of the requests.
    pub authority: String,
    /// Prefix of the paths of the operations: empty, or `/…` without a slash at the end.
    pub prefix: String,
    /// Name that the service's certificate must have.
    pub name: ServerName<'static>,
    pub tls: Arc<ClientConfig>,
}

impl Target {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let url: Uri = settings.url.parse().map_err(|_| SettingsError::Url)?;
        let authority = url.authority().ok_or(SettingsError::Url)?;
        let is_plain = url.scheme_str() == Some("https") && url.query().is_none() && !authority.as_str().contains('@');
        if !is_plain || settings.url.contains('#') {
            return Err(SettingsError::Url);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host).map_err(|_| SettingsError::Url)?.to_owned();
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(443),
            authority: authority.as_str().to_owned(),
            prefix: url.path().trim_end_matches('/').to_owned(),
            name,
            tls: Arc::new(configure_tls(settings)?),
        })
    }
}

fn configure_tls(settings: &Settings) -> Result<ClientConfig, SettingsError> {
    let content = |part| move |reason| SettingsError::Content { part, reason };
    let authorities = parse_certificates(&settings.server_ca_pem).map_err(content(Part::ServerCa))?;
    let chain = parse_certificates(&settings.certificate_pem).map_err(content(Part::Certificate))?;
    let key = parse_private_key(&settings.key_pem).map_err(content(Part::Key))?;
    let tls = |reason| {
        let part = match &reason {
            ClientTlsError::Authority { .. } | ClientTlsError::Versions(_) => Part::ServerCa,
            ClientTlsError::Identity(_) => Part::Key,
        };
        SettingsError::Tls { part, reason }
    };
    let tls_of = ClientTls::new(authorities).with_identity(Identity { chain, key });
    tls_of.with_time(Arc::clone(&settings.time)).build().map_err(tls)
}
