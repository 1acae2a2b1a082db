//! A second implementation of the five rules of docs/reference/domain.md "How the answer is found",
//! by days: slow, naive, and written independently of the program's.
//!
//! [`Sources`] span some forty days, numbered from 0. Every period is the *set* of its days, so
//! that overlap, touching and merging are operations on sets and never comparisons of begin and
//! end; an open end is the presence of the [`LAST`] day, which no closed period reaches. It shares
//! only the types of `ehealth_core::model` with the program.

use std::collections::BTreeMap;

use ehealth_core::lookup::{Directory, DirectoryError};
use ehealth_core::model::{
    Affiliation, Dataset, DatasetState, DatasetStates, Date, DisclosedEmployment, DisclosedService, Disclosure,
    EmploymentPeriod, EnterpriseNumber, Field, FieldSet, Membership, Period, ServiceKind, SourceStatus, Ssin, Status,
    Timestamp,
};
use ehealth_core::policy::Relation;

/// The day that represents all later days.
pub const LAST: u32 = 60;

/// Day 0 of all sources, in days since 1970-01-01: 2024-02-20, so that a leap day is among the
/// first ones.
const DAY_0: i64 = 19_773;

/// The calendar day of a numbered day.
pub fn date(day: u32) -> Date {
    Date::from_days(DAY_0 + i64::from(day)).expect("in this century")
}

/// Noon of a numbered day, in UTC: the same day in Brussels.
pub fn noon(day: u32) -> Timestamp {
    Timestamp::from_millis((DAY_0 + i64::from(day)) * 86_400_000 + 43_200_000)
}

/// A span of days; an absent end is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub begin: u32,
    pub end: Option<u32>,
}

impl Span {
    /// As the program knows it.
    pub fn period(self) -> Period {
        Period::from_days(date(self.begin), self.end.map(date)).expect("begin is not after end")
    }

    fn days(self) -> Days {
        (self.begin..=self.end.unwrap_or(LAST)).fold(0, |days, day| days | 1 << day)
    }
}

/// A set of days, a bit each.
type Days = u64;

/// A record: subject, other party, and period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<K> {
    pub of: K,
    pub with: EnterpriseNumber,
    pub when: Span,
}

/// Freshness of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    Stale,
    Missing,
}

/// The state of all five sources on one day.
#[derive(Debug, Clone)]
pub struct Sources {
    pub today: u32,
    pub employments: Vec<Record<Ssin>>,
    pub internal: Vec<Record<EnterpriseNumber>>,
    pub external: Vec<Record<EnterpriseNumber>>,
    pub memberships: Vec<Record<Ssin>>,
    /// Number → the number that replaced it; no cycles.
    pub replaced: BTreeMap<Ssin, Ssin>,
    /// In the order of [`Dataset::ALL`].
    pub freshness_of_each: [Freshness; 5],
}

/// A question that the policy permitted.
#[derive(Debug, Clone)]
pub struct Asked {
    pub ssin: Ssin,
    pub from: u32,
    pub to: u32,
    pub organisation: EnterpriseNumber,
    pub relation: Relation,
    pub fields: FieldSet,
    /// Whether a replaced number is answered all the same.
    pub annotated: bool,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub status: Status,
    pub replaced_by: Option<Ssin>,
    pub filtered: FieldSet,
    pub sources: Vec<(Dataset, SourceStatus)>,
    pub disclosure: Option<Disclosure>,
}

/// What there is to disclose, whatever the fields.
struct Seen {
    employer: bool,
    services: Vec<ServiceKind>,
    fund: bool,
}

/// A person at work, as days without a break.
struct Work {
    employer: EnterpriseNumber,
    days: Days,
}

impl Sources {
    /// Sources without records, all of them fresh.
    pub fn empty(today: u32) -> Self {
        Self {
            today,
            employments: Vec::new(),
            internal: Vec::new(),
            external: Vec::new(),
            memberships: Vec::new(),
            replaced: BTreeMap::new(),
            freshness_of_each: [Freshness::Fresh; 5],
        }
    }

    fn freshness(&self, dataset: Dataset) -> Freshness {
        let place = Dataset::ALL.iter().position(|other| *other == dataset).expect("one of the five");
        self.freshness_of_each[place]
    }

    fn is_there(&self, dataset: Dataset) -> bool {
        self.freshness(dataset) != Freshness::Missing
    }

