//! What is told: the criteria as understood, and the nine fields. There is no place here for a tenth.

use super::{Date, EnterpriseNumber, Field, FieldSet, Period, ServiceKind, Ssin, Window};

/// `criteria` as understood: judged, with the window that the dates mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criteria {
    /// The person asked about.
    pub ssin: Ssin,
    /// The day or days asked about, in the form in which they were asked.
    pub dates: CriteriaDates,
}

/// The day or days of a question, in the form in which they are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CriteriaDates {
    /// One day: the one asked, or today.
    ReferenceDate(Date),
    /// A span of days.
    Period(Window),
}

impl Criteria {
    /// The days that the question is about.
    #[must_use]
    pub fn window(&self) -> Window {
        match self.dates {
            CriteriaDates::ReferenceDate(day) => Window::new(day),
            CriteriaDates::Period(window) => window,
        }
    }
}

/// `result`: the nine fields, each only if it is both allowed and there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disclosure {
    /// Field 1.
    pub ssin: Option<Ssin>,
    /// Fields 2 to 8: newest begin first, then by enterprise number.
    pub employments: Vec<DisclosedEmployment>,
    /// Field 9.
    pub fund: Option<EnterpriseNumber>,
}

/// `employment`, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosedEmployment {
    /// Field 2.
    pub employer: Option<EnterpriseNumber>,
    /// Fields 3 and 4: a grant has both or neither.
    pub period: Option<Period>,
    /// Fields 5 to 8: internal before external, newest first.
    pub services: Vec<DisclosedService>,
}

/// `preventionService`, as far as it may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisclosedService {
    /// Field 5.
    pub number: Option<EnterpriseNumber>,
    /// Field 6.
    pub kind: Option<ServiceKind>,
    /// Fields 7 and 8: a grant has both or neither.
    pub affiliation: Option<Period>,
}

impl Disclosure {
    /// Whether there is anything beside the person's own number.
    #[must_use]
    pub fn is_found(&self) -> bool {
        !self.employments.is_empty() || self.fund.is_some()
    }

    /// The fields that are told: what the trail records.
    #[must_use]
    pub fn fields(&self) -> FieldSet {
        let mut fields = FieldSet::EMPTY;
        let mut tell = |field, told: bool| {
            if told {
                fields = fields.with(field);
            }
        };
        tell(Field::Ssin, self.ssin.is_some());
        tell(Field::HealthInsuranceFund, self.fund.is_some());
        for employment in &self.employments {
            tell(Field::Employer, employment.employer.is_some());
            tell(Field::EmploymentBegin, employment.period.is_some());
            tell(Field::EmploymentEnd, employment.period.is_some());
            for service in &employment.services {
                tell(Field::PreventionService, service.number.is_some());
                tell(Field::PreventionServiceType, service.kind.is_some());
                tell(Field::AffiliationBegin, service.affiliation.is_some());
                tell(Field::AffiliationEnd, service.affiliation.is_some());
            }
        }
        fields
    }

    /// The enterprise numbers that are told, in the order of the answer: what the trail seals.
    pub fn numbers(&self) -> impl Iterator<Item = EnterpriseNumber> + '_ {
        let of_employment = |employment: &'_ DisclosedEmployment| {
            let services: Vec<_> = employment.services.iter().filter_map(|service| service.number).collect();
            employment.employer.into_iter().chain(services)
        };
        self.employments.iter().flat_map(of_employment).chain(self.fund)
    }
}
