//! Grants: what a consumer may ask in one legal context, and the ceiling of every grant
//! (`docs/reference/domain.md` "Who may ask").

use std::fmt;
use std::sync::Arc;

use crate::model::{Dataset, DatasetSet, Field, FieldSet, LegalContext, Period};

/// A permission of one consumer in one legal context. The register checks it against the ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Legal context of the questions that it allows.
    pub context: LegalContext,
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

/// Number of a deliberation, for example `16/108`. Shared, because every record of the audit log
/// carries it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Deliberation(Arc<str>);

impl Deliberation {
    /// Parses the number of a deliberation: digits, a slash, digits; at most 16 characters.
    ///
    /// # Errors
    /// [`GrantError::Deliberation`] for any other text.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match text.split_once('/') {
            Some((year, number)) if text.len() <= 16 && is_number(year) && is_number(number) => Ok(Self(text.into())),
            _ => Err(GrantError::Deliberation),
        }
    }

    /// The number as text, as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Deliberation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::closed_enum! {
    /// Relation that must hold between the person and the organisation on whose behalf the caller
    /// asks (`docs/reference/domain.md` "Relations").
    ///
    /// The code is the word in the policy file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Relation {
        /// No relation: the caller checks its own users.
        None => "none",
        /// The person is insured with the organisation today, or was on a day of the window.
        Insured => "insured",
        /// The employer of an employment that touches the window is affiliated to the organisation,
        /// and the affiliation touches both the window and the employment.
        AffiliatedEmployer => "affiliated-employer",
    }
}

impl Relation {
    /// The datasets without which the relation can neither be shown nor denied.
    #[must_use]
    pub fn proof(self) -> DatasetSet {
        match self {
            Self::None => DatasetSet::EMPTY,
            Self::Insured => DatasetSet::EMPTY.with(Dataset::Insurance),
            Self::AffiliatedEmployer => [Dataset::Dimona, Dataset::Coprev, Dataset::Federated].into_iter().collect(),
        }
    }
}

/// How far from today the dates of a question may be; both limits are inclusive calendar days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Calendar years before today.
    pub back_years: u16,
    /// Days after today.
    pub ahead_days: u16,
}

impl Default for Reach {
    /// Five years back, ninety days ahead (`docs/reference/contract.md` "Status", MSG00008).
    fn default() -> Self {
        Self { back_years: 5, ahead_days: 90 }
    }
}

/// Why a grant is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// A field that the ceiling of the context does not contain.
    #[error("field {} may not be granted for {}", .1.number(), .0.code())]
    FieldOverCeiling(LegalContext, Field),
    /// A relation other than the one that the context demands.
    #[error("{} demands the relation `{}`, this grant has `{}`", .context.code(), .demanded.code(), .found.code())]
    Relation {
        /// Legal context of the grant.
        context: LegalContext,
        /// Relation that the ceiling demands.
        demanded: Relation,
        /// Relation of the grant.
        found: Relation,
    },
    /// One day of a period without the other: readers would take an absent end for an open period.
    #[error("fields {} and {} must be granted together", .0.number(), .1.number())]
    HalfPeriod(Field, Field),
    /// The grant has no fields.
    #[error("the grant has no fields; add fields or remove the grant")]
    NoFields,
    /// The text is not the number of a deliberation.
    #[error("a deliberation has the form year/number, for example 16/108")]
    Deliberation,
}

/// Ceiling of a grant for this context: the fields that it may allow at most, and the relation that
/// it must demand (`docs/reference/domain.md` "Who may ask").
#[must_use]
pub fn ceiling(context: LegalContext) -> (FieldSet, Relation) {
    match context {
        LegalContext::AdvisoryPhysician => {
            (FieldSet::EMPTY.with(Field::HealthInsuranceFund).complement(), Relation::Insured)
        }
        LegalContext::PreventionService => {
            let fields = [Field::Ssin, Field::Employer, Field::HealthInsuranceFund];
            (fields.into_iter().collect(), Relation::AffiliatedEmployer)
        }
        LegalContext::EhealthPlatform => (FieldSet::ALL, Relation::None),
    }
}

