//! Makes the report for operators, from every part of the service, at each request.
//!
//! A report takes some hundred microseconds: five small reads, a few atomic loads, one call to the
//! file system. Nothing is cached.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use parking_lot::Mutex;

use super::operators::OperatorTls;
use super::report::{freshness_limit, report_authority, report_chain, report_operators, report_settings};
use super::traffic::report_traffic;
use super::verification_report;
use crate::admin::{AuditLogReport, CertificateRole, DatasetReport, Phase, Report, not_ready_reasons};
use crate::config::Settings;
use crate::server::{Readers, Service};
use audit_log::{AuditLog, Health, WriteFailure, free_bytes, probe_writing};
use datasets::sync::Outcome;
use ehealth_core::model::{Clock, Dataset, Timestamp};

/// Runs of each feed in a report.
const RUNS: u32 = 3;

/// The parts of the service that a report is made of.
pub(super) struct Reporter {
    pub service: Arc<Service>,
    pub readers: Arc<Readers>,
    pub audit_log: Arc<AuditLog>,
    pub operators: OperatorTls,
    pub settings: Settings,
    pub clock: Arc<dyn Clock>,
    pub started: Timestamp,
    pub is_stopping: AtomicBool,
    pub probe: Mutex<Probe>,
}

/// Result of the last write test of the audit log. Its own health is that of the last record, which
/// may be old.
#[derive(Debug, Default)]
pub(super) struct Probe {
    /// Batches at the last probe.
    batches: u64,
    /// Error of the last probe.
    trouble: Option<WriteFailure>,
}

impl Reporter {
    /// Tests whether the audit log is writable, if no batch was written since the last probe. Call
    /// it once a second.
    pub fn probe_audit_log(&self) {
        let batches = self.audit_log.counters().batches;
        let mut probe = self.probe.lock();
        let is_idle = probe.batches == batches && self.audit_log.health() == Health::Writable;
        let trouble = if is_idle { probe_writing(&self.settings.audit_log.folder).err() } else { None };
        if let Some(trouble) = trouble.filter(|_| probe.trouble.is_none()) {
            tracing::error!(%trouble, "the audit log is not writable");
        }
        *probe = Probe { batches, trouble };
    }

    /// Summarises the state in one line, for systemd.
    pub fn summary(&self) -> String {
        match not_ready_reasons(&self.report()).as_slice() {
            [] => "Ready.".to_owned(),
            [reason] => format!("Not ready: {reason}"),
            [reason, more @ ..] => format!("Not ready: {reason} And {} more reasons.", more.len()),
        }
    }

    /// Makes a report of the present state.
    pub fn report(&self) -> Report {
        let now = self.clock.now();
        let active_config = self.service.active_config();
        let is_stopping = self.is_stopping.load(Ordering::Relaxed);
        Report {
            now,
            started: self.started,
            version: env!("CARGO_PKG_VERSION"),
            phase: if is_stopping { Phase::Stopping } else { Phase::Serving },
            datasets: self.report_datasets(),
            run_codes: Outcome::all().map(Outcome::code).collect(),
            audit_log: self.report_audit_log(),
            certificates: report_chain(&active_config.chain, CertificateRole::Service, CertificateRole::ServiceIssuer),
            authorities: active_config.client_verifier.trust().authorities(now).map(report_authority).collect(),
            unused_crls: active_config
                .client_verifier
                .unused_lists()
                .iter()
                .map(|file| file.display().to_string())
                .collect(),
            for_operators: self.operators.with(report_operators).unwrap_or_default(),
            traffic: report_traffic(self.service.counters().read(now), &active_config.register),
            configuration: report_settings(&self.settings),
        }
    }

    fn report_datasets(&self) -> Vec<DatasetReport> {
        let limits = &self.settings.server.freshness;
        let status = |dataset| match self.readers.with_view(|view| view.status(dataset, RUNS)) {
            Ok(status) => Some(status),
            Err(error) => {
                tracing::warn!(dataset = dataset.code(), reason = %error.reason, "cannot read the status of a dataset");
                None
            }
        };
        let report =
            |dataset| DatasetReport { dataset, limit: freshness_limit(limits, dataset), status: status(dataset) };
        Dataset::ALL.into_iter().map(report).collect()
    }

    fn report_audit_log(&self) -> AuditLogReport {
        let folder = &self.settings.audit_log.folder;
        let health = match (self.audit_log.health(), self.probe.lock().trouble) {
            (Health::Writable, Some(trouble)) => Health::Unwritable(trouble),
            (health, _) => health,
        };
        let written = fs::metadata(folder.join("checkpoint")).and_then(|file| file.modified()).ok();
        let millis = written.and_then(|at| i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok());
        AuditLogReport {
            health,
            verified: self.settings.verification_report.as_deref().and_then(verification_report::read),
            counters: self.audit_log.counters(),
            checkpoint: millis.map(Timestamp::from_millis),
            free_bytes: free_bytes(folder).ok(),
        }
    }
}
