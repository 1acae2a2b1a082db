//! A non-blocking concurrency limit: a total and a per-consumer cap.

use std::collections::HashMap;
use std::sync::Arc;

use ehealth_core::model::EnterpriseNumber;
use parking_lot::Mutex;

/// Consumer that holds a slot. All clients whose certificate identifies no organisation count as
/// one.
pub(crate) type SlotHolder = Option<EnterpriseNumber>;

/// Number of slots: in total, and for each holder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    pub total: usize,
    pub each: usize,
}

/// A concurrency limit.
#[derive(Debug)]
pub(crate) struct ConcurrencyLimit {
    capacity: Capacity,
    in_use: Mutex<SlotsInUse>,
}

#[derive(Debug, Default)]
struct SlotsInUse {
    total: usize,
    /// Holders with at least one slot: never more entries than slots.
    by_holder: HashMap<SlotHolder, usize>,
}

/// A slot; released when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    limit: Arc<ConcurrencyLimit>,
    holder: SlotHolder,
}

impl ConcurrencyLimit {
    pub fn new(capacity: Capacity) -> Arc<Self> {
        Arc::new(Self { capacity, in_use: Mutex::default() })
    }

    /// A slot for this holder; `None` if the total or the holder's own cap is reached.
    pub fn try_acquire(self: &Arc<Self>, holder: SlotHolder) -> Option<Slot> {
        let mut in_use = self.in_use.lock();
        let held = in_use.by_holder.get(&holder).copied().unwrap_or_default();
        if in_use.total >= self.capacity.total || held >= self.capacity.each {
            return None;
        }
        in_use.total += 1;
        in_use.by_holder.insert(holder, held + 1);
        Some(Slot { limit: Arc::clone(self), holder })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut in_use = self.limit.in_use.lock();
        in_use.total = in_use.total.saturating_sub(1);
        let left = in_use.by_holder.get(&self.holder).map_or(0, |held| held.saturating_sub(1));
        if left == 0 {
            in_use.by_holder.remove(&self.holder);
        } else {
            in_use.by_holder.insert(self.holder, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_total_nor_the_consumers_cap_is_exceeded() {
        let limit = ConcurrencyLimit::new(Capacity { total: 3, each: 2 });
        let number = |text: &str| Some(EnterpriseNumber::parse(text).expect("a number"));
        let (one, other) = (number("0999010126"), number("0999010225"));
        let held: Vec<_> = (0..4).map_while(|_| limit.try_acquire(one)).collect();
        assert_eq!(held.len(), 2);
        let third = limit.try_acquire(other);
        assert!(third.is_some() && limit.try_acquire(other).is_none() && limit.try_acquire(None).is_none());
        drop(held);
        assert!(limit.try_acquire(one).is_some());
        drop(third);
        assert!(limit.in_use.lock().by_holder.is_empty(), "released holders are forgotten");
    }
}
