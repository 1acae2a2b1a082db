//! The connections that have a certificate of ours, and their files.

use std::path::{Path, PathBuf};

use super::super::purpose::Purpose;
use crate::app::units::credential_file;
use crate::config::Settings;
use datasets::sync::Source;
use ehealth_core::model::Dataset;

/// A connection with a certificate of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// The listener for consumers.
    Server,
    /// The listener for operators.
    Admin,
    /// The listener for scrapers.
    Metrics,
    /// The signatures of responses.
    ResponseSigning,
    /// The connection to the database of the nodes.
    Database,
    /// The connection to the publisher of a dataset.
    Feed(Dataset),
}

/// Files of a connection's certificate and key.
pub(super) struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// systemd passes the key to the process at its start, so that a new key needs a restart.
    pub is_credential: bool,
}

/// Parses the name of a connection.
pub(super) fn parse_holder(text: &str) -> Result<Holder, String> {
    let feeds = Dataset::ALL.into_iter().map(Holder::Feed);
    let all = [Holder::Server, Holder::Admin, Holder::Metrics, Holder::ResponseSigning, Holder::Database];
    let all: Vec<_> = all.into_iter().chain(feeds).collect();
    all.iter().copied().find(|holder| holder.code() == text).ok_or_else(|| {
        let codes: Vec<_> = all.iter().map(|holder| holder.code()).collect();
        format!("expected one of {}", codes.join(", "))
    })
}

impl Holder {
    /// Name on the command line.
    pub fn code(self) -> String {
        match self {
            Self::Server => "server".to_owned(),
            Self::Admin => "admin".to_owned(),
            Self::Metrics => "metrics".to_owned(),
            Self::ResponseSigning => "response-signing".to_owned(),
            Self::Database => "database".to_owned(),
            Self::Feed(dataset) => format!("feed-{}", dataset.code()),
        }
    }

    /// Section of the settings that names its files.
    fn section(self) -> String {
        match self {
            Self::Server => "server".to_owned(),
            Self::Admin => "admin".to_owned(),
            Self::Metrics => "metrics".to_owned(),
            Self::ResponseSigning => "message_signature".to_owned(),
            Self::Database => "cluster".to_owned(),
            Self::Feed(dataset) => format!("feeds.{}", dataset.code()),
        }
    }

    /// What the certificate must be fit for.
    pub fn purpose(self) -> Purpose {
        match self {
            Self::Server | Self::Admin | Self::Metrics => Purpose::Server,
            Self::ResponseSigning => Purpose::Signing,
            Self::Database | Self::Feed(_) => Purpose::Client,
        }
    }

    /// Unit that uses the certificate.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Server | Self::Admin | Self::Metrics | Self::ResponseSigning | Self::Database => "ehealth-attributes",
            Self::Feed(_) => "ehealth-attributes-feeds",
        }
    }

    /// When a certificate for the same key is used, as the end of a sentence.
    pub fn takes_effect(self) -> &'static str {
        match self {
            Self::Server | Self::Admin | Self::Metrics | Self::ResponseSigning => {
                "the service loads it within 2 s; `ehealth-attributes health` has the errors if it does not"
            }
            Self::Database => "the next connection to the database uses it",
            Self::Feed(_) => "the next run of the feed uses it; `ehealth-attributes sync` runs it now",
        }
    }

    /// Files of the settings.
    ///
    /// # Errors
    /// Names the setting if the connection has no certificate.
    pub fn files(self, settings: &Settings, credentials: &Path) -> Result<Files, String> {
        let operators = |of: Option<&crate::server::tls::OperatorFiles>| {
            of.map(|files| (files.certificate.clone(), files.key.clone()))
        };
        let found = match self {
            Self::Server => Some((settings.tls.certificate.clone(), settings.tls.key.clone())),
            Self::Admin => operators(settings.admin_tls.as_ref()),
            Self::Metrics => operators(settings.metrics_tls()),
            Self::ResponseSigning => {
                settings.response_signer.as_ref().map(|files| (files.certificate.clone(), files.key.clone()))
            }
            Self::Database => settings.cluster.as_ref().map(|of| (of.certificate.clone(), of.key.clone())),
            Self::Feed(dataset) => of_feed(settings, dataset),
        };
        let (certificate, key) = found.ok_or_else(|| {
            format!(
                "{}: the settings have no {}.certificate, so there is nothing to replace",
                self.code(),
                self.section()
            )
        })?;
        Ok(match credential_file((&certificate, &key), credentials) {
            Some(file) => Files { certificate, key: file, is_credential: true },
            None => Files { certificate, key, is_credential: false },
        })
    }
}

fn of_feed(settings: &Settings, dataset: Dataset) -> Option<(PathBuf, PathBuf)> {
    let feed = settings.sync.feeds.iter().find(|feed| feed.dataset == dataset)?;
    match &feed.source {
        Source::Https(https) => https.identity.as_ref().map(|own| (own.certificate.clone(), own.key.clone())),
        Source::Folder(_) => None,
    }
}
