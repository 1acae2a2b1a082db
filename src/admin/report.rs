//! What is shown: plain data of one moment, handed in by the roof.
//!
//! Every word that becomes a label of a metric is `&'static str`, a number, or one of the operator's own files; none
//! comes from a message.

use std::time::Duration;

use datasets::store::DatasetStatus;
use ehealth_core::model::{Dataset, EnterpriseNumber, Freshness, OutcomeCode, Timestamp};

/// Everything that operators are shown, at one moment.
#[derive(Debug, Clone)]
pub struct Report {
    /// The moment.
    pub now: Timestamp,
    /// When the service started.
    pub started: Timestamp,
    /// The program's version.
    pub version: &'static str,
    /// Whether requests are taken.
    pub phase: Phase,
    /// The five datasets, in domain.md's order.
    pub datasets: Vec<DatasetReport>,
    /// Every code with which a run of a feed can end.
    pub run_codes: Vec<&'static str>,
    /// The trail.
    pub trail: TrailReport,
    /// The service's own certificates: the leaf first.
    pub certificates: Vec<CertificateReport>,
    /// The authorities whose callers are let in.
    pub authorities: Vec<AuthorityReport>,
    /// What operators are shown and let in by, where they are asked for certificates. Callers are answered without them.
    pub for_operators: Vec<CertificateReport>,
    /// What was asked and answered.
    pub traffic: Traffic,
    /// The settings in force.
    pub configuration: Vec<Setting>,
}

/// Whether requests are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// They are.
    Serving,
    /// The service was told to stop, and finishes what is in flight.
    Stopping,
}

/// A dataset.
#[derive(Debug, Clone)]
pub struct DatasetReport {
    /// Which one.
    pub dataset: Dataset,
    /// How old it may be.
    pub limit: Duration,
    /// What it is like, with its last runs; `None` if it cannot be read (the log says why).
    pub account: Option<DatasetStatus>,
}

impl DatasetReport {
    /// Whether it can be relied upon; `None` if it cannot be read.
    #[must_use]
    pub fn freshness(&self, now: Timestamp) -> Option<Freshness> {
        self.account.as_ref().map(|account| Freshness::new(account.state, now, self.limit))
    }

    /// How long ago the publisher made what is loaded.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        self.account.as_ref()?.state.map(|state| now.since(state.created))
    }
}

/// The trail.
#[derive(Debug, Clone)]
pub struct TrailReport {
    /// Whether it can be written.
    pub health: audit_log::Health,
    /// What was counted since it was opened.
    pub counters: audit_log::Counters,
    /// When the newest checkpoint was written, if that can be told.
    pub checkpoint: Option<Timestamp>,
    /// What is free on its disk, if that can be told.
    pub free_bytes: Option<u64>,
    /// What its last verification found; `None` if there was none that can be told of.
    pub verified: Option<Verification>,
}

/// What a verification of the trail found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    /// When it ended.
    pub at: Timestamp,
    /// Up to how many records.
    pub records: u64,
    /// Whether nothing was wrong.
    pub is_sound: bool,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateRole {
    /// The service shows it.
    Service,
    /// The service sends it behind its own.
    ServiceIssuer,
    /// Callers are let in by it.
    ClientAuthority,
    /// Operators are shown it.
    Operators,
    /// Operators are sent it behind their own.
    OperatorsIssuer,
    /// Operators are let in by it.
    OperatorAuthority,
}

impl CertificateRole {
    /// The word for metrics and reasons.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::ServiceIssuer => "service-issuer",
            Self::ClientAuthority => "client-authority",
            Self::Operators => "operators",
            Self::OperatorsIssuer => "operators-issuer",
            Self::OperatorAuthority => "operator-authority",
        }
    }
}

/// A certificate.
#[derive(Debug, Clone)]
pub struct CertificateReport {
    /// What it is for.
    pub role: CertificateRole,
    /// Its subject.
    pub subject: String,
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
}

/// An authority whose callers are let in.
#[derive(Debug, Clone)]
pub struct AuthorityReport {
    /// Its certificate.
    pub certificate: CertificateReport,
    /// Its revocation list.
    pub list: ListReport,
}

/// A revocation list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListReport {
    /// None is asked for: revoked certificates are let in.
    Ignored,
    /// It can be relied upon until the next one is due.
    Open {
        /// When the next one is due.
        next_update: Timestamp,
        /// How many certificates it revokes.
        revoked: usize,
    },
    /// It cannot: callers of this authority are refused.
    Closed {
        /// The reason's word.
        code: &'static str,
    },
}

/// What was asked and answered since the start.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// Exchanges by how they ended, zeros included.
    pub outcomes: Vec<OutcomeReport>,
    /// Requests refused below SOAP, by HTTP status.
    pub refusals: Vec<(u16, u64)>,
    /// Handshakes, by how they ended.
    pub handshakes: Vec<(&'static str, u64)>,
    /// Upper ends of the buckets of the stages' histograms, in microseconds.
    pub bucket_ends_micros: &'static [u64],
    /// How long each stage took.
    pub stages: Vec<StageReport>,
    /// The words for the four kinds of outcomes that consumers' counts are kept by.
    pub kinds: [&'static str; 4],
    /// Every registered consumer, and all others together.
    pub consumers: Vec<ConsumerReport>,
}

/// How many exchanges ended in one way.
#[derive(Debug, Clone, Copy)]
pub struct OutcomeReport {
    /// What was asked for.
    pub operation: &'static str,
    /// Code of the status or of the fault.
    pub code: OutcomeCode,
    /// What callers are told with it, if it is more than the code.
    pub sentence: Option<&'static str>,
    /// How many.
    pub count: u64,
}

/// A stage's histogram.
#[derive(Debug, Clone)]
pub struct StageReport {
    /// The stage's word.
    pub stage: &'static str,
    /// How many fell into each bucket, and beyond the last.
    pub buckets: Vec<u64>,
    /// All times together.
    pub total: Duration,
}

/// What a consumer asked for.
#[derive(Debug, Clone)]
pub struct ConsumerReport {
    /// Its number; `None`: callers that are not registered.
    pub organisation: Option<EnterpriseNumber>,
    /// Its name in the policy.
    pub name: Option<String>,
    /// Since the start, by kind.
    pub kinds: [u64; 4],
    /// Each of the last sixty minutes by kind, oldest first.
    pub hour: Vec<[u64; 4]>,
}

/// A setting in force.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its key in the settings file.
    pub key: String,
    /// Its value; of a secret, the file that holds it.
    pub value: String,
    /// Who says so.
    pub origin: String,
}
