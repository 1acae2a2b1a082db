//! The five rules by which an answer is found (domain.md "How the answer is found").
//!
//! Reads through a [`Directory`] and only under a [`Permit`]: the relation that the grant demands is shown before any
//! data are sought that could be told. What the grant leaves out is not read into the answer.

use std::iter::repeat;
use std::time::Duration;

use super::directory::{Directory, DirectoryError};
use crate::model::{
    Affiliation, Dataset, DatasetSet, DatasetStates, Date, DisclosedEmployment, DisclosedService, Disclosure,
    Employment, EmploymentPeriod, EnterpriseNumber, Field, FieldSet, Freshness, Membership, ServiceKind, Ssin, Status,
    Timestamp, Window,
};
use crate::policy::{Permit, Relation};

/// How old each dataset may be before an answer that rests on it is called incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshnessLimits {
    /// Of `dimona`.
    pub dimona: Duration,
    /// Of `coprev`.
    pub coprev: Duration,
    /// Of `federated`.
    pub federated: Duration,
    /// Of `insurance`.
    pub insurance: Duration,
    /// Of `persons`.
    pub persons: Duration,
}

impl FreshnessLimits {
    /// The limit of one dataset.
    #[must_use]
    pub fn limit(&self, dataset: Dataset) -> Duration {
        match dataset {
            Dataset::Dimona => self.dimona,
            Dataset::Coprev => self.coprev,
            Dataset::Federated => self.federated,
            Dataset::Insurance => self.insurance,
            Dataset::Persons => self.persons,
        }
    }

    /// The datasets that are missing or over-age at the moment `now`.
    #[must_use]
    pub fn wanting(&self, states: &DatasetStates, now: Timestamp) -> DatasetSet {
        let is_wanting = |dataset: &Dataset| match Freshness::new(states.state(*dataset), now, self.limit(*dataset)) {
            Freshness::Fresh => false,
            Freshness::Stale | Freshness::Missing => true,
        };
        Dataset::ALL.into_iter().filter(is_wanting).collect()
    }
}

/// What was found under a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolution {
    pub status: Status,
    pub filtered: FieldSet,
    pub disclosure: Option<Disclosure>,
    pub states: DatasetStates,
}

/// Looks the question up: relation, replacement, data, in contract.md's order of statuses.
///
/// # Errors
/// [`DirectoryError`] if a dataset that is there cannot be read.
pub(super) fn resolve(
    permit: &Permit,
    directory: &mut impl Directory,
    limits: &FreshnessLimits,
    now: Timestamp,
) -> Result<Resolution, DirectoryError> {
    let grant = permit.grant();
    let states = directory.states()?;
    let wanting = limits.wanting(&states, now).intersection(grant.reads());
    let no_result = |status| Resolution { status, filtered: FieldSet::EMPTY, disclosure: None, states };
    let could_not_look = Resolution {
        status: Status::Incomplete(wanting),
        filtered: grant.fields.complement(),
        disclosure: None,
        states,
    };
    if !wanting.intersection(grant.relation.proof()).is_empty() {
        return Ok(could_not_look);
    }

    let asked = permit.criteria().ssin;
    let mut family = Vec::new();
    let last = directory.family(asked, &mut family)?;
    let seen = match relate(permit, &family, directory)? {
        // Without `persons` the numbers that lead to the same person are not known: "no" would be a guess.
        Related::No if wanting.contains(Dataset::Persons) => return Ok(could_not_look),
        Related::No => {
            directory.look_for_nobody(Dataset::Persons, missing(family.len(), NUMBERS))?;
            let status = Status::NoRelation { ssin: asked, organisation: permit.organisation() };
            return Ok(no_result(status));
        }
        Related::Yes(seen) => seen,
    };
    if last != asked {
        return Ok(no_result(Status::Replaced { by: last }));
    }

    let disclosure = disclose(permit, &family, seen, directory)?;
    let is_found = disclosure.is_found();
    let status = match (wanting.is_empty(), is_found) {
        (false, _) => Status::Incomplete(wanting),
        (true, true) => Status::DataFound,
        (true, false) => Status::NoDataFound,
    };
    Ok(Resolution { status, disclosure: is_found.then_some(disclosure), ..could_not_look })
}

/// Whether the demanded relation holds.
enum Related {
    No,
    Yes(Seen),
}

/// What was read to show that a relation holds, and need not be read again.
#[derive(Default)]
struct Seen {
    /// The employments that may be told, where it is the relation that chooses them.
    employments: Option<Vec<Employment>>,
    /// All memberships.
    memberships: Option<Vec<Membership>>,
}

