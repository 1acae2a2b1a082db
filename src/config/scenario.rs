//! Reads the scenario file of a simulation: invented people, their records in the sources, and
//! faults to inject.
//!
//! `fixtures/scenario.toml` is an example that has and explains every key; `simulate --example`
//! prints it. Every key is optional: an empty scenario has the people of the catalogue, at the time
//! for which the catalogue is written.
//!
//! This module does not touch a dataset. The numbers of a parsed scenario are valid and no period
//! ends before it begins. Whether its records agree with each other and with those of the catalogue
//! is checked by the sync that loads them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::document::{Section, parse, read_text};
use super::failures::{MAX_DELAY_MILLIS, read_plan, read_ssin};
use super::origin::Problems;
use super::policy_values::read_signature_rule;
use super::value::Value;
use ehealth_core::model::{
    Affiliation, Date, EmploymentPeriod, EnterpriseNumber, Membership, Period, ServiceKind, Ticket, Timestamp,
};
use testkit::{EmployerAffiliation, InjectedFault, Person, Scenario, SimulatedSignatures};

/// Time for which the catalogue is written.
const NOW: &str = "2026-01-15T09:30:00.000Z";

/// Default ticket of every answer.
const TICKET: [u8; 16] = [0; 16];

/// Reads a scenario file.
///
/// # Errors
/// Every error of the file.
pub fn read_scenario(file: &Path) -> Result<Scenario, Problems> {
    parse_scenario(file, &read_text(file)?)
}

/// Parses the text of a scenario. Errors name `file`.
///
/// # Errors
/// Every error of the text.
pub fn parse_scenario(file: &Path, text: &str) -> Result<Scenario, Problems> {
    parse(file, text, |root| {
        let now = root.optional("now", read_moment);
        let ticket = root.optional("ticket", read_ticket).unwrap_or_else(|| Some(Ticket::new(TICKET)));
        let people = read_people(root);
        let affiliations = root.sections("affiliation").into_iter().filter_map(read_affiliation).collect();
        let plan = read_plan(root);
        let signatures = root.optional_section("signatures").map(read_signatures).unwrap_or_default();
        // The constant is a valid timestamp.
        let now = now.or_else(|| Timestamp::parse(NOW).ok())?;
        Some(Scenario { now, ticket, people, affiliations, plan, signatures })
    })
}

fn read_signatures(mut section: Section<'_>) -> SimulatedSignatures {
    let rule = section.optional("messages", read_signature_rule);
    let sign_responses = section.optional("responses", Value::truth).unwrap_or_default();
    let refuse_replays = section.optional("refuse_replays", Value::truth).unwrap_or_default();
    section.finish();
    SimulatedSignatures { rule: rule.unwrap_or_default(), sign_responses, refuse_replays }
}

fn read_people(root: &mut Section<'_>) -> Vec<Person> {
    let mut seen = BTreeSet::new();
    let mut people = Vec::new();
    for mut section in root.sections("person") {
        let ssin = section.required("ssin", read_ssin);
        if ssin.is_some_and(|ssin| !seen.insert(ssin)) {
            section.report("duplicate: this person is described above");
        }
        let replaced_by = section.optional("replaced_by", read_ssin);
        let is_cancelled = section.optional("cancelled", Value::truth).unwrap_or_default();
        let delay = section.optional("delay_millis", |value| value.integer(0, MAX_DELAY_MILLIS));
        let fault = section.optional("fault", |value| {
            let named = InjectedFault::parse(value.text()?);
            named.ok_or_else(|| format!("must be one of {}", InjectedFault::ALL.map(InjectedFault::code).join(", ")))
        });
        let employments = section.sections("employment").into_iter().filter_map(|mut section| {
            let employer = section.required("employer", read_organisation);
            let period = read_period(&mut section);
            section.finish();
            Some(EmploymentPeriod { employer: employer?, period: period? })
        });
        let employments = employments.collect();
        let memberships = section.sections("membership").into_iter().filter_map(|mut section| {
            let fund = section.required("fund", read_organisation);
            let period = read_period(&mut section);
            section.finish();
            Some(Membership { fund: fund?, period: period? })
        });
        let memberships = memberships.collect();
        section.finish();
        let delay = Duration::from_millis(delay.unwrap_or_default());
        people.extend(ssin.map(|ssin| Person {
            ssin,
            replaced_by,
            is_cancelled,
            employments,
            memberships,
            delay,
            fault,
        }));
    }
    people
}

fn read_affiliation(mut section: Section<'_>) -> Option<EmployerAffiliation> {
    let employer = section.required("employer", read_organisation);
    let service = section.required("service", read_organisation);
    let kind = section.required("type", |value| match value.text()? {
        "INTERNAL" => Ok(ServiceKind::Internal),
        "EXTERNAL" => Ok(ServiceKind::External),
        _ => Err("must be INTERNAL or EXTERNAL".to_owned()),
    });
    let period = read_period(&mut section);
    section.finish();
    Some(EmployerAffiliation {
        employer: employer?,
        kind: kind?,
        affiliation: Affiliation { service: service?, period: period? },
    })
}

