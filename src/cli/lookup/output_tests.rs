//! Answers as text and as JSON: what a person must be able to read in the text, and which JSON keys
//! must not change.

use serde_json::{Value, json};

use super::{json, text};
use client::{Answer, CbssTicket, Employment, Findings, Information, Outcome, PreventionService, Status, WrongDates};
use ehealth_core::model::{
    CbeNumber, Criteria, CriteriaDates, Customer, CustomerId, Dataset, Date, EnterpriseNumber, Field, FieldSet, Period,
    ServiceKind, SourceStatus, Sources, Ssin, StatusCode, Timestamp, Window,
};

fn day(text: &str) -> Date {
    Date::parse(text).expect("a day")
}

fn number(text: &str) -> EnterpriseNumber {
    EnterpriseNumber::parse(text).expect("right check digits")
}

fn ssin() -> Ssin {
    Ssin::parse("85073099932").expect("right check digits")
}

fn successor() -> Ssin {
    Ssin::parse("85073199902").expect("right check digits")
}

fn since(text: &str) -> Period {
    Period::from_days(day(text), None).expect("open")
}

fn answer(outcome: Outcome, result: Option<Findings>) -> Answer {
    let time = Timestamp::parse("2026-01-15T09:30:00.127Z").expect("a timestamp");
    Answer {
        customer: Customer {
            ticket: Some("mine".to_owned()),
            timestamp_sent: None,
            id: CustomerId::Cbe(CbeNumber::parse("0999010126").expect("ten digits")),
        },
        ticket: CbssTicket::parse("5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f").expect("a UUID"),
        received: time,
        replied: time,
        legal_context: "BACKTOWORK:ADVISORY_PHYSICIAN".to_owned(),
        criteria: Some(Criteria { ssin: ssin(), dates: CriteriaDates::ReferenceDate(day("2026-01-15")) }),
        status: Status { outcome, description: None, information: Vec::new() },
        replaced_by: None,
        sources: sources(outcome, result.as_ref()),
        filtered: FieldSet::EMPTY.with(Field::HealthInsuranceFund),
        result,
    }
}

/// The sources that the service gives with this outcome.
fn sources(outcome: Outcome, result: Option<&Findings>) -> Sources {
    if !outcome.is_answered() {
        return Sources::default();
    }
    let status = |dataset| match (outcome.missing().contains(dataset), result) {
        (true, _) => SourceStatus::TechnicalError,
        (false, Some(_)) => SourceStatus::DataFound,
        (false, None) if outcome.missing().is_empty() && dataset == Dataset::Dimona => SourceStatus::NoDataFound,
        (false, None) => SourceStatus::NoResult,
    };
    let of_grant = [Dataset::Dimona, Dataset::Coprev, Dataset::Federated];
    of_grant.into_iter().fold(Sources::default(), |sources, dataset| sources.with(dataset, status(dataset)))
}

fn found() -> Findings {
    let service = |text, kind, begin| PreventionService {
        number: Some(number(text)),
        kind: Some(kind),
        affiliation: Some(since(begin)),
    };
    Findings {
        ssin: Some(ssin()),
        employments: vec![Employment {
            employer: Some(number("0999100394")),
            period: Some(since("2016-02-01")),
            services: vec![
                service("0999100394", ServiceKind::Internal, "2017-01-01"),
                service("0999020123", ServiceKind::External, "2014-01-01"),
            ],
        }],
        fund: None,
    }
}

/// An outcome with this status, and facts.
fn outcome_with(status: StatusCode) -> Outcome {
    match status {
        StatusCode::NoGrant => Outcome::NoGrant,
        StatusCode::NotAnSsin => Outcome::NotAnSsin,
        StatusCode::WrongDates => Outcome::WrongDates(WrongDates::Reversed),
        StatusCode::NoRelation => Outcome::NoRelation,
        StatusCode::Replaced => Outcome::Replaced { by: successor() },
        StatusCode::Incomplete => Outcome::Incomplete([Dataset::Dimona].into_iter().collect()),
        StatusCode::DataFound => Outcome::DataFound,
        StatusCode::NoDataFound => Outcome::NoDataFound,
    }
}

fn page(answer: &Answer) -> String {
    text::write(answer, ssin(), Window::new(day("2026-01-15")))
}

#[test]
fn the_text_names_the_competent_service_and_its_begin() {
    assert_eq!(
        page(&answer(Outcome::DataFound, Some(found()))),
        "\
85073099932, on 2026-01-15
DATA_FOUND MSG00000: data were found.

Employer 0999100394, since 2016-02-01
  competent on 2026-01-15: internal service 0999100394, since 2017-01-01
  affiliated to internal service 0999100394, since 2017-01-01
  affiliated to external service 0999020123, since 2014-01-01

Health-insurance fund
  filtered: not disclosed to this organisation

Sources
  dimona: data found
  coprev: data found
  federated: data found

Filtered, because the grant for BACKTOWORK:ADVISORY_PHYSICIAN does not include it
  the health-insurance fund

Ticket 5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f (2026-01-15T09:30:00.127Z)
"
    );
}

