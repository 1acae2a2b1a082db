//! Datasets that are missing on demand: a test double of the service shows its callers an outage.
//!
//! It does not equalise the work of refusals: nothing is measured against a test double.

use super::ports::{Directory, DirectoryError};
use crate::model::{
    Affiliation, Dataset, DatasetSet, DatasetStates, EmploymentPeriod, EnterpriseNumber, Membership, ServiceKind, Ssin,
};

/// A directory as if some of its datasets had never been loaded.
#[derive(Debug)]
pub struct WithoutDatasets<'a, D> {
    view: &'a mut D,
    missing: DatasetSet,
}

impl<'a, D: Directory> WithoutDatasets<'a, D> {
    /// The directory without these datasets.
    pub fn new(view: &'a mut D, missing: DatasetSet) -> Self {
        Self { view, missing }
    }
}

impl<D: Directory> Directory for WithoutDatasets<'_, D> {
    fn states(&mut self) -> Result<DatasetStates, DirectoryError> {
        let loaded = self.view.states()?.iter().filter(|(dataset, _)| !self.missing.contains(*dataset));
        Ok(loaded.fold(DatasetStates::default(), |states, (dataset, state)| states.with(dataset, state)))
    }

    fn family(&mut self, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError> {
        if self.missing.contains(Dataset::Persons) {
            into.push(ssin);
            return Ok(ssin);
        }
        self.view.family(ssin, into)
    }

    fn employment_periods(&mut self, ssin: Ssin, into: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError> {
        if self.missing.contains(Dataset::Dimona) { Ok(()) } else { self.view.employment_periods(ssin, into) }
    }

    fn affiliations(
        &mut self,
        kind: ServiceKind,
        employer: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        let dataset = match kind {
            ServiceKind::External => Dataset::Coprev,
            ServiceKind::Internal => Dataset::Federated,
        };
        if self.missing.contains(dataset) { Ok(()) } else { self.view.affiliations(kind, employer, into) }
    }

    fn memberships(&mut self, ssin: Ssin, into: &mut Vec<Membership>) -> Result<(), DirectoryError> {
        if self.missing.contains(Dataset::Insurance) { Ok(()) } else { self.view.memberships(ssin, into) }
    }
}
