//! The numbers: each limit with the attack that it stops. Tests set their own values.

use std::time::Duration;

/// Limits on connections, requests and time, before a peer is disconnected, refused or answered
/// `503`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum concurrent handshakes; one more displaces the oldest. Stops a flood of anonymous
    /// connections from exhausting memory and descriptors, and from shutting out identified
    /// clients.
    pub handshakes: usize,
    /// Maximum concurrent handshakes per IPv4 address or IPv6 network (`/64`); one more displaces
    /// that address's oldest. Stops one machine from displacing the others.
    pub handshakes_per_address: usize,
    /// Maximum connections after their handshake; the first request on one more is answered `503`.
    /// Three quarters of them, as of [`excess_connections`](Self::excess_connections) and
    /// [`messages`](Self::messages), are reserved for registered consumers. Bounds memory and
    /// descriptors.
    pub connections: usize,
    /// Maximum connections per consumer; the first request on one more is answered `503`. Stops one
    /// institution's leaking connection pool from shutting out the others.
    pub connections_per_consumer: usize,
    /// Maximum connections over either limit that wait for their `503`; one more is closed unread.
    /// Stops clients without a slot from using as much as those that have one.
    pub excess_connections: usize,
    /// The same per consumer.
    pub excess_connections_per_consumer: usize,
    /// Maximum messages being read or answered; one more is answered `503`. Bounds the memory of
    /// bodies to this number times 256 KiB, and how long an answer waits for those before it.
    pub messages: usize,
    /// Maximum concurrent messages per consumer. Stops one busy consumer from delaying the others.
    pub messages_per_consumer: usize,
    /// Time for which a consumer's message waits for a slot before it is answered `503`. A burst is
    /// not an attack.
    pub wait: Duration,
    /// Maximum waiting messages per consumer. Bounds the memory of the queue.
    pub waiting_per_consumer: usize,
    /// Maximum recorded requests per minute of all callers together that are not registered. Stops
    /// them from filling the audit log's disk.
    pub unregistered_per_minute: u32,
    /// How many of them may come at once.
    pub unregistered_burst: u32,
    /// Interval of the records that count suppressed requests.
    pub summary: Duration,
    /// Free bytes on the audit log's disk below which only registered consumers are answered. Stops
    /// other callers from using the last of it.
    pub audit_reserve: u64,
    /// Maximum requests on one connection; the last is answered with `Connection: close`. Stops a
    /// connection from escaping a new certificate check, a new instance and fair sharing for ever.
    pub requests: usize,
    /// Maximum age of a connection; the first request after it is the last. For the same reason.
    pub age: Duration,
    /// Time for the TLS handshake. Stops connections that send nothing.
    pub handshake: Duration,
    /// Time for the head of a request, from its first byte. Stops headers sent a byte at a time.
    pub head: Duration,
    /// Idle time before the first request and between two. Stops unused connections.
    pub idle: Duration,
    /// Time for the whole body of a request. Stops bodies sent in small pieces for ever.
    pub body: Duration,
    /// Time after which a body must keep up with [`body_rate`](Self::body_rate).
    pub body_start: Duration,
    /// Minimum average rate of a body, in bytes per second. Stops a body sent a byte at a time from
    /// holding a message slot for the whole of [`body`](Self::body).
    pub body_rate: u32,
    /// Time for a peer to accept a piece of an answer. Stops clients that send requests and do not
    /// read.
    pub write: Duration,
    /// Time for a peer to receive the last answer and stop sending. Stops peers that never stop.
    pub linger: Duration,
    /// `Retry-After` of a `503`; the connection is not read before. Stops a client that retries at
    /// once from taking the time of those that wait.
    pub retry_after: Duration,
    /// Grace period for requests in progress when the service stops.
    pub drain: Duration,
    /// Part of [`drain`](Self::drain) in which an open connection may still send one last request,
    /// so that a client that is just sending one loses nothing.
    pub last_request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            handshakes: 4_096,
            handshakes_per_address: 512,
            connections: 6_144,
            connections_per_consumer: 512,
            excess_connections: 256,
            excess_connections_per_consumer: 32,
            messages: 512,
            messages_per_consumer: 16,
            wait: seconds(1),
            waiting_per_consumer: 256,
            unregistered_per_minute: 60,
            unregistered_burst: 10,
            summary: seconds(60),
            audit_reserve: 512 << 20,
            requests: 10_000,
            age: seconds(3_600),
            handshake: seconds(5),
            head: seconds(5),
            idle: seconds(60),
            body: seconds(10),
            body_start: seconds(2),
            body_rate: 4_096,
            write: seconds(10),
            linger: seconds(2),
            retry_after: seconds(1),
            drain: seconds(20),
            last_request: seconds(5),
        }
    }
}

/// Descriptors reserved for everything else: datasets, audit log, logs, listeners, libraries.
const RESERVED_DESCRIPTORS: usize = 512;

impl Limits {
    /// Descriptors with which no limit is reduced.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        let connections = self.handshakes.saturating_add(self.connections).saturating_add(self.excess_connections);
        connections.saturating_add(RESERVED_DESCRIPTORS)
    }

    /// Reduces the connection limits to what fits into `descriptors` open descriptors.
    ///
    /// A quarter is kept for handshakes, so that every client gets that far. One consumer never has
    /// more than half of the connections.
    #[must_use]
    pub fn within_descriptors(&self, descriptors: usize) -> Self {
        let needed = self.handshakes.saturating_add(self.connections).saturating_add(self.excess_connections);
        let available = descriptors.saturating_sub(RESERVED_DESCRIPTORS).max(descriptors / 2).max(16);
        if needed <= available {
            return *self;
        }
        let handshakes = self.handshakes.min(available / 4);
        let excess = self.excess_connections.min(available / 16);
        let connections = self.connections.min(available.saturating_sub(handshakes).saturating_sub(excess));
        Self {
            handshakes,
            handshakes_per_address: self.handshakes_per_address.min(handshakes.div_ceil(2)),
            connections,
            connections_per_consumer: self.connections_per_consumer.min(connections.div_ceil(2)),
            excess_connections: excess,
            excess_connections_per_consumer: self.excess_connections_per_consumer.min(excess.div_ceil(2)),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(limits: &Limits) -> usize {
        limits.handshakes + limits.connections + limits.excess_connections
    }

    #[test]
    fn enough_descriptors_leave_the_limits_unchanged() {
        let limits = Limits::default();
        assert_eq!(limits.within_descriptors(limits.descriptors()), limits);
        assert_ne!(limits.within_descriptors(limits.descriptors() - 1), limits);
        assert_eq!(limits.within_descriptors(usize::MAX), limits);
    }

    #[test]
    fn few_descriptors_reduce_every_limit_and_none_to_zero() {
        for descriptors in [64, 256, 1_024, 4_096, 8_000] {
            let fitted = Limits::default().within_descriptors(descriptors);
            assert!(sum(&fitted) <= descriptors, "{descriptors}: {fitted:?}");
            assert!(fitted.handshakes > 0 && fitted.excess_connections > 0, "{descriptors}: {fitted:?}");
            assert!(fitted.connections_per_consumer * 2 <= fitted.connections + 1, "{descriptors}: {fitted:?}");
        }
    }
}
