//! Handshakes in progress: so many in all, so many from one address, and always room for one more.
//!
//! Nobody knows yet who is at the other end, so that nobody can be refused by name. Where there is no room, the one that
//! has waited longest gives way: an honest handshake takes milliseconds, one that is there to take the room takes all the
//! time it is given. One address can push out none but its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::places::Share;

/// The handshakes in progress.
#[derive(Debug)]
pub(super) struct Handshakes {
    share: Share,
    underway: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// The number of the next one; numbers grow with time.
    next: u64,
    /// By their numbers; whoever is dropped from here gives way.
    all: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
    /// The numbers of each source; none is empty.
    by: HashMap<IpAddr, BTreeSet<u64>>,
}

impl Queue {
    fn remove(&mut self, number: u64) {
        let Some((source, _)) = self.all.remove(&number) else { return };
        if let Some(mine) = self.by.get_mut(&source) {
            mine.remove(&number);
            if mine.is_empty() {
                self.by.remove(&source);
            }
        }
    }
}

/// One handshake's place among them; given back when dropped.
#[derive(Debug)]
pub(super) struct Underway {
    handshakes: Arc<Handshakes>,
    number: u64,
    place: oneshot::Receiver<()>,
}

impl Handshakes {
    pub fn new(share: Share) -> Arc<Self> {
        Arc::new(Self { share, underway: Mutex::default() })
    }

    /// A place for a handshake with this address. The oldest one gives way if there is no room.
    pub fn begin(self: &Arc<Self>, address: IpAddr) -> Underway {
        let source = source_of(address);
        let (keep, place) = oneshot::channel();
        // Nobody can panic while holding the lock: numbers are put in and taken out.
        let mut queue = self.underway.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = match queue.by.get(&source) {
            Some(mine) if mine.len() >= self.share.each => mine.first().copied(),
            Some(_) | None if queue.all.len() >= self.share.all => queue.all.keys().next().copied(),
            Some(_) | None => None,
        };
        if let Some(oldest) = oldest {
            queue.remove(oldest);
        }
        let number = queue.next;
        queue.next = queue.next.wrapping_add(1);
        queue.all.insert(number, (source, keep));
        queue.by.entry(source).or_default().insert(number);
        drop(queue);
        Underway { handshakes: Arc::clone(self), number, place }
    }
}

impl Underway {
    /// Ends when this one has to give way.
    pub async fn give_way(&mut self) {
        // Nothing is ever sent: the other half is dropped.
        let _ = (&mut self.place).await;
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.handshakes.underway.lock().unwrap_or_else(PoisonError::into_inner).remove(self.number);
    }
}

/// Who an address stands for: itself, or the network of which one subscriber of IPv6 has all addresses.
fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn gave_way(underway: &mut Underway) -> bool {
        underway.place.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn the_oldest_of_an_address_gives_way_to_its_newest_and_to_no_other() {
        let handshakes = Handshakes::new(Share { all: 100, each: 2 });
        let mut other = handshakes.begin(address("192.0.2.2"));
        let mut mine: Vec<_> = (0..4).map(|_| handshakes.begin(address("192.0.2.1"))).collect();
        let gone: Vec<_> = mine.iter_mut().map(gave_way).collect();
        assert_eq!(gone, [true, true, false, false]);
        assert!(!gave_way(&mut other));
    }

    #[test]
    fn the_oldest_of_all_gives_way_when_many_addresses_fill_the_room() {
        let handshakes = Handshakes::new(Share { all: 3, each: 2 });
        let mut all: Vec<_> = (1..=5).map(|last| handshakes.begin(address(&format!("192.0.2.{last}")))).collect();
        let gone: Vec<_> = all.iter_mut().map(gave_way).collect();
        assert_eq!(gone, [true, true, false, false, false]);
    }

    #[test]
    fn a_network_of_ipv6_is_one_source_and_an_address_of_ipv4_is_itself() {
        let source = |text| source_of(address(text));
        assert_eq!(source("2001:db8:1:2:aaaa::1"), source("2001:db8:1:2:bbbb::2"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }

    #[test]
    fn nothing_is_remembered_of_who_left() {
        let handshakes = Handshakes::new(Share { all: 2, each: 1 });
        let held: Vec<_> = (0..40).map(|last| handshakes.begin(address(&format!("192.0.2.{}", last % 5)))).collect();
        assert!(handshakes.underway.lock().expect("no panic").all.len() <= 2);
        drop(held);
        let queue = handshakes.underway.lock().expect("no panic");
        assert!(queue.all.is_empty() && queue.by.is_empty());
    }
}