impl Grant {
    /// Grant of everything that the ceiling of the context allows, with the usual reach.
    #[must_use]
    pub fn at_ceiling(context: LegalContext, valid: Period, deliberation: Deliberation) -> Self {
        let (fields, relation) = ceiling(context);
        Self { context, fields, relation, reach: Reach::default(), valid, deliberation }
    }

    /// Validates the grant. Returns all errors; empty if it is valid.
    #[must_use]
    pub fn check(&self) -> Vec<GrantError> {
        let (allowed, demanded) = ceiling(self.context);
        let mut errors: Vec<_> = self
            .fields
            .iter()
            .filter(|field| !allowed.contains(*field))
            .map(|field| GrantError::FieldOverCeiling(self.context, field))
            .collect();
        // Where no relation is demanded, any relation is stricter. Otherwise the two relations
        // cannot be compared.
        if demanded != Relation::None && self.relation != demanded {
            errors.push(GrantError::Relation { context: self.context, demanded, found: self.relation });
        }
        for (begin, end) in
            [(Field::EmploymentBegin, Field::EmploymentEnd), (Field::AffiliationBegin, Field::AffiliationEnd)]
        {
            if self.fields.contains(begin) != self.fields.contains(end) {
                errors.push(GrantError::HalfPeriod(begin, end));
            }
        }
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
    use crate::model::Date;

    fn grant(context: LegalContext) -> Grant {
        let valid = Period::from_days(Date::MIN, None).expect("open");
        Grant::at_ceiling(context, valid, Deliberation::parse("16/108").expect("a number"))
    }

    #[test]
    fn the_ceiling_itself_is_valid() {
        for context in LegalContext::ALL {
            assert_eq!(grant(context).check(), []);
        }
    }

    #[test]
    fn refuses_more_fields_and_a_weaker_relation() {
        let physician = LegalContext::AdvisoryPhysician;
        let more = Grant { fields: FieldSet::ALL, relation: Relation::None, ..grant(physician) };
        let relation = GrantError::Relation { context: physician, demanded: Relation::Insured, found: Relation::None };
        assert_eq!(more.check(), [GrantError::FieldOverCeiling(physician, Field::HealthInsuranceFund), relation]);
        let other = Grant { relation: Relation::AffiliatedEmployer, ..grant(physician) };
        assert_eq!(other.check().len(), 1);
        let stronger = Grant { relation: Relation::Insured, ..grant(LegalContext::EhealthPlatform) };
        assert_eq!(stronger.check(), []);
    }

    #[test]
    fn refuses_half_a_period_and_a_grant_without_fields() {
        let platform = grant(LegalContext::EhealthPlatform);
        let half = FieldSet::EMPTY.with(Field::Ssin).with(Field::EmploymentBegin);
        let halved = Grant { fields: half, ..platform.clone() };
        assert_eq!(halved.check(), [GrantError::HalfPeriod(Field::EmploymentBegin, Field::EmploymentEnd)]);
        assert_eq!(Grant { fields: FieldSet::EMPTY, ..platform }.check(), [GrantError::NoFields]);
    }

    #[test]
    fn reads_the_datasets_of_its_fields_and_of_its_relation() {
        let codes = |grant: Grant| grant.reads().iter().map(Dataset::code).collect::<Vec<_>>().join(" ");
        assert_eq!(codes(grant(LegalContext::AdvisoryPhysician)), "dimona coprev federated insurance persons");
        assert_eq!(codes(grant(LegalContext::PreventionService)), "dimona coprev federated insurance persons");
        let fund_only = FieldSet::EMPTY.with(Field::Ssin).with(Field::HealthInsuranceFund);
        let platform = grant(LegalContext::EhealthPlatform);
        assert_eq!(codes(Grant { fields: fund_only, ..platform.clone() }), "insurance persons");
        assert_eq!(codes(Grant { fields: FieldSet::EMPTY.with(Field::Employer), ..platform }), "dimona persons");
    }

    #[test]
    fn a_deliberation_is_year_slash_number() {
        assert!(Deliberation::parse("16/108").is_ok());
        for text in ["", "16", "16/", "/108", "16/1a", "16/108/2", "12345678/12345678"] {
            assert_eq!(Deliberation::parse(text), Err(GrantError::Deliberation), "{text}");
        }
    }
}
