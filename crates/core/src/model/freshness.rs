//! The five datasets, the state that each is in, and whether it is young enough to be trusted.

use std::time::Duration;

use super::Timestamp;

/// One of the five sources that are kept in step locally, in domain.md's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataset {
    /// Employment periods: NSSO's personnel file.
    Dimona,
    /// Affiliations to external prevention services: Co-Prev.
    Coprev,
    /// Affiliations to internal prevention services: the competent federated entities.
    Federated,
    /// Memberships of health-insurance funds.
    Insurance,
    /// Replaced and cancelled numbers: the KSZ registers.
    Persons,
}

impl Dataset {
    /// All five, in domain.md's order.
    pub const ALL: [Self; 5] = [Self::Dimona, Self::Coprev, Self::Federated, Self::Insurance, Self::Persons];

    /// The dataset's name: in feeds, in configuration, on the wire (`source`).
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Dimona => "dimona",
            Self::Coprev => "coprev",
            Self::Federated => "federated",
            Self::Insurance => "insurance",
            Self::Persons => "persons",
        }
    }

    /// The dataset of this name; `None` if there is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dataset| dataset.code() == text)
    }
}

/// A set of datasets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DatasetSet(u8);

impl DatasetSet {
    /// No dataset.
    pub const EMPTY: Self = Self(0);

    /// The set with `dataset` added.
    #[must_use]
    pub const fn with(self, dataset: Dataset) -> Self {
        Self(self.0 | 1 << dataset as u8)
    }

    /// Whether the dataset is in the set.
    #[must_use]
    pub const fn contains(self, dataset: Dataset) -> bool {
        self.0 & (1 << dataset as u8) != 0
    }

    /// Those in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether no dataset is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The datasets of the set in domain.md's order.
    pub fn iter(self) -> impl Iterator<Item = Dataset> {
        Dataset::ALL.into_iter().filter(move |dataset| self.contains(*dataset))
    }
}

impl FromIterator<Dataset> for DatasetSet {
    fn from_iter<I: IntoIterator<Item = Dataset>>(datasets: I) -> Self {
        datasets.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// Which state of a dataset is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetState {
    /// The publisher's serial of this state, from 1.
    pub serial: u64,
    /// When the publisher made the notification that led to it; freshness counts from here (feed.md).
    pub created: Timestamp,
}

/// The state of each of the five; `None` where nothing was ever loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DatasetStates([Option<DatasetState>; 5]);

impl DatasetStates {
    /// The state of one dataset; `None` if nothing was ever loaded.
    #[must_use]
    pub fn state(&self, dataset: Dataset) -> Option<DatasetState> {
        let [dimona, coprev, federated, insurance, persons] = self.0;
        match dataset {
            Dataset::Dimona => dimona,
            Dataset::Coprev => coprev,
            Dataset::Federated => federated,
            Dataset::Insurance => insurance,
            Dataset::Persons => persons,
        }
    }

    /// The states with one of them set.
    #[must_use]
    pub fn with(mut self, dataset: Dataset, state: DatasetState) -> Self {
        let [dimona, coprev, federated, insurance, persons] = &mut self.0;
        let slot = match dataset {
            Dataset::Dimona => dimona,
            Dataset::Coprev => coprev,
            Dataset::Federated => federated,
            Dataset::Insurance => insurance,
            Dataset::Persons => persons,
        };
        *slot = Some(state);
        self
    }
}

/// Whether a dataset can be relied upon at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// Loaded, and not older than its limit.
    Fresh,
    /// Loaded, but older than its limit.
    Stale,
    /// Never loaded.
    Missing,
}

impl Freshness {
    /// Judges a state at the moment `now` against the dataset's limit. Exactly the limit is still fresh; a state from
    /// the future is fresh.
    #[must_use]
    pub fn new(state: Option<DatasetState>, now: Timestamp, limit: Duration) -> Self {
        match state {
            None => Self::Missing,
            Some(state) if now.since(state.created) > limit => Self::Stale,
            Some(_) => Self::Fresh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_counts_from_the_publishers_moment_and_the_limit_is_still_fresh() {
        let created = Timestamp::from_millis(1_000_000);
        let state = Some(DatasetState { serial: 1, created });
        let limit = Duration::from_secs(10);
        let judged_after = |millis: i64| Freshness::new(state, Timestamp::from_millis(1_000_000 + millis), limit);
        assert_eq!(judged_after(10_000), Freshness::Fresh);
        assert_eq!(judged_after(10_001), Freshness::Stale);
        assert_eq!(judged_after(-5), Freshness::Fresh);
        assert_eq!(Freshness::new(None, created, limit), Freshness::Missing);
    }

    #[test]
    fn each_dataset_has_its_own_place() {
        for dataset in Dataset::ALL {
            let state = DatasetState { serial: 7, created: Timestamp::from_millis(0) };
            let states = DatasetStates::default().with(dataset, state);
            for other in Dataset::ALL {
                assert_eq!(states.state(other).is_some(), other == dataset);
            }
            assert_eq!(Dataset::parse(dataset.code()), Some(dataset));
        }
    }
}
