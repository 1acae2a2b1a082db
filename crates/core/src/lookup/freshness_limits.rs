//! Maximum age of each dataset.

use std::time::Duration;

use crate::model::{Dataset, DatasetSet, DatasetStates, Freshness, Timestamp};

/// Maximum age of each dataset before an answer that depends on it is reported as incomplete
/// (HAN20200).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshnessLimits {
    /// Maximum age of `dimona`.
    pub dimona: Duration,
    /// Maximum age of `coprev`.
    pub coprev: Duration,
    /// Maximum age of `federated`.
    pub federated: Duration,
    /// Maximum age of `insurance`.
    pub insurance: Duration,
    /// Maximum age of `persons`.
    pub persons: Duration,
}

impl FreshnessLimits {
    /// Maximum age of one dataset.
    #[must_use]
    pub fn limit(&self, dataset: Dataset) -> Duration {
        match dataset {
            Dataset::Dimona => self.dimona,
            Dataset::Coprev => self.coprev,
            Dataset::Federated => self.federated,
            Dataset::Insurance => self.insurance,
            Dataset::Persons => self.persons,
        }
    }

    /// The same limits, under which these datasets are stale at any age.
    #[must_use]
    pub fn with_stale(self, stale: DatasetSet) -> Self {
        let limit = |dataset| if stale.contains(dataset) { Duration::ZERO } else { self.limit(dataset) };
        Self {
            dimona: limit(Dataset::Dimona),
            coprev: limit(Dataset::Coprev),
            federated: limit(Dataset::Federated),
            insurance: limit(Dataset::Insurance),
            persons: limit(Dataset::Persons),
        }
    }

    /// Returns the datasets that are stale or missing at `now`.
    #[must_use]
    pub fn stale_or_missing(&self, states: &DatasetStates, now: Timestamp) -> DatasetSet {
        let is_unusable = |dataset: &Dataset| match Freshness::new(states.get(*dataset), now, self.limit(*dataset)) {
            Freshness::Fresh => false,
            Freshness::Stale | Freshness::Missing => true,
        };
        Dataset::ALL.into_iter().filter(is_unusable).collect()
    }
}
