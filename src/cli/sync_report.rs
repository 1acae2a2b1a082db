//! The result of a sync as text, and its exit code.

use super::exit::Exit;
use datasets::sync::{Failure, Outcome, Refusal, Report};

/// Exit code of runs with these outcomes.
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

/// One line per dataset: the outcome of its run, and the loaded state.
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

/// One line per dataset that is not up to date: what is wrong, where, and what to do.
pub(super) fn explanations(reports: &[Report]) -> String {
    let explained = reports.iter().filter_map(|report| {
        let explanation = explain(report.outcome)?;
        let reason = report.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        Some(format!("{}, {}: {explanation}{reason}\n", report.dataset.code(), report.outcome.code()))
    });
    explained.collect()
}

fn explain(outcome: Outcome) -> Option<&'static str> {
    Some(match outcome {
        Outcome::Nothing | Outcome::Deltas | Outcome::Snapshot(_) => return None,
        Outcome::Refused(refusal) => explain_refusal(refusal),
        Outcome::Failed(failure) => explain_failure(failure),
        Outcome::Skipped => "another run is writing this dataset; see the outcome of that run",
    })
}

fn explain_failure(failure: Failure) -> &'static str {
    match failure {
        Failure::NoFeed => {
            "the folder of the feed does not exist. Create it, or correct feeds.DATASET.folder or data.feeds"
        }
        Failure::Source => "the feed cannot be read. Check its permissions, or its address, certificates and network",
        Failure::Store => {
            "the data or the rejected records cannot be written. Check the disk and the permissions of the folder"
        }
        Failure::DiskSpace => {
            "the run stopped before the disk had less free space than data.min_free_space. Free space, or use another disk"
        }
        Failure::Stopped => "stopped before the end; the next run starts again",
    }
}

fn explain_refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Rollback => {
            "the publisher offers a serial below the loaded one, or a session that it left before. Ask the publisher; to \
             load it all the same, remove the files of the dataset"
        }
        Refusal::Rewritten => "a known file has another hash than before. Ask the publisher which one is right",
        Refusal::Hash => {
            "the hash of a file differs from the notification: the file was cut in transit, or changed. Ask the publisher"
        }
        Refusal::Bytes => {
            "a file is longer than the notification announces. Ask the publisher to publish the files before their \
             notification"
        }
        Refusal::Incomplete => {
            "the notification or a file ends too early: it is being uploaded, or was cut. If the next run ends the same \
             way, ask the publisher to upload under another name and to rename the complete file"
        }
        Refusal::Records => "the number of records in a file differs from the notification. Ask the publisher",
        Refusal::MissingFile => {
            "the notification, or a file that it lists, does not exist. Ask the publisher to publish the files before \
             their notification"
        }
        Refusal::Malformed => {
            "a file is not the expected CSV, or not compressed as its name says. Send the line and the reason to the \
             publisher"
        }
        Refusal::TooLarge => {
            "a file is larger than 16 GiB, or unpacks to more than 200 times its size. Treat it as an attack until you \
             know the cause"
        }
        Refusal::TooManyWrong => "more records are invalid than the limit allows; see the folder of rejected records",
        Refusal::Uri => {
            "a path leaves the feed, follows a link, redirects to another address, or is not a regular file"
        }
        Refusal::Notification => {
            "the notification breaks the format, belongs to another dataset, or does not lead to its serial. Send the line \
             and the reason to the publisher"
        }
        Refusal::Future => {
            "the notification was created more than 5 min in the future. Check the clock of this machine, then ask the \
             publisher to check its own"
        }
        Refusal::Signature => "the notification is not signed by a key that the settings name",
        Refusal::Shrunk => {
            "the dataset would lose more records than the limit allows. If that is right, run again with --allow-shrink \
             and the name of the dataset"
        }
        Refusal::BadDelta => {
            "a delta does not apply, and the snapshot is older than it. Ask the publisher for a new snapshot"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ehealth_core::model::Dataset;

    fn report(outcome: Outcome) -> Report {
        let reason = (!outcome.is_up_to_date()).then(|| "`s.csv`: line 7".to_owned());
        Report { dataset: Dataset::Dimona, outcome, serial: None, records: 0, rejected: 0, reason }
    }

    #[test]
    fn each_dataset_that_is_not_up_to_date_has_one_line() {
        for outcome in Outcome::all() {
            let report = report(outcome);
            let lines = explanations(&[report]);
            assert_eq!(lines.lines().count(), usize::from(!outcome.is_up_to_date()), "{lines}");
            assert!(outcome.is_up_to_date() || lines.starts_with(&format!("dimona, {}: ", outcome.code())), "{lines}");
            assert!(outcome.is_up_to_date() || lines.ends_with(" (`s.csv`: line 7)\n"), "{lines}");
        }
    }

    #[test]
    fn the_worst_outcome_gives_the_exit_code() {
        let exits = Outcome::all().map(|outcome| {
            let alone = exit_of(&[report(outcome)]);
            assert_eq!(exit_of(&[report(Outcome::Nothing), report(outcome)]), alone);
            alone.number()
        });
        assert_eq!(exits.collect::<Vec<_>>(), [vec![0; 6], vec![7; 16], vec![8; 5], vec![9]].concat());
        assert_eq!(exit_of(&[]), Exit::Done);
    }
}
