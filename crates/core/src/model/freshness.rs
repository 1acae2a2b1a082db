//! The five datasets, the state of each, and whether a state is fresh.

use std::time::Duration;

use super::Timestamp;

crate::closed_enum! {
    /// One of the five sources that are kept as local copies, in the order of
    /// `docs/reference/domain.md` "Sources".
    ///
    /// The code is the dataset's name in feeds, in the configuration and on the wire (`source`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Dataset {
        /// Employment periods: the personnel file of the NSSO.
        Dimona => "dimona",
        /// Affiliations to external prevention services: Co-Prev.
        Coprev => "coprev",
        /// Affiliations to internal prevention services: the competent federated entities.
        Federated => "federated",
        /// Memberships of health-insurance funds.
        Insurance => "insurance",
        /// Replaced and cancelled SSINs: the KSZ registers.
        Persons => "persons",
    }
}

/// A set of datasets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DatasetSet(u8);

impl DatasetSet {
    /// The empty set.
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

    /// The datasets that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The datasets that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the datasets of the set, in the order of [`Dataset::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Dataset> {
        Dataset::ALL.into_iter().filter(move |dataset| self.contains(*dataset))
    }
}

impl FromIterator<Dataset> for DatasetSet {
    fn from_iter<I: IntoIterator<Item = Dataset>>(datasets: I) -> Self {
        datasets.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// The state of a dataset that is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetState {
    /// Serial that the publisher gave this state, from 1.
    pub serial: u64,
    /// Time at which the publisher created the notification of this state. Freshness is measured
    /// from here (`docs/reference/feeds.md` "Freshness").
    pub created: Timestamp,
}

/// The state of each dataset; `None` for a dataset that was never loaded.
pub type DatasetStates = PerDataset<DatasetState>;

/// A value for each of some datasets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerDataset<T>([Option<T>; Dataset::ALL.len()]);

impl<T> Default for PerDataset<T> {
    fn default() -> Self {
        Self([const { None }; Dataset::ALL.len()])
    }
}

impl<T: Copy> PerDataset<T> {
    /// The value of one dataset, if it has one.
    #[must_use]
    pub fn get(&self, dataset: Dataset) -> Option<T> {
        let [dimona, coprev, federated, insurance, persons] = self.0;
        match dataset {
            Dataset::Dimona => dimona,
            Dataset::Coprev => coprev,
            Dataset::Federated => federated,
            Dataset::Insurance => insurance,
            Dataset::Persons => persons,
        }
    }

    /// Iterates over the datasets that have a value, in the order of [`Dataset::ALL`].
    pub fn iter(self) -> impl Iterator<Item = (Dataset, T)> {
        Dataset::ALL.into_iter().filter_map(move |dataset| Some((dataset, self.get(dataset)?)))
    }

    /// The values, with the value of `dataset` replaced.
    #[must_use]
    pub fn with(mut self, dataset: Dataset, value: T) -> Self {
        let [dimona, coprev, federated, insurance, persons] = &mut self.0;
        let slot = match dataset {
            Dataset::Dimona => dimona,
            Dataset::Coprev => coprev,
            Dataset::Federated => federated,
            Dataset::Insurance => insurance,
            Dataset::Persons => persons,
        };
        *slot = Some(value);
        self
    }
}

/// Whether a dataset is fresh at a given time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// Loaded, and not older than its limit.
    Fresh,
    /// Loaded, but older than its limit, or from the future.
    Stale,
    /// Never loaded.
    Missing,
}

impl Freshness {
    /// Compares the age of a state at `now` with the maximum age. An age of exactly the maximum is
    /// fresh. A state that is more than 5 min in the future is stale: its age is unknown, and
    /// counted from there it would not go stale for years.
    #[must_use]
    pub fn new(state: Option<DatasetState>, now: Timestamp, limit: Duration) -> Self {
        match state {
            None => Self::Missing,
            Some(state) if state.created.is_in_the_future(now) || now.since(state.created) > limit => Self::Stale,
            Some(_) => Self::Fresh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_counts_from_publication_and_the_limit_is_fresh() {
        let created = Timestamp::from_millis(1_000_000);
        let state = Some(DatasetState { serial: 1, created });
        let limit = Duration::from_secs(10);
        let after = |millis: i64| Freshness::new(state, Timestamp::from_millis(1_000_000 + millis), limit);
        assert_eq!(after(10_000), Freshness::Fresh);
        assert_eq!(after(10_001), Freshness::Stale);
        assert_eq!(after(-300_000), Freshness::Fresh);
        assert_eq!(after(-300_001), Freshness::Stale);
        assert_eq!(Freshness::new(None, created, limit), Freshness::Missing);
    }

    #[test]
    fn each_dataset_has_a_state_of_its_own() {
        for dataset in Dataset::ALL {
            let state = DatasetState { serial: 7, created: Timestamp::from_millis(0) };
            let states = DatasetStates::default().with(dataset, state);
            for other in Dataset::ALL {
                assert_eq!(states.get(other).is_some(), other == dataset);
            }
            assert_eq!(Dataset::parse(dataset.code()), Some(dataset));
        }
    }
}
