//! The decision whether a question may be looked up. Pure: a consumer, a question and a day in, a
//! permit or a refusal out.
//!
//! Only a [`Permit`] gives access to the data ([`crate::lookup`]), and only [`decide`] creates one.
//! It checks what can be checked without data, in the order of `docs/reference/contract.md`
//! "Status": the grant, the end user, the SSIN, the dates. Whether the demanded relation holds needs data, and is
//! checked before any data are disclosed.

use std::sync::Arc;

use super::consumer::{Consumer, ReplacedSsin};
use super::context::{ContextDefinition, DateRule, EndUserRule};
use super::grant::Grant;
use super::terms::Reach;
use crate::model::{
    AskedCriteria, AskedDates, Criteria, CriteriaDates, Date, DateError, EndUser, EnterpriseNumber, Question,
    SsinError, Status, Window, WrongDate, WrongDates,
};

/// Proof that a question may be looked up: the grant, the organisation that asks, the person and
/// the days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    grant: Arc<Grant>,
    organisation: EnterpriseNumber,
    criteria: Criteria,
    today: Date,
    replaced_ssin: ReplacedSsin,
}

impl Permit {
    /// The grant that allows it.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The grant, for a refusal by a later rule.
    #[must_use]
    pub(crate) fn into_grant(self) -> Arc<Grant> {
        self.grant
    }

    /// Organisation on whose behalf the caller asks: its relation to the person counts.
    #[must_use]
    pub fn organisation(&self) -> EnterpriseNumber {
        self.organisation
    }

    /// Person and days, as understood.
    #[must_use]
    pub fn criteria(&self) -> Criteria {
        self.criteria
    }

    /// Day of the question, in Europe/Brussels.
    #[must_use]
    pub fn today(&self) -> Date {
        self.today
    }

    /// How the question is answered if its SSIN was replaced.
    #[must_use]
    pub fn replaced_ssin(&self) -> ReplacedSsin {
        self.replaced_ssin
    }
}

/// Why a question is not looked up: the rule that refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No grant of the consumer allows the question (MSG00013).
    #[error("no grant: {0}")]
    NoGrant(NoGrant),
    /// The SSIN is invalid (MSG00011).
    #[error("invalid SSIN: {0}")]
    NotAnSsin(SsinError),
    /// A date is invalid, the period is reversed, or a date is outside the grant's reach
    /// (MSG00008).
    #[error("wrong dates: {}", .0.fields().map(|(name, why)| [name, " ", why].concat()).collect::<Vec<_>>().join(", "))]
    WrongDates(WrongDates),
    /// The context allows the day of the question alone, and the question is about another
    /// (MSG00008).
    #[error("the legal context allows the day of the question alone: {}", .0.fields().map(|(name, why)| [name, " ", why].concat()).collect::<Vec<_>>().join(", "))]
    NotToday(WrongDates),
    /// The consumer asked about more days of one person in this month than it may (MSG00008).
    #[error("too many days about one person this month: {}", .0.fields().map(|(name, why)| [name, " ", why].concat()).collect::<Vec<_>>().join(", "))]
    TooManyDates(WrongDates),
}

/// Why no grant was found. The caller gets MSG00013 for all of them; the operator sees the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoGrant {
    /// The policy does not define the legal context.
    #[error("the legal context is unknown")]
    UnknownContext,
    /// The consumer has no grant for this context.
    #[error("the consumer has no grant for this legal context")]
    ContextNotGranted,
    /// The consumer has grants for this context, but the context itself is not valid today.
    #[error("the legal context is not valid today")]
    ContextNotValid,
    /// The consumer has grants for this context, but none is valid today.
    #[error("no grant for this legal context is valid today")]
    NotValidToday,
}

/// Why the end user of a question is wrong: the exchange ends with a Client fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EndUserFault {
    /// The legal context demands one, and the question names none (`MSG90054`).
    #[error("the legal context demands an end user, and the question names none")]
    Missing,
    /// The legal context allows none, and the question names one (`MSG90055`).
    #[error("the legal context allows no end user, and the question names one")]
    Refused,
}

/// Why a question may not be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// It is answered with a status.
    Refused {
        /// The rule that refused.
        refusal: Refusal,
        /// The grant, where a later rule refuses the question: the record contains its deliberation.
        grant: Option<Arc<Grant>>,
    },
    /// It is answered with a fault: the end user is part of the message.
    EndUser(EndUserFault),
}

impl Refusal {
    /// Status of the answer to the caller.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::NoGrant(_) => Status::NoGrant,
            Self::NotAnSsin(_) => Status::NotAnSsin,
            Self::WrongDates(dates) | Self::NotToday(dates) | Self::TooManyDates(dates) => Status::WrongDates(dates),
        }
    }
}

/// Decides whether `consumer` may have this question looked up on behalf of `organisation`, on the
/// day `today`. `context` is the definition of its legal context, if the policy has one.
///
/// # Errors
/// [`Denied`] by the first rule that is violated, in the order of `docs/reference/contract.md`
/// "Status".
pub fn decide(
    consumer: &Consumer,
    organisation: EnterpriseNumber,
    question: &Question,
    context: Option<&ContextDefinition>,
    today: Date,
) -> Result<Permit, Denied> {
    let grant = find_grant(consumer, context, today)
        .map_err(|rule| Denied::Refused { refusal: Refusal::NoGrant(rule), grant: None })?;
    check_end_user(grant.context.end_user, question.end_user.as_ref()).map_err(Denied::EndUser)?;
    match check_criteria(&question.criteria, grant, today) {
        Ok(criteria) => {
            let replaced_ssin = consumer.replaced_ssin;
            Ok(Permit { grant: Arc::clone(grant), organisation, criteria, today, replaced_ssin })
        }
        Err(refusal) => Err(Denied::Refused { refusal, grant: Some(Arc::clone(grant)) }),
    }
}