    /// The last number of a chain.
    pub fn last(&self, ssin: Ssin) -> Ssin {
        match self.replaced.get(&ssin) {
            Some(by) if self.is_there(Dataset::Persons) => self.last(*by),
            _ => ssin,
        }
    }

    /// Every number whose chain of replacements has the same end.
    fn family(&self, ssin: Ssin) -> Vec<Ssin> {
        let mut all: Vec<Ssin> = self.replaced.iter().flat_map(|(from, to)| [*from, *to]).chain([ssin]).collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|other| self.last(*other) == self.last(ssin));
        all
    }

    /// The expected answer.
    pub fn answer(&self, asked: &Asked) -> Expected {
        let left_out: FieldSet = Field::ALL.into_iter().filter(|field| !asked.fields.contains(*field)).collect();
        let stale = self.stale(asked);
        let unread = || Expected {
            status: Status::Incomplete(stale.iter().copied().collect()),
            replaced_by: None,
            filtered: left_out,
            sources: self.sources_of(asked, None),
            disclosure: None,
        };
        let bare = |status| Expected {
            status,
            replaced_by: None,
            filtered: FieldSet::EMPTY,
            sources: Vec::new(),
            disclosure: None,
        };

        if stale.iter().any(|dataset| proves(asked.relation, *dataset)) {
            return unread();
        }
        let window = Span { begin: asked.from, end: Some(asked.to) }.days();
        let family = self.family(asked.ssin);
        let works = self.works(&family);
        let in_window: Vec<&Work> = works.iter().filter(|work| work.days & window != 0).collect();
        let affiliated: Vec<&Work> = in_window
            .iter()
            .filter(|work| self.services(work, window).iter().any(|service| service.with == asked.organisation))
            .copied()
            .collect();
        let is_related = match asked.relation {
            Relation::None => true,
            Relation::Insured => self.is_insured(&family, asked.organisation, window | 1 << self.today),
            Relation::AffiliatedEmployer => !affiliated.is_empty(),
        };
        if !is_related {
            return if stale.contains(&Dataset::Persons) {
                unread()
            } else {
                bare(Status::NoRelation { ssin: asked.ssin, organisation: asked.organisation })
            };
        }
        let replaced_by = Some(self.last(asked.ssin)).filter(|last| *last != asked.ssin);
        if let Some(by) = replaced_by.filter(|_| !asked.annotated) {
            return bare(Status::Replaced { by });
        }

        let disclosed = if asked.relation == Relation::AffiliatedEmployer { affiliated } else { in_window };
        let has = |field| asked.fields.contains(field);
        let found = Seen {
            employer: !disclosed.is_empty(),
            services: disclosed.iter().flat_map(|work| self.services(work, window)).map(|service| service.of).collect(),
            fund: self.fund(&family, asked).is_some(),
        };
        let sources = self.sources_of(asked, Some(&found));
        let disclosure = Disclosure {
            ssin: has(Field::Ssin).then_some(asked.ssin),
            employments: self.tell(disclosed, asked.fields, window),
            fund: if has(Field::HealthInsuranceFund) { self.fund(&family, asked) } else { None },
        };
        let is_found = !disclosure.employments.is_empty() || disclosure.fund.is_some();
        let disclosure = is_found.then_some(disclosure);
        let status = match (stale.is_empty(), is_found) {
            (false, _) => Status::Incomplete(stale.into_iter().collect()),
            (true, true) => Status::DataFound,
            (true, false) => Status::NoDataFound,
        };
        Expected { status, replaced_by, filtered: left_out, sources, disclosure }
    }

    /// What each source of the grant has to say.
    fn sources_of(&self, asked: &Asked, seen: Option<&Seen>) -> Vec<(Dataset, SourceStatus)> {
        let granted = |numbers: &[u8]| asked.fields.iter().any(|field| numbers.contains(&field.number()));
        let mut sources = Vec::new();
        let mut say = |dataset, is_source: bool, has_data: bool, is_asked: bool| {
            if !is_source {
                return;
            }
            let status = if self.freshness(dataset) != Freshness::Fresh {
                SourceStatus::TechnicalError
            } else if has_data {
                SourceStatus::DataFound
            } else if is_asked {
                SourceStatus::NoDataFound
            } else {
                SourceStatus::NoResult
            };
            sources.push((dataset, status));
        };
        let is_fresh = |dataset| self.freshness(dataset) == Freshness::Fresh;
        let whole_person = seen.is_some() && is_fresh(Dataset::Persons);
        let employer = seen.is_some_and(|seen| seen.employer);
        let knows_employers = whole_person && is_fresh(Dataset::Dimona);
        // Who may not know the employer must not learn whether there is one.
        let asks_services = knows_employers && (employer || !granted(&[2, 3, 4]));
        let offers = |kind: ServiceKind| {
            seen.is_some_and(|seen| seen.services.iter().any(|service| *service == kind || !granted(&[6])))
        };
        say(Dataset::Dimona, granted(&[2, 3, 4]), employer, whole_person);
        say(Dataset::Coprev, granted(&[5, 6, 7, 8]), offers(ServiceKind::External), asks_services);
        say(Dataset::Federated, granted(&[5, 6, 7, 8]), offers(ServiceKind::Internal), asks_services);
        say(Dataset::Insurance, granted(&[9]), seen.is_some_and(|seen| seen.fund), whole_person);
        sources
    }

    /// The sources that this question reads and that are missing or too old.
    fn stale(&self, asked: &Asked) -> Vec<Dataset> {
        let has = |numbers: &[u8]| numbers.iter().any(|n| asked.fields.iter().any(|field| field.number() == *n));
        let reads = |dataset| match dataset {
            Dataset::Dimona => has(&[2, 3, 4, 5, 6, 7, 8]),
            Dataset::Coprev | Dataset::Federated => has(&[5, 6, 7, 8]),
            Dataset::Insurance => has(&[9]),
            Dataset::Persons => true,
        };
        let is_stale = |dataset: &Dataset| {
            (reads(*dataset) || proves(asked.relation, *dataset)) && self.freshness(*dataset) != Freshness::Fresh
        };
        Dataset::ALL.into_iter().filter(is_stale).collect()
    }

    /// Rule 2: the runs of days on which the person worked for each employer.
    fn works(&self, family: &[Ssin]) -> Vec<Work> {
        let mut days_of: BTreeMap<EnterpriseNumber, Days> = BTreeMap::new();
        if self.is_there(Dataset::Dimona) {
            for record in self.employments.iter().filter(|record| family.contains(&record.of)) {
                *days_of.entry(record.with).or_default() |= record.when.days();
            }
        }
        let mut works = Vec::new();
        for (employer, days) in days_of {
            let mut run = 0;
            for day in 0..=LAST + 1 {
                if days & 1 << day != 0 {
                    run |= 1 << day;
                } else if run != 0 {
                    works.push(Work { employer, days: std::mem::take(&mut run) });
                }
            }
        }
        works
    }

    /// Rule 3, internal services first; in no other order.
    fn services(&self, work: &Work, window: Days) -> Vec<Record<ServiceKind>> {
        let mut services = Vec::new();
        for (kind, dataset, records) in [
            (ServiceKind::Internal, Dataset::Federated, &self.internal),
            (ServiceKind::External, Dataset::Coprev, &self.external),
        ] {
            for record in records.iter().filter(|record| record.of == work.employer && self.is_there(dataset)) {
                let days = record.when.days();
                if days & window != 0 && days & work.days != 0 {
                    services.push(Record { of: kind, with: record.with, when: record.when });
                }
            }
        }
        services
    }

    fn of_person(&self, family: &[Ssin]) -> Vec<Record<Ssin>> {
        let of_person = |record: &&Record<Ssin>| self.is_there(Dataset::Insurance) && family.contains(&record.of);
        self.memberships.iter().filter(of_person).copied().collect()
    }

    fn is_insured(&self, family: &[Ssin], fund: EnterpriseNumber, days: Days) -> bool {
        self.of_person(family).iter().any(|record| record.with == fund && record.when.days() & days != 0)
    }

    /// Rule 4, day by day from the last one back.
    fn fund(&self, family: &[Ssin], asked: &Asked) -> Option<EnterpriseNumber> {
        for day in (asked.from..=asked.to).rev() {
            let mut on_that_day = self.of_person(family);
            on_that_day.retain(|record| record.when.days() & 1 << day != 0);
            let latest = on_that_day.iter().map(|record| record.when.begin).max();
            let funds = on_that_day.iter().filter(|record| Some(record.when.begin) == latest);
            if let Some(fund) = funds.map(|record| record.with).min() {
                return Some(fund);
            }
        }
        None
    }

    /// Rule 5 and the orders of contract.md.
    fn tell(&self, mut works: Vec<&Work>, fields: FieldSet, window: Days) -> Vec<DisclosedEmployment> {
        let has = |field| fields.contains(field);
        works.sort_by_key(|work| (u32::MAX - work.days.trailing_zeros(), work.employer));
        let mut disclosed: Vec<DisclosedEmployment> = Vec::new();
        for work in works {
            let mut services = self.services(work, window);
            services.sort_by_key(|service| {
                let newest_first = u32::MAX - service.when.begin;
                (service.of == ServiceKind::External, newest_first, service.with, service.when.end.unwrap_or(LAST))
            });
            let services = services.into_iter().map(|service| DisclosedService {
                number: has(Field::PreventionService).then_some(service.with),
                kind: has(Field::PreventionServiceType).then_some(service.of),
                affiliation: has(Field::AffiliationBegin).then(|| service.when.period()),
            });
            let services = services
                .filter(|service| service.number.is_some() || service.kind.is_some() || service.affiliation.is_some());
            let end = u64::BITS - 1 - work.days.leading_zeros();
            let span = Span { begin: work.days.trailing_zeros(), end: (end < LAST).then_some(end) };
            let employment = DisclosedEmployment {
                employer: has(Field::Employer).then_some(work.employer),
                period: has(Field::EmploymentBegin).then(|| span.period()),
                services: services.collect(),
            };
            let is_empty = DisclosedEmployment { employer: None, period: None, services: Vec::new() };
            if employment != is_empty && !disclosed.contains(&employment) {
                disclosed.push(employment);
            }
        }
        disclosed
    }
}

