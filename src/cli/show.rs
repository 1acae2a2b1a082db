//! How an answer is printed: a page for a person, or JSON with keys that stay.
//!
//! Decides nothing: which service is competent and which fund it is are [`Answer`]'s own verdicts. Prints nothing either;
//! the texts are handed back. The page shows the SSIN once, as its heading, to the person who typed it, and a number that
//! replaced it, because without that the answer is of no use. The JSON has every number that the answer has: it is made
//! for whoever asked, and belongs in no log.
//!
//! # The keys of the JSON
//!
//! The contract's names, in its order; what is not there is `null` or an empty list, never a missing key. Days are
//! `YYYY-MM-DD`, moments UTC with milliseconds, numbers of organisations and persons texts.
//!
//! | key | value |
//! |---|---|
//! | `informationCustomer` | `ticket`, `timestampSent`, `cbeNumber`, `sector`, `institution` |
//! | `informationCBSS` | `ticketCBSS`, `timestampReceive`, `timestampReply` |
//! | `legalContext` | the text |
//! | `criteria` | `null`, or `ssin`, `beginDate`, `endDate` (the same day for a reference date) |
//! | `status` | `value`, `code`, `description`, `information` (list of `fieldName`, `fieldValue`) |
//! | `dataFilters` | list of paths |
//! | `result` | `null`, or `ssin`, `employment` (list), `healthInsuranceFund` |
//! | `result.employment[]` | `employer`, `beginDate`, `endDate`, `preventionService` (list of `cbeNumber`, `type`, `beginDate`, `endDate`) |
//! | `verdict` | what follows for the last day asked: `on`, `competentService`, `healthInsuranceFund` |
//! | `verdict.competentService` | `null` if nothing can be said, or a list, one for each employment on that day: `employer`, `told`, `cbeNumber`, `missing` |
//! | `verdict.healthInsuranceFund` | `told`, `cbeNumber`, `missing` |
//!
//! `told` is `FOUND`, `NOTHING`, `UNSURE` (a source in `missing` could say otherwise), `FILTERED` or `NOT_ANSWERED`.

use std::fmt::Write;

use serde_json::{Value, json};

use client::{Answer, Disclosed, Employment, NoVerdict, Outcome, PreventionService, WrongDates};
use ehealth_core::model::{
    CriteriaDates, CustomerId, Dataset, DatasetSet, Date, EnterpriseNumber, Field, Period, ServiceKind, Ssin, Window,
};

/// The page for a person: heading, status with what to do, employers with their services, fund, what was left out.
/// `typed` and `asked` are what the person asked; the days of the page are those that the service understood.
#[must_use]
pub fn text(answer: &Answer, typed: Ssin, asked: Window) -> String {
    let window = answer.criteria.map_or(asked, |criteria| criteria.window());
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write_page(&mut page, answer, typed, window);
    page
}

fn write_page(page: &mut String, answer: &Answer, typed: Ssin, window: Window) -> std::fmt::Result {
    writeln!(page, "{}, {}", digits(typed), days(window))?;
    let status = &answer.status;
    writeln!(page, "{} {}: {}", status.outcome.value(), status.outcome.code(), meaning(status.outcome))?;
    if let Some(advice) = advice(status.outcome) {
        writeln!(page, "  {advice}")?;
    }
    if matches!(status.outcome, Outcome::DataFound | Outcome::NoDataFound | Outcome::Incomplete(_)) {
        write_employments(page, answer, window)?;
        writeln!(page, "\nHealth-insurance fund\n  {}", say_fund(answer.fund()))?;
    }
    if !answer.filtered.is_empty() {
        writeln!(page, "\nNot told, because the grant for {} leaves it out", answer.legal_context)?;
        for field in answer.filtered.iter() {
            writeln!(page, "  {}", describe(field))?;
        }
    }
    writeln!(page, "\nTicket {} ({})", answer.ticket, answer.replied)
}

