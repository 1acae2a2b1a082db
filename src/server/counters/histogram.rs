//! A histogram of durations, with an exemplar for each bucket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::server::http::trace::TraceId;
use ehealth_core::model::Timestamp;

/// Upper bounds of the buckets, in microseconds. The last bucket has none.
pub const BUCKETS_MICROS: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// Buckets, the last one included.
const BUCKETS: usize = BUCKETS_MICROS.len() + 1;

/// Durations, counted in buckets.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
    /// Written only by exchanges with a trace ID, and only if the lock is free.
    exemplars: Mutex<[Option<Exemplar>; BUCKETS]>,
}

/// An exchange of a bucket, to be found by its trace ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exemplar {
    /// Trace ID of its request.
    pub trace: TraceId,
    /// Duration that was counted.
    pub took: Duration,
    /// Time of its response.
    pub at: Timestamp,
}

impl Histogram {
    /// Counts a duration; returns the index of its bucket.
    pub fn observe(&self, took: Duration) -> usize {
        let index = BUCKETS_MICROS.partition_point(|end| Duration::from_micros(*end) < took);
        if let Some(bucket) = self.buckets.get(index) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        index
    }

    /// Counts a duration, and keeps the exchange as the exemplar of its bucket. An exemplar that would
    /// have to wait for the lock is dropped.
    pub fn observe_traced(&self, took: Duration, trace: Option<TraceId>, at: Timestamp) {
        let index = self.observe(took);
        let Some(trace) = trace else { return };
        if let Some(mut exemplars) = self.exemplars.try_lock()
            && let Some(exemplar) = exemplars.get_mut(index)
        {
            *exemplar = Some(Exemplar { trace, took, at });
        }
    }

    pub fn read(&self) -> HistogramSnapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let exemplars = *self.exemplars.lock();
        let total = Duration::from_nanos(load(&self.nanos));
        HistogramSnapshot { buckets: self.buckets.each_ref().map(load), total, exemplars }
    }
}

/// A histogram at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// Count of each bucket of [`BUCKETS_MICROS`], and of the one beyond the last.
    pub buckets: [u64; BUCKETS],
    /// Sum of all durations.
    pub total: Duration,
    /// Newest exchange of each bucket that has a trace ID.
    pub exemplars: [Option<Exemplar>; BUCKETS],
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
        assert_eq!(read.exemplars, [None; BUCKETS]);
        assert_eq!((read.buckets[0], read.buckets[1], read.buckets[15], read.buckets[16]), (2, 1, 1, 1));
        assert_eq!(read.total, Duration::from_micros(20_000_102));
    }
}
