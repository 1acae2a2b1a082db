//! What a simulation puts between the service and its world: delays and faults by person, and tickets that repeat.
//!
//! The service itself is the one that serves: it cannot tell that the trail behind it takes its time, or that a dataset is
//! only said to be broken. Nothing of this is in what `serve` composes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Scenario, Trouble};
use crate::server::{Dependencies, Lookups, Tickets};
use ehealth_core::lookup::{
    AuditSink, Directory, DirectoryError, FreshnessLimits, LookupError, Pending, Permitted, RecordFailure, Resolved,
};
use ehealth_core::model::{
    Affiliation, Dataset, DatasetStates, EmploymentPeriod, EnterpriseNumber, Membership, ServiceKind, Ssin, Ticket,
};

/// What happens when one asks about a person.
#[derive(Debug, Clone, Copy)]
struct Act {
    delay: Duration,
    trouble: Option<Trouble>,
}

/// What happens with whom.
type Acts = Arc<BTreeMap<Ssin, Act>>;

/// Makes of the real world the one of the scenario.
pub(super) fn set_stage(scenario: &Scenario, world: Dependencies) -> Dependencies {
    let acts = scenario.people.iter().map(|person| (person.ssin, Act { delay: person.delay, trouble: person.fault }));
    let acts: Acts = Arc::new(acts.collect());
    Dependencies {
        lookups: Arc::new(StagedLookups { inner: world.lookups, acts: Arc::clone(&acts) }),
        audit: Arc::new(StagedTrail { inner: world.audit, acts }),
        clock: world.clock,
        tickets: match scenario.ticket {
            Some(ticket) => Arc::new(OneTicket(ticket)),
            None => world.tickets,
        },
    }
}

/// A trail that takes its time with some entries, and cannot write others.
struct StagedTrail {
    inner: Arc<dyn AuditSink>,
    acts: Acts,
}

impl AuditSink for StagedTrail {
    fn append(&self, pending: Pending) {
        let act = pending.record().subject.and_then(|subject| self.acts.get(&subject)).copied();
        let Some(act) = act else { return self.inner.append(pending) };
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            tokio::time::sleep(act.delay).await;
            match act.trouble {
                Some(Trouble::EvidenceUnwritable) => pending.failed(RecordFailure::Unwritable),
                Some(Trouble::DataUnreadable) | None => inner.append(pending),
            }
        });
    }
}

/// Data that cannot be read where they are somebody's.
struct StagedLookups {
    inner: Arc<dyn Lookups>,
    acts: Acts,
}

impl Lookups for StagedLookups {
    fn resolve(&self, permitted: Permitted, limits: &FreshnessLimits) -> Result<Resolved, Box<LookupError>> {
        match self.acts.get(&permitted.subject()).and_then(|act| act.trouble) {
            Some(Trouble::DataUnreadable) => permitted.resolve(&mut Unreadable, limits),
            Some(Trouble::EvidenceUnwritable) | None => self.inner.resolve(permitted, limits),
        }
    }
}

/// Datasets none of which can be read.
struct Unreadable;

impl Unreadable {
    fn fail<T>(dataset: Dataset) -> Result<T, DirectoryError> {
        Err(DirectoryError { dataset, reason: "the scenario says so".into() })
    }
}

impl Directory for Unreadable {
    fn states(&mut self) -> Result<DatasetStates, DirectoryError> {
        Self::fail(Dataset::Persons)
    }

    fn family(&mut self, _: Ssin, _: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError> {
        Self::fail(Dataset::Persons)
    }

    fn employment_periods(&mut self, _: Ssin, _: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError> {
        Self::fail(Dataset::Dimona)
    }

    fn affiliations(
        &mut self,
        _: ServiceKind,
        _: EnterpriseNumber,
        _: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        Self::fail(Dataset::Coprev)
    }

    fn memberships(&mut self, _: Ssin, _: &mut Vec<Membership>) -> Result<(), DirectoryError> {
        Self::fail(Dataset::Insurance)
    }
}

/// One ticket for every request, so that the same request gets the same bytes.
struct OneTicket(Ticket);

impl Tickets for OneTicket {
    fn next_ticket(&self) -> Ticket {
        self.0
    }
}
