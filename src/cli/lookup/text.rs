//! An answer as text for a person.
//!
//! Makes no decision: which service is competent and which fund applies are conclusions of
//! [`Answer`]. The text shows the SSIN once, as its heading, to the person who typed it, and an
//! SSIN that replaced it, because without that the answer is useless.

use std::fmt::Write;

use client::{Answer, Disclosed, Employment, NoVerdict, Outcome, PreventionService, WrongDate, WrongDates};
use ehealth_core::model::{
    Dataset, DatasetSet, Date, EnterpriseNumber, Field, Period, ServiceKind, SourceStatus, Ssin, Window,
};

/// Writes heading, status with advice, employers with their services, fund, and filtered fields.
/// `typed` and `asked` are the question of the person; the days of the text are those of the
/// answer, if it has any.
#[must_use]
pub(super) fn write(answer: &Answer, typed: Ssin, asked: Window) -> String {
    let window = answer.criteria.map_or(asked, |criteria| criteria.window());
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write_lines(&mut page, answer, typed, window);
    page
}

fn write_lines(page: &mut String, answer: &Answer, typed: Ssin, window: Window) -> std::fmt::Result {
    writeln!(page, "{}, {}", digits(typed), days(window))?;
    let status = &answer.status;
    writeln!(page, "{} {}: {}", status.outcome.value(), status.outcome.code(), meaning(status.outcome))?;
    if let Some(advice) = advice(status.outcome) {
        writeln!(page, "  {advice}")?;
    }
    if let Some(by) = answer.replaced_by {
        writeln!(page, "  This SSIN was replaced by {}: correct your file.", digits(by))?;
    }
    if status.outcome.is_answered() {
        write_employments(page, answer, window)?;
        writeln!(page, "\nHealth-insurance fund\n  {}", say_fund(answer.fund()))?;
        writeln!(page, "\nSources")?;
        for (dataset, status) in answer.sources.iter() {
            writeln!(page, "  {}: {}", dataset.code(), say_source(status))?;
        }
    }
    if !answer.filtered.is_empty() {
        writeln!(page, "\nFiltered, because the grant for {} does not include it", answer.legal_context)?;
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
            Ok(_) => "none on these days, so no prevention service of an employer is competent",
            Err(NoVerdict::Filtered) => "filtered: not disclosed to this organisation",
            Err(NoVerdict::CouldNotLook(_)) => "unknown, because a dataset is missing or stale; there may be one",
            Err(NoVerdict::NotAnswered | NoVerdict::DayNotAsked) => "not answered",
        };
        return writeln!(page, "\nEmployment\n  {nothing}");
    }
    let missing = answer.employments_missing();
    if !missing.is_empty() {
        writeln!(page, "\nThere may be more employments, because {} is missing or stale.", names(missing))?;
    }
    for employment in employments {
        let employer = employment.employer.map_or("(filtered)".to_owned(), |number| number.to_string());
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

/// Last requested day on which the employment lasts: the day that decides which service is
/// competent for a file.
fn last_day(employment: &Employment, window: Window) -> Date {
    employment.period.map_or(window.to(), |period| period.last_day().min(window.to()))
}

fn verdict<'a>(answer: &'a Answer, employment: &Employment, day: Date) -> Disclosed<&'a PreventionService> {
    let competences = answer.competent_service(day).unwrap_or_default();
    let own = competences.into_iter().find(|competence| competence.employment == employment);
    own.map_or(Disclosed::NotAnswered, |competence| competence.service)
}

