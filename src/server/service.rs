//! State that every connection shares: active configuration, datasets, audit log, clock, limits,
//! counters.

use std::sync::{Arc, Once};
use std::time::Duration;

use hyper::header::HeaderValue;
use ipnet::IpNet;
use parking_lot::{Mutex, RwLock};

use super::active_config::ActiveConfig;
use super::counters::Counters;
use super::limits::audit_space::AuditSpace;
use super::limits::concurrency::{Capacity, ConcurrencyLimit};
use super::limits::handshake_scheduler::HandshakeScheduler;
use super::limits::handshakes::Handshakes;
use super::limits::rate_limits::RateLimits;
use super::limits::request_rates::RequestRates;
use super::limits::settings::Limits;
use super::readers::Lookups;
use super::signatures::{ReplayCache, SignatureExplainer};
use crate::peer_log::PeerLog;
use ehealth_core::lookup::{AuditSink, FreshnessLimits, record_suppressed};
use ehealth_core::model::{Clock, Ticket};
use soap::signature::TimeRule;

/// What the operator configures for the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Public scheme and authority of the service, as `soap:address` of the WSDL gives it.
    pub public_url: String,
    /// Load balancers whose connections begin with a PROXY protocol header.
    pub balancers: Vec<IpNet>,
    /// Maximum age of each dataset.
    pub freshness: FreshnessLimits,
    /// Limits of a signed message's timestamp.
    pub signatures: TimeRule,
    /// Limits on connections and requests.
    pub limits: Limits,
}

/// Dependencies of the service. The composition supplies them; fault injection may wrap any of
/// them.
#[derive(Clone)]
pub struct Dependencies {
    /// Looks up permitted questions.
    pub lookups: Arc<dyn Lookups>,
    /// Receives the records of exchanges.
    pub audit: Arc<dyn AuditSink>,
    /// Source of the time.
    pub clock: Arc<dyn Clock>,
    /// Source of the tickets.
    pub tickets: Arc<dyn Tickets>,
    /// Remembers signed messages.
    pub replay: Arc<dyn ReplayCache>,
    /// Explains to the caller why a signature is not accepted. `None` in production.
    pub explainer: Option<Arc<dyn SignatureExplainer>>,
}

/// Source of `ticketCBSS`: one per request.
pub trait Tickets: Send + Sync {
    /// Ticket of the next request.
    fn next_ticket(&self) -> Ticket;
}

/// Unpredictable, unique tickets. Random bytes are drawn for 64 tickets at a time, because drawing
/// for one costs nearly as much.
#[derive(Default)]
pub struct RandomTickets(Mutex<Vec<[u8; 16]>>);

/// Logs the failure once: every request would repeat it.
static NO_RANDOM: Once = Once::new();

/// Random bytes drawn at a time.
const DRAWN_BYTES: usize = 1_024;

impl Tickets for RandomTickets {
    fn next_ticket(&self) -> Ticket {
        let mut drawn = self.0.lock();
        if drawn.is_empty() {
            let mut random = [0; DRAWN_BYTES];
            // Fails only if the operating system has no random numbers. TLS then has none either,
            // and no client could connect.
            match aws_lc_rs::rand::fill(&mut random) {
                Ok(()) => drawn.extend(random.as_chunks().0),
                Err(_) => NO_RANDOM.call_once(|| tracing::error!("the operating system returned no random numbers")),
            }
        }
        Ticket::new(drawn.pop().unwrap_or_default())
    }
}

impl std::fmt::Debug for RandomTickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RandomTickets").finish_non_exhaustive()
    }
}

