//! Reads what the grant allows, and makes the disclosure of it by the rules 2 to 5. A field that
//! the grant leaves out is not read.

use super::ports::{Directory, DirectoryError};
use super::relation::AlreadyRead;
use super::{reads, rules};
use crate::model::{DisclosedEmployment, DisclosedService, Disclosure, Employment, Field, FieldSet, Ssin, Window};
use crate::policy::Permit;

/// Makes the disclosure for a person whose relation was shown.
///
/// # Errors
/// [`DirectoryError`] if a loaded dataset cannot be read.
pub(super) fn disclose(
    permit: &Permit,
    family: &[Ssin],
    already_read: AlreadyRead,
    directory: &mut impl Directory,
) -> Result<Disclosure, DirectoryError> {
    let fields = permit.grant().fields;
    let window = permit.criteria().window();
    let mut disclosure = Disclosure::default();
    if fields.contains(Field::Ssin) {
        disclosure.ssin = Some(permit.criteria().ssin);
    }
    if rules::grants_employment(fields) {
        let employments = match already_read.employments {
            Some(employments) => employments,
            None => rules::employments(reads::periods(family, directory)?, window),
        };
        for employment in employments {
            let disclosed = disclose_employment(&employment, fields, window, directory)?;
            let is_empty = disclosed.employer.is_none() && disclosed.period.is_none() && disclosed.services.is_empty();
            if !is_empty && !disclosure.employments.contains(&disclosed) {
                disclosure.employments.push(disclosed);
            }
        }
    }
    if fields.contains(Field::HealthInsuranceFund) {
        let memberships = match already_read.memberships {
            Some(memberships) => memberships,
            None => reads::memberships(family, directory)?,
        };
        disclosure.fund = rules::fund(&memberships, window);
    }
    Ok(disclosure)
}

fn disclose_employment(
    employment: &Employment,
    fields: FieldSet,
    window: Window,
    directory: &mut impl Directory,
) -> Result<DisclosedEmployment, DirectoryError> {
    let mut disclosed = DisclosedEmployment {
        employer: fields.contains(Field::Employer).then_some(employment.employer),
        period: fields.contains(Field::EmploymentBegin).then_some(employment.period),
        services: Vec::new(),
    };
    if !rules::grants_service(fields) {
        return Ok(disclosed);
    }
    let mut affiliations = Vec::new();
    for kind in rules::SERVICE_ORDER {
        affiliations.clear();
        directory.affiliations(kind, employment.employer, &mut affiliations)?;
        rules::select_affiliations(&mut affiliations, employment, window);
        disclosed.services.extend(affiliations.iter().map(|affiliation| DisclosedService {
            number: fields.contains(Field::PreventionService).then_some(affiliation.service),
            kind: fields.contains(Field::PreventionServiceType).then_some(kind),
            affiliation: fields.contains(Field::AffiliationBegin).then_some(affiliation.period),
        }));
    }
    Ok(disclosed)
}
