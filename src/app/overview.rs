//! What operators are shown, gathered from every room at the moment of asking.
//!
//! Gathering takes some hundred microseconds: five small reads, a few loads, one look at the disk. Nothing is kept.

use std::fs;
use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use rustls::pki_types::CertificateDer;

use super::{ForOperators, verified};
use crate::admin::{
    AuthorityReport, CertificateReport, CertificateRole, ConsumerReport, DatasetReport, ListReport, OutcomeReport,
    Phase, Report, Setting, StageReport, Traffic, TrailReport, judge,
};
use crate::certificates::{Facts, Profile};
use crate::config::{self, Settings};
use crate::server::counters::{BUCKETS_MICROS, Kind, MINUTES};
use crate::server::tls::OperatorSide;
use crate::server::trust::AuthorityAt;
use crate::server::{ActiveConfig, Readers, Service};
use audit_log::{AuditLog, Health, WriteFailure, free_bytes, probe_writing};
use datasets::sync::Outcome;
use ehealth_core::lookup::{FreshnessLimits, Operation};
use ehealth_core::model::{Clock, Dataset, Status, Timestamp};
use soap::Fault;

/// Runs of each feed that are shown.
const RUNS: u32 = 3;

/// The rooms that are asked.
pub(super) struct Overview {
    pub service: Arc<Service>,
    pub readers: Arc<Readers>,
    pub trail: Arc<AuditLog>,
    pub operators: ForOperators,
    pub settings: Settings,
    pub clock: Arc<dyn Clock>,
    pub started: Timestamp,
    pub is_stopping: AtomicBool,
    pub idle: Mutex<Idle>,
}

/// What the trail is like while nobody asks anything: its own health is that of the last write.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// Writes of the trail at the last look.
    batches: u64,
    /// Why it could not be written then.
    trouble: Option<WriteFailure>,
}

impl Overview {
    /// Tries whether the trail can be written, if nothing was since the last look. Meant for once a second.
    pub fn probe(&self) {
        let batches = self.trail.counters().batches;
        // Nobody can panic while holding the lock.
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = idle.batches == batches && self.trail.health() == Health::Writable;
        let trouble = if is_idle { probe_writing(&self.settings.audit_log.folder).err() } else { None };
        if let Some(trouble) = trouble.filter(|_| idle.trouble.is_none()) {
            tracing::error!(%trouble, "the trail cannot be written");
        }
        *idle = Idle { batches, trouble };
    }

    /// The state in a sentence, for systemd.
    pub fn sentence(&self) -> String {
        match judge(&self.report()).as_slice() {
            [] => "Ready.".to_owned(),
            [reason] => format!("Not ready: {reason}"),
            [reason, more @ ..] => format!("Not ready: {reason} And {} more reasons.", more.len()),
        }
    }

    /// The present moment.
    pub fn report(&self) -> Report {
        let now = self.clock.now();
        let active_config = self.service.active_config();
        let is_stopping = self.is_stopping.load(Ordering::Relaxed);
        Report {
            now,
            started: self.started,
            version: env!("CARGO_PKG_VERSION"),
            phase: if is_stopping { Phase::Stopping } else { Phase::Serving },
            datasets: self.datasets(),
            run_codes: Outcome::all().map(Outcome::code).collect(),
            trail: self.trail(),
            certificates: report_chain(&active_config.chain, CertificateRole::Service, CertificateRole::ServiceIssuer),
            authorities: active_config.client_verifier.trust().authorities(now).map(report_authority).collect(),
            for_operators: self.operators.with(report_operators).unwrap_or_default(),
            traffic: self.traffic(&active_config, now),
            configuration: configuration(&self.settings),
        }
    }

    fn datasets(&self) -> Vec<DatasetReport> {
        let limits = &self.settings.server.freshness;
        let account = |dataset| match self.readers.with_view(|view| view.status(dataset, RUNS)) {
            Ok(account) => Some(account),
            Err(error) => {
                tracing::warn!(dataset = dataset.code(), reason = %error.reason, "cannot tell what a dataset is like");
                None
            }
        };
        let report = |dataset| DatasetReport { dataset, limit: limit(limits, dataset), account: account(dataset) };
        Dataset::ALL.into_iter().map(report).collect()
    }

