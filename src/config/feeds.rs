//! The `[feeds]` of the settings file: where each dataset comes from, and how its publisher is judged.
//!
//! `[data] feeds = "…"` names one folder with a folder for each dataset: enough where everything is dropped in one place.
//! A section `[feeds.DATASET]` says more of one of them. Every dataset must come from somewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{Section, Value};
use super::duration::parse_duration;
use datasets::feed::Signer;
use datasets::sync::{Feed, FeedIdentity, FeedLimits, FeedUrl, HttpsFeed, Share, Shrinking, Source};
use ehealth_core::model::Dataset;

/// The shortest interval: a publisher's door is no place to hammer on.
const INTERVAL_LEAST: Duration = Duration::from_secs(1);

/// How the files of a feed are named in the settings.
pub(super) struct Paths<'a> {
    /// A file or folder.
    pub path: &'a dyn Fn(Value<'_>) -> Result<PathBuf, String>,
    /// The file of a secret.
    pub secret: &'a dyn Fn(Value<'_>) -> Result<PathBuf, String>,
}

/// Reads the section, which may be absent, beside the folder of those datasets that name no place of their own.
pub(super) fn read_feeds(root: &mut Section<'_>, of_all: Option<&Path>, paths: &Paths<'_>) -> Option<Vec<Feed>> {
    let mut section = root.implied_section("feeds")?;
    let feeds = Dataset::ALL.map(|dataset| {
        let own = section.implied_section(dataset.code())?;
        read_feed(own, dataset, of_all, paths)
    });
    section.finish();
    feeds.into_iter().collect()
}

fn read_feed(mut section: Section<'_>, dataset: Dataset, of_all: Option<&Path>, paths: &Paths<'_>) -> Option<Feed> {
    let folder = section.optional("folder", paths.path);
    let url = section.optional("url", read_url);
    let parts = HttpsParts {
        authorities: section.optional("authorities", paths.path),
        certificate: section.optional("certificate", paths.path),
        key: section.optional("key", paths.secret),
        time_a_file: section.optional("time_a_file", |value| parse_duration(value.text()?)),
    };
    let source = match (folder, url, of_all) {
        (Some(_), Some(_), _) => {
            section.report("has either a folder or a url");
            None
        }
        (None, Some(url), _) => read_https(&section, url, parts).map(Source::Https),
        _ if parts.is_any() => {
            section.report("authorities, certificate and key go with a url");
            None
        }
        (Some(folder), None, _) => Some(Source::Folder(folder)),
        (None, None, Some(of_all)) => Some(Source::Folder(of_all.join(dataset.code()))),
        (None, None, None) => {
            section.report("comes from nowhere: write a folder or a url, or data.feeds for all datasets");
            None
        }
    };
    let signer = section.optional("signer", read_signer);
    let interval = section.optional("interval", read_interval);
    let wrong_share = section.optional("wrong_share", read_share);
    let loss_share = section.optional("loss_share", read_share);
    section.finish();
    Some(Feed {
        signer,
        interval: interval?,
        wrong_share: wrong_share?,
        shrinking: Shrinking::UpTo(loss_share?),
        ..Feed::new(dataset, source?)
    })
}

/// What goes with a url alone.
struct HttpsParts {
    authorities: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    time_a_file: Option<Duration>,
}

impl HttpsParts {
    fn is_any(&self) -> bool {
        self.authorities.is_some() || self.certificate.is_some() || self.key.is_some()
    }
}

fn read_https(section: &Section<'_>, url: FeedUrl, parts: HttpsParts) -> Option<HttpsFeed> {
    let HttpsParts { authorities, certificate, key, time_a_file } = parts;
    if authorities.is_none() {
        section.report("authorities is missing: whose signature the publisher's certificate bears");
    }
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(FeedIdentity { certificate, key }),
        (None, None) => None,
        _ => {
            section.report("certificate and key go together");
            return None;
        }
    };
    let limits = FeedLimits { file: time_a_file?, ..FeedLimits::default() };
    Some(HttpsFeed { url, authorities: authorities?, identity, limits })
}

fn read_url(value: Value<'_>) -> Result<FeedUrl, String> {
    let wrong = "is a folder on a web server, for example \"https://feeds.example.be/dimona/\"";
    FeedUrl::parse(value.text()?).ok_or_else(|| wrong.to_owned())
}

fn read_signer(value: Value<'_>) -> Result<Signer, String> {
    let wrong = "is the verifier key of a signed note, NAME+HASH+KEY with an Ed25519 key";
    Signer::parse(value.text()?).ok_or_else(|| wrong.to_owned())
}

fn read_interval(value: Value<'_>) -> Result<Duration, String> {
    let interval = parse_duration(value.text()?)?;
    if interval < INTERVAL_LEAST { Err("is at least \"1s\"".to_owned()) } else { Ok(interval) }
}

/// A share in per cent, with up to four decimals: millionths, exactly.
fn read_share(value: Value<'_>) -> Result<Share, String> {
    let wrong = || "is a share from \"0%\" to \"100%\", for example \"0.1%\"".to_owned();
    let number = value.text()?.strip_suffix('%').ok_or_else(wrong)?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let are_digits = |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(whole, 3) || !are_digits(decimals, 4) {
        return Err(wrong());
    }
    let millionths: u32 = format!("{whole}{decimals:0<4}").parse().map_err(|_| wrong())?;
    if millionths > 1_000_000 { Err(wrong()) } else { Ok(Share::from_millionths(millionths)) }
}
