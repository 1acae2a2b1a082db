//! TLS of the admin listener, replaceable while it runs.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::admin::AdminAccess;
use crate::server::tls::OperatorSide;

/// TLS files of the admin listener; empty until they are loaded, or if it listens on loopback
/// without TLS.
#[derive(Clone, Default)]
pub(super) struct OperatorTls(Arc<RwLock<Option<OperatorSide>>>);

impl OperatorTls {
    /// Replaces the files for new connections.
    pub fn replace(&self, side: Option<OperatorSide>) {
        *self.0.write() = side;
    }

    /// Reads something from the files, if there are any.
    pub fn with<T>(&self, look: impl FnOnce(&OperatorSide) -> T) -> Option<T> {
        self.0.read().as_ref().map(look)
    }

    /// Mutual TLS with these files; each connection uses the newest.
    pub fn access(&self) -> AdminAccess {
        let operators = self.clone();
        AdminAccess::MutualTls(Arc::new(move || operators.with(|side| Arc::clone(&side.config))))
    }
}
