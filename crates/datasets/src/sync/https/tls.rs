//! TLS configuration of a run: the files are read again by every run.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};

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

/// Reads the PEM files of a feed, and makes the TLS configuration.
///
/// # Errors
/// Names the file that cannot be read or used.
pub(super) fn configure(feed: &HttpsFeed, now: Timestamp) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(&feed.authorities)? {
        roots.add(certificate).map_err(|error| in_file(&feed.authorities, error))?;
    }
    let seconds = u64::try_from(now.as_millis() / 1_000).ok();
    let time = RunTime(seconds.map(|seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds))));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_details(provider, Arc::new(time))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let mut config = match &feed.identity {
        None => builder.with_no_client_auth(),
        Some(FeedIdentity { certificate, key: file }) => {
            let key = PrivateKeyDer::from_pem_file(file).map_err(|error| in_file(file, error))?;
            let chain = read_certificates(certificate)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| in_file(certificate, error))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn read_certificates(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    certificates.map_err(|error| in_file(file, error))
}

fn in_file(file: &Path, error: impl fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", file.display()))
}
