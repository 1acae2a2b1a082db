//! The two ports of the lookup: [`Directory`] for reading and [`AuditSink`] for recording.
//!
//! Other crates implement them. The core calls them and knows no database and no disk.

use super::pending::Pending;
use crate::model::{
    Affiliation, Dataset, DatasetStates, EmploymentPeriod, EnterpriseNumber, Membership, ServiceKind, Ssin,
};

/// Read access to one consistent state of the five datasets, for the duration of one question.
///
/// A dataset that was never loaded reads as empty; [`Directory::states`] reports it as missing. The
/// methods append to `into`, in unspecified order, so that one buffer serves several SSINs.
pub trait Directory {
    /// Returns the state of each dataset that is read.
    ///
    /// # Errors
    /// [`DirectoryError`] if a loaded dataset cannot be read.
    fn states(&mut self) -> Result<DatasetStates, DirectoryError>;

    /// Returns the last SSIN of the replacement chain that `ssin` is in: `ssin` itself if it was
    /// never replaced. Appends every SSIN whose chain ends there (the last one, `ssin`, and their
    /// siblings), each once.
    ///
    /// # Errors
    /// [`DirectoryError`] if `persons` cannot be read or contains a cycle.
    fn family(&mut self, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError>;

    /// Appends every Dimona period of exactly this SSIN.
    ///
    /// # Errors
    /// [`DirectoryError`] if `dimona` cannot be read.
    fn employment_periods(&mut self, ssin: Ssin, into: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError>;

    /// Appends every affiliation of this employer: external ones from `coprev`, internal ones from
    /// `federated`.
    ///
    /// # Errors
    /// [`DirectoryError`] if the dataset cannot be read.
    fn affiliations(
        &mut self,
        kind: ServiceKind,
        employer: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError>;

    /// Appends every fund membership of exactly this SSIN.
    ///
    /// # Errors
    /// [`DirectoryError`] if `insurance` cannot be read.
    fn memberships(&mut self, ssin: Ssin, into: &mut Vec<Membership>) -> Result<(), DirectoryError>;

    /// Appends those of [`Directory::affiliations`] that are with this service. A directory that
    /// filters while it reads does the same work for an employer that is affiliated to other
    /// services as for an unknown employer.
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

    /// Appends the periods of the next `rows` rows after the position of `ssin`, whatever persons
    /// they belong to.
    ///
    /// A refusal does this work in place of the rows that the person does not have, so that timing
    /// does not reveal whether the person is known. A directory whose work cannot be measured from
    /// outside appends nothing.
    ///
    /// # Errors
    /// [`DirectoryError`] if `dimona` cannot be read.
    fn neighbouring_periods(
        &mut self,
        ssin: Ssin,
        rows: usize,
        into: &mut Vec<EmploymentPeriod>,
    ) -> Result<(), DirectoryError> {
        let _ = (ssin, rows, into);
        Ok(())
    }

    /// Appends the memberships of the next `rows` rows, as [`Directory::neighbouring_periods`].
    ///
    /// # Errors
    /// [`DirectoryError`] if `insurance` cannot be read.
    fn neighbouring_memberships(
        &mut self,
        ssin: Ssin,
        rows: usize,
        into: &mut Vec<Membership>,
    ) -> Result<(), DirectoryError> {
        let _ = (ssin, rows, into);
        Ok(())
    }

    /// Looks up a number that belongs to no person in `dataset`, `times` times, for the same reason
    /// as [`Directory::neighbouring_periods`]. In `persons` it also reads as many replaced SSINs of
    /// other persons. Only for datasets that are keyed by person.
    ///
    /// # Errors
    /// [`DirectoryError`] if the dataset cannot be read.
    fn look_up_unknown(&mut self, dataset: Dataset, times: usize) -> Result<(), DirectoryError> {
        let _ = (dataset, times);
        Ok(())
    }
}

/// A loaded dataset cannot be read. The caller gets an internal error; the reason goes to the log
/// only, and must not contain personal data.
#[derive(Debug, thiserror::Error)]
#[error("dataset {} cannot be read: {reason}", .dataset.code())]
pub struct DirectoryError {
    /// The dataset that failed.
    pub dataset: Dataset,
    /// The error of the implementation.
    #[source]
    pub reason: Box<dyn std::error::Error + Send + Sync>,
}

/// Destination of exchange records. The production implementation makes them durable; tests use one
/// that fails.
pub trait AuditSink: Send + Sync {
    /// Accepts a record, and settles it once it is durable or has failed. Does not block on the
    /// disk: many records may wait for one write.
    fn append(&self, pending: Pending);
}
