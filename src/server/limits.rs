//! How much and how long: each limit with the attack that it stops. Values for tests are the tests' own.

use std::time::Duration;

/// What peers may take before they are cut, refused or told to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Handshakes at one time; one more makes the oldest give way. Stops a flood that never says who it is from eating
    /// memory and descriptors, and from shutting out those who do.
    pub handshakes: usize,
    /// Handshakes with one address at one time, or with one network of IPv6 (`/64`); one more makes that address's oldest
    /// give way. Stops one machine from pushing out the others.
    pub handshakes_each: usize,
    /// Connections at one time, whose handshake is done; the first request on one more is told to come back. Bounds
    /// memory and descriptors.
    pub connections: usize,
    /// Connections of one consumer; the first request on one more is told to come back. Stops one institution's leaking
    /// pool from shutting out the others.
    pub connections_each: usize,
    /// Connections at one time that wait to be told to come back; one more is closed unread. Stops whoever has no place
    /// from taking as much as those who have one.
    pub turned_away: usize,
    /// The same for one consumer.
    pub turned_away_each: usize,
    /// Messages that are read or answered at one time; one more is told to come back. Bounds the memory of bodies to so
    /// many times 256 KiB, and how long an answer waits for those before it.
    pub messages: usize,
    /// Messages of one consumer at one time. Stops one noisy consumer from making the others wait.
    pub messages_each: usize,
    /// Requests on one connection; the last is told that it is. Stops one connection from escaping a new certificate
    /// check, a new instance and a fair share for ever.
    pub requests: usize,
    /// Age of a connection; the first request after it is told that it is the last. For the same reason.
    pub age: Duration,
    /// For the TLS handshake. Stops connections that never say a word.
    pub handshake: Duration,
    /// For the head of a request, from its first byte. Stops headers that come a byte at a time.
    pub head: Duration,
    /// Silence between two requests, and before the first. Stops connections that are kept for nothing.
    pub idle: Duration,
    /// For the whole body of a request. Stops bodies that come in small pieces for ever.
    pub body: Duration,
    /// A body must keep up with [`body_rate`](Self::body_rate) once so long has passed.
    pub body_start: Duration,
    /// Bytes of a body a second, on average. Stops a byte at a time from holding a message's place for all of
    /// [`body`](Self::body).
    pub body_rate: u32,
    /// For a peer to take a piece of an answer. Stops those who ask and do not read.
    pub write: Duration,
    /// For a peer to see the last answer and stop sending. Stops those who never do.
    pub linger: Duration,
    /// What a caller that is told to come back is told to wait; its connection is not heard before. Stops one that asks
    /// again at once, and again, from taking the time of those who wait.
    pub retry_after: Duration,
    /// For what is in flight when the service is told to stop.
    pub drain: Duration,
    /// Of that time, how long a connection that is open is still answered its next request, as its last: a caller that is
    /// just asking loses nothing.
    pub parting: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            handshakes: 4_096,
            handshakes_each: 512,
            connections: 6_144,
            connections_each: 512,
            turned_away: 256,
            turned_away_each: 32,
            messages: 512,
            messages_each: 16,
            requests: 10_000,
            age: seconds(3_600),
            handshake: seconds(5),
            head: seconds(5),
            idle: seconds(30),
            body: seconds(10),
            body_start: seconds(2),
            body_rate: 4_096,
            write: seconds(10),
            linger: seconds(2),
            retry_after: seconds(1),
            drain: seconds(20),
            parting: seconds(5),
        }
    }
}

/// Descriptors that are none of connections: datasets, evidence, logs, listeners, and what the libraries open.
const DESCRIPTORS_APART: usize = 512;

impl Limits {
    /// The same limits in a process that may have so many descriptors: fewer connections, where they would not fit.
    ///
    /// A quarter goes to handshakes, so that whoever comes gets that far; one consumer never has more than half of the
    /// connections.
    #[must_use]
    pub fn within_descriptors(self, descriptors: usize) -> Self {
        let wanted = self.handshakes.saturating_add(self.connections).saturating_add(self.turned_away);
        let available = descriptors.saturating_sub(DESCRIPTORS_APART).max(descriptors / 2).max(16);
        if wanted <= available {
            return self;
        }
        let handshakes = self.handshakes.min(available / 4);
        let turned_away = self.turned_away.min(available / 16);
        let connections = self.connections.min(available.saturating_sub(handshakes).saturating_sub(turned_away));
        Self {
            handshakes,
            handshakes_each: self.handshakes_each.min(handshakes.div_ceil(2)),
            connections,
            connections_each: self.connections_each.min(connections.div_ceil(2)),
            turned_away,
            turned_away_each: self.turned_away_each.min(turned_away.div_ceil(2)),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(limits: Limits) -> usize {
        limits.handshakes + limits.connections + limits.turned_away
    }

    #[test]
    fn where_there_are_enough_descriptors_nothing_changes() {
        let limits = Limits::default();
        assert_eq!(limits.within_descriptors(sum(limits) + DESCRIPTORS_APART), limits);
        assert_eq!(limits.within_descriptors(usize::MAX), limits);
    }

    #[test]
    fn with_few_descriptors_everything_fits_and_everybody_still_gets_in() {
        for descriptors in [64, 256, 1_024, 4_096, 8_000] {
            let fitted = Limits::default().within_descriptors(descriptors);
            assert!(sum(fitted) <= descriptors, "{descriptors}: {fitted:?}");
            assert!(fitted.handshakes > 0 && fitted.turned_away > 0, "{descriptors}: {fitted:?}");
            assert!(fitted.connections_each * 2 <= fitted.connections + 1, "{descriptors}: {fitted:?}");
        }
    }
}