fn write_employments(page: &mut String, answer: &Answer, window: Window) -> std::fmt::Result {
    let employments = answer.result.as_ref().map_or(&[][..], |result| &result.employments);
    if employments.is_empty() {
        let nothing = match answer.competent_service(window.to()) {
            Ok(_) => "none on these days: there is no employer's prevention service to turn to",
            Err(NoVerdict::Filtered) => "not told to this organisation",
            Err(NoVerdict::CouldNotLook(_)) => "could not be looked up: this does not mean that there is none",
            Err(NoVerdict::NotAnswered | NoVerdict::DayNotAsked) => "not answered",
        };
        return writeln!(page, "\nEmployment\n  {nothing}");
    }
    for employment in employments {
        let employer =
            employment.employer.map_or("an employer that is not told".to_owned(), |number| number.to_string());
        let span = employment.period.map(|period| format!(", {}", span(period))).unwrap_or_default();
        writeln!(page, "\nEmployer {employer}{span}")?;
        let day = last_day(employment, window);
        writeln!(page, "  competent on {day}: {}", say_service(verdict(answer, employment, day)))?;
        for service in &employment.services {
            writeln!(page, "  affiliated to {}", say_affiliation(service))?;
        }
    }
    Ok(())
}

/// The last day asked about on which the employment lasts: of several days, the one that counts for where a file goes.
fn last_day(employment: &Employment, window: Window) -> Date {
    employment.period.map_or(window.to(), |period| period.last_day().min(window.to()))
}

fn verdict<'a>(answer: &'a Answer, employment: &Employment, day: Date) -> Disclosed<&'a PreventionService> {
    let competences = answer.competent_service(day).unwrap_or_default();
    let own = competences.into_iter().find(|competence| competence.employment == employment);
    own.map_or(Disclosed::NotAnswered, |competence| competence.service)
}

fn say_service(told: Disclosed<&PreventionService>) -> String {
    match told {
        Disclosed::Found(service) => say_affiliation(service),
        Disclosed::Nothing => "none is known; ask the employer".to_owned(),
        Disclosed::Unsure(Some(service), missing) => {
            format!("perhaps {}; {} could say otherwise", say_affiliation(service), names(missing))
        }
        Disclosed::Unsure(None, missing) => format!("not known, because {} could not be read", names(missing)),
        Disclosed::Filtered => "not told to this organisation".to_owned(),
        Disclosed::NotAnswered => "not answered".to_owned(),
    }
}

fn say_affiliation(service: &PreventionService) -> String {
    let kind = match service.kind {
        Some(ServiceKind::Internal) => "internal service",
        Some(ServiceKind::External) => "external service",
        None => "service",
    };
    let number = service.number.map(|number| format!(" {number}")).unwrap_or_default();
    let since = service.affiliation.map(|period| format!(", {}", span(period))).unwrap_or_default();
    format!("{kind}{number}{since}")
}

fn say_fund(told: Disclosed<EnterpriseNumber>) -> String {
    match told {
        Disclosed::Found(fund) => fund.to_string(),
        Disclosed::Nothing => "none on these days".to_owned(),
        Disclosed::Unsure(Some(fund), missing) => format!("perhaps {fund}; {} could say otherwise", names(missing)),
        Disclosed::Unsure(None, missing) => format!("not known, because {} could not be read", names(missing)),
        Disclosed::Filtered => "not told to this organisation".to_owned(),
        Disclosed::NotAnswered => "not answered".to_owned(),
    }
}