/// Whether the relation can be neither shown nor denied without the source.
fn proves(relation: Relation, dataset: Dataset) -> bool {
    match relation {
        Relation::None => false,
        Relation::Insured => dataset == Dataset::Insurance,
        Relation::AffiliatedEmployer => [Dataset::Dimona, Dataset::Coprev, Dataset::Federated].contains(&dataset),
    }
}

/// Freshness limit of a source in tests, in milliseconds.
pub const LIMIT_MILLIS: i64 = 86_400_000;

/// The sources as the program reads them: every list is searched from end to end.
impl Directory for &Sources {
    fn states(&mut self) -> Result<DatasetStates, DirectoryError> {
        let mut states = DatasetStates::default();
        for (place, dataset) in (1..).zip(Dataset::ALL) {
            let age = match self.freshness(dataset) {
                Freshness::Fresh => LIMIT_MILLIS,
                Freshness::Stale => LIMIT_MILLIS + 1,
                Freshness::Missing => continue,
            };
            let created = Timestamp::from_millis(noon(self.today).as_millis() - age);
            states = states.with(dataset, DatasetState { serial: place, created });
        }
        Ok(states)
    }

    fn family(&mut self, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError> {
        into.extend(Sources::family(self, ssin));
        Ok(self.last(ssin))
    }

    fn employment_periods(&mut self, ssin: Ssin, into: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError> {
        if self.is_there(Dataset::Dimona) {
            let records = self.employments.iter().filter(|record| record.of == ssin);
            into.extend(records.map(|record| EmploymentPeriod { employer: record.with, period: record.when.period() }));
        }
        Ok(())
    }

    fn affiliations(
        &mut self,
        kind: ServiceKind,
        employer: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        let (dataset, records) = match kind {
            ServiceKind::Internal => (Dataset::Federated, &self.internal),
            ServiceKind::External => (Dataset::Coprev, &self.external),
        };
        if self.is_there(dataset) {
            let records = records.iter().filter(|record| record.of == employer);
            into.extend(records.map(|record| Affiliation { service: record.with, period: record.when.period() }));
        }
        Ok(())
    }

    fn memberships(&mut self, ssin: Ssin, into: &mut Vec<Membership>) -> Result<(), DirectoryError> {
        if self.is_there(Dataset::Insurance) {
            let records = self.memberships.iter().filter(|record| record.of == ssin);
            into.extend(records.map(|record| Membership { fund: record.with, period: record.when.period() }));
        }
        Ok(())
    }
}
