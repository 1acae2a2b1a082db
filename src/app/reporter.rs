//! Makes the report for operators, from every part of the service, at each request.
//!
//! The parts in memory are read at each request, which takes some hundred microseconds. The parts
//! on disks come from the [`Observer`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::nodes::report_cluster;
use super::observation::Observation;
use super::observer::Observer;
use super::operators::OperatorTls;
use super::reload::LastReload;
use super::report::{
    freshness_limit, report_authority, report_chain, report_operators, report_policy, report_settings,
};
use super::traffic::report_traffic;
use crate::admin::{
    AuditLogReport, CertificateRole, ClusterReport, DatasetReport, Phase, Report, SharedHistory, not_ready_reasons,
};
use crate::config::Settings;
use crate::server::Service;
use audit_log::{AuditLog, Health};
use cluster::Node;
use datasets::sync::Outcome;
use ehealth_core::model::{Clock, Dataset, Timestamp};

/// The parts of the service that a report is made of.
pub(super) struct Reporter {
    pub service: Arc<Service>,
    pub audit_log: Arc<AuditLog>,
    pub operators: OperatorTls,
    pub settings: Settings,
    pub clock: Arc<dyn Clock>,
    pub started: Timestamp,
    pub is_stopping: AtomicBool,
    pub observer: Observer,
    pub last_reload: LastReload,
    pub dropped_log_lines: Arc<AtomicU64>,
    pub node: Option<Arc<Node>>,
    pub history: SharedHistory,
}

impl Reporter {
    /// Summarises the state in one line, for systemd.
    pub fn summary(&self) -> String {
        match not_ready_reasons(&self.report(self.observer.newest().as_deref())).as_slice() {
            [] => "Ready.".to_owned(),
            [reason] => format!("Not ready: {reason}"),
            [reason, more @ ..] => format!("Not ready: {reason} And {} more reasons.", more.len()),
        }
    }

    /// Makes a report of the present state.
    pub async fn report_now(&self) -> Report {
        let observation = self.observer.observe().await;
        self.report(observation.as_deref())
    }

    fn report(&self, observation: Option<&Observation>) -> Report {
        let now = self.clock.now();
        let active_config = self.service.active_config();
        let is_stopping = self.is_stopping.load(Ordering::Relaxed);
        Report {
            now,
            started: self.started,
            version: env!("CARGO_PKG_VERSION"),
            phase: if is_stopping { Phase::Stopping } else { Phase::Serving },
            datasets: self.report_datasets(observation),
            run_codes: Outcome::all().map(Outcome::code).collect(),
            audit_log: self.report_audit_log(observation),
            cluster: self.report_cluster(),
            observed: observation.map(Observation::age),
            reload: self.last_reload.report(),
            dropped_log_lines: self.dropped_log_lines.load(Ordering::Relaxed),
            certificates: report_chain(&active_config.chain, CertificateRole::Service, CertificateRole::ServiceIssuer),
            authorities: active_config.client_verifier.trust().authorities(now).map(report_authority).collect(),
            unused_crls: active_config
                .client_verifier
                .unused_lists()
                .iter()
                .map(|file| file.display().to_string())
                .collect(),
            for_operators: self.operators.with(|sides| sides.iter().flat_map(report_operators).collect()),
            policy: report_policy(&active_config.register, now.brussels_day()),
            traffic: report_traffic(
                self.service.counters().read(now),
                &active_config.register,
                &self.service.rate_limits().read(&active_config.register),
            ),
            process: observation.map(|seen| seen.process).unwrap_or_default(),
            configuration: report_settings(&self.settings),
            rejected_reloads: self.last_reload.rejected(),
            history: self.history.clone(),
        }
    }

    fn report_cluster(&self) -> Option<ClusterReport> {
        let name = self.settings.cluster.as_ref()?.node.as_str();
        self.node.as_ref().map(|node| report_cluster(name, node))
    }

    fn report_datasets(&self, observation: Option<&Observation>) -> Vec<DatasetReport> {
        let limits = &self.settings.server.freshness;
        let report = |(index, dataset): (usize, Dataset)| {
            let status = observation.and_then(|seen| seen.datasets.get(index).cloned().flatten());
            DatasetReport { dataset, limit: freshness_limit(limits, dataset), status }
        };
        Dataset::ALL.into_iter().enumerate().map(report).collect()
    }

    fn report_audit_log(&self, observation: Option<&Observation>) -> AuditLogReport {
        let health = match (self.audit_log.health(), observation.and_then(|seen| seen.trouble)) {
            (Health::Writable, Some(trouble)) => Health::Unwritable(trouble),
            (health, _) => health,
        };
        AuditLogReport {
            health,
            verified: observation.and_then(|seen| seen.verified),
            counters: self.audit_log.counters(),
            checkpoint: observation.and_then(|seen| seen.checkpoint),
            free_bytes: observation.and_then(|seen| seen.free_bytes),
            reserve_bytes: self.settings.server.limits.audit_reserve,
        }
    }
}
