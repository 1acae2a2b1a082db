//! Where the server's certificate comes from, and who answers the challenge.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::acme_keys::SYSTEM_AUTHORITIES;

/// Settings of `certificates acme`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeSettings {
    /// URL of the directory.
    pub directory: String,
    /// PEM file with the CAs of the directory's server.
    pub server_ca: PathBuf,
    /// Mail addresses of the account.
    pub contact: Vec<String>,
    /// File of the account.
    pub account: PathBuf,
    /// Host names of the certificate; at least one.
    pub names: Vec<String>,
    /// Address of the listener that answers challenges.
    pub listen: SocketAddr,
    /// Folder of a web server that answers them instead.
    pub webroot: Option<PathBuf>,
    /// Time before the end of the certificate at which it is renewed.
    pub renew_before: Duration,
    /// Limit of one request.
    pub timeout: Duration,
    /// Account at the CA.
    pub external: Option<ExternalAccountFiles>,
}

/// Account at the CA to which the ACME account is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalAccountFiles {
    /// Key identifier.
    pub id: String,
    /// File with the HMAC key.
    pub key: PathBuf,
}

impl AcmeSettings {
    /// Whether the directory's server has a certificate of a private CA.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.server_ca != Path::new(SYSTEM_AUTHORITIES)
    }

    /// Host of the directory's URL.
    #[must_use]
    pub fn host(&self) -> &str {
        host_of(&self.directory)
    }
}

/// Host of an HTTPS URL, without its port.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}
