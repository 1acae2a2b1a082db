//! `sync`: the datasets in step with their feeds, once.

use super::args::SyncArguments;
use super::progress::show_while;
use super::{Exit, fail};
use crate::app::SystemClock;
use crate::config::read_settings;
use crate::sync::{Feeds, Outcome, Report, Shrinking};

pub(super) fn run(arguments: &SyncArguments) -> Exit {
    let mut settings = match read_settings(&arguments.settings.config) {
        Ok(settings) => settings.sync,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    for feed in &mut settings.feeds {
        if arguments.allow_shrink.contains(&feed.dataset) {
            feed.shrinking = Shrinking::Allow;
        }
    }
    let feeds = Feeds::new(settings);
    let reports = show_while(feeds.monitor(), || feeds.run_all(&SystemClock));
    print!("{}", table(&reports));
    exit_of(&reports)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Dataset;

    #[test]
    fn the_worst_outcome_gives_the_code() {
        let exits = Outcome::ALL.map(|outcome| {
            let report = |outcome| Report { dataset: Dataset::Dimona, outcome, serial: None, records: 0, rejected: 0 };
            let alone = exit_of(&[report(outcome)]);
            assert_eq!(exit_of(&[report(Outcome::Nothing), report(outcome)]), alone);
            alone.number()
        });
        assert_eq!(exits, [0, 0, 0, 0, 0, 0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 9]);
        assert_eq!(exit_of(&[]), Exit::Done);
    }
}