fn read_period(section: &mut Section<'_>) -> Option<Period> {
    let begin = section.required("begin", read_date);
    let end = section.optional("end", read_date);
    let period = Period::from_days(begin?, end);
    if period.is_err() {
        section.report("end must not be before begin");
    }
    period.ok()
}

fn read_organisation(value: Value<'_>) -> Result<EnterpriseNumber, String> {
    EnterpriseNumber::parse(value.text()?).map_err(|error| error.to_string())
}

fn read_date(value: Value<'_>) -> Result<Date, String> {
    Date::parse(value.text()?).map_err(|_| "must be a date, written \"YYYY-MM-DD\"".to_owned())
}

fn read_moment(value: Value<'_>) -> Result<Timestamp, String> {
    Timestamp::parse(value.text()?).map_err(|_| "must be a timestamp, written \"2026-01-15T09:30:00Z\"".to_owned())
}

fn read_ticket(value: Value<'_>) -> Result<Option<Ticket>, String> {
    match value.text()? {
        "random" => Ok(None),
        text => match Ticket::parse(text) {
            Some(ticket) => Ok(Some(ticket)),
            None => Err("must be a UUID of version 4, or \"random\" for a new ticket with every answer".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<Scenario, String> {
        parse_scenario(Path::new("scenario.toml"), text).map_err(|problems| problems.to_string())
    }

    #[test]
    fn the_example_has_every_key() {
        let scenario = parse_text(include_str!("../../fixtures/scenario.toml")).expect("a valid scenario");
        let has = |is: fn(&Person) -> bool| assert!(scenario.people.iter().any(is));
        has(|person| person.replaced_by.is_some());
        has(|person| person.is_cancelled);
        has(|person| !person.employments.is_empty() && !person.memberships.is_empty());
        has(|person| person.delay > Duration::ZERO);
        has(|person| person.fault == Some(InjectedFault::DataUnreadable));
        has(|person| person.fault == Some(InjectedFault::AuditLogUnwritable));
        assert_eq!(scenario.affiliations.len(), 2);
        assert!(scenario.plan.missing.is_empty() && scenario.plan.stale.is_empty());
    }

    #[test]
    fn an_empty_scenario_is_the_catalogue_at_its_time() {
        let scenario = parse_text("").expect("a valid scenario");
        assert_eq!(scenario.now.to_string(), NOW);
        assert_eq!(scenario.ticket, Some(Ticket::new([0; 16])));
        assert!(scenario.people.is_empty() && scenario.affiliations.is_empty());
        assert_eq!(parse_text("ticket = \"random\"").expect("a valid scenario").ticket, None);
    }

    #[test]
    fn reports_every_error_at_once() {
        let text = r#"now = "today"
ticket = "1"

[[person]]
ssin = "85073099933"
cancelled = "no"
delay_millis = 600001
fault = "MSG00000"

[[person.employment]]
employer = "0999100197"
begin = "2026-01-02"
end = "2026-01-01"

[[person]]
ssin = "87042399969"

[[person.membership]]
begin = "2026-01-02"
end = "2026-01-01"

[[person]]
ssin = "87042399969"
name = "Zoë"

[[affiliation]]
employer = "0999100196"
service = "0999020123"
type = "external"
begin = "2026-13-01"

[outage]
missing = ["dimona", "co-prev"]
late = ["persons"]
"#;
        let errors = parse_text(text).expect_err("errors");
        for part in [
            "scenario.toml:1: now: must be a timestamp",
            "scenario.toml:2: ticket: must be a UUID of version 4, or \"random\"",
            "scenario.toml:5: person[1].ssin: the check digits",
            "scenario.toml:6: person[1].cancelled: must be true or false",
            "scenario.toml:7: person[1].delay_millis: must be an integer from 0 to 600000",
            "scenario.toml:8: person[1].fault: must be one of MSG00003, MSG90053",
            "scenario.toml:11: person[1].employment[1].employer: the check digits",
            "scenario.toml:10: person[1].employment[1]: end must not be before begin",
            "scenario.toml:18: person[2].membership[1].fund: is missing",
            "scenario.toml:18: person[2].membership[1]: end must not be before begin",
            "scenario.toml:22: person[3]: duplicate: this person is described above",
            "scenario.toml:24: person[3].name: unknown key",
            "scenario.toml:29: affiliation[1].type: must be INTERNAL or EXTERNAL",
            "scenario.toml:30: affiliation[1].begin: must be a date",
            "scenario.toml:33: outage.missing: must be one of dimona, coprev, federated, insurance, persons",
            "scenario.toml:34: outage.late: unknown key; valid keys: missing, stale",
        ] {
            assert!(errors.contains(part), "{part}\nis not in\n{errors}");
        }
        assert_eq!(errors.lines().count(), 16, "{errors}");
    }
}
