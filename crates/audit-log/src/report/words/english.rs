//! The words of a report in English.

use ehealth_core::model::{Field, StatusCode};

use super::terms::Words;

pub(super) const WORDS: Words = Words {
    title: "Consultations of your data",
    introduction: "This overview shows who asked for your data through this service, when, on which legal basis, and what was \
                   disclosed (article 15 GDPR). Times are in Belgian time.",
    colon: ": ",
    separator: "; ",
    made: "Made on",
    days: "Period",
    all_days: "entire retention period",
    count: "Number of consultations",
    refused_count: "Number of refused or failed attempts",
    refused: "Refused or failed attempts: nothing was disclosed",
    gaps: "This overview may be incomplete",
    year_without_key: "the year {year} cannot be searched here: the key of that year is not available here",
    year_unreadable: "the year {year} cannot be searched: the key of that year cannot be used",
    year_of_another_key: "the year {year} cannot be searched: it was written with another key",
    unreadable_part: "a part of the audit log cannot be read",
    received: "Date and time",
    caller: "Asked by",
    application: "Software application",
    quality: "In the capacity of",
    organisation: "On behalf of",
    relay: "Forwarded by",
    ground: "Legal basis",
    deliberation: "Deliberation",
    window: "Requested period",
    fields: "Data disclosed",
    new_ssin: "the new identification number (SSIN), which replaces the one that was asked about",
    disclosed: "Organisations named in the answer",
    outcome: "Result",
    ticket: "Ticket number",
    none: "none",
    nothing: "nothing was disclosed",
    unknown: "unknown",
    destroyed: "no longer readable: the key of this month was destroyed",
    key_missing: "not readable here: the key of this month is not available here",
    unreadable: "cannot be read",
    failed: "not answered: the question was refused or failed",
    status,
    field,
};

fn status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::DataFound => "found and disclosed",
        StatusCode::Incomplete => "incomplete: a source was missing or out of date",
        StatusCode::NoDataFound => "nothing was found",
        StatusCode::Replaced => "the number was replaced: the new one was disclosed",
        StatusCode::WrongDates => "refused: a date was not allowed, or too many were asked",
        StatusCode::NotAnSsin => "refused: not a valid number",
        StatusCode::NoRelation => "refused: no relation to the person concerned",
        StatusCode::NoGrant => "refused: no authorisation for this question",
    }
}

fn field(field: Field) -> &'static str {
    match field {
        Field::Ssin => "identification number (SSIN)",
        Field::Employer => "employer",
        Field::EmploymentBegin => "start of the employment",
        Field::EmploymentEnd => "end of the employment",
        Field::PreventionService => "service for prevention and protection at work",
        Field::PreventionServiceType => "type of service for prevention and protection at work",
        Field::AffiliationBegin => "start of the affiliation to the service for prevention and protection at work",
        Field::AffiliationEnd => "end of the affiliation to the service for prevention and protection at work",
        Field::HealthInsuranceFund => "health-insurance fund",
    }
}
