//! Whether the relation that a grant demands holds (`docs/reference/domain.md` "Who may ask").
//!
//! Checked before any data are read that could be disclosed.

use super::ports::{Directory, DirectoryError};
use super::{reads, rules};
use crate::model::{Employment, EnterpriseNumber, Membership, Ssin, Window};
use crate::policy::{Permit, Relation};

/// Result of the relation check.
pub(super) enum Related {
    /// The relation does not hold.
    No(Searched),
    /// The relation holds.
    Yes(AlreadyRead),
}

/// What was read in vain, as counts: [`equal_work`](super::equal_work) fills it up.
pub(super) enum Searched {
    /// For [`Relation::Insured`].
    Insurance {
        /// Memberships read.
        rows: usize,
    },
    /// For [`Relation::AffiliatedEmployer`].
    Dimona {
        /// Dimona periods read.
        rows: usize,
        /// Employers whose affiliations were read.
        employers: usize,
    },
}

/// What was read to show the relation, and need not be read again.
#[derive(Default)]
pub(super) struct AlreadyRead {
    /// The employments that may be disclosed, where the relation selects them.
    pub employments: Option<Vec<Employment>>,
    /// All memberships.
    pub memberships: Option<Vec<Membership>>,
}

/// Checks the relation of the grant, under all SSINs of the person.
///
/// # Errors
/// [`DirectoryError`] if a loaded dataset cannot be read.
pub(super) fn relate(
    permit: &Permit,
    family: &[Ssin],
    directory: &mut impl Directory,
) -> Result<Related, DirectoryError> {
    match permit.grant().relation {
        Relation::None => Ok(Related::Yes(AlreadyRead::default())),
        Relation::Insured => insured(permit, family, directory),
        Relation::AffiliatedEmployer => affiliated(permit, family, directory),
    }
}

/// Insured: today, or on any day of the window, with the organisation.
fn insured(permit: &Permit, family: &[Ssin], directory: &mut impl Directory) -> Result<Related, DirectoryError> {
    let (organisation, window) = (permit.organisation(), permit.criteria().window());
    let memberships = reads::memberships(family, directory)?;
    let insures = |membership: &Membership| {
        let period = membership.period;
        membership.fund == organisation && (period.touches_window(window) || period.covers(permit.today()))
    };
    if !memberships.iter().any(insures) {
        return Ok(Related::No(Searched::Insurance { rows: memberships.len() }));
    }
    Ok(Related::Yes(AlreadyRead { memberships: Some(memberships), ..AlreadyRead::default() }))
}

/// Affiliated: an employment that touches the window, and an affiliation of its employer to the
/// organisation that counts for it. Only the employments of such employers may be disclosed.
fn affiliated(permit: &Permit, family: &[Ssin], directory: &mut impl Directory) -> Result<Related, DirectoryError> {
    let (organisation, window) = (permit.organisation(), permit.criteria().window());
    let periods = reads::periods(family, directory)?;
    let rows = periods.len();
    let employments = rules::employments(periods, window);
    let mut affiliated = Vec::new();
    for employment in &employments {
        if is_affiliated(employment, organisation, window, directory)? {
            affiliated.push(*employment);
        }
    }
    if affiliated.is_empty() {
        return Ok(Related::No(Searched::Dimona { rows, employers: employments.len() }));
    }
    Ok(Related::Yes(AlreadyRead { employments: Some(affiliated), ..AlreadyRead::default() }))
}

fn is_affiliated(
    employment: &Employment,
    service: EnterpriseNumber,
    window: Window,
    directory: &mut impl Directory,
) -> Result<bool, DirectoryError> {
    let affiliations = reads::affiliations_to(service, employment.employer, directory)?;
    Ok(affiliations.iter().any(|affiliation| rules::affiliation_counts(affiliation, employment, window)))
}
