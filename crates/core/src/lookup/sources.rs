//! The status of each source of an answer (`docs/reference/contract.md` "Response details").
//!
//! It follows from what is disclosed anyway, the grant and the unusable datasets: it tells which source has
//! nothing and which could not be asked, and nothing about the person that the answer does not tell.

use crate::model::{Dataset, DatasetSet, Disclosure, FieldSet, ServiceKind, SourceStatus, Sources};

/// The status of each dataset that carries a granted field. `looked_up` is what the look-up found, or
/// `None` if no data of the person were read.
pub(super) fn sources(granted: FieldSet, unusable: DatasetSet, looked_up: Option<&Disclosure>) -> Sources {
    let carriers = granted.carriers();
    let status = |dataset| match looked_up {
        _ if unusable.contains(dataset) => SourceStatus::TechnicalError,
        None => SourceStatus::NoResult,
        Some(disclosure) if has_data(disclosure, dataset) => SourceStatus::DataFound,
        Some(_) if !needs(dataset).intersection(unusable).is_empty() => SourceStatus::NoResult,
        // Without an employer no service is asked for. Said only where `dimona` says so itself.
        Some(disclosure) if is_of_employers(dataset) && carriers.contains(Dataset::Dimona) => {
            if disclosure.employments.is_empty() { SourceStatus::NoResult } else { SourceStatus::NoDataFound }
        }
        Some(_) => SourceStatus::NoDataFound,
    };
    carriers.iter().fold(Sources::default(), |sources, dataset| sources.with(dataset, status(dataset)))
}

/// Whether the disclosure has data of the dataset. Without the type of the services in the grant, both
/// kinds have the same status: the source would give the type away.
fn has_data(disclosure: &Disclosure, dataset: Dataset) -> bool {
    let has_service = |kind: ServiceKind| {
        let mut services = disclosure.employments.iter().flat_map(|employment| &employment.services);
        services.any(|service| service.kind.is_none_or(|disclosed| disclosed == kind))
    };
    match dataset {
        Dataset::Dimona => !disclosure.employments.is_empty(),
        Dataset::Coprev => has_service(ServiceKind::External),
        Dataset::Federated => has_service(ServiceKind::Internal),
        Dataset::Insurance => disclosure.fund.is_some(),
        Dataset::Persons => false,
    }
}

/// Datasets without which the dataset cannot be asked about everything: the other SSINs of the person,
/// and the employers.
fn needs(dataset: Dataset) -> DatasetSet {
    let persons = DatasetSet::EMPTY.with(Dataset::Persons);
    if is_of_employers(dataset) { persons.with(Dataset::Dimona) } else { persons }
}

fn is_of_employers(dataset: Dataset) -> bool {
    match dataset {
        Dataset::Coprev | Dataset::Federated => true,
        Dataset::Dimona | Dataset::Insurance | Dataset::Persons => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Date, DisclosedEmployment, DisclosedService, EnterpriseNumber, Field, Period};

    const ALL: [Dataset; 4] = [Dataset::Dimona, Dataset::Coprev, Dataset::Federated, Dataset::Insurance];

    fn number() -> EnterpriseNumber {
        EnterpriseNumber::parse("0202239951").expect("valid check digits")
    }

    fn employment(kinds: &[Option<ServiceKind>]) -> Disclosure {
        let service =
            |kind: &Option<ServiceKind>| DisclosedService { number: Some(number()), kind: *kind, affiliation: None };
        let services = kinds.iter().map(service).collect();
        let period = Period::from_days(Date::MIN, None).ok();
        let employments = vec![DisclosedEmployment { employer: Some(number()), period, services }];
        Disclosure { ssin: None, employments, fund: None }
    }

    fn codes(granted: FieldSet, unusable: &[Dataset], looked_up: Option<&Disclosure>) -> String {
        let sources = sources(granted, unusable.iter().copied().collect(), looked_up);
        let texts: Vec<_> = sources.iter().map(|(dataset, status)| [dataset.code(), status.code()].join(" ")).collect();
        texts.join(", ")
    }

    #[test]
    fn nothing_read_is_no_result_or_an_error() {
        let expected = "dimona NO_RESULT, coprev TECHNICAL_ERROR, federated NO_RESULT, insurance NO_RESULT";
        assert_eq!(codes(FieldSet::ALL, &[Dataset::Coprev], None), expected);
    }

    #[test]
    fn data_are_found_where_they_are_disclosed() {
        let internal = employment(&[Some(ServiceKind::Internal)]);
        let expected = "dimona DATA_FOUND, coprev NO_DATA_FOUND, federated DATA_FOUND, insurance NO_DATA_FOUND";
        assert_eq!(codes(FieldSet::ALL, &[], Some(&internal)), expected);
        let stale = "dimona TECHNICAL_ERROR, coprev NO_RESULT, federated DATA_FOUND, insurance NO_DATA_FOUND";
        assert_eq!(codes(FieldSet::ALL, &[Dataset::Dimona], Some(&internal)), stale);
    }

    #[test]
    fn services_are_not_asked_for_without_an_employer() {
        let nothing = Disclosure::default();
        let expected = "dimona NO_DATA_FOUND, coprev NO_RESULT, federated NO_RESULT, insurance NO_DATA_FOUND";
        assert_eq!(codes(FieldSet::ALL, &[], Some(&nothing)), expected);
        let without_persons = "dimona NO_RESULT, coprev NO_RESULT, federated NO_RESULT, insurance NO_RESULT";
        assert_eq!(codes(FieldSet::ALL, &[Dataset::Persons], Some(&nothing)), without_persons);
    }

    #[test]
    fn sources_reveal_no_field_outside_the_grant() {
        let services = [Field::PreventionService, Field::AffiliationBegin, Field::AffiliationEnd];
        let services: FieldSet = services.into_iter().collect();
        // Neither the type, nor whether there is an employment.
        let found = employment(&[None]);
        assert_eq!(codes(services, &[], Some(&found)), "coprev DATA_FOUND, federated DATA_FOUND");
        let nothing = Disclosure::default();
        assert_eq!(codes(services, &[], Some(&nothing)), "coprev NO_DATA_FOUND, federated NO_DATA_FOUND");
        let fund = FieldSet::EMPTY.with(Field::HealthInsuranceFund).with(Field::Ssin);
        assert_eq!(codes(fund, &[Dataset::Dimona], Some(&nothing)), "insurance NO_DATA_FOUND");
        assert_eq!(codes(FieldSet::EMPTY.with(Field::Ssin), &[], Some(&nothing)), "");
    }

    #[test]
    fn only_datasets_that_carry_fields_are_sources() {
        let carriers: Vec<_> = FieldSet::ALL.carriers().iter().collect();
        assert_eq!(carriers, ALL);
    }
}
