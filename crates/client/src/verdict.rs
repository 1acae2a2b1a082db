//! The competent prevention service and the fund, derived from an answer.
//!
//! "No such service" and "the service could not look" send a file two different ways
//! (`docs/reference/domain.md` "How the answer is found"), so the type is [`Disclosed`] and not
//! `Option`. The client does not guess: if the grant excludes a field that decides, the verdict is
//! [`Disclosed::Filtered`]. "Nothing" is said only of a source that the answer says was asked.

use super::answer::{Answer, Employment, PreventionService};
use ehealth_core::model::{Dataset, DatasetSet, Date, EnterpriseNumber, Field, ServiceKind, SourceStatus};

/// The value that an answer gives for one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclosed<T> {
    /// The value.
    Found(T),
    /// There is no value.
    Nothing,
    /// The value that was found, if any. These datasets were missing or stale, and could change it.
    Unsure(Option<T>, DatasetSet),
    /// The grant excludes a field that decides the value.
    Filtered,
    /// The question was not answered; the status says why.
    NotAnswered,
}

/// An employment with its competent prevention service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Competence<'a> {
    /// Employment on the day.
    pub employment: &'a Employment,
    /// Competent prevention service of the employment.
    pub service: Disclosed<&'a PreventionService>,
}

/// The answer names no competent services. A day without an employment is not an error, but an
/// empty list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoVerdict {
    /// The status is one without a result: the question was not answered.
    #[error("the question was not answered; the status says why")]
    NotAnswered,
    /// The day is outside the window of the question.
    #[error("the day is outside the window of the question")]
    DayNotAsked,
    /// The service could not look up the employments: these datasets are missing or stale.
    #[error("the employments could not be looked up: a dataset is missing or stale")]
    CouldNotLook(DatasetSet),
    /// The grant excludes every field of an employment.
    #[error("the grant excludes the employments")]
    Filtered,
}

impl Answer {
    /// Competent prevention service of each employment on this day, in the order of the answer: the
    /// internal service if there is one, otherwise the external one. An empty list means that the
    /// person has no employment on this day.
    ///
    /// # Errors
    /// [`NoVerdict`] says why there is no list.
    pub fn competent_service(&self, on: Date) -> Result<Vec<Competence<'_>>, NoVerdict> {
        let window = self.criteria.ok_or(NoVerdict::NotAnswered)?.window();
        if !self.status.outcome.is_answered() {
            return Err(NoVerdict::NotAnswered);
        }
        if on < window.from() || window.to() < on {
            return Err(NoVerdict::DayNotAsked);
        }
        let of_employment = (2..=8).filter_map(Field::from_number);
        if of_employment.into_iter().all(|field| self.filtered.contains(field)) {
            return Err(NoVerdict::Filtered);
        }
        // An employment or a service without its period overlaps the window: only a window of one
        // day decides.
        let one_day = window.from() == window.to();
        let mut verdicts = Vec::new();
        for employment in self.result.iter().flat_map(|result| &result.employments) {
            if employment.period.is_some_and(|period| !period.covers(on)) {
                continue;
            }
            let service = if employment.period.is_none() && !one_day {
                Disclosed::Filtered
            } else {
                self.competent_service_of(employment, on, one_day)
            };
            verdicts.push(Competence { employment, service });
        }
        let unseen = self.employments_missing();
        if verdicts.is_empty() && unseen != DatasetSet::EMPTY {
            return Err(NoVerdict::CouldNotLook(unseen));
        }
        Ok(verdicts)
    }

    /// Datasets that were missing or stale and could add employments to those of the answer; empty
    /// if the answer has all of them.
    #[must_use]
    pub fn employments_missing(&self) -> DatasetSet {
        let reads = [Dataset::Dimona, Dataset::Persons];
        if self.sources.get(Dataset::Dimona).is_some() {
            self.may_hide(&[Dataset::Dimona], &reads)
        } else {
            self.may_hide(&[Dataset::Coprev, Dataset::Federated], &reads)
        }
    }

    /// Datasets that were missing or stale and could hide an item of these sources, which is read from
    /// `reads`.
    ///
    /// A source that was not asked may not have been asked because of any of them: a dataset that would
    /// show the relation may be the missing one (`docs/reference/domain.md` "Relations"). Then each
    /// missing dataset could hide everything.
    fn may_hide(&self, sources: &[Dataset], reads: &[Dataset]) -> DatasetSet {
        let missing = self.status.outcome.missing();
        let status = |dataset: &Dataset| self.sources.get(*dataset);
        let is_unasked = |dataset: &Dataset| status(dataset) == Some(SourceStatus::NoResult);
        // A source that is not listed was not said to be asked.
        let is_read = |dataset: &Dataset| match status(dataset) {
            Some(SourceStatus::DataFound | SourceStatus::NoDataFound) => true,
            Some(SourceStatus::TechnicalError) => reads.contains(dataset),
            Some(SourceStatus::NoResult) | None => false,
        };
        if sources.iter().any(is_unasked) || !sources.iter().any(is_read) {
            missing
        } else {
            missing.intersection(reads.iter().copied().collect())
        }
    }

    /// Health-insurance fund of the person, on the last day of the window that has one.
    #[must_use]
    pub fn fund(&self) -> Disclosed<EnterpriseNumber> {
        if !self.status.outcome.is_answered() {
            return Disclosed::NotAnswered;
        }
        if self.filtered.contains(Field::HealthInsuranceFund) {
            return Disclosed::Filtered;
        }
        let fund = self.result.as_ref().and_then(|result| result.fund);
        settle(fund, self.may_hide(&[Dataset::Insurance], &[Dataset::Insurance, Dataset::Persons]))
    }

    fn competent_service_of<'a>(
        &self,
        employment: &'a Employment,
        on: Date,
        one_day: bool,
    ) -> Disclosed<&'a PreventionService> {
        let has = |field| !self.filtered.contains(field);
        if !has(Field::PreventionService) && !has(Field::PreventionServiceType) && !has(Field::AffiliationBegin) {
            return Disclosed::Filtered;
        }
        if !has(Field::AffiliationBegin) && !one_day && !employment.services.is_empty() {
            return Disclosed::Filtered;
        }
        let covers = |service: &&PreventionService| service.affiliation.is_none_or(|period| period.covers(on));
        let on_day: Vec<_> = employment.services.iter().filter(covers).collect();
        // Without the kind, two services leave open which of them is the employer's own.
        if !has(Field::PreventionServiceType) && on_day.len() > 1 {
            return Disclosed::Filtered;
        }
        // Internal first, then the newest affiliation, then the lower number. This is the order of
        // the answer, but the client does not rely on it.
        let best = on_day.into_iter().min_by_key(|service| {
            let begin = service.affiliation.map(|period| std::cmp::Reverse(period.begin()));
            (service.kind == Some(ServiceKind::External), begin, service.number)
        });
        // An internal service takes precedence over an external one, so that `coprev` cannot change
        // it; the reverse does not hold.
        let reads: &[Dataset] = match best.and_then(|service| service.kind) {
            Some(ServiceKind::Internal) => &[Dataset::Federated],
            Some(ServiceKind::External) | None => &[Dataset::Coprev, Dataset::Federated],
        };
        settle(best, self.may_hide(reads, reads))
    }
}

/// Combines a value with the missing datasets that could change it.
fn settle<T>(found: Option<T>, missing: DatasetSet) -> Disclosed<T> {
    match found {
        found if missing != DatasetSet::EMPTY => Disclosed::Unsure(found, missing),
        Some(found) => Disclosed::Found(found),
        None => Disclosed::Nothing,
    }
}
