//! State of the exchange of leases between the nodes of a cluster: where questions without a lease
//! come from, and who waits for whom.

use parking_lot::Mutex;
use tokio::sync::Notify;

use ehealth_core::policy::LeaseSource;

/// State of the exchange.
#[derive(Debug, Default)]
pub(super) struct SharedLeases {
    source: Mutex<LeaseSource>,
    /// A question needs a lease, or the next one may.
    requested: Notify,
    /// An exchange has ended.
    noted: Notify,
}

impl SharedLeases {
    pub fn source(&self) -> LeaseSource {
        *self.source.lock()
    }

    /// An exchange has ended: questions without a lease come from this source from now on.
    pub fn note(&self, source: LeaseSource) {
        *self.source.lock() = source;
        self.noted.notify_waiters();
    }

    pub fn noted(&self) -> &Notify {
        &self.noted
    }

    pub fn request(&self) {
        self.requested.notify_one();
    }

    pub fn requested(&self) -> &Notify {
        &self.requested
    }
}
