//! Legal contexts as data: what the policy file says of each, and the ceiling of every grant under
//! it (`docs/reference/policy.md` "Legal contexts").

use std::sync::Arc;

use super::terms::{Deliberation, Reach, Relation};
use crate::model::{Date, Field, FieldSet, LegalContext, Period, Translated};

/// A legal context, as the policy file defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextDefinition {
    /// Code on the wire.
    pub context: LegalContext,
    /// Deliberation of the Information Security Committee on which the context rests.
    pub deliberation: Deliberation,
    /// Ceiling: the fields that a grant may allow at most.
    pub fields: FieldSet,
    /// Relations of which a grant demands one.
    pub relations: Vec<Relation>,
    /// Days on which questions in this context are answered, in Europe/Brussels; both ends
    /// inclusive.
    pub valid: Period,
    /// What the person reads in the article 15 report.
    pub purpose: Translated,
    /// Whether a question names the person at the caller who asks.
    pub end_user: EndUserRule,
    /// The days about which may be asked.
    pub dates: DateRule,
}

crate::closed_enum! {
    /// Whether a question names its end user: the person at the caller for whom its software asks.
    ///
    /// The code is the word in the policy file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum EndUserRule {
        /// It may.
        #[default]
        Optional => "optional",
        /// It must.
        Required => "required",
        /// It must not.
        Refused => "refused",
    }
}

crate::closed_enum! {
    /// The days about which may be asked in a context.
    ///
    /// The code is the word in the policy file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum DateRule {
        /// All within the reach of the grant.
        #[default]
        Any => "any",
        /// The day of the question alone. For contexts without date fields: an answer for each of
        /// several days shows when a hidden employment began.
        Today => "today",
    }
}

impl DateRule {
    /// The reach that every grant of the context has; `None`: the grant says it.
    #[must_use]
    pub fn reach(self) -> Option<Reach> {
        match self {
            Self::Any => None,
            Self::Today => Some(Reach { back_years: 0, ahead_days: 0 }),
        }
    }
}

/// Why the definition of a context is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// Two definitions have one code.
    #[error("legal context {0} is defined twice")]
    Duplicate(LegalContext),
    /// The ceiling is empty.
    #[error("legal context {0} has no fields: no grant could be given for it")]
    NoFields(LegalContext),
    /// No relation is listed.
    #[error("legal context {0} lists no relation: list `none` if none is demanded")]
    NoRelations(LegalContext),
    /// One day of a period without the other.
    #[error("legal context {context}: fields {} and {} go together", .begin.number(), .end.number())]
    HalfPeriod {
        /// The context.
        context: LegalContext,
        /// Field of the first day.
        begin: Field,
        /// Field of the last day.
        end: Field,
    },
    /// More contexts than [`Contexts::MAX`].
    #[error("legal context {0} is one too many: there may be 64")]
    TooMany(LegalContext),
}

impl ContextError {
    /// The context with the error.
    #[must_use]
    pub fn context(&self) -> LegalContext {
        match self {
            Self::Duplicate(context)
            | Self::NoFields(context)
            | Self::NoRelations(context)
            | Self::HalfPeriod { context, .. }
            | Self::TooMany(context) => *context,
        }
    }
}

/// The two days of each period that the nine fields have. An absent end would be read as an open
/// period, so they are granted together.
pub(super) const PERIODS: [(Field, Field); 2] =
    [(Field::EmploymentBegin, Field::EmploymentEnd), (Field::AffiliationBegin, Field::AffiliationEnd)];

/// The periods of which the fields have one day without the other.
pub(super) fn half_periods(fields: FieldSet) -> impl Iterator<Item = (Field, Field)> {
    PERIODS.into_iter().filter(move |(begin, end)| fields.contains(*begin) != fields.contains(*end))
}

/// All legal contexts of a policy. Every definition is valid, and the codes are different.
#[derive(Debug, Clone, Default)]
pub struct Contexts {
    definitions: Vec<Arc<ContextDefinition>>,
    is_built_in: bool,
}

impl Contexts {
    /// Maximum number of contexts: each question searches the list.
    pub const MAX: usize = 64;

    /// Validates the definitions.
    ///
    /// # Errors
    /// All errors, in the order of the list.
    pub fn new(definitions: Vec<ContextDefinition>) -> Result<Self, Vec<ContextError>> {
        let mut errors = Vec::new();
        for (index, definition) in definitions.iter().enumerate() {
            let context = definition.context;
            if definitions.iter().take(index).any(|earlier| earlier.context == context) {
                errors.push(ContextError::Duplicate(context));
            }
            if definition.fields.is_empty() {
                errors.push(ContextError::NoFields(context));
            }
            if definition.relations.is_empty() {
                errors.push(ContextError::NoRelations(context));
            }
            let half = half_periods(definition.fields);
            errors.extend(half.map(|(begin, end)| ContextError::HalfPeriod { context, begin, end }));
            if index == Self::MAX {
                errors.push(ContextError::TooMany(context));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { definitions: definitions.into_iter().map(Arc::new).collect(), is_built_in: false })
    }

    /// The three contexts of a policy file that defines none.
    #[must_use]
    pub fn built_in() -> Self {
        let definitions = LegalContext::BUILT_IN.into_iter().filter_map(ContextDefinition::built_in);
        Self { definitions: definitions.map(Arc::new).collect(), is_built_in: true }
    }

    /// Whether these are the contexts of a policy file that defines none.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.is_built_in
    }