fn relate(permit: &Permit, family: &[Ssin], directory: &mut impl Directory) -> Result<Related, DirectoryError> {
    let (asked, organisation, window) = (permit.criteria().ssin, permit.organisation(), permit.criteria().window());
    match permit.grant().relation {
        Relation::None => Ok(Related::Yes(Seen::default())),
        Relation::Insured => {
            let memberships = read_memberships(family, directory)?;
            let insures = |membership: &Membership| {
                let period = membership.period;
                membership.fund == organisation && (period.touches_window(window) || period.covers(permit.today()))
            };
            if !memberships.iter().any(insures) {
                directory.look_for_nobody(Dataset::Insurance, missing(family.len(), NUMBERS))?;
                let rows = ROWS.saturating_sub(memberships.len());
                directory.memberships_behind(asked, rows, &mut Vec::with_capacity(ROWS))?;
                return Ok(Related::No);
            }
            Ok(Related::Yes(Seen { memberships: Some(memberships), ..Seen::default() }))
        }
        Relation::AffiliatedEmployer => {
            let periods = read_periods(family, directory)?;
            let rows = periods.len();
            let employments = employments_in(periods, window);
            let mut affiliated = Vec::new();
            for employment in &employments {
                if is_affiliated(employment, organisation, window, directory)? {
                    affiliated.push(*employment);
                }
            }
            if affiliated.is_empty() {
                directory.look_for_nobody(Dataset::Dimona, missing(family.len(), NUMBERS))?;
                let mut others = Vec::with_capacity(ROWS);
                directory.periods_behind(asked, ROWS.saturating_sub(rows), &mut others)?;
                let others = employments_in(others, window).into_iter().map(|employment| employment.employer);
                let employers = others.chain(repeat(organisation));
                for employer in employers.take(missing(employments.len(), EMPLOYERS)) {
                    read_affiliations_to(organisation, employer, directory)?;
                }
                return Ok(Related::No);
            }
            Ok(Related::Yes(Seen { employments: Some(affiliated), ..Seen::default() }))
        }
    }
}

fn is_affiliated(
    employment: &Employment,
    service: EnterpriseNumber,
    window: Window,
    directory: &mut impl Directory,
) -> Result<bool, DirectoryError> {
    let affiliations = read_affiliations_to(service, employment.employer, directory)?;
    Ok(affiliations.iter().any(|affiliation| is_told(affiliation, employment, window)))
}

fn read_affiliations_to(
    service: EnterpriseNumber,
    employer: EnterpriseNumber,
    directory: &mut impl Directory,
) -> Result<Vec<Affiliation>, DirectoryError> {
    let mut affiliations = Vec::new();
    for kind in [ServiceKind::Internal, ServiceKind::External] {
        directory.affiliations_to(service, kind, employer, &mut affiliations)?;
    }
    Ok(affiliations)
}

/// A refusal for want of a relation looks up so many numbers of a person, whether or not the person is known. With
/// [`EMPLOYERS`] and [`ROWS`] it stops a caller from telling by the work done who is known to us, and who works for how
/// many: what a person lacks is read from those who are filed behind, and dropped.
const NUMBERS: usize = 4;

/// A refusal for want of a relation reads the affiliations of so many employers.
const EMPLOYERS: usize = 8;

/// A refusal for want of a relation reads so many rows of the dataset that would show it.
const ROWS: usize = 24;

/// How many look-ups a refusal adds to those that it made, up to one full step, or the next where that was passed.
fn missing(made: usize, step: usize) -> usize {
    made.max(1).next_multiple_of(step).saturating_sub(made)
}

/// Rule 3: an affiliation counts for an employment if it touches both the window and the employment.
fn is_told(affiliation: &Affiliation, employment: &Employment, window: Window) -> bool {
    affiliation.period.touches_window(window) && affiliation.period.touches(&employment.period)
}

fn disclose(
    permit: &Permit,
    family: &[Ssin],
    seen: Seen,
    directory: &mut impl Directory,
) -> Result<Disclosure, DirectoryError> {
    let fields = permit.grant().fields;
    let window = permit.criteria().window();
    let mut disclosure = Disclosure::default();
    if fields.contains(Field::Ssin) {
        disclosure.ssin = Some(permit.criteria().ssin);
    }
    if Field::ALL.into_iter().any(|field| fields.contains(field) && is_of_employment(field)) {
        let employments = match seen.employments {
            Some(employments) => employments,
            None => read_employments(family, window, directory)?,
        };
        for employment in employments {
            let told = tell_employment(&employment, fields, window, directory)?;
            let is_empty = told.employer.is_none() && told.period.is_none() && told.services.is_empty();
            if !is_empty && !disclosure.employments.contains(&told) {
                disclosure.employments.push(told);
            }
        }
    }
    if fields.contains(Field::HealthInsuranceFund) {
        let memberships = match seen.memberships {
            Some(memberships) => memberships,
            None => read_memberships(family, directory)?,
        };
        disclosure.fund = find_fund(&memberships, window);
    }
    Ok(disclosure)
}

