//! What every connection shares: the register, the data, the trail, the clock, and what the operator set.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::pki_types::CertificateDer;

use super::counters::Counters;
use super::gate::{ActiveConfig, Known};
use super::handshakes::Handshakes;
use super::limits::Limits;
use super::places::{ConcurrencyLimit, Share};
use super::rate_limits::RateLimits;
use super::readers::Lookups;
use super::trust::Admission;
use super::turns::Turns;
use crate::certificates::Facts;
use ehealth_core::lookup::{AuditSink, Caller, FreshnessLimits};
use ehealth_core::model::{Clock, Ticket, Timestamp};
use ehealth_core::policy::Certified;

/// What the operator sets for the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Scheme and authority under which callers reach the service: what `soap:address` says.
    pub public_url: String,
    /// How old each dataset may be.
    pub freshness: FreshnessLimits,
    /// What a connection may take.
    pub limits: Limits,
}

/// What the service has of the world around it. The composition hands it in; a simulation may have put something before
/// one or the other.
#[derive(Clone)]
pub struct Dependencies {
    /// Where permitted questions are looked up.
    pub lookups: Arc<dyn Lookups>,
    /// Where evidence goes.
    pub audit: Arc<dyn AuditSink>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where tickets come from.
    pub tickets: Arc<dyn Tickets>,
}

/// Where `ticketCBSS` comes from: one for each request.
pub trait Tickets: Send + Sync {
    /// The ticket of the next request.
    fn next_ticket(&self) -> Ticket;
}

/// Tickets that nobody can foresee and no two requests share. Their bytes are drawn for many at once: the generator's work
/// is nearly the same for one.
#[derive(Default)]
pub struct RandomTickets(Mutex<Vec<[u8; 16]>>);

/// Bytes that are drawn at once.
const DRAWN_BYTES: usize = 1_024;

impl Tickets for RandomTickets {
    fn next_ticket(&self) -> Ticket {
        // Nobody can panic while holding the lock: bytes are drawn or taken.
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.is_empty() {
            let mut random = [0; DRAWN_BYTES];
            // Fails only where the operating system has no random numbers; then TLS has none either, and nobody got in.
            match aws_lc_rs::rand::fill(&mut random) {
                Ok(()) => drawn.extend(random.as_chunks().0),
                Err(_) => tracing::error!("the operating system gives no random numbers"),
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
    pub(super) lookups: Arc<dyn Lookups>,
    pub(super) audit: Arc<dyn AuditSink>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tickets: Arc<dyn Tickets>,
    pub(super) rate_limits: RateLimits,
    pub(super) counters: Counters,
    /// Connections of which nobody knows yet whose they are.
    pub(super) handshakes: Arc<Handshakes>,
    /// Which of them go on.
    pub(super) turns: Turns,
    /// Connections of each consumer.
    pub(super) connections: Arc<ConcurrencyLimit>,
    /// Connections of each consumer that are only to be told to come back.
    pub(super) turned_away: Arc<ConcurrencyLimit>,
    /// Messages in flight.
    pub(super) messages: Arc<ConcurrencyLimit>,
    active_config: RwLock<Arc<ActiveConfig>>,
}

impl Service {
    /// A service that answers in this world, under this policy.
    #[must_use]
    pub fn new(settings: Settings, active_config: ActiveConfig, world: Dependencies) -> Self {
        let Dependencies { lookups, audit, clock, tickets } = world;
        let limits = settings.limits;
        let share = |all, each| ConcurrencyLimit::new(Share { all, each });
        Self {
            handshakes: Handshakes::new(Share { all: limits.handshakes, each: limits.handshakes_each }),
            turns: Turns::new(),
            connections: share(limits.connections, limits.connections_each),
            turned_away: share(limits.turned_away, limits.turned_away_each),
            messages: share(limits.messages, limits.messages_each),
            settings,
            lookups,
            audit,
            clock,
            tickets,
            rate_limits: RateLimits::default(),
            counters: Counters::default(),
            active_config: RwLock::new(Arc::new(active_config)),
        }
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What is in force at this moment; a question is decided under one and the same.
    #[must_use]
    pub fn active_config(&self) -> Arc<ActiveConfig> {
        // Nobody can panic while holding the lock: an Arc is copied or set.
        Arc::clone(&self.active_config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another state in force: for every new connection, and for every request from now on, on open ones too.
    pub fn replace(&self, active_config: ActiveConfig) {
        *self.active_config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(active_config);
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Who is at the other end of a connection, read once from the certificate; whether it is still let in is asked for
/// every request.
#[derive(Debug)]
pub(super) struct Peer {
    pub caller: Caller,
    facts: Arc<Facts>,
    chain: Vec<CertificateDer<'static>>,
    admitted: Mutex<Admitted>,
}

/// Until when a peer is let in, and by whose word.
#[derive(Debug)]
struct Admitted {
    by: Arc<ActiveConfig>,
    admission: Admission,
}

impl Peer {
    /// The holder of a certificate that TLS let in; `None` if it would not be let in any more.
    pub fn new(chain: Vec<CertificateDer<'static>>, by: Arc<ActiveConfig>) -> Option<Self> {
        let (leaf, sent) = chain.split_first()?;
        let Known { admission, facts } = by.gate.admit(leaf, sent).ok()?;
        let certify = |organisation| Certified { organisation, key: facts.key, issuer: facts.issuer };
        let caller = Caller { certified: facts.organisation.ok().map(certify), fingerprint: facts.fingerprint };
        if let Err(error) = facts.organisation {
            tracing::warn!(fingerprint = %facts.fingerprint, code = error.code(), "a certificate names no organisation for certain");
        }
        Some(Self { caller, facts, admitted: Mutex::new(Admitted { by, admission }), chain })
    }

    /// The subject of the certificate, numbers of persons masked.
    pub fn subject(&self) -> &str {
        &self.facts.subject
    }

    /// Whether the caller is let in at the moment `now`, by what is in force now.
    pub fn is_admitted(&self, active_config: &Arc<ActiveConfig>, now: Timestamp) -> bool {
        // Nobody can panic while holding the lock: the admission is looked at or set.
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&admitted.by, active_config) {
            let asked = self.chain.split_first().map(|(leaf, sent)| active_config.gate.admit(leaf, sent));
            match asked {
                Some(Ok(Known { admission, .. })) => *admitted = Admitted { by: Arc::clone(active_config), admission },
                Some(Err(refused)) => {
                    tracing::info!(code = refused.code(), %refused, "certificate refused on an open connection");
                    return false;
                }
                None => return false,
            }
        }
        admitted.admission.holds(now)
    }
}
