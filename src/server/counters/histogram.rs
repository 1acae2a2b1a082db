//! A histogram of durations.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, in microseconds. The last bucket has none.
pub const BUCKETS_MICROS: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// Durations, counted in buckets.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BUCKETS_MICROS.len() + 1],
    nanos: AtomicU64,
}

impl Histogram {
    pub fn observe(&self, took: Duration) {
        let index = BUCKETS_MICROS.partition_point(|end| Duration::from_micros(*end) < took);
        if let Some(bucket) = self.buckets.get(index) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn read(&self) -> HistogramSnapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HistogramSnapshot { buckets: self.buckets.each_ref().map(load), total: Duration::from_nanos(load(&self.nanos)) }
    }
}

/// A histogram at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// Count of each bucket of [`BUCKETS_MICROS`], and of the one beyond the last.
    pub buckets: [u64; BUCKETS_MICROS.len() + 1],
    /// Sum of all durations.
    pub total: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [0, 50, 51, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let read = histogram.read();
        assert_eq!((read.buckets[0], read.buckets[1], read.buckets[15], read.buckets[16]), (2, 1, 1, 1));
        assert_eq!(read.total, Duration::from_micros(20_000_102));
    }
}
