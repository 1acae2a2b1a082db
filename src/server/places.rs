//! ConcurrencyLimit that are taken and given back: so many in all, so many for each consumer, and never a wait for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ehealth_core::model::EnterpriseNumber;

/// Who takes a place: an organisation, or together all whose certificate names none.
pub(super) type Taker = Option<EnterpriseNumber>;

/// How many places there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub all: usize,
    pub each: usize,
}

/// The places.
#[derive(Debug)]
pub(super) struct ConcurrencyLimit {
    share: Share,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Those with at least one: no more entries than places.
    by: HashMap<Taker, usize>,
}

/// A place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<ConcurrencyLimit>,
    taker: Taker,
}

impl ConcurrencyLimit {
    pub fn new(share: Share) -> Arc<Self> {
        Arc::new(Self { share, taken: Mutex::default() })
    }

    /// A place, if there is one for this taker.
    pub fn take(self: &Arc<Self>, taker: Taker) -> Option<Place> {
        // Nobody can panic while holding the lock: numbers are compared and counted.
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = taken.by.get(&taker).copied().unwrap_or_default();
        if taken.all >= self.share.all || mine >= self.share.each {
            return None;
        }
        taken.all += 1;
        taken.by.insert(taker, mine + 1);
        Some(Place { places: Arc::clone(self), taker })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let left = taken.by.get(&self.taker).map_or(0, |mine| mine.saturating_sub(1));
        if left == 0 {
            taken.by.remove(&self.taker);
        } else {
            taken.by.insert(self.taker, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_more_than_a_share_and_all_together_not_more_than_there_is() {
        let places = ConcurrencyLimit::new(Share { all: 3, each: 2 });
        let number = |text: &str| Some(EnterpriseNumber::parse(text).expect("a number"));
        let (one, other) = (number("0999010126"), number("0999010225"));
        let held: Vec<_> = (0..4).map_while(|_| places.take(one)).collect();
        assert_eq!(held.len(), 2);
        let third = places.take(other);
        assert!(third.is_some() && places.take(other).is_none() && places.take(None).is_none());
        drop(held);
        assert!(places.take(one).is_some());
        drop(third);
        assert!(places.taken.lock().expect("no panic").by.is_empty(), "nothing is remembered of who left");
    }
}