    /// The definition of a context.
    #[must_use]
    pub fn get(&self, context: LegalContext) -> Option<&Arc<ContextDefinition>> {
        self.definitions.iter().find(|definition| definition.context == context)
    }

    /// The definition of the context with this code.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<&Arc<ContextDefinition>> {
        self.definitions.iter().find(|definition| definition.context.is(code))
    }

    /// Iterates over all, in the order of the policy file.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ContextDefinition>> {
        self.definitions.iter()
    }
}

impl ContextDefinition {
    /// Code on the wire.
    #[must_use]
    pub fn code(&self) -> &str {
        self.context.code()
    }

    /// Definition of a context of [`LegalContext::BUILT_IN`]; `None` for any other.
    #[must_use]
    pub fn built_in(context: LegalContext) -> Option<Self> {
        let (fields, relations, purpose) = match context {
            LegalContext::ADVISORY_PHYSICIAN => (
                FieldSet::EMPTY.with(Field::HealthInsuranceFund).complement(),
                vec![Relation::Insured],
                [
                    "Terug naar werk: adviserend arts van het ziekenfonds",
                    "Retour au travail : médecin-conseil de la mutualité",
                    "Rückkehr zur Arbeit: Vertrauensarzt der Krankenkasse",
                    "Back to work: advisory physician of the health-insurance fund",
                ],
            ),
            LegalContext::PREVENTION_SERVICE => (
                [Field::Ssin, Field::Employer, Field::HealthInsuranceFund].into_iter().collect(),
                vec![Relation::AffiliatedEmployer],
                [
                    "Terug naar werk: dienst voor preventie en bescherming op het werk",
                    "Retour au travail : service de prévention et de protection au travail",
                    "Rückkehr zur Arbeit: Dienst für Gefahrenverhütung und Schutz am Arbeitsplatz",
                    "Back to work: service for prevention and protection at work",
                ],
            ),
            LegalContext::EHEALTH_PLATFORM => (
                FieldSet::ALL,
                Relation::ALL.to_vec(),
                [
                    "Terug naar werk: eHealth-platform",
                    "Retour au travail : plate-forme eHealth",
                    "Rückkehr zur Arbeit: eHealth-Plattform",
                    "Back to work: eHealth platform",
                ],
            ),
            _ => return None,
        };
        let [dutch, french, german, english] = purpose.map(str::to_owned);
        Some(Self {
            context,
            deliberation: Deliberation::parse("16/108").ok()?,
            fields,
            relations,
            valid: Period::from_days(Date::MIN, None).ok()?,
            purpose: Translated { dutch, french, german, english },
            end_user: EndUserRule::Optional,
            dates: DateRule::Any,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in(context: LegalContext) -> ContextDefinition {
        ContextDefinition::built_in(context).expect("one of the three")
    }

    #[test]
    fn the_built_in_contexts_are_valid_definitions() {
        let all = Contexts::built_in();
        let definitions: Vec<_> = all.iter().map(|definition| (**definition).clone()).collect();
        assert_eq!(definitions.iter().map(|definition| definition.context).collect::<Vec<_>>(), LegalContext::BUILT_IN);
        assert!(Contexts::new(definitions).is_ok());
        let other = LegalContext::parse("TRIO:PLATFORM").expect("a code");
        assert_eq!((ContextDefinition::built_in(other), all.get(other)), (None, None));
        assert_eq!(
            (all.find("BACKTOWORK").is_some(), all.find("BACKTOWORK:EHEALTH_PLATFORM").is_some()),
            (false, true)
        );
    }

    #[test]
    fn all_errors_are_reported() {
        let platform = built_in(LegalContext::EHEALTH_PLATFORM);
        let half = FieldSet::EMPTY.with(Field::Ssin).with(Field::AffiliationEnd);
        let wrong = ContextDefinition { fields: half, relations: Vec::new(), ..platform.clone() };
        let empty = ContextDefinition { fields: FieldSet::EMPTY, ..built_in(LegalContext::PREVENTION_SERVICE) };
        let errors = Contexts::new(vec![platform, wrong, empty]).expect_err("four errors");
        let [platform, service] = [LegalContext::EHEALTH_PLATFORM, LegalContext::PREVENTION_SERVICE];
        let half =
            ContextError::HalfPeriod { context: platform, begin: Field::AffiliationBegin, end: Field::AffiliationEnd };
        let expected = [
            ContextError::Duplicate(platform),
            ContextError::NoRelations(platform),
            half,
            ContextError::NoFields(service),
        ];
        assert_eq!(errors, expected);
    }

    #[test]
    fn there_are_at_most_64_contexts() {
        let numbered = |number: usize| {
            let context = LegalContext::parse(&format!("C{number}")).expect("a code");
            ContextDefinition { context, ..built_in(LegalContext::EHEALTH_PLATFORM) }
        };
        let several = |count: usize| Contexts::new((0..count).map(numbered).collect());
        assert!(several(Contexts::MAX).is_ok());
        assert_eq!(several(Contexts::MAX + 2).map(|_| ()).expect_err("two too many").len(), 1);
    }
}