fn check_criteria(asked: &AskedCriteria, grant: &Grant, today: Date) -> Result<Criteria, Refusal> {
    let ssin = asked.ssin.map_err(Refusal::NotAnSsin)?;
    let dates = check_dates(asked.dates, grant.reach, today).map_err(|dates| match grant.context.dates {
        DateRule::Today if dates.is_outside_grant() => Refusal::NotToday(dates),
        DateRule::Today | DateRule::Any => Refusal::WrongDates(dates),
    })?;
    Ok(Criteria { ssin, dates })
}

fn check_end_user(rule: EndUserRule, named: Option<&EndUser>) -> Result<(), EndUserFault> {
    match (rule, named) {
        (EndUserRule::Required, None) => Err(EndUserFault::Missing),
        (EndUserRule::Refused, Some(_)) => Err(EndUserFault::Refused),
        (EndUserRule::Required, Some(_)) | (EndUserRule::Refused, None) | (EndUserRule::Optional, _) => Ok(()),
    }
}

fn find_grant<'a>(
    consumer: &'a Consumer,
    context: Option<&ContextDefinition>,
    today: Date,
) -> Result<&'a Arc<Grant>, NoGrant> {
    let context = context.ok_or(NoGrant::UnknownContext)?;
    let mut granted = consumer.grants.iter().filter(|grant| grant.context.context == context.context).peekable();
    if granted.peek().is_none() {
        return Err(NoGrant::ContextNotGranted);
    }
    if !context.valid.covers(today) {
        return Err(NoGrant::ContextNotValid);
    }
    granted.find(|grant| grant.valid.covers(today)).ok_or(NoGrant::NotValidToday)
}

fn check_dates(asked: AskedDates, reach: Reach, today: Date) -> Result<CriteriaDates, WrongDates> {
    let earliest = today.minus_years(reach.back_years);
    let latest = today.plus_days(i32::from(reach.ahead_days));
    let in_reach = |date: Result<Date, DateError>| match date {
        Ok(day) if earliest <= day && day <= latest => Ok(day),
        Ok(_) => Err(WrongDate::OutsideGrant),
        Err(DateError) => Err(WrongDate::NotADate),
    };
    match asked {
        AskedDates::Today => Ok(CriteriaDates::ReferenceDate(today)),
        AskedDates::ReferenceDate(day) => {
            in_reach(day).map(CriteriaDates::ReferenceDate).map_err(WrongDates::ReferenceDate)
        }
        AskedDates::Period { begin: Ok(begin), end: Ok(end) } if end < begin => Err(WrongDates::Reversed),
        AskedDates::Period { begin, end } => match (in_reach(begin), in_reach(end)) {
            (Ok(begin), Ok(end)) => {
                Window::from_days(begin, end).map(CriteriaDates::Period).map_err(|_| WrongDates::Reversed)
            }
            (Err(begin), Err(end)) => Err(WrongDates::BothDates { begin, end }),
            (Err(begin), Ok(_)) => Err(WrongDates::BeginDate(begin)),
            (Ok(_), Err(end)) => Err(WrongDates::EndDate(end)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use WrongDate::{NotADate, OutsideGrant};

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    fn check(asked: AskedDates) -> Result<CriteriaDates, WrongDates> {
        check_dates(asked, Reach::default(), day("2026-01-15"))
    }

    fn period(begin: &str, end: &str) -> AskedDates {
        AskedDates::Period { begin: Date::parse(begin), end: Date::parse(end) }
    }

    #[test]
    fn the_reach_is_inclusive_calendar_years_and_days() {
        let reference = |text: &str| check(AskedDates::ReferenceDate(Date::parse(text)));
        assert!(reference("2021-01-15").is_ok());
        assert_eq!(reference("2021-01-14"), Err(WrongDates::ReferenceDate(OutsideGrant)));
        assert!(reference("2026-04-15").is_ok());
        assert_eq!(reference("2026-04-16"), Err(WrongDates::ReferenceDate(OutsideGrant)));
        assert_eq!(check(AskedDates::Today), Ok(CriteriaDates::ReferenceDate(day("2026-01-15"))));
    }

    #[test]
    fn names_each_wrong_date_of_a_period() {
        let both = |begin, end| Err(WrongDates::BothDates { begin, end });
        assert!(check(period("2021-01-15", "2026-04-15")).is_ok());
        assert_eq!(check(period("2021-01-14", "2026-04-15")), Err(WrongDates::BeginDate(OutsideGrant)));
        assert_eq!(check(period("2021-01-15", "2026-04-16")), Err(WrongDates::EndDate(OutsideGrant)));
        assert_eq!(check(period("2020-01-15", "2020-04-16")), both(OutsideGrant, OutsideGrant));
        assert_eq!(check(period("2026-01-15", "2026-01-14")), Err(WrongDates::Reversed));
        assert_eq!(check(period("2026-02-30", "2026-01-14")), Err(WrongDates::BeginDate(NotADate)));
        assert_eq!(check(period("2026-02-30", "")), both(NotADate, NotADate));
        assert_eq!(check(period("2020-01-01", "")), both(OutsideGrant, NotADate));
        assert_eq!(check(period("2010-01-02", "2010-01-01")), Err(WrongDates::Reversed), "whatever the reach");
    }
}
