//! TLS of the admin listener and of the listener for scrapers, replaceable while they run.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::admin::AdminAccess;
use crate::server::tls::OperatorSide;

/// TLS files of both listeners; `None` until they are loaded, or without TLS.
#[derive(Default)]
pub(super) struct OperatorSides {
    /// Of the admin listener.
    pub admin: Option<OperatorSide>,
    /// Of the listener for scrapers.
    pub metrics: Option<OperatorSide>,
}

impl OperatorSides {
    /// The sides that are loaded.
    pub fn iter(&self) -> impl Iterator<Item = &OperatorSide> {
        self.admin.iter().chain(&self.metrics)
    }
}

/// The TLS files that are in use. Clones share them.
#[derive(Clone, Default)]
pub(super) struct OperatorTls(Arc<RwLock<OperatorSides>>);

impl OperatorTls {
    /// Replaces the files for new connections.
    pub fn replace(&self, sides: OperatorSides) {
        *self.0.write() = sides;
    }

    /// Reads something from the files.
    pub fn with<T>(&self, look: impl FnOnce(&OperatorSides) -> T) -> T {
        look(&self.0.read())
    }

    /// Mutual TLS with the files that `side` chooses; each connection uses the newest.
    pub fn access(&self, side: fn(&OperatorSides) -> Option<&OperatorSide>) -> AdminAccess {
        let operators = self.clone();
        AdminAccess::MutualTls(Arc::new(move || {
            operators.with(|sides| side(sides).map(|side| Arc::clone(&side.config)))
        }))
    }
}
