//! What a valid policy probably does not mean: consumers that cannot ask, grants and legal contexts
//! that end or that no consumer uses.

use std::sync::Arc;

use super::consumer::{Consumer, ConsumerId, Register};
use super::context::ContextDefinition;
use super::grant::Grant;
use super::signatures::SignatureRule;
use crate::model::{Date, LegalContext};

/// Days before its end from which a grant or a legal context is reported, 60: enough to get a new
/// deliberation into the policy file.
pub const EXPIRY_WARNING_DAYS: i32 = 60;

/// A part of the policy that has no effect, or soon has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyWarning {
    /// The policy file defines no legal contexts: it has the three of version 0.1.
    #[error(
        "the policy defines no legal contexts: the three BACKTOWORK: contexts of version 0.1 are built in; define them \
         in [[legal_context]] sections (docs/reference/policy.md)"
    )]
    BuiltInContexts,
    /// Of a consumer.
    #[error("consumer {consumer} ({name}){problem}")]
    Consumer {
        /// The consumer.
        consumer: ConsumerId,
        /// Its name.
        name: String,
        /// What has no effect.
        problem: PolicyProblem,
    },
    /// Of a legal context.
    #[error("legal context {context} {problem}")]
    Context {
        /// The context.
        context: LegalContext,
        /// What has no effect.
        problem: ContextProblem,
    },
}

/// A part of a consumer's policy that has no effect, or soon has none. Its text continues that of the
/// consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// It has no grant.
    #[error(" has no grant: every question gets MSG00013")]
    NoGrant,
    /// Its messages must be signed, and revoked certificates are not refused.
    #[error(
        " has message_signature = \"require\", and trust.revocation = \"none\": a revoked certificate still signs; name \
         the CRLs in trust.revocation"
    )]
    RevokedSigners,
    /// It has a quota of 0.
    #[error(" has a quota of 0: every question gets MSG90052")]
    NoQuota,
    /// Its last grant for this context has ended.
    #[error(": the grant for {context} ended on {end}")]
    GrantEnded {
        /// Legal context of the grant.
        context: LegalContext,
        /// Last day of the grant.
        end: Date,
    },
    /// A grant ends soon, and no other one continues it.
    #[error(": the grant for {context} ends on {end}, in {days} days")]
    GrantEnds {
        /// Legal context of the grant.
        context: LegalContext,
        /// Last day of the grant.
        end: Date,
        /// Days from today to the last day; 0: today.
        days: i32,
    },
}

/// A part of a legal context that has no effect, or soon has none. Its text continues that of the
/// context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContextProblem {
    /// It has ended.
    #[error("ended on {0}: every question in it gets MSG00013")]
    Ended(Date),
    /// It ends soon.
    #[error("ends on {end}, in {days} days")]
    Ends {
        /// Last day of the context.
        end: Date,
        /// Days from today to the last day; 0: today.
        days: i32,
    },
    /// No consumer has a grant for it.
    #[error("has no grant: no consumer may ask in it")]
    Unused,
}

/// Finds all warnings for this day: of the contexts in the order of the file, then of the consumers.
#[must_use]
pub fn find_warnings(register: &Register, today: Date) -> Vec<PolicyWarning> {
    let contexts = register.contexts();
    let mut warnings: Vec<_> = contexts.is_built_in().then_some(PolicyWarning::BuiltInContexts).into_iter().collect();
    if !contexts.is_built_in() {
        for definition in contexts.iter() {
            let problems = problems_of_context(definition, register, today);
            let context = definition.context;
            warnings.extend(problems.map(|problem| PolicyWarning::Context { context, problem }));
        }
    }
    for consumer in register.in_order() {
        let (id, name) = (consumer.id(), &consumer.name);
        let warning = |problem| PolicyWarning::Consumer { consumer: id, name: name.clone(), problem };
        warnings.extend(problems_of(consumer, today).into_iter().map(warning));
    }
    warnings
}

/// Finds the consumers whose signatures are required although revoked certificates are not refused: for a
/// service with `trust.revocation = "none"`.
#[must_use]
pub fn find_revoked_signers(register: &Register) -> Vec<PolicyWarning> {
    let requiring = |consumer: &&Arc<Consumer>| consumer.signatures.rule == SignatureRule::Require;
    let warning = |consumer: &Arc<Consumer>| PolicyWarning::Consumer {
        consumer: consumer.id(),
        name: consumer.name.clone(),
        problem: PolicyProblem::RevokedSigners,
    };
    register.in_order().into_iter().filter(requiring).map(warning).collect()
}

fn problems_of_context(
    definition: &ContextDefinition,
    register: &Register,
    today: Date,
) -> impl Iterator<Item = ContextProblem> {
    let is_for = |grant: &Grant| grant.context.context == definition.context;
    let is_used = register.consumers().any(|consumer| consumer.grants.iter().any(|grant| is_for(grant)));
    let ends = definition.valid.end().and_then(|end| match days_until(end, today) {
        days if days < 0 => Some(ContextProblem::Ended(end)),
        days if days <= EXPIRY_WARNING_DAYS => Some(ContextProblem::Ends { end, days }),
        _ => None,
    });
    [ends, (!is_used).then_some(ContextProblem::Unused)].into_iter().flatten()
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
        let days = days_until(end, today);
        let context = grant.context.context;
        if days < 0 {
            problems.push(PolicyProblem::GrantEnded { context, end });
        } else if days <= EXPIRY_WARNING_DAYS {
            problems.push(PolicyProblem::GrantEnds { context, end, days });
        }
    }
    problems
}