/// What a status means, in one sentence for a person.
fn meaning(outcome: Outcome) -> String {
    match outcome {
        Outcome::DataFound => "something was found.".to_owned(),
        Outcome::NoDataFound => "the sources were read, and there is nothing on these days.".to_owned(),
        Outcome::Incomplete(missing) => {
            format!("{} could not be read or is too old; what is there is shown.", names(missing))
        }
        Outcome::Replaced { by } => format!("this number was replaced by {}.", digits(by)),
        Outcome::WrongDates(WrongDates::ReferenceDate) => "the day lies outside what may be asked.".to_owned(),
        Outcome::WrongDates(WrongDates::BeginDate) => "the first day lies outside what may be asked.".to_owned(),
        Outcome::WrongDates(WrongDates::EndDate) => "the last day lies outside what may be asked.".to_owned(),
        Outcome::WrongDates(WrongDates::BothDates) => "both days lie outside what may be asked.".to_owned(),
        Outcome::WrongDates(WrongDates::Reversed) => "the period ends before it begins.".to_owned(),
        Outcome::NotAnSsin => "this is no person's number.".to_owned(),
        Outcome::NoRelation => {
            "the organisation has no relation to this person, so nothing is told, not even whether the person is known."
                .to_owned()
        }
        Outcome::NoGrant => "the organisation may not ask on this ground.".to_owned(),
    }
}

/// What to do about a status, where there is something to do.
fn advice(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::DataFound => None,
        Outcome::NoDataFound => {
            Some("Check the days; without an employment, the trajectory outside the enterprise applies.")
        }
        Outcome::Incomplete(_) => Some("Ask again later; do not take what is missing for absent."),
        Outcome::Replaced { .. } => Some("Ask again with the new number, and correct the file."),
        Outcome::WrongDates(_) => Some("Correct the days: the grant says how far back and ahead they may lie."),
        Outcome::NotAnSsin => Some("Check the eleven digits against the identity card."),
        Outcome::NoRelation => Some("Check the number and the days; the relation must exist on one of them."),
        Outcome::NoGrant => Some("Check the legal context; grants are given by the service's operator."),
    }
}

fn describe(field: Field) -> &'static str {
    match field {
        Field::Ssin => "the person's number",
        Field::Employer => "the employer",
        Field::EmploymentBegin => "when the employment began",
        Field::EmploymentEnd => "when the employment ended",
        Field::PreventionService => "the prevention service",
        Field::PreventionServiceType => "whether the prevention service is internal or external",
        Field::AffiliationBegin => "when the affiliation began",
        Field::AffiliationEnd => "when the affiliation ended",
        Field::HealthInsuranceFund => "the health-insurance fund",
    }
}

fn span(period: Period) -> String {
    match period.end() {
        Some(end) => format!("from {} to {end}", period.begin()),
        None => format!("since {}", period.begin()),
    }
}

fn days(window: Window) -> String {
    if window.from() == window.to() {
        format!("on {}", window.from())
    } else {
        format!("from {} to {}", window.from(), window.to())
    }
}

fn names(datasets: DatasetSet) -> String {
    datasets.iter().map(Dataset::code).collect::<Vec<_>>().join(" and ")
}

fn digits(ssin: Ssin) -> String {
    ssin.digits().into_iter().map(char::from).collect()
}

/// The answer as JSON; the keys are documented above.
#[must_use]
pub fn json(answer: &Answer) -> Value {
    let (cbe, sector, institution) = match answer.customer.id {
        CustomerId::Cbe(number) => (Some(number.to_string()), None, None),
        CustomerId::Pair { sector, institution } => (None, Some(sector), Some(institution)),
    };
    let status = &answer.status;
    let information: Vec<_> =
        status.information.iter().map(|it| json!({ "fieldName": it.name, "fieldValue": it.value })).collect();
    json!({
        "informationCustomer": {
            "ticket": answer.customer.ticket,
            "timestampSent": answer.customer.timestamp_sent,
            "cbeNumber": cbe,
            "sector": sector,
            "institution": institution,
        },
        "informationCBSS": {
            "ticketCBSS": answer.ticket.as_str(),
            "timestampReceive": answer.received.to_string(),
            "timestampReply": answer.replied.to_string(),
        },
        "legalContext": answer.legal_context,
        "criteria": answer.criteria.map(|criteria| json!({
            "ssin": digits(criteria.ssin),
            "beginDate": criteria.window().from().to_string(),
            "endDate": criteria.window().to().to_string(),
        })),
        "status": {
            "value": status.outcome.value(),
            "code": status.outcome.code(),
            "description": status.description,
            "information": information,
        },
        "dataFilters": answer.filtered.iter().map(Field::path).collect::<Vec<_>>(),
        "result": answer.result.as_ref().map(|result| json!({
            "ssin": result.ssin.map(digits),
            "employment": result.employments.iter().map(employment_json).collect::<Vec<_>>(),
            "healthInsuranceFund": result.fund.map(|fund| fund.to_string()),
        })),
        "verdict": answer.criteria.map(|criteria| verdict_json(answer, match criteria.dates {
            CriteriaDates::ReferenceDate(day) => day,
            CriteriaDates::Period(window) => window.to(),
        })),
    })
}

