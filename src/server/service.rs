//! What every connection shares: the register, the data, the trail, the clock, and what the operator set.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::readers::Readers;
use crate::cert::Facts;
use crate::lookup::{AuditLog, Caller, FreshnessLimits};
use crate::model::{Clock, Ticket};
use crate::policy::Register;

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

/// What one connection may take before it is cut; each limit names what it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at one time; more wait in the listen queue. Stops a flood from eating all memory.
    pub connections: usize,
    /// For the TLS handshake. Stops connections that never say a word.
    pub handshake: Duration,
    /// For the head of a request, and between two requests. Stops headers that come a byte at a time.
    pub head: Duration,
    /// For the whole body of a request. Stops bodies that come a byte at a time.
    pub body: Duration,
    /// For what is in flight when the service is told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            handshake: Duration::from_secs(5),
            head: Duration::from_secs(30),
            body: Duration::from_secs(10),
            drain: Duration::from_secs(20),
        }
    }
}

/// The service behind every connection.
pub struct Service {
    pub(super) settings: Settings,
    pub(super) readers: Arc<Readers>,
    pub(super) audit: Arc<dyn AuditLog>,
    pub(super) clock: Arc<dyn Clock>,
    register: RwLock<Arc<Register>>,
}

impl Service {
    /// A service that answers from these data, under this policy, with evidence in this trail.
    #[must_use]
    pub fn new(
        settings: Settings,
        register: Register,
        readers: Arc<Readers>,
        audit: Arc<dyn AuditLog>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { settings, readers, audit, clock, register: RwLock::new(Arc::new(register)) }
    }

    /// The policy in force at this moment; a question is decided under one and the same.
    #[must_use]
    pub fn register(&self) -> Arc<Register> {
        // Nobody can panic while holding the lock: an Arc is copied or set.
        Arc::clone(&self.register.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another policy in force for every question that is identified from now on.
    pub fn replace_register(&self, register: Register) {
        *self.register.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(register);
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Who is at the other end of a connection, read once from the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    pub caller: Caller,
    /// The subject, numbers of persons masked.
    pub subject: String,
}

impl Peer {
    pub fn new(facts: Facts) -> Self {
        let caller = Caller { organisation: facts.organisation.ok(), fingerprint: facts.fingerprint };
        Self { caller, subject: facts.subject }
    }
}

/// A fresh ticket.
pub(super) fn new_ticket() -> Ticket {
    let mut random = [0; 16];
    // Fails only where the operating system has no random numbers; then TLS has none either, and nobody got in.
    if aws_lc_rs::rand::fill(&mut random).is_err() {
        tracing::error!("the operating system gives no random numbers");
    }
    Ticket::new(random)
}
