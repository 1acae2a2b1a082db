//! The order of a look-up: freshness, relation, replacement, data (`docs/reference/contract.md`
//! "Status").
//!
//! Reads through a [`Directory`], and only under a [`Permit`]: the relation that the grant demands
//! is shown before any data are read that could be disclosed.

use super::disclose::disclose;
use super::freshness_limits::FreshnessLimits;
use super::ports::{Directory, DirectoryError};
use super::relation::{Related, relate};
use super::{equal_work, rules};
use crate::model::{Dataset, DatasetStates, Disclosure, FieldSet, Status, Timestamp};
use crate::policy::Permit;

/// Result of a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolution {
    pub status: Status,
    pub filtered: FieldSet,
    pub disclosure: Option<Disclosure>,
    pub states: DatasetStates,
}

/// Looks the question up.
///
/// # Errors
/// [`DirectoryError`] if a loaded dataset cannot be read.
pub(super) fn resolve(
    permit: &Permit,
    directory: &mut impl Directory,
    limits: &FreshnessLimits,
    now: Timestamp,
) -> Result<Resolution, DirectoryError> {
    let grant = permit.grant();
    let states = directory.states()?;
    let unusable = limits.stale_or_missing(&states, now).intersection(grant.reads());
    let no_result = |status| Resolution { status, filtered: FieldSet::EMPTY, disclosure: None, states };
    let could_not_look = Resolution {
        status: Status::Incomplete(unusable),
        filtered: rules::filtered(grant.fields),
        disclosure: None,
        states,
    };
    if !unusable.intersection(grant.relation.proof()).is_empty() {
        return Ok(could_not_look);
    }

    let asked = permit.criteria().ssin;
    let mut family = Vec::new();
    let last = directory.family(asked, &mut family)?;
    let already_read = match relate(permit, &family, directory)? {
        Related::Yes(already_read) => already_read,
        Related::No(searched) => {
            equal_work::equalise_relation(permit, family.len(), searched, directory)?;
            // Without `persons` the other SSINs of the person are not known: "no relation" would be
            // a guess.
            if unusable.contains(Dataset::Persons) {
                return Ok(could_not_look);
            }
            equal_work::equalise_persons(family.len(), directory)?;
            return Ok(no_result(Status::NoRelation { ssin: asked, organisation: permit.organisation() }));
        }
    };
    if let Some(by) = rules::replacement(asked, last) {
        return Ok(no_result(Status::Replaced { by }));
    }

    let disclosure = disclose(permit, &family, already_read, directory)?;
    let is_found = disclosure.is_found();
    let status = match (unusable.is_empty(), is_found) {
        (false, _) => Status::Incomplete(unusable),
        (true, true) => Status::DataFound,
        (true, false) => Status::NoDataFound,
    };
    Ok(Resolution { status, disclosure: is_found.then_some(disclosure), ..could_not_look })
}
