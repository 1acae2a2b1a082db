//! Grants: what a consumer may ask in one legal context, and the ceiling of every grant
//! (`docs/reference/domain.md` "Who may ask").

use std::sync::Arc;

use super::context::{ContextDefinition, half_periods};
use super::terms::{Deliberation, Reach, Relation};
use crate::model::{Dataset, DatasetSet, Date, Field, FieldSet, LegalContext, Period};

/// A permission of one consumer in one legal context. The register checks it against the ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Legal context of the questions that it allows.
    pub context: Arc<ContextDefinition>,
    /// Fields that may be disclosed.
    pub fields: FieldSet,
    /// Relation that must hold between the organisation and the person.
    pub relation: Relation,
    /// How far from today the dates of a question may be.
    pub reach: Reach,
    /// Days on which the grant is valid, in Europe/Brussels; both ends inclusive.
    pub valid: Period,
    /// Deliberation of the Information Security Committee on which the grant rests.
    pub deliberation: Deliberation,
}

/// Why a grant is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// A field that the ceiling of the context does not contain.
    #[error("field {} may not be granted for {}", .1.number(), .0.code())]
    FieldOverCeiling(LegalContext, Field),
    /// A relation that the context does not list.
    #[error("{} does not allow the relation `{}`", .0.code(), .1.code())]
    Relation(LegalContext, Relation),
    /// Another reach than the one that the date rule of the context demands.
    #[error("{0} allows questions about the day of the question alone: remove look_back_years and look_ahead_days")]
    Reach(LegalContext),
    /// The grant and its context have no day in common.
    #[error("the grant is never valid: {} is valid from {}{}", .0.code(), .1, .2.map(|end| format!(" to {end}")).unwrap_or_default())]
    NeverValid(LegalContext, Date, Option<Date>),
    /// One day of a period without the other: readers would take an absent end for an open period.
    #[error("fields {} and {} must be granted together", .0.number(), .1.number())]
    HalfPeriod(Field, Field),
    /// The grant has no fields.
    #[error("the grant has no fields; add fields or remove the grant")]
    NoFields,
}

impl Grant {
    /// Grant of everything that the ceiling of the context allows, with the first of its relations
    /// and the usual reach.
    #[must_use]
    pub fn at_ceiling(context: Arc<ContextDefinition>, valid: Period, deliberation: Deliberation) -> Self {
        let relation = context.relations.first().copied().unwrap_or(Relation::None);
        let reach = context.dates.reach().unwrap_or_default();
        Self { fields: context.fields, relation, reach, valid, deliberation, context }
    }

    /// Whether a question may be asked on this day: the grant and its context are valid.
    #[must_use]
    pub fn is_valid_on(&self, day: Date) -> bool {
        self.valid.covers(day) && self.context.valid.covers(day)
    }

    /// Last day of the grant: its own, or that of its context if that is earlier.
    #[must_use]
    pub fn last_day(&self) -> Option<Date> {
        [self.valid.end(), self.context.valid.end()].into_iter().flatten().min()
    }

    /// Validates the grant against its context. Returns all errors; empty if it is valid.
    #[must_use]
    pub fn check(&self) -> Vec<GrantError> {
        let ContextDefinition { context, fields: ceiling, relations, valid, dates, .. } = &*self.context;
        let over = self.fields.iter().filter(|field| !ceiling.contains(*field));
        let mut errors: Vec<_> = over.map(|field| GrantError::FieldOverCeiling(*context, field)).collect();
        if !relations.contains(&self.relation) {
            errors.push(GrantError::Relation(*context, self.relation));
        }
        if dates.reach().is_some_and(|reach| reach != self.reach) {
            errors.push(GrantError::Reach(*context));
        }
        if !valid.touches(&self.valid) {
            errors.push(GrantError::NeverValid(*context, valid.begin(), valid.end()));
        }
        errors.extend(half_periods(self.fields).map(|(begin, end)| GrantError::HalfPeriod(begin, end)));
        if self.fields.is_empty() {
            errors.push(GrantError::NoFields);
        }
        errors
    }

