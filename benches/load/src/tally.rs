//! Counters and latencies of one consumer.

use std::time::Duration;

use crate::histogram::Histogram;
use crate::link::Failure;
use crate::response::Answer;

/// Counters and latencies.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Latency of 200 with the expected text, from the time at which each request was due.
    pub answered: Histogram,
    /// 503.
    pub refused: Histogram,
    /// Duration from connecting to the end of the handshake.
    pub handshakes: Histogram,
    /// 200 without the expected text.
    pub wrong: u64,
    /// 500.
    pub faults: u64,
    /// Any other status.
    pub others: u64,
    pub failures: [u64; Failure::ALL.len()],
    /// Slow connections that the server closed.
    pub cut: u64,
    /// Bytes of answers.
    pub bytes: u64,
}

impl Tally {
    pub fn count_answer(&mut self, answer: Answer, took: Duration) {
        self.bytes += answer.bytes as u64;
        match (answer.status, answer.has_expected) {
            (200, true) => self.answered.record(took),
            (200, false) => self.wrong += 1,
            (503, _) => self.refused.record(took),
            (500, _) => self.faults += 1,
            _ => self.others += 1,
        }
    }

    pub fn count_failure(&mut self, failure: Failure) {
        self.failures[failure as usize] += 1;
    }

    pub fn failed(&self) -> u64 {
        self.failures.iter().sum()
    }

    pub fn add(&mut self, other: &Self) {
        self.answered.add(&other.answered);
        self.refused.add(&other.refused);
        self.handshakes.add(&other.handshakes);
        self.wrong += other.wrong;
        self.faults += other.faults;
        self.others += other.others;
        self.failures.iter_mut().zip(other.failures).for_each(|(mine, theirs)| *mine += theirs);
        self.cut += other.cut;
        self.bytes += other.bytes;
    }

    pub fn clear(&mut self) {
        self.answered.clear();
        self.refused.clear();
        self.handshakes.clear();
        (self.wrong, self.faults, self.others, self.cut, self.bytes) = (0, 0, 0, 0, 0);
        self.failures = Default::default();
    }
}
