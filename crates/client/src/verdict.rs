//! What follows from an answer: the competent prevention service and the fund, for one day.
//!
//! "There is none" and "nobody could look" lead a file two different ways (domain.md), so neither is an `Option`: a
//! [`Told`] says which. Nothing is guessed: where the grant leaves out what would decide, the verdict is
//! [`Told::Filtered`].

use super::answer::{Answer, Employment, Outcome, PreventionService};
use ehealth_core::model::{Dataset, DatasetSet, Date, EnterpriseNumber, Field, ServiceKind};

/// What an answer says on one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<T> {
    /// This is it.
    Found(T),
    /// There is none.
    Nothing,
    /// This is what was found, if anything; the datasets named were missing or too old, and could say otherwise.
    Unsure(Option<T>, DatasetSet),
    /// The grant leaves out a field that would say it.
    Filtered,
    /// The question was not answered: see the status.
    NotAnswered,
}

/// An employment and the prevention service that is competent for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Competence<'a> {
    /// The employment.
    pub employment: &'a Employment,
    /// Its competent service.
    pub service: Told<&'a PreventionService>,
}

/// Why an answer names no competent services. Without an employment on the day there is no error, but an empty list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoVerdict {
    /// The status is one without a result: the question was not answered.
    #[error("the question was not answered: see the status")]
    NotAnswered,
    /// The day is not one of those that were asked about.
    #[error("the day lies outside the days asked about")]
    DayNotAsked,
    /// Whether there is an employment could not be looked up.
    #[error("the employments could not be looked up: a source is missing or too old")]
    CouldNotLook(DatasetSet),
    /// The grant leaves out every field of an employment.
    #[error("the grant does not tell the employments")]
    Filtered,
}

impl Answer {
    /// The competent prevention service of each employment on this day, in the answer's order: the internal service where
    /// there is one, else the external one. An empty list means that the person has no employment on this day.
    ///
    /// # Errors
    /// [`NoVerdict`] says why nothing can be said.
    pub fn competent_service(&self, on: Date) -> Result<Vec<Competence<'_>>, NoVerdict> {
        let window = self.criteria.ok_or(NoVerdict::NotAnswered)?.window();
        let missing = match self.status.outcome {
            Outcome::DataFound | Outcome::NoDataFound => DatasetSet::EMPTY,
            Outcome::Incomplete(missing) => missing,
            Outcome::Replaced { .. }
            | Outcome::WrongDates(_)
            | Outcome::NotAnSsin
            | Outcome::NoRelation
            | Outcome::NoGrant => return Err(NoVerdict::NotAnswered),
        };
        if on < window.from() || window.to() < on {
            return Err(NoVerdict::DayNotAsked);
        }
        let of_employment = (2..=8).filter_map(Field::from_number);
        if of_employment.into_iter().all(|field| self.filtered.contains(field)) {
            return Err(NoVerdict::Filtered);
        }
        // An employment or a service that is told without its period touches the days asked: only one day settles it.
        let one_day = window.from() == window.to();
        let mut verdicts = Vec::new();
        for employment in self.result.iter().flat_map(|result| &result.employments) {
            if employment.period.is_some_and(|period| !period.covers(on)) {
                continue;
            }
            let service = if employment.period.is_none() && !one_day {
                Told::Filtered
            } else {
                self.judge_services(employment, on, one_day, missing)
            };
            verdicts.push(Competence { employment, service });
        }
        let unseen = missing.intersection([Dataset::Dimona, Dataset::Persons].into_iter().collect());
        if verdicts.is_empty() && unseen != DatasetSet::EMPTY {
            return Err(NoVerdict::CouldNotLook(unseen));
        }
        Ok(verdicts)
    }

    /// The person's health-insurance fund, on the last day asked about on which there is one.
    #[must_use]
    pub fn fund(&self) -> Told<EnterpriseNumber> {
        let fund = self.result.as_ref().and_then(|result| result.fund);
        let reads = [Dataset::Insurance, Dataset::Persons].into_iter().collect();
        match (self.status.outcome, fund) {
            (Outcome::DataFound | Outcome::NoDataFound | Outcome::Incomplete(_), _)
                if self.filtered.contains(Field::HealthInsuranceFund) =>
            {
                Told::Filtered
            }
            (Outcome::Incomplete(missing), fund) => settle(fund, missing.intersection(reads)),
            (Outcome::DataFound | Outcome::NoDataFound, fund) => settle(fund, DatasetSet::EMPTY),
            (
                Outcome::Replaced { .. }
                | Outcome::WrongDates(_)
                | Outcome::NotAnSsin
                | Outcome::NoRelation
                | Outcome::NoGrant,
                _,
            ) => Told::NotAnswered,
        }
    }

    fn judge_services<'a>(
        &self,
        employment: &'a Employment,
        on: Date,
        one_day: bool,
        missing: DatasetSet,
    ) -> Told<&'a PreventionService> {
        let told = |field| !self.filtered.contains(field);
        if !told(Field::PreventionService) && !told(Field::PreventionServiceType) && !told(Field::AffiliationBegin) {
            return Told::Filtered;
        }
        if !told(Field::AffiliationBegin) && !one_day && !employment.services.is_empty() {
            return Told::Filtered;
        }
        let covers = |service: &&PreventionService| service.affiliation.is_none_or(|period| period.covers(on));
        let on_day: Vec<_> = employment.services.iter().filter(covers).collect();
        // Without the kind, two services leave open which of them is the employer's own.
        if !told(Field::PreventionServiceType) && on_day.len() > 1 {
            return Told::Filtered;
        }
        // Internal first, then the newest affiliation, then the lower number: the order of the answer, not trusted.
        let best = on_day.into_iter().min_by_key(|service| {
            let begin = service.affiliation.map(|period| std::cmp::Reverse(period.begin()));
            (service.kind == Some(ServiceKind::External), begin, service.number)
        });
        // An internal service overrules an external one, whatever `coprev` says; the other way round it does not.
        let reads: DatasetSet = match best.and_then(|service| service.kind) {
            Some(ServiceKind::Internal) => [Dataset::Federated].into_iter().collect(),
            Some(ServiceKind::External) | None => [Dataset::Coprev, Dataset::Federated].into_iter().collect(),
        };
        settle(best, missing.intersection(reads))
    }
}

/// What was found, and whether it can be relied on.
fn settle<T>(found: Option<T>, missing: DatasetSet) -> Told<T> {
    match found {
        found if missing != DatasetSet::EMPTY => Told::Unsure(found, missing),
        Some(found) => Told::Found(found),
        None => Told::Nothing,
    }
}
