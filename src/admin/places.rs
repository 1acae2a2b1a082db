//! A limit whose newest holder displaces the oldest.
//!
//! A request of a tool or of an operator takes milliseconds. A connection that only occupies a
//! place takes all the time that it is given. So a limit never makes a new connection wait: there
//! is always a place for the next health check.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// A limited number of places.
#[derive(Debug)]
pub(super) struct Places {
    limit: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// Number of the next place; numbers grow with time.
    next: u64,
    /// Dropping a sender tells the holder that it is displaced.
    all: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    displaced: oneshot::Receiver<()>,
}

impl Places {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, taken: Mutex::default() })
    }

    /// Takes a place. Displaces the oldest holder if all are taken.
    pub fn take(self: &Arc<Self>) -> Place {
        let (keep, displaced) = oneshot::channel();
        let mut taken = self.taken.lock();
        if taken.all.len() >= self.limit {
            taken.all.pop_first();
        }
        let number = taken.next;
        taken.next = taken.next.wrapping_add(1);
        taken.all.insert(number, keep);
        Place { places: Arc::clone(self), number, displaced }
    }
}

impl Place {
    /// Completes when a newer holder displaces this one.
    pub async fn displaced(&mut self) {
        // Nothing is ever sent: the sender is dropped.
        let _ = (&mut self.displaced).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.lock().all.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_holder_displaces_the_oldest() {
        let places = Places::new(2);
        let is_displaced = |place: &mut Place| place.displaced.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        let mut held: Vec<_> = (0..3).map(|_| places.take()).collect();
        assert_eq!(held.iter_mut().map(is_displaced).collect::<Vec<_>>(), [true, false, false]);
        held.remove(1);
        let mut fourth = places.take();
        assert_eq!(held.iter_mut().map(is_displaced).collect::<Vec<_>>(), [true, false], "a place was free");
        assert!(!is_displaced(&mut fourth));
        drop((held, fourth));
        assert!(places.taken.lock().all.is_empty());
    }
}
