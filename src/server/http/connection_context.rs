//! State of one connection that its requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::time::Instant;

use super::backoff::ReadBackoff;
use crate::server::limits::concurrency::Slot;
use crate::server::limits::holder::Holder;
use crate::server::peer::Peer;
use crate::server::service::Service;

/// State that the requests of one connection share.
pub(super) struct ConnectionContext {
    pub service: Arc<Service>,
    pub peer: Peer,
    /// For whom the connection counts.
    holder: Holder,
    /// Slot among the holder's connections. Without one the first request is answered `503`.
    pub slot: Option<Slot>,
    /// Keeps the wire from reading the next request.
    pub backoff: Arc<ReadBackoff>,
    began: Instant,
    requests: AtomicUsize,
    is_draining: AtomicBool,
}

/// Whether another request may follow on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestPosition {
    MoreMayFollow,
    Last,
}

impl ConnectionContext {
    /// State of a connection that begins now.
    pub fn new(
        service: Arc<Service>,
        peer: Peer,
        holder: Holder,
        slot: Option<Slot>,
        backoff: Arc<ReadBackoff>,
    ) -> Self {
        let (began, requests, is_draining) = (Instant::now(), AtomicUsize::new(0), AtomicBool::new(false));
        Self { service, peer, holder, slot, backoff, began, requests, is_draining }
    }

    /// Counts a request of this holder. It is the last if a reload changed whose limits the
    /// connection counts for: a new connection takes a slot of its own.
    pub fn count_request(&self, holder: Holder) -> RequestPosition {
        let limits = self.service.settings.limits;
        let before = self.requests.fetch_add(1, Ordering::Relaxed);
        let is_last = before.saturating_add(1) >= limits.requests
            || self.began.elapsed() >= limits.age
            || self.slot.is_none()
            || self.holder != holder
            || self.is_draining.load(Ordering::Relaxed);
        if is_last { RequestPosition::Last } else { RequestPosition::MoreMayFollow }
    }

    /// Makes the next request the last, because the service stops.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }
}
