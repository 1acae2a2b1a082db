//! How much and how long: each limit with the attack that it stops. Values for tests are the tests' own.

use std::time::Duration;

/// What peers may take before they are cut, refused or told to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at one time; one more is closed unread. Stops a flood from eating all memory and descriptors.
    pub connections: usize,
    /// Connections of one consumer; the first request on one more is told to come back. Stops one institution's leaking
    /// pool from shutting out the others.
    pub connections_each: usize,
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
    /// What a caller that is told to come back is told to wait.
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
            connections: 8_192,
            connections_each: 512,
            messages: 512,
            messages_each: 128,
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
