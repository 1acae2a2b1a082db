//! May this question be answered at all? Pure: a consumer, a question and a day in, a permit or a refusal out.
//!
//! A [`Permit`] is the only key to the data ([`crate::lookup`]), and [`decide`] its only maker. It judges what can be
//! judged without data, in contract.md's order: the grant, the SSIN, the dates. Whether the demanded relation holds
//! needs data, and is shown before any data are told.

use std::sync::Arc;

use super::consumer::Consumer;
use super::grant::{Grant, Reach};
use crate::model::{
    AskedCriteria, AskedDates, Criteria, CriteriaDates, Date, EnterpriseNumber, LegalContext, Question, SsinError,
    Status, Window, WrongDates,
};

/// The proof that a question may be looked up: who asks for whom, under which grant, about what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    grant: Arc<Grant>,
    organisation: EnterpriseNumber,
    criteria: Criteria,
    today: Date,
}

impl Permit {
    /// The grant that allows it.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The organisation for which is asked: its relation to the person counts.
    #[must_use]
    pub fn organisation(&self) -> EnterpriseNumber {
        self.organisation
    }

    /// The person and the days, as understood.
    #[must_use]
    pub fn criteria(&self) -> Criteria {
        self.criteria
    }

    /// The day on which is asked, in Brussels.
    #[must_use]
    pub fn today(&self) -> Date {
        self.today
    }
}

/// Why a question is not looked up, and by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No grant of the consumer allows it.
    #[error("no grant: {0}")]
    NoGrant(NoGrant),
    /// The SSIN is none.
    #[error("not an SSIN: {0}")]
    NotAnSsin(SsinError),
    /// A date is none, the period is reversed, or outside the grant's reach.
    #[error("wrong dates: {}", .0.field_names().join(", "))]
    WrongDates(WrongDates),
}

/// Which rule found no grant. The caller sees the same MSG00013 for all of them; the operator sees the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoGrant {
    /// The legal context is none that the service knows.
    #[error("the legal context is unknown")]
    UnknownContext,
    /// The consumer never had a grant for this context.
    #[error("the consumer has no grant for this legal context")]
    ContextNotGranted,
    /// The consumer has grants for this context, none of which holds today.
    #[error("no grant for this legal context is valid today")]
    NotValidToday,
}

/// A refusal, and the grant under which it was given, if one was found: its deliberation is part of the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The rule that refused.
    pub refusal: Refusal,
    /// The grant, where the rule is one that comes after it.
    pub grant: Option<Arc<Grant>>,
}

impl Refusal {
    /// The status that the caller is given.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::NoGrant(_) => Status::NoGrant,
            Self::NotAnSsin(_) => Status::NotAnSsin,
            Self::WrongDates(dates) => Status::WrongDates(dates),
        }
    }
}

/// Decides whether `consumer`, asking for `organisation`, may have this question looked up on the day `today`.
///
/// # Errors
/// [`Denied`] by the first rule that is broken, in contract.md's order of statuses.
pub fn decide(
    consumer: &Consumer,
    organisation: EnterpriseNumber,
    question: &Question,
    today: Date,
) -> Result<Permit, Denied> {
    let grant = find_grant(consumer, &question.legal_context, today)
        .map_err(|rule| Denied { refusal: Refusal::NoGrant(rule), grant: None })?;
    match judge_criteria(&question.criteria, grant.reach, today) {
        Ok(criteria) => Ok(Permit { grant: Arc::clone(grant), organisation, criteria, today }),
        Err(refusal) => Err(Denied { refusal, grant: Some(Arc::clone(grant)) }),
    }
}

fn judge_criteria(asked: &AskedCriteria, reach: Reach, today: Date) -> Result<Criteria, Refusal> {
    let ssin = asked.ssin.map_err(Refusal::NotAnSsin)?;
    let dates = judge_dates(asked.dates, reach, today).map_err(Refusal::WrongDates)?;
    Ok(Criteria { ssin, dates })
}