fn say_service(finding: Disclosed<&PreventionService>) -> String {
    match finding {
        Disclosed::Found(service) => say_affiliation(service),
        Disclosed::Nothing => "none recorded; ask the employer".to_owned(),
        Disclosed::Unsure(Some(service), missing) => {
            format!("uncertain: {}; {} could change this", say_affiliation(service), names(missing))
        }
        Disclosed::Unsure(None, missing) => format!("unknown, because {} is missing or stale", names(missing)),
        Disclosed::Filtered => "filtered: not disclosed to this organisation".to_owned(),
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

fn say_fund(finding: Disclosed<EnterpriseNumber>) -> String {
    match finding {
        Disclosed::Found(fund) => fund.to_string(),
        Disclosed::Nothing => "none on these days".to_owned(),
        Disclosed::Unsure(Some(fund), missing) => format!("uncertain: {fund}; {} could change this", names(missing)),
        Disclosed::Unsure(None, missing) => format!("unknown, because {} is missing or stale", names(missing)),
        Disclosed::Filtered => "filtered: not disclosed to this organisation".to_owned(),
        Disclosed::NotAnswered => "not answered".to_owned(),
    }
}

fn say_source(status: SourceStatus) -> &'static str {
    match status {
        SourceStatus::DataFound => "data found",
        SourceStatus::NoDataFound => "asked, no data",
        SourceStatus::NoResult => "not asked about everything",
        SourceStatus::TechnicalError => "missing or stale",
    }
}

fn say_wrong_dates(dates: WrongDates) -> String {
    let why = |date: WrongDate| match date {
        WrongDate::NotADate => "is not a date",
        WrongDate::OutsideGrant => "is outside the days that the grant allows",
    };
    match dates {
        WrongDates::ReferenceDate(date) => format!("the reference date {}.", why(date)),
        WrongDates::BeginDate(date) => format!("the first day {}.", why(date)),
        WrongDates::EndDate(date) => format!("the last day {}.", why(date)),
        WrongDates::BothDates { begin, end } => {
            format!("the first day {}, and the last day {}.", why(begin), why(end))
        }
        WrongDates::Reversed => "the period ends before it begins.".to_owned(),
    }
}

/// Meaning of a status, in one sentence.
fn meaning(outcome: Outcome) -> String {
    match outcome {
        Outcome::DataFound => "data were found.".to_owned(),
        Outcome::NoDataFound => "all sources were read; there are no data on these days.".to_owned(),
        Outcome::Incomplete(missing) => {
            format!("{} is missing or stale; the rest is shown.", names(missing))
        }
        Outcome::Replaced { by } => format!("this SSIN was replaced by {}.", digits(by)),
        Outcome::WrongDates(dates) => say_wrong_dates(dates),
        Outcome::NotAnSsin => "the SSIN is invalid.".to_owned(),
        Outcome::NoRelation => {
            "the organisation has no relation to this person, so nothing is disclosed, not even whether the person is known."
                .to_owned()
        }
        Outcome::NoGrant => "the organisation has no grant for this legal context.".to_owned(),
    }
}

/// Advice for a status, if the user can do something.
fn advice(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::DataFound => None,
        Outcome::NoDataFound => {
            Some("Check the days. Without an employment, the trajectory outside the enterprise applies.")
        }
        Outcome::Incomplete(_) => Some("Ask again later. Do not treat missing data as absent."),
        Outcome::Replaced { .. } => Some("Ask again with the new SSIN, and correct your file."),
        Outcome::WrongDates(_) => {
            Some("Correct the days: the grant limits how far they may lie in the past and the future.")
        }
        Outcome::NotAnSsin => Some("Check the eleven digits against the identity card."),
        Outcome::NoRelation => Some("Check the SSIN and the days: the relation must exist on one of them."),
        Outcome::NoGrant => Some("Check the legal context. The operator of the service gives grants."),
    }
}

fn describe(field: Field) -> &'static str {
    match field {
        Field::Ssin => "the SSIN",
        Field::Employer => "the employer",
        Field::EmploymentBegin => "the begin of the employment",
        Field::EmploymentEnd => "the end of the employment",
        Field::PreventionService => "the prevention service",
        Field::PreventionServiceType => "the type of the prevention service",
        Field::AffiliationBegin => "the begin of the affiliation",
        Field::AffiliationEnd => "the end of the affiliation",
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
