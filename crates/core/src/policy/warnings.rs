//! What a valid policy probably does not mean: consumers that cannot ask, grants that end.

use super::consumer::{Consumer, Register};
use super::grant::Grant;
use crate::model::{Date, EnterpriseNumber, LegalContext};

/// Days before its end from which a grant is reported, 60: enough to get a new deliberation into
/// the policy file.
pub const GRANT_EXPIRY_WARNING: i32 = 60;

/// A consumer of whose policy a part has no effect, or soon has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("consumer {organisation} ({name}){problem}")]
pub struct PolicyWarning {
    /// The consumer.
    pub organisation: EnterpriseNumber,
    /// Its name.
    pub name: String,
    /// What has no effect.
    pub problem: PolicyProblem,
}

/// A part of a consumer's policy that has no effect, or soon has none. Its text continues that of the
/// consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// It has no grant.
    #[error(" has no grant: every question gets MSG00013")]
    NoGrant,
    /// It has a quota of 0.
    #[error(" has a quota of 0: every question gets MSG90052")]
    NoQuota,
    /// Its last grant for this context has ended.
    #[error(": the grant for {} ended on {end}", .context.code())]
    GrantEnded {
        /// Legal context of the grant.
        context: LegalContext,
        /// Last day of the grant.
        end: Date,
    },
    /// A grant ends soon, and no other one continues it.
    #[error(": the grant for {} ends on {end}, in {days} days", .context.code())]
    GrantEnds {
        /// Legal context of the grant.
        context: LegalContext,
        /// Last day of the grant.
        end: Date,
        /// Days from today to the last day; 0: today.
        days: i32,
    },
}

/// Finds all warnings for this day, by organisation.
#[must_use]
pub fn find_warnings(register: &Register, today: Date) -> Vec<PolicyWarning> {
    let warn = |consumer: &Consumer| {
        let (organisation, name) = (consumer.organisation, consumer.name.clone());
        let warning = move |problem| PolicyWarning { organisation, name: name.clone(), problem };
        problems_of(consumer, today).into_iter().map(warning)
    };
    register.in_order().into_iter().flat_map(|consumer| warn(consumer)).collect()
}

fn problems_of(consumer: &Consumer, today: Date) -> Vec<PolicyProblem> {
    let mut problems = Vec::new();
    if consumer.grants.is_empty() {
        problems.push(PolicyProblem::NoGrant);
    }
    if consumer.quota.per_minute == 0 || consumer.quota.per_day == 0 {
        problems.push(PolicyProblem::NoQuota);
    }
    for (grant, end) in consumer.last_grants() {
        let days = end.as_days().saturating_sub(today.as_days());
        let context = grant.context;
        if days < 0 {
            problems.push(PolicyProblem::GrantEnded { context, end });
        } else if days <= GRANT_EXPIRY_WARNING {
            problems.push(PolicyProblem::GrantEnds { context, end, days });
        }
    }
    problems
}

impl Consumer {
    /// Grants that end, and that no other grant for the same context continues on the next day or
    /// later, each with its last day: after it the consumer cannot ask in this context any more.
    pub fn last_grants(&self) -> impl Iterator<Item = (&Grant, Date)> {
        self.grants.iter().filter_map(|grant| {
            let end = grant.valid.end()?;
            let is_later = |other: &Grant| other.context == grant.context && other.valid.begin() > end;
            let is_last = !self.grants.iter().any(|other| is_later(other));
            is_last.then_some((grant.as_ref(), end))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Period;
    use crate::policy::{Deliberation, Quota};

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    fn warnings(periods: &[(&str, Option<&str>)], per_day: u32) -> String {
        let grant = |(begin, end): &(&str, Option<&str>)| {
            let valid = Period::from_days(day(begin), end.map(day)).expect("not reversed");
            let deliberation = Deliberation::parse("16/108").expect("a number");
            Arc::new(Grant::at_ceiling(LegalContext::AdvisoryPhysician, valid, deliberation))
        };
        let organisation = EnterpriseNumber::parse("0202239951").expect("valid check digits");
        let consumer = Consumer {
            grants: periods.iter().map(grant).collect(),
            quota: Quota { per_day, ..Quota::default() },
            ..Consumer::new(organisation, "Fund")
        };
        let register = Register::from_consumers(vec![consumer]).expect("a valid register");
        let texts = find_warnings(&register, day("2026-01-15"));
        texts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn grants_that_end_are_reported_unless_continued() {
        assert_eq!(warnings(&[("2020-01-01", None)], 1), "");
        assert_eq!(warnings(&[("2020-01-01", Some("2026-03-17"))], 1), "");
        let who = "consumer 0202239951 (Fund): the grant for BACKTOWORK:ADVISORY_PHYSICIAN";
        let ends = warnings(&[("2020-01-01", Some("2026-03-16"))], 1);
        assert_eq!(ends, format!("{who} ends on 2026-03-16, in 60 days"));
        let today = warnings(&[("2020-01-01", Some("2026-01-15"))], 1);
        assert_eq!(today, format!("{who} ends on 2026-01-15, in 0 days"));
        let ended = warnings(&[("2020-01-01", Some("2020-12-31")), ("2021-01-01", Some("2026-01-14"))], 1);
        assert_eq!(ended, format!("{who} ended on 2026-01-14"));
        assert_eq!(warnings(&[("2020-01-01", Some("2026-01-31")), ("2026-02-01", None)], 1), "");
    }

    #[test]
    fn consumers_that_cannot_ask_are_reported() {
        let expected = "consumer 0202239951 (Fund) has no grant: every question gets MSG00013\n\
                        consumer 0202239951 (Fund) has a quota of 0: every question gets MSG90052";
        assert_eq!(warnings(&[], 0), expected);
    }
}
