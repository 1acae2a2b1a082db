//! The `[feeds]` of the settings file: where each dataset comes from, and how its publisher is judged.
//!
//! `[data] feeds = "…"` names one folder with a folder for each dataset: enough where everything is dropped in one place.
//! A section `[feeds.DATASET]` says more of one of them. Every dataset must come from somewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{Section, Value};
use super::duration::parse_duration;
use crate::feed::Signer;
use crate::model::Dataset;
use crate::sync::{Feed, FeedIdentity, FeedLimits, FeedUrl, HttpsFeed, Share, Shrinking, Source};

/// The shortest interval: a publisher's door is no place to hammer on.
const INTERVAL_LEAST: Duration = Duration::from_secs(1);

/// Reads the section, which may be absent, beside the folder of those datasets that have no section of their own.
pub(super) fn read_feeds(
    root: &mut Section<'_>,
    of_all: Option<&Path>,
    path: impl Fn(Value<'_>) -> Result<PathBuf, String> + Copy,
) -> Option<Vec<Feed>> {
    let mut feeds = Vec::new();
    let mut section = root.optional_section("feeds");
    let mut complete = true;
    for dataset in Dataset::ALL {
        let own = section.as_mut().and_then(|section| section.optional_section(dataset.code()));
        match (own, of_all) {
            (Some(own), _) => match read_feed(own, dataset, path) {
                Some(feed) => feeds.push(feed),
                None => complete = false,
            },
            (None, Some(folder)) => feeds.push(Feed::new(dataset, Source::Folder(folder.join(dataset.code())))),
            (None, None) => {
                let text = format!("{} comes from nowhere: write [feeds.{0}], or data.feeds for all", dataset.code());
                match &section {
                    Some(section) => section.report(text),
                    None => root.report(text),
                }
                complete = false;
            }
        }
    }
    if let Some(section) = section {
        section.finish();
    }
    complete.then_some(feeds)
}

fn read_feed(
    mut section: Section<'_>,
    dataset: Dataset,
    path: impl Fn(Value<'_>) -> Result<PathBuf, String> + Copy,
) -> Option<Feed> {
    let folder = section.optional("folder", path);
    let url = section.optional("url", read_url);
    let source = match (folder, url) {
        (Some(folder), None) => Some(Source::Folder(folder)),
        (None, Some(url)) => read_https(&mut section, url, path).map(Source::Https),
        _ => {
            section.report("has either a right folder or a right url");
            // Read all the same: what else is wrong is told at once.
            let _ = read_https_parts(&mut section, path);
            None
        }
    };
    let signer = section.optional("signer", read_signer);
    let interval = section.optional("interval", read_interval);
    let wrong_share = section.optional("wrong_share", read_share);
    let loss_share = section.optional("loss_share", read_share);
    section.finish();
    let mut feed = Feed::new(dataset, source?);
    feed.signer = signer;
    feed.interval = interval.unwrap_or(feed.interval);
    feed.wrong_share = wrong_share.unwrap_or(feed.wrong_share);
    feed.shrinking = loss_share.map_or(feed.shrinking, Shrinking::UpTo);
    Some(feed)
}

fn read_https(
    section: &mut Section<'_>,
    url: FeedUrl,
    path: impl Fn(Value<'_>) -> Result<PathBuf, String> + Copy,
) -> Option<HttpsFeed> {
    let (authorities, certificate, key, file) = read_https_parts(section, path);
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
    let defaults = FeedLimits::default();
    let limits = FeedLimits { file: file.unwrap_or(defaults.file), ..defaults };
    Some(HttpsFeed { url, authorities: authorities?, identity, limits })
}

type HttpsParts = (Option<PathBuf>, Option<PathBuf>, Option<PathBuf>, Option<Duration>);

fn read_https_parts(
    section: &mut Section<'_>,
    path: impl Fn(Value<'_>) -> Result<PathBuf, String> + Copy,
) -> HttpsParts {
    (
        section.optional("authorities", path),
        section.optional("certificate", path),
        section.optional("key", path),
        section.optional("time_a_file", |value| parse_duration(value.text()?)),
    )
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
