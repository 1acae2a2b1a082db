//! Runs `audit stats`.

use std::ops::ControlFlow;

use super::args::StatsArguments;
use super::counts::{Counts, MonthCounts};
use super::rows::Form;
use crate::cli::audit::exchanges::walk;
use crate::cli::audit::inputs::{Failure, exit_with_gaps};
use crate::cli::exit::Exit;
use audit_log::Month;

/// Counts the exchanges that are asked for, and prints the rows of a month when it ends.
///
/// A month can come again after a clock was set back; its later rows are then printed apart.
pub(in crate::cli::audit) fn run_stats(arguments: &StatsArguments) -> Result<Exit, Failure> {
    let form = match (arguments.csv, arguments.json) {
        (true, _) => Form::Csv,
        (false, true) => Form::Json,
        (false, false) => Form::Table,
    };
    print!("{}", form.header());
    let (mut counts, mut total) = (MonthCounts::default(), Counts::default());
    let mut current: Option<Month> = None;
    let mut finish = |month: Month, counts: &mut MonthCounts| {
        for (key, counts) in counts.take() {
            total.add_all(&counts);
            print!("{}", form.row(month, key, &counts));
        }
    };
    let gaps = walk(&arguments.settings, &arguments.nodes, &arguments.filter, &mut |row| {
        if let Some(month) = current.filter(|month| *month != row.month) {
            finish(month, &mut counts);
        }
        current = Some(row.month);
        counts.add(row.exchange);
        ControlFlow::Continue(())
    })?;
    if let Some(month) = current {
        finish(month, &mut counts);
    }
    print!("{}", form.footer(&total));
    Ok(exit_with_gaps(&gaps))
}
