//! Dependencies of a simulated service: delays and faults by person, outages of datasets, and
//! tickets that repeat.
//!
//! The service is the same as in `serve`: its dependencies are replaced, so it cannot tell that the
//! audit log is slow, or that a dataset only pretends to be missing. `serve` composes nothing of
//! this.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::answers::note_subject;
use super::plan::LivePlan;
use crate::cli::signature::Explainer;
use crate::server::{Dependencies, Lookups, Readers, ReplayCache, Replayed, Tickets};
use ehealth_core::lookup::{
    AuditSink, Directory, DirectoryError, FreshnessLimits, LookupError, Pending, Permitted, RecordFailure, Resolved,
    WithoutDatasets,
};
use ehealth_core::model::{
    Affiliation, Dataset, DatasetStates, Digest, EmploymentPeriod, EnterpriseNumber, Membership, ServiceKind, Ssin,
    Ticket, Timestamp,
};
use testkit::{InjectedFault, Scenario};

/// Delay and fault of the answers about a person.
#[derive(Debug, Clone, Copy)]
struct Injection {
    delay: Duration,
    fault: Option<InjectedFault>,
}

type Injections = Arc<BTreeMap<Ssin, Injection>>;

/// Replaces dependencies of the service by those of the scenario and its plan.
pub(super) fn simulated(
    scenario: &Scenario,
    plan: &Arc<LivePlan>,
    readers: &Arc<Readers>,
    dependencies: Dependencies,
) -> Dependencies {
    let people = scenario.people.iter();
    let injections = people.map(|person| (person.ssin, Injection { delay: person.delay, fault: person.fault }));
    let injections: Injections = Arc::new(injections.collect());
    Dependencies {
        lookups: Arc::new(FaultyLookups {
            readers: Arc::clone(readers),
            plan: Arc::clone(plan),
            injections: Arc::clone(&injections),
        }),
        audit: Arc::new(FaultyAuditLog { inner: dependencies.audit, injections }),
        clock: dependencies.clock,
        tickets: match scenario.ticket {
            Some(ticket) => Arc::new(FixedTicket(ticket)),
            None => dependencies.tickets,
        },
        replay: if scenario.signatures.refuse_replays { dependencies.replay } else { Arc::new(ForgetfulReplay) },
        explainer: Some(Arc::new(Explainer { now: scenario.now })),
    }
}

/// Accepts a message any number of times: with a fixed clock, a recorded message never expires.
struct ForgetfulReplay;

impl ReplayCache for ForgetfulReplay {
    fn remember(&self, _: EnterpriseNumber, _: Digest, _: Timestamp, _: Timestamp) -> Result<(), Replayed> {
        Ok(())
    }
}

/// An audit log that delays some records and fails to write others.
struct FaultyAuditLog {
    inner: Arc<dyn AuditSink>,
    injections: Injections,
}

impl AuditSink for FaultyAuditLog {
    fn append(&self, pending: Pending) {
        let subject = pending.record().exchange().and_then(|exchange| exchange.subject);
        note_subject(subject);
        let injection = subject.and_then(|subject| self.injections.get(&subject)).copied();
        let Some(injection) = injection else { return self.inner.append(pending) };
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            tokio::time::sleep(injection.delay).await;
            match injection.fault {
                Some(InjectedFault::AuditLogUnwritable) => pending.failed(RecordFailure::Unwritable),
                Some(InjectedFault::DataUnreadable) | None => inner.append(pending),
            }
        });
    }
}

/// Datasets that are missing or stale on demand, or cannot be read for some people.
struct FaultyLookups {
    readers: Arc<Readers>,
    plan: Arc<LivePlan>,
    injections: Injections,
}

impl Lookups for FaultyLookups {
    fn resolve(&self, permitted: Permitted, limits: &FreshnessLimits) -> Result<Resolved, Box<LookupError>> {
        match self.injections.get(&permitted.subject()).and_then(|injection| injection.fault) {
            Some(InjectedFault::DataUnreadable) => permitted.resolve(&mut Unreadable, limits),
            Some(InjectedFault::AuditLogUnwritable) | None => {
                let (missing, stale) = self.plan.outage();
                let limits = limits.with_stale(stale);
                self.readers.with_view(|view| permitted.resolve(&mut WithoutDatasets::new(view, missing), &limits))
            }
        }
    }
}

/// Datasets of which none can be read.
struct Unreadable;

impl Unreadable {
    fn fail<T>(dataset: Dataset) -> Result<T, DirectoryError> {
        Err(DirectoryError { dataset, reason: "injected by the scenario".into() })
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

/// The same ticket for every request, so that the same request gets the same bytes.
struct FixedTicket(Ticket);

impl Tickets for FixedTicket {
    fn next_ticket(&self) -> Ticket {
        self.0
    }
}
