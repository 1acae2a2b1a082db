//! The door to the data: what the rules need to read, and nothing more.

use crate::model::{
    Affiliation, Dataset, DatasetStates, EmploymentPeriod, EnterpriseNumber, Membership, ServiceKind, Ssin,
};

/// One state of the five datasets, held still while a question is answered.
///
/// A dataset that was never loaded reads as empty; [`Directory::states`] says that it is missing. The lists are
/// appended to `into`, in no promised order, so that one buffer serves several numbers.
pub trait Directory {
    /// Which state of each dataset is read.
    ///
    /// # Errors
    /// [`DirectoryError`] if a dataset that is there cannot be read.
    fn states(&mut self) -> Result<DatasetStates, DirectoryError>;

    /// The last number of the chain of replacements that `ssin` is in, `ssin` itself if it was never replaced.
    /// Appends every number whose chain ends there: the last one, `ssin`, and their siblings, each once.
    ///
    /// # Errors
    /// [`DirectoryError`] if `persons` cannot be read, or holds a cycle.
    fn family(&mut self, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError>;

    /// Every Dimona period filed under exactly this number.
    ///
    /// # Errors
    /// [`DirectoryError`] if `dimona` cannot be read.
    fn employment_periods(&mut self, ssin: Ssin, into: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError>;

    /// Every affiliation of this employer: external ones from `coprev`, internal ones from `federated`.
    ///
    /// # Errors
    /// [`DirectoryError`] if the dataset cannot be read.
    fn affiliations(
        &mut self,
        kind: ServiceKind,
        employer: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError>;

    /// Every membership of a fund filed under exactly this number.
    ///
    /// # Errors
    /// [`DirectoryError`] if `insurance` cannot be read.
    fn memberships(&mut self, ssin: Ssin, into: &mut Vec<Membership>) -> Result<(), DirectoryError>;

    /// Those of [`Directory::affiliations`] that are to this service. A directory that filters where it reads does not
    /// work harder for an employer that is affiliated to others than for one that is not known.
    ///
    /// # Errors
    /// As [`Directory::affiliations`].
    fn affiliations_to(
        &mut self,
        service: EnterpriseNumber,
        kind: ServiceKind,
        employer: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        let mut all = Vec::new();
        self.affiliations(kind, employer, &mut all)?;
        into.extend(all.into_iter().filter(|affiliation| affiliation.service == service));
        Ok(())
    }

    /// The periods of the next so many rows behind where those of `ssin` are or would be, whosesoever they are: work for a
    /// refusal to do in place of what the person does not have. A directory whose work nobody can measure gives none.
    ///
    /// # Errors
    /// [`DirectoryError`] if `dimona` cannot be read.
    fn periods_behind(
        &mut self,
        ssin: Ssin,
        rows: usize,
        into: &mut Vec<EmploymentPeriod>,
    ) -> Result<(), DirectoryError> {
        let _ = (ssin, rows, into);
        Ok(())
    }

    /// The memberships of the next so many rows behind, as [`Directory::periods_behind`].
    ///
    /// # Errors
    /// [`DirectoryError`] if `insurance` cannot be read.
    fn memberships_behind(
        &mut self,
        ssin: Ssin,
        rows: usize,
        into: &mut Vec<Membership>,
    ) -> Result<(), DirectoryError> {
        let _ = (ssin, rows, into);
        Ok(())
    }

    /// Looks so many times into `dataset` for a number that nobody has, as [`Directory::periods_behind`]; in `persons` it
    /// reads as many replaced numbers of others, too. Only for datasets that are filed by person.
    ///
    /// # Errors
    /// [`DirectoryError`] if the dataset cannot be read.
    fn look_for_nobody(&mut self, dataset: Dataset, times: usize) -> Result<(), DirectoryError> {
        let _ = (dataset, times);
        Ok(())
    }
}

/// A dataset that is there could not be read. A caller sees an internal error; the reason is for the log alone, and
/// whoever makes it sees to it that no person's data are in it.
#[derive(Debug, thiserror::Error)]
#[error("dataset {} cannot be read: {reason}", .dataset.code())]
pub struct DirectoryError {
    /// Which dataset.
    pub dataset: Dataset,
    /// What the layer below said.
    #[source]
    pub reason: Box<dyn std::error::Error + Send + Sync>,
}