    fn trail(&self) -> TrailReport {
        let folder = &self.settings.audit_log.folder;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).trouble;
        let health = match (self.trail.health(), idle) {
            (Health::Writable, Some(trouble)) => Health::Unwritable(trouble),
            (health, _) => health,
        };
        let written = fs::metadata(folder.join("checkpoint")).and_then(|file| file.modified()).ok();
        let millis = written.and_then(|at| i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok());
        TrailReport {
            health,
            verified: self.settings.verification_report.as_deref().and_then(verified::read),
            counters: self.trail.counters(),
            checkpoint: millis.map(Timestamp::from_millis),
            free_bytes: free_bytes(folder).ok(),
        }
    }

    fn traffic(&self, active_config: &ActiveConfig, now: Timestamp) -> Traffic {
        let counted = self.service.counters().read(now);
        let outcomes = counted.outcomes.into_iter().map(|(operation, code, count)| OutcomeReport {
            operation: operation.code(),
            code,
            sentence: sentence(operation, code),
            count,
        });
        let refusals = counted.refusals.into_iter().map(|(refusal, count)| (refusal.status().as_u16(), count));
        let handshakes = counted.handshakes.into_iter().map(|(ended, count)| (ended.code(), count));
        let stages = counted.stages.into_iter().map(|(stage, spread)| StageReport {
            stage: stage.code(),
            buckets: spread.buckets.to_vec(),
            total: spread.total,
        });
        let mut consumers: Vec<_> = counted
            .consumers
            .into_iter()
            .map(|(organisation, count)| ConsumerReport {
                organisation,
                name: None,
                kinds: count.kinds,
                hour: count.hour.to_vec(),
            })
            .collect();
        for consumer in active_config.register.consumers() {
            let name = Some(consumer.name.clone());
            let organisation = Some(consumer.organisation);
            match consumers.iter_mut().find(|known| known.organisation == organisation) {
                Some(known) => known.name = name,
                None => {
                    consumers.push(ConsumerReport { organisation, name, kinds: [0; 4], hour: vec![[0; 4]; MINUTES] });
                }
            }
        }
        // There before anybody came: Prometheus sees a count rise only from one that it has seen.
        if !consumers.iter().any(|consumer| consumer.organisation.is_none()) {
            let (kinds, hour) = ([0; 4], vec![[0; 4]; MINUTES]);
            consumers.push(ConsumerReport { organisation: None, name: None, kinds, hour });
        }
        // Those that nobody registered come last.
        consumers.sort_by_key(|consumer| (consumer.organisation.is_none(), consumer.organisation));
        Traffic {
            outcomes: outcomes.collect(),
            refusals: refusals.collect(),
            handshakes: handshakes.collect(),
            bucket_ends_micros: &BUCKETS_MICROS,
            stages: stages.collect(),
            kinds: Kind::ALL.map(Kind::code),
            consumers,
        }
    }
}

fn limit(limits: &FreshnessLimits, dataset: Dataset) -> std::time::Duration {
    match dataset {
        Dataset::Dimona => limits.dimona,
        Dataset::Coprev => limits.coprev,
        Dataset::Federated => limits.federated,
        Dataset::Insurance => limits.insurance,
        Dataset::Persons => limits.persons,
    }
}

/// What callers are told with a code: the description of a status, or the sentence of a fault. An echo is answered
/// without either.
fn sentence(operation: Operation, code: &str) -> Option<&'static str> {
    let statuses = match operation {
        Operation::ConsultAttributes => Status::CODES.into_iter().zip(Status::DESCRIPTIONS).collect(),
        Operation::SendTestMessage => Vec::new(),
    };
    let mut sentences = statuses.into_iter().chain(Fault::table().map(|row| (row.code, row.sentence)));
    sentences.find(|(of, _)| *of == code).map(|(_, sentence)| sentence)
}

/// What is shown in TLS: a certificate, then its issuers.
fn report_chain(
    chain: &[CertificateDer<'_>],
    leaf: CertificateRole,
    issuer: CertificateRole,
) -> Vec<CertificateReport> {
    let roles = iter::once(leaf).chain(iter::repeat(issuer));
    chain.iter().zip(roles).filter_map(|(der, role)| report_certificate(der, role)).collect()
}

/// What cannot be read is left out: TLS took it, so this is a surprise.
fn report_certificate(der: &CertificateDer<'_>, role: CertificateRole) -> Option<CertificateReport> {
    let Facts { subject, not_before, not_after, .. } = Facts::from_der(der).ok()?;
    Some(CertificateReport { role, subject, not_before, not_after })
}

fn report_operators(side: &OperatorSide) -> Vec<CertificateReport> {
    let mut certificates = report_chain(&side.chain, CertificateRole::Operators, CertificateRole::OperatorsIssuer);
    let report = |der| report_certificate(der, CertificateRole::OperatorAuthority);
    certificates.extend(side.authorities.iter().filter_map(report));
    certificates
}

fn report_authority(authority: AuthorityAt<'_>) -> AuthorityReport {
    let Profile { not_before, not_after, .. } = *authority.profile;
    let subject = authority.profile.subject_text();
    let role = CertificateRole::ClientAuthority;
    let list = match authority.list {
        None => ListReport::Ignored,
        Some(Ok(list)) => ListReport::Open { next_update: list.next_update(), revoked: list.revoked_count() },
        Some(Err(closed)) => ListReport::Closed { code: closed.code() },
    };
    AuthorityReport { certificate: CertificateReport { role, subject, not_before, not_after }, list }
}

/// The settings in force, by their keys. Of keys and certificates the files are named; what is in them is not.
fn configuration(settings: &Settings) -> Vec<Setting> {
    let tell = |setting: &config::Setting| Setting {
        key: setting.key.clone(),
        value: setting.value.clone(),
        origin: setting.origin.to_string(),
    };
    settings.active_config.iter().map(tell).collect()
}
