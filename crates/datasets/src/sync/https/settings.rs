//! Settings of a feed on a web server.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;
use rustls::pki_types::ServerName;

/// A feed on a web server, and how to connect to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsFeed {
    /// Address of the feed's folder.
    pub url: FeedUrl,
    /// Authorities of the publisher's certificate (PEM file). Every run reads it again.
    pub authorities: PathBuf,
    /// Client certificate; `None` if the publisher requests none. Every run reads it again.
    pub identity: Option<FeedIdentity>,
    /// Timeouts.
    pub limits: FeedLimits,
}

/// A client certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedIdentity {
    /// The certificate, followed by those of its issuers (PEM file).
    pub certificate: PathBuf,
    /// The private key (PEM file).
    pub key: PathBuf,
}

/// Timeouts of a connection to a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLimits {
    /// For TCP and TLS together: detects a server that is down.
    pub connect: Duration,
    /// For the head of a response, and between two parts of its body: detects a connection that
    /// died silently.
    pub silence: Duration,
    /// For a complete file: stops a server that sends one byte at a time.
    pub file: Duration,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), silence: Duration::from_secs(30), file: Duration::from_secs(3_600) }
    }
}

/// `https://HOST[:PORT]/…/`: a folder on a web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) authority: String,
    /// Path of the folder, with a slash at both ends.
    pub(super) folder: String,
}

impl FeedUrl {
    /// Name or address of the server.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Parses a URL without user, query and fragment; `None` for any other. It adds a missing slash
    /// at the end.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url: Uri = text.parse().ok()?;
        let authority = url.authority()?;
        let is_plain = url.scheme_str() == Some("https") && url.query().is_none() && !text.contains('#');
        if !is_plain || authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        ServerName::try_from(host.as_str()).ok()?;
        Some(Self {
            host,
            port: authority.port_u16().unwrap_or(443),
            authority: authority.as_str().to_owned(),
            folder: format!("{}/", url.path().trim_end_matches('/')),
        })
    }
}

impl fmt::Display for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.authority, self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_folder_behind_https() {
        let url = FeedUrl::parse("https://feeds.example.be:8443/a/dimona").expect("plain");
        assert_eq!((url.host.as_str(), url.port, url.folder.as_str()), ("feeds.example.be", 8443, "/a/dimona/"));
        let url = FeedUrl::parse("https://[::1]/").expect("plain");
        assert_eq!((url.host.as_str(), url.port, url.folder.as_str()), ("::1", 443, "/"));
        for wrong in [
            "",
            "feeds.example.be",
            "http://feeds.example.be/",
            "https://user@feeds.example.be/",
            "https://feeds.example.be/?a",
            "https://feeds.example.be/#a",
            "https://a b/",
        ] {
            assert_eq!(FeedUrl::parse(wrong), None, "{wrong}");
        }
    }
}