/// The service behind every connection.
pub struct Service {
    pub(super) settings: Settings,
    /// Value of `Keep-Alive`: the idle limit.
    pub(super) keep_alive: HeaderValue,
    pub(super) lookups: Arc<dyn Lookups>,
    pub(super) audit: Arc<dyn AuditSink>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tickets: Arc<dyn Tickets>,
    pub(super) rate_limits: RateLimits,
    /// Remembers signed messages.
    pub(super) replay: Arc<dyn ReplayCache>,
    pub(super) explainer: Option<Arc<dyn SignatureExplainer>>,
    /// Limits the recorded requests of each caller, before they are read.
    pub(super) request_rates: RequestRates,
    /// Whether the audit log's disk has less free space than its reserve.
    pub(super) audit_space: AuditSpace,
    pub(super) counters: Counters,
    /// Passes the log lines that peers cause.
    pub(super) peer_log: Arc<PeerLog>,
    /// Limits the handshakes in progress, whose clients are not yet known.
    pub(super) handshakes: Arc<Handshakes>,
    /// Schedules the steps of those handshakes.
    pub(super) handshake_scheduler: HandshakeScheduler,
    /// Limits the connections of each consumer.
    pub(super) connections: Arc<ConcurrencyLimit>,
    /// Limits the connections that are over that limit and wait for their `503`.
    pub(super) excess_connections: Arc<ConcurrencyLimit>,
    /// Limits the messages that are read or answered.
    pub(super) messages: Arc<ConcurrencyLimit>,
    active_config: RwLock<Arc<ActiveConfig>>,
}

impl Service {
    /// Service that answers under this configuration, with these dependencies.
    #[must_use]
    pub fn new(settings: Settings, active_config: ActiveConfig, dependencies: Dependencies) -> Self {
        let Dependencies { lookups, audit, clock, tickets, replay, explainer } = dependencies;
        let limits = settings.limits;
        let per_consumer = |total, each| ConcurrencyLimit::new(Capacity { total, each });
        Self {
            handshakes: Handshakes::new(Capacity { total: limits.handshakes, each: limits.handshakes_per_address }),
            handshake_scheduler: HandshakeScheduler::new(),
            connections: per_consumer(limits.connections, limits.connections_per_consumer),
            excess_connections: per_consumer(limits.excess_connections, limits.excess_connections_per_consumer),
            messages: per_consumer(limits.messages, limits.messages_per_consumer),
            request_rates: RequestRates::new(&limits),
            audit_space: AuditSpace::new(limits.audit_reserve),
            keep_alive: keep_alive(limits.idle),
            settings,
            lookups,
            audit,
            tickets,
            rate_limits: RateLimits::new(Arc::clone(&clock)),
            replay,
            explainer,
            clock,
            counters: Counters::default(),
            peer_log: Arc::default(),
            active_config: RwLock::new(Arc::new(active_config)),
        }
    }

    /// Counters since the start.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Limits on the questions of each consumer.
    pub(crate) fn rate_limits(&self) -> &RateLimits {
        &self.rate_limits
    }

    /// Passes the log lines that peers cause.
    #[must_use]
    pub fn peer_log(&self) -> &Arc<PeerLog> {
        &self.peer_log
    }

    /// Active configuration at this moment. A question is decided under one and the same.
    #[must_use]
    pub fn active_config(&self) -> Arc<ActiveConfig> {
        Arc::clone(&self.active_config.read())
    }

    /// Takes note of the free bytes on the audit log's disk. Below the reserve only registered
    /// consumers are answered.
    pub fn see_audit_space(&self, free_bytes: u64) {
        self.audit_space.see(free_bytes);
    }

    /// Records how many requests were refused before they were read since the last call: one record
    /// for each caller. What cannot be recorded is counted again.
    pub(super) fn record_suppressed(self: &Arc<Self>) {
        for (is_registered, requests) in self.request_rates.take_suppressed() {
            let service = Arc::clone(self);
            record_suppressed(requests, self.audit.as_ref(), move |requests| {
                service.request_rates.put_back((is_registered, requests));
            });
        }
    }

    /// Replaces the active configuration: for new connections, and for the next request on open
    /// ones.
    pub fn replace(&self, active_config: ActiveConfig) {
        *self.active_config.write() = Arc::new(active_config);
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The idle limit as each answer says it, made once.
fn keep_alive(idle: Duration) -> HeaderValue {
    HeaderValue::from_str(&format!("timeout={}", idle.as_secs())).unwrap_or(HeaderValue::from_static("timeout=0"))
}