#[test]
fn no_data_and_missing_data_read_differently() {
    let nothing = page(&answer(Outcome::NoDataFound, None));
    assert!(nothing.contains("\nEmployment\n  none on these days"), "{nothing}");
    let dimona = [Dataset::Dimona].into_iter().collect();
    let missing = page(&answer(Outcome::Incomplete(dimona), None));
    assert!(missing.contains("\nEmployment\n  unknown, because a dataset is missing or stale"), "{missing}");
    assert!(missing.contains("dimona"), "{missing}");
}

#[test]
fn a_source_that_was_out_never_reads_as_none() {
    // The relation is shown with `coprev`: without it the service has looked at nothing.
    for dataset in Dataset::ALL {
        let outcome = Outcome::Incomplete([dataset].into_iter().collect());
        let out = Answer { filtered: FieldSet::EMPTY, ..answer(outcome, None) };
        let page = page(&out);
        assert!(!page.contains("none"), "{page}");
        assert!(page.contains("\nEmployment\n  unknown"), "{page}");
        assert!(page.contains(&format!("\nHealth-insurance fund\n  unknown, because {}", dataset.code())), "{page}");
        let verdict = &json::write(&out)["verdict"];
        assert_eq!(verdict["competentService"], Value::Null, "{verdict}");
        assert_eq!(verdict["employmentsMissing"], json!([dataset.code()]), "{verdict}");
        assert_eq!(verdict["healthInsuranceFund"]["outcome"], "UNSURE", "{verdict}");
    }
    let persons = Outcome::Incomplete([Dataset::Persons].into_iter().collect());
    let some = page(&answer(persons, Some(found())));
    assert!(some.contains("\nThere may be more employments, because persons is missing or stale."), "{some}");
}

#[test]
fn a_status_without_result_has_advice_and_one_ssin() {
    let without_result = StatusCode::ALL.map(outcome_with).into_iter().filter(|outcome| !outcome.is_answered());
    for outcome in without_result {
        let page = page(&Answer { filtered: FieldSet::EMPTY, ..answer(outcome, None) });
        assert_eq!(page.matches("85073099932").count(), 1, "{page}");
        assert!(page.contains(outcome.code()), "{page}");
        assert_eq!(page.lines().count(), 5, "heading, status, advice, blank, ticket: {page}");
    }
}

#[test]
fn the_text_names_the_ssin_that_replaced_an_answered_one() {
    let page = page(&Answer { replaced_by: Some(successor()), ..answer(Outcome::DataFound, Some(found())) });
    assert!(page.contains("\n  This SSIN was replaced by 85073199902: correct your file.\n"), "{page}");
}

#[test]
fn the_json_keys_do_not_change() {
    let mut answer = answer(Outcome::DataFound, Some(found()));
    answer.status.information = vec![Information { name: "a".to_owned(), value: None }];
    answer.replaced_by = Some(successor());
    let printed = json::write(&answer);
    assert_eq!(
        printed,
        json!({
            "informationCustomer": {
                "ticket": "mine", "timestampSent": null, "cbeNumber": "0999010126", "sector": null, "institution": null,
            },
            "informationCBSS": {
                "ticketCBSS": "5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f",
                "timestampReceive": "2026-01-15T09:30:00.127Z",
                "timestampReply": "2026-01-15T09:30:00.127Z",
            },
            "legalContext": "BACKTOWORK:ADVISORY_PHYSICIAN",
            "criteria": { "ssin": "85073099932", "beginDate": "2026-01-15", "endDate": "2026-01-15" },
            "status": {
                "value": "DATA_FOUND", "code": "MSG00000", "description": null,
                "information": [{ "fieldName": "a", "fieldValue": null }],
            },
            "ssin": { "ssin": "85073099932", "replacedBy": "85073199902" },
            "dataFilters": ["healthInsuranceFund/cbeNumber"],
            "sources": [
                { "name": "dimona", "status": "DATA_FOUND" },
                { "name": "coprev", "status": "DATA_FOUND" },
                { "name": "federated", "status": "DATA_FOUND" },
            ],
            "result": {
                "ssin": "85073099932",
                "employment": [{
                    "employer": "0999100394", "beginDate": "2016-02-01", "endDate": null,
                    "preventionService": [
                        { "cbeNumber": "0999100394", "type": "INTERNAL", "beginDate": "2017-01-01", "endDate": null },
                        { "cbeNumber": "0999020123", "type": "EXTERNAL", "beginDate": "2014-01-01", "endDate": null },
                    ],
                }],
                "healthInsuranceFund": null,
            },
            "verdict": {
                "on": "2026-01-15",
                "competentService": [
                    { "employer": "0999100394", "outcome": "FOUND", "cbeNumber": "0999100394", "missing": [] },
                ],
                "employmentsMissing": [],
                "healthInsuranceFund": { "outcome": "FILTERED", "cbeNumber": null, "missing": [] },
            },
        })
    );
    let bare = json::write(&Answer { criteria: None, ..self::answer(Outcome::NoGrant, None) });
    let keys = |value: &Value| value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
    assert_eq!(keys(&bare), keys(&printed));
}
