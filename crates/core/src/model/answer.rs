//! The answer: the criteria as understood, and the disclosure of the nine fields. The types have no
//! room for a tenth.

use super::{Date, EnterpriseNumber, Field, FieldSet, Period, ServiceKind, Ssin, Window};

/// `criteria` as understood: validated, with the window that the dates mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criteria {
    /// Person asked about.
    pub ssin: Ssin,
    /// Day or days asked about, in the form of the question.
    pub dates: CriteriaDates,
}

/// The day or days of a question, in the form in which the answer repeats them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CriteriaDates {
    /// One day: the day of the question, or today.
    ReferenceDate(Date),
    /// A span of days.
    Period(Window),
}

impl Criteria {
    /// Days that the question is about.
    #[must_use]
    pub fn window(&self) -> Window {
        match self.dates {
            CriteriaDates::ReferenceDate(day) => Window::new(day),
            CriteriaDates::Period(window) => window,
        }
    }
}

/// `result`: the nine fields. Each is present only if it is both granted and available.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disclosure {
    /// Field 1: SSIN of the person.
    pub ssin: Option<Ssin>,
    /// Fields 2 to 8: newest begin first, then by enterprise number of the employer.
    pub employments: Vec<DisclosedEmployment>,
    /// Field 9: the health-insurance fund.
    pub fund: Option<EnterpriseNumber>,
}

/// `employment`, limited to the granted fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosedEmployment {
    /// Field 2: the employer.
    pub employer: Option<EnterpriseNumber>,
    /// Fields 3 and 4: a grant has both or neither.
    pub period: Option<Period>,
    /// Fields 5 to 8: internal before external, newest first.
    pub services: Vec<DisclosedService>,
}

/// `preventionService`, limited to the granted fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisclosedService {
    /// Field 5: enterprise number of the service.
    pub number: Option<EnterpriseNumber>,
    /// Field 6: type of the service.
    pub kind: Option<ServiceKind>,
    /// Fields 7 and 8: a grant has both or neither.
    pub affiliation: Option<Period>,
}

impl Disclosure {
    /// Whether there is anything besides the person's own SSIN.
    #[must_use]
    pub fn is_found(&self) -> bool {
        !self.employments.is_empty() || self.fund.is_some()
    }

    /// Fields that are disclosed: the audit log records them.
    #[must_use]
    pub fn fields(&self) -> FieldSet {
        let mut fields = FieldSet::EMPTY;
        let mut add = |field, is_disclosed: bool| {
            if is_disclosed {
                fields = fields.with(field);
            }
        };
        add(Field::Ssin, self.ssin.is_some());
        add(Field::HealthInsuranceFund, self.fund.is_some());
        for employment in &self.employments {
            add(Field::Employer, employment.employer.is_some());
            add(Field::EmploymentBegin, employment.period.is_some());
            add(Field::EmploymentEnd, employment.period.is_some());
            for service in &employment.services {
                add(Field::PreventionService, service.number.is_some());
                add(Field::PreventionServiceType, service.kind.is_some());
                add(Field::AffiliationBegin, service.affiliation.is_some());
                add(Field::AffiliationEnd, service.affiliation.is_some());
            }
        }
        fields
    }

    /// Enterprise numbers that are disclosed, in the order of the answer: the audit log keeps them
    /// in the encrypted detail.
    pub fn numbers(&self) -> impl Iterator<Item = EnterpriseNumber> + '_ {
        let of_employment = |employment: &'_ DisclosedEmployment| {
            let services: Vec<_> = employment.services.iter().filter_map(|service| service.number).collect();
            employment.employer.into_iter().chain(services)
        };
        self.employments.iter().flat_map(of_employment).chain(self.fund)
    }
}
