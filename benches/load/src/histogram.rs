//! A histogram of latencies with buckets whose width grows with the value: accurate to 0.8 %.
//!
//! The index of a bucket is the exponent and the first seven bits of a value in nanoseconds, as in
//! a floating-point number.

use std::time::Duration;

const BITS: u32 = 7;
const STEPS: usize = 1 << BITS;
const BUCKETS: usize = (64 - BITS as usize + 1) * STEPS;

/// A histogram of latencies.
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    nanos: u128,
    longest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, nanos: 0, longest: 0 }
    }
}

/// Index of the bucket of a value.
fn bucket(nanos: u64) -> usize {
    let exponent = (u64::BITS - nanos.leading_zeros()).saturating_sub(BITS + 1);
    // Below 2 × STEPS every value has its own bucket. Above, the first bit is always set and adds
    // to the exponent.
    exponent as usize * STEPS + (nanos >> exponent) as usize
}

/// Largest value of a bucket.
fn end(bucket: usize) -> u64 {
    if bucket < 2 * STEPS {
        return bucket as u64;
    }
    let exponent = (bucket / STEPS - 1) as u32;
    let first = ((bucket % STEPS + STEPS) as u64) << exponent;
    first + ((1 << exponent) - 1)
}

impl Histogram {
    pub fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)] += 1;
        self.count += 1;
        self.nanos += u128::from(nanos);
        self.longest = self.longest.max(nanos);
    }

    pub fn add(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        self.count += other.count;
        self.nanos += other.nanos;
        self.longest = self.longest.max(other.longest);
    }

    pub fn clear(&mut self) {
        self.buckets.fill(0);
        (self.count, self.nanos, self.longest) = (0, 0, 0);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest)
    }

    pub fn mean(&self) -> Duration {
        let mean = self.nanos.checked_div(u128::from(self.count)).unwrap_or(0);
        Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// Latency that this share of all values does not exceed; zero without values.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = ((self.count as f64 * share).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (number, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(end(number).min(self.longest));
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_close_to_the_end_of_its_bucket() {
        let mut last = 0;
        for nanos in (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) + 1, (1 << bit) - 1]).chain([u64::MAX, 1_234_567])
        {
            let end = end(bucket(nanos));
            assert!(end >= nanos && end - nanos <= nanos / 127, "{nanos} counts as {end}");
        }
        for number in 0..BUCKETS {
            assert_eq!(bucket(end(number)), number);
            assert!(number == 0 || end(number) > last);
            last = end(number);
        }
    }

    #[test]
    fn quantiles_match_the_values() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|micros| histogram.record(Duration::from_micros(micros)));
        for (share, micros) in [(0.5, 500), (0.99, 990), (1.0, 1_000), (0.0, 1)] {
            let found = histogram.quantile(share).as_nanos() as i128;
            assert!((found - micros * 1_000).abs() <= micros * 8, "{share}: {found}");
        }
        assert_eq!(Histogram::default().quantile(0.99), Duration::ZERO);
    }
}
