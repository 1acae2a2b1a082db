//! Quantiles of a histogram.

use super::reading::BUCKETS;

/// An estimated quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admin) struct Estimate {
    /// Microseconds.
    pub micros: u64,
    /// Whether the quantile is in the last bucket, beyond `micros`.
    pub is_beyond: bool,
}

/// Estimates a quantile, in thousandths, by linear interpolation inside its bucket. `ends` are the upper
/// bounds of all buckets but the last. `None` without values.
pub(in crate::admin) fn quantile(
    ends: &[u64; BUCKETS - 1],
    counts: &[u32; BUCKETS],
    thousandths: u64,
) -> Option<Estimate> {
    let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    let rank = total.saturating_mul(thousandths).div_ceil(1_000).max(1);
    let (mut before, mut begin) = (0_u64, 0_u64);
    for (count, end) in counts.iter().map(|count| u64::from(*count)).zip(ends.iter().copied()) {
        let in_bucket = rank.saturating_sub(before);
        if in_bucket <= count {
            let share = end.saturating_sub(begin).saturating_mul(in_bucket).checked_div(count).unwrap_or(0);
            return Some(Estimate { micros: begin.saturating_add(share), is_beyond: false });
        }
        (before, begin) = (before.saturating_add(count), end);
    }
    (total > 0).then_some(Estimate { micros: begin, is_beyond: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: [u64; BUCKETS - 1] = {
        let mut ends = [0; BUCKETS - 1];
        let mut index = 0;
        while index < ends.len() {
            ends[index] = 100 * (index as u64 + 1);
            index += 1;
        }
        ends
    };

    fn micros(counts: [u32; BUCKETS], thousandths: u64) -> Option<(u64, bool)> {
        quantile(&ENDS, &counts, thousandths).map(|estimate| (estimate.micros, estimate.is_beyond))
    }

    #[test]
    fn a_quantile_is_interpolated_inside_its_bucket() {
        let mut counts = [0; BUCKETS];
        assert_eq!(micros(counts, 500), None);
        counts[2] = 10;
        assert_eq!((micros(counts, 500), micros(counts, 1_000)), (Some((250, false)), Some((300, false))));
        counts[0] = 10;
        assert_eq!((micros(counts, 500), micros(counts, 990)), (Some((100, false)), Some((300, false))));
        counts[16] = 1_000;
        assert_eq!(micros(counts, 500), Some((1_600, true)));
        counts = [u32::MAX; BUCKETS];
        assert!(micros(counts, 500).is_some_and(|(micros, _)| (800..=900).contains(&micros)));
    }

    #[test]
    fn a_quantile_never_falls_with_its_rank() {
        let mut counts = [0; BUCKETS];
        for (index, count) in [(1, 3), (5, 1), (6, 90), (15, 2)] {
            counts[index] = count;
        }
        let all: Vec<_> = (0..=1_000).map(|thousandths| micros(counts, thousandths)).collect();
        assert!(all.is_sorted() && all[0].is_some(), "{all:?}");
    }
}
