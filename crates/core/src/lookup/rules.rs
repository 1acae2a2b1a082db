//! The five rules by which an answer is found (`docs/reference/domain.md` "How the answer is
//! found").
//!
//! Pure functions over rows that were read: this file reads nothing. [`resolve`](super::resolve)
//! applies rule 1 and decides the order; [`disclose`](super::disclose) reads for the rules 2 to 5.

use std::cmp::Reverse;

use crate::model::{
    Affiliation, Date, Employment, EmploymentPeriod, EnterpriseNumber, Field, FieldSet, Membership, ServiceKind, Ssin,
    Window,
};

/// Rule 1: a replaced SSIN is answered with the last SSIN of its replacement chain (MSG00006),
/// after the relation was shown.
pub(super) fn replacement(asked: Ssin, last: Ssin) -> Option<Ssin> {
    (last != asked).then_some(last)
}

/// Rule 2: the Dimona periods merged per employer; of the employments, those that touch the window,
/// newest begin first, then by enterprise number. Employments are selected, not cut to the window.
pub(super) fn employments(periods: Vec<EmploymentPeriod>, window: Window) -> Vec<Employment> {
    let mut employments = merge(periods);
    employments.retain(|employment| employment.period.touches_window(window));
    employments.sort_by_key(|employment| (Reverse(employment.period.begin()), employment.employer));
    employments
}

/// Merges periods of one employer that overlap or follow each other without a day between.
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

/// Rule 3: an affiliation counts for an employment if it touches both the window and the
/// employment.
pub(super) fn affiliation_counts(affiliation: &Affiliation, employment: &Employment, window: Window) -> bool {
    affiliation.period.touches_window(window) && affiliation.period.touches(&employment.period)
}

/// Rule 3: all affiliations that count are disclosed, in this order: the internal service is the
/// competent one where there is one.
pub(super) const SERVICE_ORDER: [ServiceKind; ServiceKind::ALL.len()] = ServiceKind::ALL;

/// Rule 3: keeps the affiliations that count, newest begin first, then by enterprise number, then
/// by last day.
pub(super) fn select_affiliations(affiliations: &mut Vec<Affiliation>, employment: &Employment, window: Window) {
    affiliations.retain(|affiliation| affiliation_counts(affiliation, employment, window));
    affiliations.sort_by_key(|affiliation| {
        let period = affiliation.period;
        (Reverse(period.begin()), affiliation.service, period.last_day())
    });
}

/// Rule 4: the fund on the last day of the window on which there is one. Of two funds on that day,
/// the one with the later begin; then the one with the lower number.
pub(super) fn fund(memberships: &[Membership], window: Window) -> Option<EnterpriseNumber> {
    let rank = |membership: &Membership| -> (Date, Date, Reverse<EnterpriseNumber>) {
        let last_covered = membership.period.last_day().min(window.to());
        (last_covered, membership.period.begin(), Reverse(membership.fund))
    };
    let in_window = memberships.iter().filter(|membership| membership.period.touches_window(window));
    in_window.max_by_key(|membership| rank(membership)).map(|membership| membership.fund)
}

/// Rule 5: fields that the grant does not allow are left out, and named in `dataFilters`.
pub(super) fn filtered(granted: FieldSet) -> FieldSet {
    granted.complement()
}

/// Rule 5: whether a field inside the `employment` element is granted. If not, `dimona` is not read
/// for the answer.
pub(super) fn grants_employment(granted: FieldSet) -> bool {
    Field::ALL.into_iter().any(|field| granted.contains(field) && is_of_employment(field))
}

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

/// Rule 5: whether a field inside the `preventionService` element is granted. If not, no
/// affiliation is read for the answer.
pub(super) fn grants_service(granted: FieldSet) -> bool {
    Field::ALL.into_iter().any(|field| granted.contains(field) && is_of_service(field))
}

fn is_of_service(field: Field) -> bool {
    match field {
        Field::Ssin | Field::Employer | Field::EmploymentBegin | Field::EmploymentEnd | Field::HealthInsuranceFund => {
            false
        }
        Field::PreventionService | Field::PreventionServiceType | Field::AffiliationBegin | Field::AffiliationEnd => {
            true
        }
    }
}
