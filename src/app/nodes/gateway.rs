//! What a node says of itself to the others.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use crate::app::observation::Observation;
use crate::server::Service;
use crate::server::trust::AuthorityAt;
use audit_log::AuditLog;
use audit_log::replication::Replication;
use certificates::sha256;
use ehealth_core::model::{Clock, Dataset};
use ehealth_core::policy::{Lease, LeaseRequest};

/// The service, as the thread of its node sees it.
pub(in crate::app) struct NodeGateway {
    pub(in crate::app) service: Arc<Service>,
    pub(in crate::app) audit_log: Weak<AuditLog>,
    pub(in crate::app) replication: Arc<Replication>,
    pub(in crate::app) observations: watch::Receiver<Option<Arc<Observation>>>,
    /// Folder of the audit log, which keeps the policy files.
    pub(in crate::app) folder: PathBuf,
    pub(in crate::app) clock: Arc<dyn Clock>,
}

impl cluster::Gateway for NodeGateway {
    fn report(&self) -> String {
        let status = self.replication.status();
        let active_config = self.service.active_config();
        let observed = self.observations.borrow().clone();
        let serial = |(index, dataset): (usize, Dataset)| {
            let status = observed.as_ref().and_then(|seen| seen.datasets.get(index).cloned().flatten());
            let serial = status.and_then(|status| status.state).map_or(0, |state| state.serial);
            (dataset.code().to_owned(), json!(serial))
        };
        let serials: serde_json::Map<_, _> = Dataset::ALL.into_iter().enumerate().map(serial).collect();
        let (link, reason) = super::report::link_words(&status.link);
        let counters = self.audit_log.upgrade().map(|log| log.counters()).unwrap_or_default();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "link": link,
            "reason": reason,
            "is_answering": status.is_answering(),
            "records": status.written,
            "replicated": status.confirmed,
            "first": audit_log::first_sequence(&self.folder).ok().flatten(),
            "signed": counters.signed,
            "serials": serials,
            "policy": active_config.register.policy().map(|digest| digest.to_string()),
            "revocation": sha256(self.revocation().as_bytes()).to_string(),
        })
        .to_string()
    }

    fn await_lease_request(&self, interval: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.service.rate_limits().await_lease_request(interval))
    }

    fn plan_leases(&self) -> Vec<LeaseRequest> {
        self.service.rate_limits().plan_leases()
    }

    fn plan_lease_end(&self) -> Vec<LeaseRequest> {
        self.service.rate_limits().plan_lease_end()
    }

    fn note_leases(&self, leases: &[Lease]) {
        self.service.rate_limits().note_leases(leases);
    }

    fn note_unreachable(&self, nodes: Option<NonZeroU32>) {
        self.service.rate_limits().note_unreachable(nodes);
    }

    fn policy_text(&self) -> Option<([u8; 32], Vec<u8>)> {
        let digest = self.service.active_config().register.policy()?;
        let text = audit_log::policy_text(&self.folder, digest).ok()??;
        Some((*digest.as_bytes(), text))
    }
}

impl NodeGateway {
    /// What the CRLs say: for each CA when its next list is due, and how many certificates are revoked.
    fn revocation(&self) -> String {
        let active_config = self.service.active_config();
        let mut lines: Vec<_> = active_config
            .client_verifier
            .trust()
            .authorities(self.clock.now())
            .map(|AuthorityAt { profile, list }| {
                let state = match list {
                    None => "not checked".to_owned(),
                    Some(Ok(list)) => format!("{} {}", list.next_update(), list.revoked_count()),
                    Some(Err(closed)) => closed.code().to_owned(),
                };
                format!("{} {state}", profile.subject_text())
            })
            .collect();
        lines.sort_unstable();
        lines.join("\n")
    }
}
