//! `sync`: synchronises the datasets with their feeds, once or continuously.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::exit::{Exit, fail};
use super::log::LogWriter;
use super::parsers::parse_dataset;
use super::process::{Stop, confine_and_log, notifier};
use super::progress::show_while;
use super::runtime::block_on;
use super::settings_file::SettingsFile;
use super::sync_report::{exit_of, explanations, table};
use super::writer_user::check_writer;
use crate::app::{Part, SystemClock};
use datasets::sync::{self, Feeds, Shrinking};
use ehealth_core::model::Dataset;

/// Interval of the watchdog messages to systemd.
const WATCHDOG_INTERVAL: Duration = Duration::from_secs(1);
/// Status that systemd shows.
const STATUS: &str = "Following the feeds.";

const AFTER_HELP: &str = "\
Examples:
  ehealth-attributes sync
  ehealth-attributes sync --allow-shrink coprev
  ehealth-attributes sync --follow

Exit codes:
  0  every dataset is up to date
  3  the settings have errors
  7  a publisher's files were refused; the loaded data stay in use
  8  a feed could not be read or the store not be written; the next run may succeed
  9  another run was writing the dataset
With several outcomes, the first of 8, 7, 9. The text below the table explains each outcome.";

/// Arguments of `sync`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct SyncArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Allow this dataset to lose any number of records in this run, after you have checked that
    /// this is right
    #[arg(long, value_name = "DATASET", value_parser = parse_dataset)]
    pub allow_shrink: Vec<Dataset>,
    /// Run until SIGTERM, and synchronise each feed at its interval; for data.fetch = "elsewhere"
    #[arg(long, conflicts_with = "allow_shrink")]
    pub follow: bool,
}

pub(super) fn run(arguments: &SyncArguments, log: &mut LogWriter) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    if let Err(message) = check_writer(&[&settings.sync.data, &settings.sync.rejected]) {
        return fail(Exit::SyncFailed, &message);
    }
    if arguments.follow {
        confine_and_log(&settings, Part::Fetching);
        return block_on(log, follow(settings.sync));
    }
    let mut settings = settings.sync;
    for feed in &mut settings.feeds {
        if arguments.allow_shrink.contains(&feed.dataset) {
            feed.shrinking = Shrinking::Allow;
        }
    }
    let feeds = Feeds::new(settings);
    let reports = show_while(feeds.monitor(), || feeds.run_all(&SystemClock));
    print!("{}{}", table(&reports), explanations(&reports));
    exit_of(&reports)
}

/// Follows the feeds until a signal; a run in progress is then aborted.
async fn follow(settings: sync::Settings) -> Exit {
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let (feeds, notifier) = (Arc::new(Feeds::new(settings)), notifier());
    let following = tokio::spawn(sync::follow(Arc::clone(&feeds), Arc::new(SystemClock)));
    tracing::info!("following the feeds");
    notifier.ready(STATUS);
    let mut ticks = tokio::time::interval(WATCHDOG_INTERVAL);
    let mut stop = std::pin::pin!(stop.wait());
    loop {
        tokio::select! {
            () = stop.as_mut() => break,
            _ = ticks.tick() => notifier.alive(STATUS),
        }
    }
    notifier.stopping();
    feeds.monitor().stop();
    match following.await {
        Ok(()) => Exit::Done,
        Err(error) => fail(Exit::Failed, &error),
    }
}
