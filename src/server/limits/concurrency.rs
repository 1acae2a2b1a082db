//! A concurrency limit: a total, a cap for each holder, and a bounded queue for consumers.
//!
//! Three quarters of the slots are reserved for registered consumers: all other callers together
//! have at most a quarter. A consumer that is at its cap, or finds no free slot, may wait. A free
//! slot goes to the waiting consumers in turn, so that one that floods waits behind itself.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::holder::Holder;

/// Number of slots: in total, and for each holder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    pub total: usize,
    pub each: usize,
}

impl Capacity {
    /// Slots that all callers that are not registered may have together: a quarter, and at least
    /// one.
    fn unregistered(self) -> usize {
        (self.total / 4).max(1)
    }
}

/// How long and how many requests of one consumer may wait for a slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub longest: Duration,
    pub each: usize,
}

/// A concurrency limit.
#[derive(Debug)]
pub(crate) struct ConcurrencyLimit {
    capacity: Capacity,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    in_use: usize,
    /// Slots in use by callers that are not registered.
    unregistered: usize,
    /// Holders with a slot or a waiting request.
    holders: HashMap<Holder, HolderSlots>,
    /// Holders with a waiting request, each once, in the order of their turns.
    turns: VecDeque<Holder>,
    /// Number of the next waiting request.
    next: u64,
}

#[derive(Debug, Default)]
struct HolderSlots {
    in_use: usize,
    /// Waiting requests by number, the oldest first. A message gives the slot to the request.
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A slot; released when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    limit: Arc<ConcurrencyLimit>,
    holder: Holder,
}

impl ConcurrencyLimit {
    pub fn new(capacity: Capacity) -> Arc<Self> {
        Arc::new(Self { capacity, slots: Mutex::default() })
    }

    /// A slot for this holder; `None` if it would have to wait for one.
    pub fn try_acquire(self: &Arc<Self>, holder: Holder) -> Option<Slot> {
        self.slots.lock().take(holder, self.capacity).then(|| self.slot(holder))
    }

    /// A slot for this holder, as soon as there is one. `None` if too many requests of this holder
    /// wait already, or this one has waited too long. Only registered consumers wait.
    pub async fn acquire(self: &Arc<Self>, holder: Holder, patience: Patience) -> Option<Slot> {
        let (number, granted) = {
            let mut slots = self.slots.lock();
            if slots.take(holder, self.capacity) {
                return Some(self.slot(holder));
            }
            if !holder.is_registered() {
                return None;
            }
            slots.enqueue(holder, patience.each)?
        };
        let waiting = Waiting { limit: self, holder, number, granted: Some(granted) };
        waiting.slot(patience.longest).await
    }

    fn slot(self: &Arc<Self>, holder: Holder) -> Slot {
        Slot { limit: Arc::clone(self), holder }
    }
}

impl Slots {
    /// Takes a slot, if the holder may have one now.
    fn take(&mut self, holder: Holder, capacity: Capacity) -> bool {
        let is_registered = holder.is_registered();
        if self.in_use >= capacity.total || (!is_registered && self.unregistered >= capacity.unregistered()) {
            return false;
        }
        let own = self.holders.entry(holder).or_default();
        // A request never overtakes one of the same holder that waits.
        let may_have = own.in_use < capacity.each && own.waiting.is_empty();
        if may_have {
            own.in_use += 1;
            self.in_use += 1;
            self.unregistered += usize::from(!is_registered);
        } else if own.in_use == 0 && own.waiting.is_empty() {
            self.holders.remove(&holder);
        }
        may_have
    }

    /// Puts a request behind those of its holder; `None` if `most` of them wait already.
    fn enqueue(&mut self, holder: Holder, most: usize) -> Option<(u64, oneshot::Receiver<()>)> {
        let own = self.holders.entry(holder).or_default();
        if own.waiting.len() >= most {
            self.forget_idle(holder);
            return None;
        }
        if own.waiting.is_empty() {
            self.turns.push_back(holder);
        }
        let (number, (grant, granted)) = (self.next, oneshot::channel());
        self.next = self.next.wrapping_add(1);
        own.waiting.insert(number, grant);
        Some((number, granted))
    }

    /// Removes a request that no longer waits.
    fn dequeue(&mut self, holder: Holder, number: u64) {
        let Some(own) = self.holders.get_mut(&holder) else { return };
        if own.waiting.remove(&number).is_some() && own.waiting.is_empty() {
            self.turns.retain(|other| *other != holder);
        }
        self.forget_idle(holder);
    }

    /// Gives a slot back, and passes it on to the next consumer that may have one.
    fn release(&mut self, holder: Holder, capacity: Capacity) {
        self.in_use = self.in_use.saturating_sub(1);
        if !holder.is_registered() {
            self.unregistered = self.unregistered.saturating_sub(1);
        }
        if let Some(own) = self.holders.get_mut(&holder) {
            own.in_use = own.in_use.saturating_sub(1);
        }
        self.pass_on(capacity);
        self.forget_idle(holder);
    }

    /// Gives the free slot to the first consumer in turn that may have it. One slot became free, so
    /// at most one request can get it.
    fn pass_on(&mut self, capacity: Capacity) {
        for _ in 0..self.turns.len() {
            if self.in_use >= capacity.total {
                return;
            }
            let Some(holder) = self.turns.pop_front() else { return };
            let Some(own) = self.holders.get_mut(&holder) else { continue };
            let mut is_granted = false;
            while !is_granted && own.in_use < capacity.each {
                let Some((_, grant)) = own.waiting.pop_first() else { break };
                // Fails if the request gave up at this moment; then the next one gets the slot.
                is_granted = grant.send(()).is_ok();
            }
            own.in_use += usize::from(is_granted);
            self.in_use += usize::from(is_granted);
            if !own.waiting.is_empty() {
                self.turns.push_back(holder);
            }
            if is_granted {
                return;
            }
            self.forget_idle(holder);
        }
    }

    fn forget_idle(&mut self, holder: Holder) {
        if self.holders.get(&holder).is_some_and(|own| own.in_use == 0 && own.waiting.is_empty()) {
            self.holders.remove(&holder);
        }
    }
}

/// A request that waits for a slot; it leaves the queue when dropped.
struct Waiting<'a> {
    limit: &'a Arc<ConcurrencyLimit>,
    holder: Holder,
    number: u64,
    /// `None` after the slot was taken.
    granted: Option<oneshot::Receiver<()>>,
}

impl Waiting<'_> {
    async fn slot(mut self, longest: Duration) -> Option<Slot> {
        let granted = self.granted.as_mut()?;
        // At the last moment a slot may have come.
        let has_slot = matches!(timeout(longest, &mut *granted).await, Ok(Ok(()))) || granted.try_recv().is_ok();
        has_slot.then(|| {
            self.granted = None;
            self.limit.slot(self.holder)
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(mut granted) = self.granted.take() else { return };
        let mut slots = self.limit.slots.lock();
        // Slots are granted under the lock: from here on it is known whether this one was.
        if granted.try_recv().is_ok() {
            slots.release(self.holder, self.limit.capacity);
        } else {
            slots.dequeue(self.holder, self.number);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.limit.slots.lock().release(self.holder, self.limit.capacity);
    }
}

#[cfg(test)]
mod tests;
