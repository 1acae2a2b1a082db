//! The records about a person: what `search` and `report` share.

use std::io;

use super::inputs::{Failure, failed, keys, read_days};
use super::names::Names;
use super::nodes::{all_nodes, find_in_all};
use super::scope::Scope;
use super::words::Words;
use crate::app::SystemClock;
use crate::cli::argument_errors::ArgumentErrors;
use crate::cli::exit::Exit;
use crate::config::Settings;
use audit_log::report::Report;
use audit_log::{self, IndexUse, Whom, find, find_each, pruned_until};
use ehealth_core::model::{Clock, Ssin, Timestamp, Window};

/// Reads an argument that names a person; `-`: from standard input.
pub(super) fn read_argument(argument: &str) -> Result<String, Failure> {
    match argument {
        "-" => {
            text_file::read_line(io::stdin().lock()).map_err(|error| failed(format_args!("standard input: {error}")))
        }
        given => Ok(given.to_owned()),
    }
}

/// Reads the person and the days of the arguments; every error is reported at once.
pub(super) fn read_scope(
    scope: &Scope,
    whom: impl FnOnce(&mut ArgumentErrors) -> Option<Whom>,
) -> Result<(Whom, Option<Window>), Failure> {
    let mut errors = ArgumentErrors::default();
    let whom = whom(&mut errors);
    let days = read_days(scope.from.as_deref(), scope.to.as_deref(), &mut errors);
    errors.into_result(whom.zip(days)).map_err(|errors| (Exit::Usage, errors.to_string()))
}

/// The person asked about. The error names the violated rule and contains no digit of the number.
pub(super) fn subject(text: &str, errors: &mut ArgumentErrors) -> Option<Whom> {
    errors.take("--ssin", Ssin::parse(text.trim())).map(Whom::Subject)
}

/// Makes the report of what is found.
pub(super) fn report(scope: &Scope, whom: &Whom, days: Option<Window>, names: Names) -> Result<Report, Failure> {
    let whole = scope.settings.read().map_err(|problems| (Exit::Configuration, problems.to_string()))?;
    let settings = &whole.audit_log;
    if let Some(of_cluster) = all_nodes(&whole, &scope.nodes) {
        let found = find_in_all(&whole, of_cluster, &scope.nodes, (whom, days))?;
        return Ok(Report::new(found, SystemClock.now(), days, &Words::new(&settings.folder, names)));
    }
    let index = if scope.no_index { IndexUse::Bypass } else { IndexUse::Keep };
    let found = find(&settings.folder, &keys(settings)?, index, whom, days).map_err(failed)?;
    let report = Report::new(found, SystemClock.now(), days, &Words::new(&settings.folder, names));
    // Only then do the reasons matter for which a key is missing.
    if !report.lacks_keys() {
        return Ok(report);
    }
    let until = pruned_until(&settings.folder).map_err(failed)?;
    Ok(report.with_pruned_until(until))
}

/// Makes the reports about many persons, in their order. The audit log of this node is read once; the nodes of a
/// cluster are searched for one person after the other.
pub(super) fn reports(
    whole: &Settings,
    scope: &Scope,
    persons: &[Ssin],
    days: Option<Window>,
    (now, words): (Timestamp, &Words),
) -> Result<Vec<Report>, Failure> {
    if let Some(of_cluster) = all_nodes(whole, &scope.nodes) {
        let one = |person: &Ssin| {
            let found = find_in_all(whole, of_cluster, &scope.nodes, (&Whom::Subject(*person), days))?;
            Ok(Report::new(found, now, days, words))
        };
        return persons.iter().map(one).collect();
    }
    let settings = &whole.audit_log;
    let index = if scope.no_index { IndexUse::Bypass } else { IndexUse::Keep };
    let found = find_each(&settings.folder, &keys(settings)?, index, persons, days).map_err(failed)?;
    let reports = found.into_iter().map(|found| Report::new(found, now, days, words));
    let reports: Vec<_> = reports.collect();
    if !reports.iter().any(Report::lacks_keys) {
        return Ok(reports);
    }
    let until = pruned_until(&settings.folder).map_err(failed)?;
    Ok(reports.into_iter().map(|report| report.with_pruned_until(until)).collect())
}
