//! Reads `[feeds]`: the source and the limits of each dataset's feed.
//!
//! `[data] feeds = "…"` names one folder with a subfolder per dataset: enough where every publisher
//! uploads to one place. A section `[feeds.DATASET]` overrides it for one dataset. Every dataset
//! needs a source.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::Section;
use super::duration::parse_duration;
use super::readers::{self, PathReader};
use super::value::Value;
use datasets::sync::{Feed, FeedIdentity, FeedLimits, FeedUrl, HttpsFeed, Shrinking, Source};
use ehealth_core::model::Dataset;

/// Minimum polling interval: protects the publisher's server.
const INTERVAL_LEAST: Duration = Duration::from_secs(1);

/// Reads the section, which may be absent; `of_all` is the value of `data.feeds`.
pub(super) fn read_feeds(root: &mut Section<'_>, of_all: Option<&Path>, paths: PathReader<'_>) -> Option<Vec<Feed>> {
    let mut section = root.implied_section("feeds")?;
    let feeds = Dataset::ALL.map(|dataset| {
        let own = section.implied_section(dataset.code())?;
        read_feed(own, dataset, of_all, paths)
    });
    section.finish();
    feeds.into_iter().collect()
}

fn read_feed(mut section: Section<'_>, dataset: Dataset, of_all: Option<&Path>, paths: PathReader<'_>) -> Option<Feed> {
    let folder = section.optional("folder", |value| paths.path(value));
    let url = section.optional("url", readers::feed_url);
    let parts = HttpsParts {
        server_ca: section.optional("server_ca", |value| paths.path(value)),
        certificate: section.optional("certificate", |value| paths.path(value)),
        key: section.optional("key", |value| paths.secret(value)),
        file_timeout: section.optional("file_timeout", |value| parse_duration(value.text()?)),
    };
    let source = match (folder, url, of_all) {
        (Some(_), Some(_), _) => {
            section.report("set either folder or url, not both");
            None
        }
        (None, Some(url), _) => read_https(&section, url, parts).map(Source::Https),
        _ if parts.is_any() => {
            section.report("server_ca, certificate and key need a url");
            None
        }
        (Some(folder), None, _) => Some(Source::Folder(folder)),
        (None, None, Some(of_all)) => Some(Source::Folder(of_all.join(dataset.code()))),
        (None, None, None) => {
            section.report("the feed has no source: set folder or url, or data.feeds for all datasets");
            None
        }
    };
    let signer = section.optional("signer", readers::signer);
    let interval = section.optional("interval", read_interval);
    let max_rejected = section.optional("max_rejected_share", readers::percentage);
    let max_shrink = section.optional("max_shrink_share", readers::percentage);
    section.finish();
    Some(Feed {
        signer,
        interval: interval?,
        wrong_share: max_rejected?,
        shrinking: Shrinking::UpTo(max_shrink?),
        ..Feed::new(dataset, source?)
    })
}

/// Settings that need a URL.
struct HttpsParts {
    server_ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    file_timeout: Option<Duration>,
}

impl HttpsParts {
    /// Whether one is set that has no default.
    fn is_any(&self) -> bool {
        self.server_ca.is_some() || self.certificate.is_some() || self.key.is_some()
    }
}

fn read_https(section: &Section<'_>, url: FeedUrl, parts: HttpsParts) -> Option<HttpsFeed> {
    let HttpsParts { server_ca, certificate, key, file_timeout } = parts;
    if server_ca.is_none() {
        section.report("server_ca is missing: set the CA that issued the publisher's certificate");
    }
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(FeedIdentity { certificate, key }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            section.report("set both certificate and key, or none of them");
            return None;
        }
    };
    let limits = FeedLimits { file: file_timeout?, ..FeedLimits::default() };
    Some(HttpsFeed { url, authorities: server_ca?, identity, limits })
}

fn read_interval(value: Value<'_>) -> Result<Duration, String> {
    let interval = parse_duration(value.text()?)?;
    if interval < INTERVAL_LEAST { Err("must be at least \"1s\"".to_owned()) } else { Ok(interval) }
}