fn find_grant<'a>(consumer: &'a Consumer, context: &str, today: Date) -> Result<&'a Arc<Grant>, NoGrant> {
    let context = LegalContext::parse(context).ok_or(NoGrant::UnknownContext)?;
    let mut granted = consumer.grants.iter().filter(|grant| grant.context == context).peekable();
    if granted.peek().is_none() {
        return Err(NoGrant::ContextNotGranted);
    }
    granted.find(|grant| grant.valid.covers(today)).ok_or(NoGrant::NotValidToday)
}

fn judge_dates(asked: AskedDates, reach: Reach, today: Date) -> Result<CriteriaDates, WrongDates> {
    let earliest = today.minus_years(reach.back_years);
    let latest = today.plus_days(i32::from(reach.ahead_days));
    let in_reach = |day: Date| earliest <= day && day <= latest;
    match asked {
        AskedDates::Today => Ok(CriteriaDates::ReferenceDate(today)),
        AskedDates::ReferenceDate(Ok(day)) if in_reach(day) => Ok(CriteriaDates::ReferenceDate(day)),
        AskedDates::ReferenceDate(_) => Err(WrongDates::ReferenceDate),
        AskedDates::Period { begin: Ok(begin), end: Ok(end) } => {
            let window = Window::from_days(begin, end).map_err(|_| WrongDates::Reversed)?;
            match (in_reach(begin), in_reach(end)) {
                (true, true) => Ok(CriteriaDates::Period(window)),
                (begin, end) => Err(wrong_dates(begin, end)),
            }
        }
        AskedDates::Period { begin, end } => {
            let is_right = |date: Result<Date, _>| date.is_ok_and(in_reach);
            Err(wrong_dates(is_right(begin), is_right(end)))
        }
    }
}

/// The dates of a period to name, of which at least one is wrong.
fn wrong_dates(begin_is_right: bool, end_is_right: bool) -> WrongDates {
    match (begin_is_right, end_is_right) {
        (false, false) => WrongDates::BothDates,
        (false, true) => WrongDates::BeginDate,
        (true, _) => WrongDates::EndDate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DateError;

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    fn judge(asked: AskedDates) -> Result<CriteriaDates, WrongDates> {
        judge_dates(asked, Reach::default(), day("2026-01-15"))
    }

    fn period(begin: &str, end: &str) -> AskedDates {
        AskedDates::Period { begin: Date::parse(begin), end: Date::parse(end) }
    }

    #[test]
    fn the_reach_is_calendar_years_and_days_both_inclusive() {
        let reference = |text: &str| judge(AskedDates::ReferenceDate(Date::parse(text)));
        assert!(reference("2021-01-15").is_ok());
        assert_eq!(reference("2021-01-14"), Err(WrongDates::ReferenceDate));
        assert!(reference("2026-04-15").is_ok());
        assert_eq!(reference("2026-04-16"), Err(WrongDates::ReferenceDate));
        assert_eq!(judge(AskedDates::Today), Ok(CriteriaDates::ReferenceDate(day("2026-01-15"))));
    }

    #[test]
    fn each_wrong_date_of_a_period_is_named() {
        assert!(judge(period("2021-01-15", "2026-04-15")).is_ok());
        assert_eq!(judge(period("2021-01-14", "2026-04-15")), Err(WrongDates::BeginDate));
        assert_eq!(judge(period("2021-01-15", "2026-04-16")), Err(WrongDates::EndDate));
        assert_eq!(judge(period("2020-01-15", "2020-04-16")), Err(WrongDates::BothDates));
        assert_eq!(judge(period("2026-01-15", "2026-01-14")), Err(WrongDates::Reversed));
        assert_eq!(judge(period("2026-02-30", "2026-01-14")), Err(WrongDates::BeginDate));
        assert_eq!(judge(period("2026-02-30", "")), Err(WrongDates::BothDates));
        let half = AskedDates::Period { begin: Ok(day("2020-01-01")), end: Err(DateError) };
        assert_eq!(judge(half), Err(WrongDates::BothDates));
    }
}