fn employment_json(employment: &Employment) -> Value {
    let service = |service: &PreventionService| {
        json!({
            "cbeNumber": service.number.map(|number| number.to_string()),
            "type": service.kind.map(ServiceKind::code),
            "beginDate": service.affiliation.map(|period| period.begin().to_string()),
            "endDate": service.affiliation.and_then(|period| period.end()).map(|end| end.to_string()),
        })
    };
    json!({
        "employer": employment.employer.map(|number| number.to_string()),
        "beginDate": employment.period.map(|period| period.begin().to_string()),
        "endDate": employment.period.and_then(|period| period.end()).map(|end| end.to_string()),
        "preventionService": employment.services.iter().map(service).collect::<Vec<_>>(),
    })
}

fn verdict_json(answer: &Answer, day: Date) -> Value {
    let competent = answer.competent_service(day).ok().map(|competences| {
        let one = |employment: &Employment, service| {
            let mut value = told_json(service);
            value["employer"] = json!(employment.employer.map(|number| number.to_string()));
            value
        };
        competences.iter().map(|it| one(it.employment, number_of(it.service))).collect::<Vec<_>>()
    });
    json!({
        "on": day.to_string(),
        "competentService": competent,
        "healthInsuranceFund": told_json(match answer.fund() {
            Disclosed::Found(fund) => Disclosed::Found(Some(fund)),
            Disclosed::Unsure(fund, missing) => Disclosed::Unsure(Some(fund), missing),
            Disclosed::Nothing => Disclosed::Nothing,
            Disclosed::Filtered => Disclosed::Filtered,
            Disclosed::NotAnswered => Disclosed::NotAnswered,
        }),
    })
}

/// The service's number alone, which the grant may leave out.
fn number_of(told: Disclosed<&PreventionService>) -> Disclosed<Option<EnterpriseNumber>> {
    match told {
        Disclosed::Found(service) => Disclosed::Found(service.number),
        Disclosed::Unsure(service, missing) => Disclosed::Unsure(service.map(|service| service.number), missing),
        Disclosed::Nothing => Disclosed::Nothing,
        Disclosed::Filtered => Disclosed::Filtered,
        Disclosed::NotAnswered => Disclosed::NotAnswered,
    }
}

fn told_json(told: Disclosed<Option<EnterpriseNumber>>) -> Value {
    let (word, number, missing) = match told {
        Disclosed::Found(number) => ("FOUND", number, DatasetSet::EMPTY),
        Disclosed::Nothing => ("NOTHING", None, DatasetSet::EMPTY),
        Disclosed::Unsure(number, missing) => ("UNSURE", number.flatten(), missing),
        Disclosed::Filtered => ("FILTERED", None, DatasetSet::EMPTY),
        Disclosed::NotAnswered => ("NOT_ANSWERED", None, DatasetSet::EMPTY),
    };
    json!({
        "told": word,
        "cbeNumber": number.map(|number| number.to_string()),
        "missing": missing.iter().map(Dataset::code).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
#[path = "show_tests.rs"]
mod tests;
