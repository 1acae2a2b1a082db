//! The order of a look-up: freshness, relation, replacement, data (`docs/reference/contract.md`
//! "Status").
//!
//! Reads through a [`Directory`], and only under a [`Permit`]: the relation that the grant demands
//! is shown before any data are read that could be disclosed.

use super::disclose::disclose;
use super::freshness_limits::FreshnessLimits;
use super::ports::{Directory, DirectoryError};
use super::relation::{Related, relate};
use super::sources::sources;
use super::{equal_work, rules};
use crate::model::{Dataset, DatasetStates, Disclosure, FieldSet, Sources, Ssin, Status, Timestamp};
use crate::policy::{Finding, Permit, ReplacedSsin};

/// Result of a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolution {
    pub status: Status,
    /// The SSIN that replaced the one asked about, where the answer is given all the same.
    pub replaced_by: Option<Ssin>,
    pub filtered: FieldSet,
    pub sources: Sources,
    pub disclosure: Option<Disclosure>,
    pub states: DatasetStates,
}

impl Resolution {
    /// Resolution without data: the status alone.
    pub fn no_result(status: Status, states: DatasetStates) -> Self {
        Self {
            status,
            replaced_by: None,
            filtered: FieldSet::EMPTY,
            sources: Sources::default(),
            disclosure: None,
            states,
        }
    }

    /// What the answer shows of the person.
    pub fn finding(&self) -> Finding {
        match self.status {
            Status::NoGrant | Status::NotAnSsin | Status::WrongDates(_) => Finding::NotLookedUp,
            Status::NoRelation { .. } | Status::NoDataFound => Finding::Nothing,
            Status::Replaced { .. } | Status::DataFound => Finding::Something,
            Status::Incomplete(_) if self.disclosure.is_some() => Finding::Something,
            // The sources that could be asked have nothing.
            Status::Incomplete(_) if self.sources.iter().any(|(_, status)| status.is_asked()) => Finding::Nothing,
            Status::Incomplete(_) => Finding::NotLookedUp,
        }
    }
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
    let no_result = |status| Resolution::no_result(status, states);
    let could_not_look = Resolution {
        filtered: rules::filtered(grant.fields),
        sources: sources(grant.fields, unusable, None),
        ..no_result(Status::Incomplete(unusable))
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
    let replaced_by = rules::replacement(asked, last);
    match (replaced_by, permit.replaced_ssin()) {
        (Some(by), ReplacedSsin::Refuse) => return Ok(no_result(Status::Replaced { by })),
        (Some(_), ReplacedSsin::Annotate) | (None, _) => {}
    }

    let disclosure = disclose(permit, &family, already_read, directory)?;
    let is_found = disclosure.is_found();
    let status = match (unusable.is_empty(), is_found) {
        (false, _) => Status::Incomplete(unusable),
        (true, true) => Status::DataFound,
        (true, false) => Status::NoDataFound,
    };
    let sources = sources(grant.fields, unusable, Some(&disclosure));
    Ok(Resolution { status, replaced_by, sources, disclosure: is_found.then_some(disclosure), ..could_not_look })
}
