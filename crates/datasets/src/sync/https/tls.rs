//! TLS configuration of a run: the files are read again by every run.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tls_files::{ClientTls, ClientTlsError, Identity, read_certificates, read_private_key};

use super::settings::{FeedIdentity, HttpsFeed};
use ehealth_core::model::Timestamp;

/// The time at which the publisher's certificate must be valid: that of the run's clock.
#[derive(Debug)]
struct RunTime(Option<UnixTime>);

impl TimeProvider for RunTime {
    fn current_time(&self) -> Option<UnixTime> {
        self.0
    }
}

/// Reads the files of a feed's certificates and key, and makes the TLS configuration.
///
/// # Errors
/// Names the file that cannot be read or used.
pub(super) fn configure(feed: &HttpsFeed, now: Timestamp) -> io::Result<ClientConfig> {
    let seconds = u64::try_from(now.as_millis() / 1_000).ok();
    let time = RunTime(seconds.map(|seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds))));
    let authorities = read_certificates(&feed.authorities).map_err(io::Error::other)?;
    let mut tls = ClientTls::new(authorities).with_time(Arc::new(time));
    if let Some(FeedIdentity { certificate, key }) = &feed.identity {
        let key = read_private_key(key).map_err(io::Error::other)?;
        let chain = read_certificates(certificate).map_err(io::Error::other)?;
        tls = tls.with_identity(Identity { chain, key });
    }
    tls.build().map_err(|error| match (&error, &feed.identity) {
        (ClientTlsError::Authority { .. }, _) => in_file(&feed.authorities, error),
        (ClientTlsError::Identity(_), Some(identity)) => in_file(&identity.certificate, error),
        (ClientTlsError::Identity(_), None) | (ClientTlsError::Versions(_), _) => io::Error::other(error),
    })
}

fn in_file(file: &Path, error: impl fmt::Display) -> io::Error {
    io::Error::other(format!("`{}`: {error}", file.display()))
}
