//! `sync`: the datasets in step with their feeds, once or for as long as it is let.

use std::sync::Arc;
use std::time::Duration;

use super::args::SyncArguments;
use super::progress::show_while;
use super::serve::{Stop, confine_and_log, notifier};
use super::{Exit, LogWriter, block_on, fail};
use crate::app::{Part, SystemClock};
use datasets::sync::{self, Failure, Feeds, Outcome, Refusal, Report, Shrinking};

/// How often systemd is told that all is well.
const ALIVE_INTERVAL: Duration = Duration::from_secs(1);

pub(super) fn run(arguments: &SyncArguments, journal: &mut LogWriter) -> Exit {
    let settings = match arguments.settings.read() {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    if arguments.follow {
        confine_and_log(&settings, Part::Fetching);
        return block_on(journal, follow(settings.sync));
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

/// Follows the feeds until it is told to stop; a run that is under way then is broken off.
async fn follow(settings: sync::Settings) -> Exit {
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let (feeds, notifier) = (Arc::new(Feeds::new(settings)), notifier());
    let following = tokio::spawn(sync::follow(Arc::clone(&feeds), Arc::new(SystemClock)));
    tracing::info!("following the feeds");
    notifier.ready("Following the feeds.");
    let mut ticks = tokio::time::interval(ALIVE_INTERVAL);
    let mut stop = std::pin::pin!(stop.wait());
    loop {
        tokio::select! {
            () = stop.as_mut() => break,
            _ = ticks.tick() => notifier.alive("Following the feeds."),
        }
    }
    notifier.stopping();
    feeds.monitor().stop();
    match following.await {
        Ok(()) => Exit::Done,
        Err(error) => fail(Exit::Failed, &error),
    }
}

/// The code for runs that ended so.
pub(super) fn exit_of(reports: &[Report]) -> Exit {
    let any = |is: fn(Outcome) -> bool| reports.iter().any(|report| is(report.outcome));
    if any(|outcome| matches!(outcome, Outcome::Failed(_))) {
        Exit::SyncFailed
    } else if any(|outcome| matches!(outcome, Outcome::Refused(_))) {
        Exit::DatasetRefused
    } else if any(|outcome| outcome == Outcome::Skipped) {
        Exit::SyncSkipped
    } else {
        Exit::Done
    }
}

/// A line for each dataset: how its run ended, and what is loaded now.
pub(super) fn table(reports: &[Report]) -> String {
    let mut text = format!("{:<10} {:<20} {:>8} {:>12} {:>9}\n", "dataset", "outcome", "serial", "records", "rejected");
    for report in reports {
        let serial = report.serial.map_or_else(|| "-".to_owned(), |serial| serial.to_string());
        text.push_str(&format!(
            "{:<10} {:<20} {serial:>8} {:>12} {:>9}\n",
            report.dataset.code(),
            report.outcome.code(),
            report.records,
            report.rejected
        ));
    }
    text
}

/// A line for each dataset that is not in step: what is wrong, and who may mend it.
fn explanations(reports: &[Report]) -> String {
    let explained = reports.iter().filter_map(|report| {
        let explanation = explain(report.outcome)?;
        Some(format!("{}, {}: {explanation}\n", report.dataset.code(), report.outcome.code()))
    });
    explained.collect()
}

fn explain(outcome: Outcome) -> Option<&'static str> {
    Some(match outcome {
        Outcome::Nothing | Outcome::Deltas | Outcome::Snapshot(_) => return None,
        Outcome::Refused(refusal) => explain_refusal(refusal),
        Outcome::Failed(Failure::Source) => {
            "the feed cannot be read now; the log says why. Look at its folder, or at its address, certificates and network"
        }
        Outcome::Failed(Failure::Store) => {
            "the data or the rejected records cannot be written; the log says why. Look at the disk's room and the folder's rights"
        }
        Outcome::Failed(Failure::Stopped) => "stopped before it was done; the next run begins anew",
        Outcome::Skipped => "another run is writing this dataset; its outcome counts",
    })
}

fn explain_refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Rollback => {
            "the publisher offers a serial below the loaded one, or a session that it had left. Ask the publisher; to take \
             it all the same, remove the dataset's files"
        }
        Refusal::Rewritten => "a file that was known has another hash now. Ask the publisher which one is right",
        Refusal::Hash => {
            "a file has not the hash that the notification announces: cut on its way, or changed. Ask the publisher"
        }
        Refusal::Bytes => {
            "a file has not the length that the notification announces: perhaps it is still being written"
        }
        Refusal::Records => "a file has not as many records as the notification announces. Ask the publisher",
        Refusal::MissingFile => "the notification, or a file that it lists, is not there",
        Refusal::Malformed => {
            "a file is not the CSV that it must be, or not packed as its name says. Ask the publisher"
        }
        Refusal::TooManyWrong => "more records are wrong than may be; they are in the folder of rejected records",
        Refusal::Uri => "a path leads out of the feed, over a link, to another address or to something that is no file",
        Refusal::Notification => {
            "the notification cannot be read, is another dataset's, or does not lead to its serial. Ask the publisher"
        }
        Refusal::Signature => "the notification is not signed by whom the settings name",
        Refusal::Shrunk => {
            "the dataset would lose more records than it may. If that is right, run again with --allow-shrink and its name"
        }
        Refusal::BadDelta => {
            "a delta does not fit, and the snapshot is older than it. Ask the publisher for a new snapshot"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ehealth_core::model::Dataset;

    #[test]
    fn whatever_is_not_in_step_is_explained_in_a_line() {
        for outcome in Outcome::all() {
            let report = Report { dataset: Dataset::Dimona, outcome, serial: None, records: 0, rejected: 0 };
            let lines = explanations(&[report]);
            assert_eq!(lines.lines().count(), usize::from(!outcome.is_up_to_date()), "{lines}");
            assert!(outcome.is_up_to_date() || lines.starts_with(&format!("dimona, {}: ", outcome.code())), "{lines}");
        }
    }

    #[test]
    fn the_worst_outcome_gives_the_code() {
        let exits = Outcome::all().map(|outcome| {
            let report = |outcome| Report { dataset: Dataset::Dimona, outcome, serial: None, records: 0, rejected: 0 };
            let alone = exit_of(&[report(outcome)]);
            assert_eq!(exit_of(&[report(Outcome::Nothing), report(outcome)]), alone);
            alone.number()
        });
        assert_eq!(exits.collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 9]);
        assert_eq!(exit_of(&[]), Exit::Done);
    }
}