/// Whether the field stands inside an `employment` element.
fn is_of_employment(field: Field) -> bool {
    match field {
        Field::Ssin | Field::HealthInsuranceFund => false,
        Field::Employer
        | Field::EmploymentBegin
        | Field::EmploymentEnd
        | Field::PreventionService
        | Field::PreventionServiceType
        | Field::AffiliationBegin
        | Field::AffiliationEnd => true,
    }
}

fn tell_employment(
    employment: &Employment,
    fields: FieldSet,
    window: Window,
    directory: &mut impl Directory,
) -> Result<DisclosedEmployment, DirectoryError> {
    let mut told = DisclosedEmployment {
        employer: fields.contains(Field::Employer).then_some(employment.employer),
        period: fields.contains(Field::EmploymentBegin).then_some(employment.period),
        services: Vec::new(),
    };
    let of_service = [Field::PreventionService, Field::PreventionServiceType, Field::AffiliationBegin];
    if !of_service.into_iter().any(|field| fields.contains(field)) {
        return Ok(told);
    }
    let mut affiliations = Vec::new();
    for kind in [ServiceKind::Internal, ServiceKind::External] {
        affiliations.clear();
        directory.affiliations(kind, employment.employer, &mut affiliations)?;
        affiliations.retain(|affiliation| is_told(affiliation, employment, window));
        affiliations.sort_by_key(|affiliation| {
            let period = affiliation.period;
            (std::cmp::Reverse(period.begin()), affiliation.service, period.last_day())
        });
        told.services.extend(affiliations.iter().map(|affiliation| DisclosedService {
            number: fields.contains(Field::PreventionService).then_some(affiliation.service),
            kind: fields.contains(Field::PreventionServiceType).then_some(kind),
            affiliation: fields.contains(Field::AffiliationBegin).then_some(affiliation.period),
        }));
    }
    Ok(told)
}

/// Rule 2: the employments of all the person's numbers that touch the window.
fn read_employments(
    family: &[Ssin],
    window: Window,
    directory: &mut impl Directory,
) -> Result<Vec<Employment>, DirectoryError> {
    Ok(employments_in(read_periods(family, directory)?, window))
}

fn read_periods(family: &[Ssin], directory: &mut impl Directory) -> Result<Vec<EmploymentPeriod>, DirectoryError> {
    let mut periods = Vec::with_capacity(ROWS);
    for ssin in family {
        directory.employment_periods(*ssin, &mut periods)?;
    }
    Ok(periods)
}

/// The periods merged per employer; those that touch the window, newest begin first, then by enterprise number.
fn employments_in(periods: Vec<EmploymentPeriod>, window: Window) -> Vec<Employment> {
    let mut employments = merge(periods);
    employments.retain(|employment| employment.period.touches_window(window));
    employments.sort_by_key(|employment| (std::cmp::Reverse(employment.period.begin()), employment.employer));
    employments
}

fn merge(mut periods: Vec<EmploymentPeriod>) -> Vec<Employment> {
    periods.sort_unstable();
    let mut employments: Vec<Employment> = Vec::new();
    for EmploymentPeriod { employer, period } in periods {
        let last = employments.last_mut().filter(|last| last.employer == employer);
        match last.and_then(|last| Some((last.period.merge(&period)?, last))) {
            Some((merged, last)) => last.period = merged,
            None => employments.push(Employment { employer, period }),
        }
    }
    employments
}

fn read_memberships(family: &[Ssin], directory: &mut impl Directory) -> Result<Vec<Membership>, DirectoryError> {
    let mut memberships = Vec::with_capacity(ROWS);
    for ssin in family {
        directory.memberships(*ssin, &mut memberships)?;
    }
    Ok(memberships)
}

/// Rule 4: the fund on the last day of the window on which there is one; of two on that day the later begin, then the
/// lower number.
fn find_fund(memberships: &[Membership], window: Window) -> Option<EnterpriseNumber> {
    let rank = |membership: &Membership| -> (Date, Date, std::cmp::Reverse<EnterpriseNumber>) {
        let last_covered = membership.period.last_day().min(window.to());
        (last_covered, membership.period.begin(), std::cmp::Reverse(membership.fund))
    };
    let in_window = memberships.iter().filter(|membership| membership.period.touches_window(window));
    in_window.max_by_key(|membership| rank(membership)).map(|membership| membership.fund)
}
