//! Exchanges of one consumer: since the start, and in each of the last sixty minutes.

use std::sync::atomic::{AtomicU64, Ordering};

use super::lists::Kind;
use super::per_variant::PerVariant;
use ehealth_core::model::Timestamp;

/// Minutes that are kept for each consumer.
pub const MINUTES: usize = 60;

const KINDS: usize = Kind::ALL.len();

const MILLIS_PER_MINUTE: i64 = 60_000;

/// Minutes since 1970.
pub(super) fn minute_of(now: Timestamp) -> u32 {
    u32::try_from(now.as_millis().div_euclid(MILLIS_PER_MINUTE)).unwrap_or(0)
}

/// A count and its minute: the minute since 1970 in the upper half, the count in the lower.
#[derive(Debug, Default)]
struct MinuteCell(AtomicU64);

impl MinuteCell {
    fn add(&self, minute: u32) {
        let counted = |cell: u64| {
            let is_of_minute = cell >> 32 == u64::from(minute);
            Some(if is_of_minute { cell.saturating_add(1) } else { u64::from(minute) << 32 | 1 })
        };
        // The closure always returns a value, so the update cannot fail.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted);
    }

    fn read(&self, minute: u32) -> u64 {
        let cell = self.0.load(Ordering::Relaxed);
        if cell >> 32 == u64::from(minute) { cell & u64::from(u32::MAX) } else { 0 }
    }
}

/// Counters of one consumer.
#[derive(Debug)]
pub(super) struct ConsumerCounters {
    kinds: PerVariant<Kind, AtomicU64, KINDS>,
    minutes: [PerVariant<Kind, MinuteCell, KINDS>; MINUTES],
}

impl Default for ConsumerCounters {
    fn default() -> Self {
        Self { kinds: PerVariant::default(), minutes: std::array::from_fn(|_| PerVariant::default()) }
    }
}

impl ConsumerCounters {
    pub fn count(&self, kind: Kind, minute: u32) {
        let cells = self.minutes.get(minute as usize % MINUTES);
        if let (Some(total), Some(cell)) = (self.kinds.get(kind), cells.and_then(|cells| cells.get(kind))) {
            total.fetch_add(1, Ordering::Relaxed);
            cell.add(minute);
        }
    }

    pub fn read(&self, minute: u32) -> ConsumerCount {
        let hour = std::array::from_fn(|index| {
            // Oldest first; the last one is the minute that has begun.
            let minute = minute.saturating_sub(u32::try_from(MINUTES - 1 - index).unwrap_or(0));
            let cells = self.minutes.get(minute as usize % MINUTES);
            cells.map_or([0; KINDS], |cells| cells.map(|cell| cell.read(minute)))
        });
        ConsumerCount { kinds: self.kinds.map(|total| total.load(Ordering::Relaxed)), hour }
    }
}

/// Exchanges of one consumer at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerCount {
    /// Since the start, in the order of [`Kind::ALL`].
    pub kinds: [u64; KINDS],
    /// In each of the last sixty minutes, oldest first, each in the order of [`Kind::ALL`].
    pub hour: [[u64; KINDS]; MINUTES],
}
