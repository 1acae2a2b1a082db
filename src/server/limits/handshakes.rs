//! Limit on concurrent TLS handshakes: a total and a cap per address, never a refusal.
//!
//! The client is not identified yet, so no consumer can be refused by name. When the limit is
//! reached, a new handshake displaces the oldest: an honest handshake takes milliseconds, one that
//! only occupies a slot takes all the time it is given. One address can displace only its own
//! handshakes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::concurrency::Capacity;

/// The handshakes in progress.
#[derive(Debug)]
pub(crate) struct Handshakes {
    capacity: Capacity,
    in_progress: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Number of the next handshake; numbers grow with time.
    next: u64,
    /// By number. Dropping the sender tells a handshake that it is displaced.
    all: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
    /// Numbers of each source; no set is empty.
    by_source: HashMap<IpAddr, BTreeSet<u64>>,
}

impl Queue {
    fn remove(&mut self, number: u64) {
        let Some((source, _)) = self.all.remove(&number) else { return };
        if let Some(numbers) = self.by_source.get_mut(&source) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_source.remove(&source);
            }
        }
    }
}

/// Slot of one handshake; released when dropped.
#[derive(Debug)]
pub(crate) struct HandshakeSlot {
    handshakes: Arc<Handshakes>,
    number: u64,
    displaced: oneshot::Receiver<()>,
}

impl Handshakes {
    pub fn new(capacity: Capacity) -> Arc<Self> {
        Arc::new(Self { capacity, in_progress: Mutex::default() })
    }

    /// Slot for a handshake with this address. Displaces the oldest handshake if the limit is
    /// reached.
    pub fn begin(self: &Arc<Self>, address: IpAddr) -> HandshakeSlot {
        self.begin_within(address, self.capacity.each)
    }

    /// Slot for a connection of a load balancer, until its header names the client: only the total
    /// limits it, because all clients behind the balancer share its address.
    pub fn begin_of_balancer(self: &Arc<Self>, address: IpAddr) -> HandshakeSlot {
        self.begin_within(address, self.capacity.total)
    }

    fn begin_within(self: &Arc<Self>, address: IpAddr, each: usize) -> HandshakeSlot {
        let source = source_of(address);
        let (keep, displaced) = oneshot::channel();
        let mut queue = self.in_progress.lock();
        let oldest = match queue.by_source.get(&source) {
            Some(numbers) if numbers.len() >= each => numbers.first().copied(),
            Some(_) | None if queue.all.len() >= self.capacity.total => queue.all.keys().next().copied(),
            Some(_) | None => None,
        };
        if let Some(oldest) = oldest {
            queue.remove(oldest);
        }
        let number = queue.next;
        queue.next = queue.next.wrapping_add(1);
        queue.all.insert(number, (source, keep));
        queue.by_source.entry(source).or_default().insert(number);
        drop(queue);
        HandshakeSlot { handshakes: Arc::clone(self), number, displaced }
    }
}

impl HandshakeSlot {
    /// Completes when a newer handshake displaces this one.
    pub async fn displaced(&mut self) {
        // Nothing is ever sent: the sender is dropped.
        let _ = (&mut self.displaced).await;
    }
}

impl Drop for HandshakeSlot {
    fn drop(&mut self) {
        self.handshakes.in_progress.lock().remove(self.number);
    }
}

/// Source that an address counts for: an IPv4 address itself, or the `/64` network of an IPv6
/// address, of which one subscriber has all addresses.
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

    fn is_displaced(slot: &mut HandshakeSlot) -> bool {
        slot.displaced.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn an_address_displaces_only_its_own_oldest_handshake() {
        let handshakes = Handshakes::new(Capacity { total: 100, each: 2 });
        let mut other = handshakes.begin(address("192.0.2.2"));
        let mut own: Vec<_> = (0..4).map(|_| handshakes.begin(address("192.0.2.1"))).collect();
        let displaced: Vec<_> = own.iter_mut().map(is_displaced).collect();
        assert_eq!(displaced, [true, true, false, false]);
        assert!(!is_displaced(&mut other));
    }

    #[test]
    fn many_addresses_displace_the_oldest_handshake_of_all() {
        let handshakes = Handshakes::new(Capacity { total: 3, each: 2 });
        let mut all: Vec<_> = (1..=5).map(|last| handshakes.begin(address(&format!("192.0.2.{last}")))).collect();
        let displaced: Vec<_> = all.iter_mut().map(is_displaced).collect();
        assert_eq!(displaced, [true, true, false, false, false]);
    }

    #[test]
    fn an_ipv6_network_is_one_source_and_an_ipv4_address_too() {
        let source = |text| source_of(address(text));
        assert_eq!(source("2001:db8:1:2:aaaa::1"), source("2001:db8:1:2:bbbb::2"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }

    #[test]
    fn finished_handshakes_leave_no_state() {
        let handshakes = Handshakes::new(Capacity { total: 2, each: 1 });
        let held: Vec<_> = (0..40).map(|last| handshakes.begin(address(&format!("192.0.2.{}", last % 5)))).collect();
        assert!(handshakes.in_progress.lock().all.len() <= 2);
        drop(held);
        let queue = handshakes.in_progress.lock();
        assert!(queue.all.is_empty() && queue.by_source.is_empty());
    }
}
