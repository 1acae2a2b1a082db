//! Settings of a client, checked once when the client is made.
//!
//! The caller reads the PEM files. After [`Target::new`] the URL has a host, a port and a name that a certificate can be
//! verified for, and the key belongs to the certificate.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

/// Settings of a [`Client`](super::Client). `Debug` does not show the key.
#[derive(Clone)]
pub struct Settings {
    /// Base URL of the service, `https://HOST[:PORT][/PREFIX]`. The paths of the operations are appended.
    pub url: String,
    /// Authorities of the service's certificate, PEM.
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
}

/// When the client repeats a call after its connection was lost, within the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    /// Only if no byte of the request was sent, so that it cannot have been answered. Every answer is recorded as a
    /// disclosure about a person; this keeps it at one.
    #[default]
    OnlyUnsent,
    /// Also once if a reused connection was lost after the request was sent. The service may then have answered,
    /// recorded and counted the question twice.
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
            .finish_non_exhaustive()
    }
}

/// Why there can be no client of these settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The URL is none, not `https`, without a host, or with a user, a query or a fragment.
    #[error("the URL must be https://HOST[:PORT][/PREFIX]")]
    Url,
    /// One of the PEM texts is none.
    #[error("{part}: {reason}")]
    Pem {
        /// Which.
        part: Part,
        /// What was found instead.
        reason: rustls::pki_types::pem::Error,
    },
    /// One of the PEM texts holds no certificate.
    #[error("{0}: no PEM block CERTIFICATE")]
    NoCertificate(Part),
    /// An authority's certificate cannot be used, or the key does not go with the client certificate.
    #[error("{part}: {reason}")]
    Tls {
        /// Which.
        part: Part,
        /// What the TLS library said.
        reason: rustls::Error,
    },
}

/// A part of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// [`Settings::server_ca_pem`].
    ServerCa,
    /// [`Settings::certificate_pem`].
    Certificate,
    /// [`Settings::key_pem`].
    Key,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerCa => "the service's authorities",
            Self::Certificate => "the client certificate",
            Self::Key => "the client certificate's key",
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
            tls: Arc::new(set_up_tls(settings)?),
        })
    }
}

fn set_up_tls(settings: &Settings) -> Result<ClientConfig, SettingsError> {
    let tls = |part| move |reason| SettingsError::Tls { part, reason };
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(Part::ServerCa, &settings.server_ca_pem)? {
        roots.add(certificate).map_err(tls(Part::ServerCa))?;
    }
    let chain = read_certificates(Part::Certificate, &settings.certificate_pem)?;
    let key = PrivateKeyDer::from_pem_slice(&settings.key_pem)
        .map_err(|reason| SettingsError::Pem { part: Part::Key, reason })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(tls(Part::ServerCa))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(tls(Part::Key))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // The service resumes no session, so that it sees the certificate each time.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn read_certificates(part: Part, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates.map_err(|reason| SettingsError::Pem { part, reason })? {
        none if none.is_empty() => Err(SettingsError::NoCertificate(part)),
        certificates => Ok(certificates),
    }
}
