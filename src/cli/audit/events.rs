//! `audit events`: the records that are no exchanges.

use serde_json::{Map, Value, json};

use super::args::EventsArguments;
use super::inputs::{Failure, audit_log_settings, failed, read_days};
use super::record::{Fact, facts};
use crate::cli::argument_errors::ArgumentErrors;
use crate::cli::exit::Exit;
use audit_log::{Event, Record, Records};
use ehealth_core::model::Window;

/// Prints each event of the days, in the order of the log.
pub(super) fn run_events(arguments: &EventsArguments) -> Result<Exit, Failure> {
    let mut errors = ArgumentErrors::default();
    let days = read_days(arguments.from.as_deref(), arguments.to.as_deref(), &mut errors);
    let days = errors.into_result(days).map_err(|errors| (Exit::Usage, errors.to_string()))?;
    let settings = audit_log_settings(&arguments.settings)?;
    for record in Records::open(&settings.folder).map_err(failed)? {
        let record = record.map_err(failed)?;
        if let Some(facts) = event_of(&record, days) {
            println!("{}", if arguments.json { to_json(&record, facts) } else { to_text(&record, &facts) });
        }
    }
    Ok(Exit::Done)
}

/// Facts of a record that `audit events` lists.
fn event_of(record: &Record, days: Option<Window>) -> Option<Vec<Fact>> {
    let is_listed = match &record.event {
        Event::Interruption(_) | Event::Pruning(_) | Event::Vouched(_) | Event::Suppressed(_) => true,
        Event::SegmentBegun(_) | Event::Exchange(_) => false,
    };
    let day = record.header.recorded.brussels_day();
    let is_asked = days.is_none_or(|days| (days.from()..=days.to()).contains(&day));
    (is_listed && is_asked).then(|| facts(&record.event))
}

fn to_text(record: &Record, facts: &[Fact]) -> String {
    let facts: Vec<_> = facts
        .iter()
        .map(|(name, value)| if *name == "record" { value.clone() } else { format!("{name}: {value}") })
        .collect();
    format!("{} {} {}", record.header.sequence, record.header.recorded, facts.join("; "))
}

fn to_json(record: &Record, facts: Vec<Fact>) -> String {
    let facts: Map<_, _> = facts.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    let recorded = record.header.recorded.to_string();
    json!({ "sequence": record.header.sequence, "recorded": recorded, "facts": facts }).to_string()
}
