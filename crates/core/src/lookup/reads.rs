//! Reads of the rows of one person or one employer. Called after authorisation only: by the
//! relation check, by the disclosure, and by the work that refusals do in addition.

use super::ports::{Directory, DirectoryError};
use super::rules::SERVICE_ORDER;
use crate::model::{Affiliation, EmploymentPeriod, EnterpriseNumber, Membership, Ssin};

/// Initial capacity of a buffer of rows. It is constant, so that up to this number the allocations
/// do not depend on how many rows a person has, and it is what [`equal_work`](super::equal_work)
/// fills up to.
pub(super) const ROW_CAPACITY: usize = 24;

/// The Dimona periods of all SSINs of a person.
pub(super) fn periods(
    family: &[Ssin],
    directory: &mut impl Directory,
) -> Result<Vec<EmploymentPeriod>, DirectoryError> {
    let mut periods = Vec::with_capacity(ROW_CAPACITY);
    for ssin in family {
        directory.employment_periods(*ssin, &mut periods)?;
    }
    Ok(periods)
}

/// The fund memberships of all SSINs of a person.
pub(super) fn memberships(family: &[Ssin], directory: &mut impl Directory) -> Result<Vec<Membership>, DirectoryError> {
    let mut memberships = Vec::with_capacity(ROW_CAPACITY);
    for ssin in family {
        directory.memberships(*ssin, &mut memberships)?;
    }
    Ok(memberships)
}

/// The affiliations of an employer to one service, of both kinds.
pub(super) fn affiliations_to(
    service: EnterpriseNumber,
    employer: EnterpriseNumber,
    directory: &mut impl Directory,
) -> Result<Vec<Affiliation>, DirectoryError> {
    let mut affiliations = Vec::new();
    for kind in SERVICE_ORDER {
        directory.affiliations_to(service, kind, employer, &mut affiliations)?;
    }
    Ok(affiliations)
}