fn days_until(end: Date, today: Date) -> i32 {
    end.as_days().saturating_sub(today.as_days())
}

impl Consumer {
    /// Grants that end before their context does, and that no other grant for the same context
    /// continues on the next day or later, each with its last day: after it the consumer cannot ask in
    /// this context any more. The end of a context is a warning of its own, one for all its grants.
    pub fn last_grants(&self) -> impl Iterator<Item = (&Grant, Date)> {
        self.grants.iter().filter_map(|grant| {
            let end = grant.valid.end().filter(|end| grant.context.valid.end().is_none_or(|last| last > *end))?;
            let is_same = |other: &Grant| other.context.context == grant.context.context;
            let is_later = |other: &Grant| other.valid.begin() > end;
            let is_last = !self.grants.iter().any(|other| is_same(other) && is_later(other));
            is_last.then_some((grant.as_ref(), end))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{EnterpriseNumber, Period};
    use crate::policy::{Contexts, Deliberation, Quota};

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    fn period(begin: &str, end: Option<&str>) -> Period {
        Period::from_days(day(begin), end.map(day)).expect("not reversed")
    }

    fn physician() -> ContextDefinition {
        ContextDefinition::built_in(LegalContext::ADVISORY_PHYSICIAN).expect("one of the three")
    }

    fn warnings_of(
        definition: ContextDefinition,
        others: Vec<ContextDefinition>,
        periods: &[(&str, Option<&str>)],
        per_day: u32,
    ) -> String {
        let contexts = Contexts::new([definition].into_iter().chain(others).collect()).expect("valid contexts");
        let context = contexts.get(LegalContext::ADVISORY_PHYSICIAN).expect("defined");
        let grant = |(begin, end): &(&str, Option<&str>)| {
            let deliberation = Deliberation::parse("16/108").expect("a number");
            Arc::new(Grant::at_ceiling(Arc::clone(context), period(begin, *end), deliberation))
        };
        let organisation = EnterpriseNumber::parse("0202239951").expect("valid check digits");
        let consumer = Consumer {
            grants: periods.iter().map(grant).collect(),
            quota: Quota { per_day, ..Quota::default() },
            ..Consumer::new(organisation, "Fund")
        };
        let register = Register::new(contexts, vec![consumer]).expect("a valid register");
        let texts = find_warnings(&register, day("2026-01-15"));
        texts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn warnings(periods: &[(&str, Option<&str>)], per_day: u32) -> String {
        warnings_of(physician(), Vec::new(), periods, per_day)
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
    fn contexts_that_end_or_are_unused_are_reported() {
        let ending = |end: &str| ContextDefinition { valid: period("2017-07-01", Some(end)), ..physician() };
        let context = "legal context BACKTOWORK:ADVISORY_PHYSICIAN";
        let grant = "consumer 0202239951 (Fund): the grant for BACKTOWORK:ADVISORY_PHYSICIAN";
        let open = [("2020-01-01", None)];
        assert_eq!(warnings_of(ending("2026-03-17"), vec![], &open, 1), "");
        assert_eq!(
            warnings_of(ending("2026-03-16"), vec![], &open, 1),
            format!("{context} ends on 2026-03-16, in 60 days")
        );
        // A grant that ends before its context is a warning of its own.
        let early = [("2020-01-01", Some("2026-01-10"))];
        assert_eq!(
            warnings_of(ending("2026-01-14"), vec![], &early, 1),
            format!("{context} ended on 2026-01-14: every question in it gets MSG00013\n{grant} ended on 2026-01-10")
        );
        let platform = ContextDefinition::built_in(LegalContext::EHEALTH_PLATFORM).expect("one of the three");
        assert_eq!(
            warnings_of(physician(), vec![platform], &open, 1),
            "legal context BACKTOWORK:EHEALTH_PLATFORM has no grant: no consumer may ask in it"
        );
    }

    #[test]
    fn a_policy_without_contexts_is_reported() {
        let register = Register::new(Contexts::built_in(), Vec::new()).expect("a valid register");
        assert_eq!(find_warnings(&register, day("2026-01-15")), [PolicyWarning::BuiltInContexts]);
    }

    #[test]
    fn consumers_that_cannot_ask_are_reported() {
        let expected = "legal context BACKTOWORK:ADVISORY_PHYSICIAN has no grant: no consumer may ask in it\n\
                        consumer 0202239951 (Fund) has no grant: every question gets MSG00013\n\
                        consumer 0202239951 (Fund) has a quota of 0: every question gets MSG90052";
        assert_eq!(warnings(&[], 0), expected);
    }
}
