//! `sync`: the datasets in step with their feeds, once.

use std::path::Path;

use super::{Exit, fail};
use crate::app::SystemClock;
use crate::config::read_settings;
use crate::sync::{Report, run_all};

pub(super) fn run(config: &Path) -> Exit {
    let settings = match read_settings(config) {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let reports = run_all(&settings.sync, &SystemClock);
    print!("{}", table(&reports));
    if reports.iter().all(|report| report.outcome.is_in_step()) { Exit::Done } else { Exit::DatasetRefused }
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