    /// Datasets that an answer under this grant reads: those of its fields, those of its relation,
    /// and `persons`.
    #[must_use]
    pub fn reads(&self) -> DatasetSet {
        let carriers = self.fields.carriers();
        // The prevention services are those of the employers.
        let employers = if carriers.contains(Dataset::Coprev) {
            DatasetSet::EMPTY.with(Dataset::Dimona)
        } else {
            DatasetSet::EMPTY
        };
        carriers.union(employers).union(self.relation.proof()).with(Dataset::Persons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::DateRule;

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    fn grant(context: LegalContext) -> Grant {
        let context = ContextDefinition::built_in(context).expect("one of the three");
        let valid = Period::from_days(Date::MIN, None).expect("open");
        Grant::at_ceiling(Arc::new(context), valid, Deliberation::parse("16/108").expect("a number"))
    }

    #[test]
    fn the_ceiling_itself_is_valid() {
        for context in LegalContext::BUILT_IN {
            assert_eq!(grant(context).check(), []);
        }
    }

    #[test]
    fn refuses_more_fields_and_another_relation() {
        let physician = LegalContext::ADVISORY_PHYSICIAN;
        let more = Grant { fields: FieldSet::ALL, relation: Relation::None, ..grant(physician) };
        let relation = GrantError::Relation(physician, Relation::None);
        assert_eq!(more.check(), [GrantError::FieldOverCeiling(physician, Field::HealthInsuranceFund), relation]);
        let other = Grant { relation: Relation::AffiliatedEmployer, ..grant(physician) };
        assert_eq!(other.check().len(), 1);
        for relation in Relation::ALL {
            assert_eq!(Grant { relation, ..grant(LegalContext::EHEALTH_PLATFORM) }.check(), []);
        }
    }

    #[test]
    fn refuses_a_grant_that_its_context_cannot_have() {
        let today = ContextDefinition {
            dates: DateRule::Today,
            valid: Period::from_days(day("2026-01-01"), Some(day("2026-12-31"))).expect("not reversed"),
            ..ContextDefinition::built_in(LegalContext::PREVENTION_SERVICE).expect("one of the three")
        };
        let context = today.context;
        let valid = Period::from_days(Date::MIN, None).expect("open");
        let fits = Grant::at_ceiling(Arc::new(today), valid, Deliberation::parse("16/108").expect("a number"));
        assert_eq!((fits.check(), fits.last_day()), (vec![], Some(day("2026-12-31"))));
        assert_eq!(
            ["2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01"].map(|on| fits.is_valid_on(day(on))),
            [false, true, true, false]
        );
        let wide = Grant { reach: Reach::default(), ..fits.clone() };
        assert_eq!(wide.check(), [GrantError::Reach(context)]);
        let late = Grant { valid: Period::from_days(day("2027-01-01"), None).expect("open"), ..fits };
        let never = GrantError::NeverValid(context, day("2026-01-01"), Some(day("2026-12-31")));
        assert_eq!(late.check(), [never]);
        assert!(never.to_string().ends_with("is valid from 2026-01-01 to 2026-12-31"), "{never}");
    }

    #[test]
    fn refuses_half_a_period_and_a_grant_without_fields() {
        let platform = grant(LegalContext::EHEALTH_PLATFORM);
        let half = FieldSet::EMPTY.with(Field::Ssin).with(Field::EmploymentBegin);
        let halved = Grant { fields: half, ..platform.clone() };
        assert_eq!(halved.check(), [GrantError::HalfPeriod(Field::EmploymentBegin, Field::EmploymentEnd)]);
        assert_eq!(Grant { fields: FieldSet::EMPTY, ..platform }.check(), [GrantError::NoFields]);
    }

    #[test]
    fn reads_the_datasets_of_its_fields_and_of_its_relation() {
        let codes = |grant: Grant| grant.reads().iter().map(Dataset::code).collect::<Vec<_>>().join(" ");
        assert_eq!(codes(grant(LegalContext::ADVISORY_PHYSICIAN)), "dimona coprev federated insurance persons");
        assert_eq!(codes(grant(LegalContext::PREVENTION_SERVICE)), "dimona coprev federated insurance persons");
        let fund_only = FieldSet::EMPTY.with(Field::Ssin).with(Field::HealthInsuranceFund);
        let platform = grant(LegalContext::EHEALTH_PLATFORM);
        assert_eq!(codes(Grant { fields: fund_only, ..platform.clone() }), "insurance persons");
        assert_eq!(codes(Grant { fields: FieldSet::EMPTY.with(Field::Employer), ..platform }), "dimona persons");
    }
}
