//! A slot for one connection of a consumer: from connecting to the answer.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use mio::Token;

use crate::consumer::{Arrivals, Connecting, Slow};
use crate::link::{Failure, Link, Progress};
use crate::response::Answer;
use crate::run::Run;

/// Delay before a failed connection is opened again.
const RETRY: Duration = Duration::from_millis(20);
/// Maximum bytes of slow connections that are sent before answers are read.
const MAX_DRIPS: usize = 16;
/// Delay before a slow connection is opened again: it occupies connections and does not flood.
const RETURN: Duration = Duration::from_secs(1);

/// A slot for a connection, open or not.
pub struct Slot {
    pub group: usize,
    link: Option<Link>,
    is_ready: bool,
    /// Due time of a request that waits for the handshake.
    waiting_since: Option<Instant>,
    /// Due time of a request that waits for its answer.
    sent_due: Option<Instant>,
    /// Bytes of a slow consumer, and the number of those sent.
    slow: (Vec<u8>, usize),
    is_dripping: bool,
}

impl Slot {
    pub fn new(group: usize) -> Self {
        let slow = (Vec::new(), 0);
        Self { group, link: None, is_ready: false, waiting_since: None, sent_due: None, slow, is_dripping: false }
    }

    /// Whether a request waits for its connection or for its answer.
    pub fn has_request(&self) -> bool {
        self.waiting_since.is_some() || self.sent_due.is_some()
    }
}

impl Run {
    /// Starts to connect.
    pub fn connect(&mut self, number: usize) {
        let slot = &mut self.slots[number];
        let group = &mut self.groups[slot.group];
        let from = group.consumer.from;
        let link = Link::connect(self.to, from, &self.name, &group.config, self.poll.registry(), Token(number));
        slot.is_ready = false;
        match link {
            Ok(mut link) => {
                let sends_handshake_bytes = group.consumer.slow == Some(Slow::Handshake);
                if sends_handshake_bytes {
                    slot.slow = (link.hello(), 0);
                }
                slot.link = Some(link);
                if sends_handshake_bytes {
                    self.has_ever_connected = true;
                    self.drip_later(number, Instant::now());
                } else {
                    self.connecting += 1;
                }
            }
            Err(failure) => self.fail(number, failure),
        }
    }

    /// Sends a request with this due time, as soon as there is a connection.
    pub fn ask(&mut self, number: usize, due: Instant) {
        let slot = &mut self.slots[number];
        if slot.is_ready {
            self.send(number, due);
            return;
        }
        slot.waiting_since = Some(due);
        if slot.link.is_none() {
            self.connect(number);
        }
    }

    fn next_request(&mut self, group: usize) -> &[u8] {
        let digits = self.numbers[self.next_number % self.numbers.len()];
        self.next_number += 1;
        self.groups[group].template.fill(&digits)
    }

    fn send(&mut self, number: usize, due: Instant) {
        let digits = self.numbers[self.next_number % self.numbers.len()];
        self.next_number += 1;
        let slot = &mut self.slots[number];
        slot.sent_due = Some(due);
        let request = self.groups[slot.group].template.fill(&digits);
        let Some(link) = &mut slot.link else { return };
        if let Err(failure) = link.send(request) {
            self.fail(number, failure);
        }
    }

    /// Continues a connection after an event.
    pub fn advance(&mut self, number: usize) {
        loop {
            let slot = &mut self.slots[number];
            let Some(link) = &mut slot.link else { return };
            let group = &self.groups[slot.group];
            if group.consumer.slow == Some(Slow::Handshake) {
                if link.is_cut() {
                    self.cut(number);
                }
                return;
            }
            let is_slow = group.consumer.slow.is_some();
            match link.advance(&group.expected) {
                Ok(Progress::Nothing) => return,
                Ok(Progress::Ready) => self.become_ready(number),
                // The only answer to a slow request is that it is too slow.
                Ok(Progress::Answered(_)) if is_slow => return self.cut(number),
                Ok(Progress::Answered(answer)) => return self.take_answer(number, answer),
                Err(_) if is_slow && slot.is_ready => return self.cut(number),
                Err(failure) => return self.fail(number, failure),
            }
        }
    }

    fn become_ready(&mut self, number: usize) {
        self.connecting = self.connecting.saturating_sub(1);
        self.has_ever_connected = true;
        let now = Instant::now();
        let slot = &mut self.slots[number];
        slot.is_ready = true;
        let group = &mut self.groups[slot.group];
        if let Some(link) = &slot.link {
            group.second.handshakes.record(now.duration_since(link.since));
        }
        let consumer = &group.consumer;
        if let Some(slow) = consumer.slow {
            let (group, at_once) = (slot.group, if slow == Slow::Body { group.template.body_at() } else { 0 });
            let request = self.next_request(group).to_vec();
            let slot = &mut self.slots[number];
            if let Some(link) = &mut slot.link
                && link.send(&request[..at_once]).is_err()
            {
                return self.cut(number);
            }
            slot.slow = (request, at_once);
            self.drip_later(number, now);
        } else if let Some(due) = slot.waiting_since.take() {
            let is_counted_from_sending =
                consumer.arrivals == Arrivals::Closed && consumer.connecting == Connecting::Kept;
            self.send(number, if is_counted_from_sending { now } else { due });
        } else if self.started.is_none() {
            group.idle.push_back(number);
        }
    }

    fn take_answer(&mut self, number: usize, answer: Answer) {
        let slot = &mut self.slots[number];
        let group = &mut self.groups[slot.group];
        if let Some(due) = slot.sent_due.take()
            && self.counted_from.is_none_or(|from| due >= from)
            && self.counted_until.is_none_or(|until| due < until)
        {
            group.second.count_answer(answer, due.elapsed());
        }
        if answer.is_last || group.consumer.connecting == Connecting::Fresh {
            slot.is_ready = false;
            if let Some(link) = slot.link.take() {
                link.close();
            }
        }
        self.go_on(number);
    }

    /// Starts the next request of a slot.
    fn go_on(&mut self, number: usize) {
        let slot = &self.slots[number];
        let group = &mut self.groups[slot.group];
        match (group.consumer.arrivals, group.backlog.pop_front()) {
            (Arrivals::Closed, _) => self.ask(number, Instant::now()),
            (Arrivals::Open(_), Some(due)) => self.ask(number, due),
            (Arrivals::Open(_), None) => {
                group.idle.push_back(number);
                if slot.link.is_none() && group.consumer.connecting == Connecting::Kept {
                    self.connect(number);
                }
            }
        }
    }

    /// Drops a connection and its request, and opens another one after the delay.
    pub fn fail(&mut self, number: usize, failure: Failure) {
        self.failures += 1;
        self.last_failure = failure.code();
        let slot = &mut self.slots[number];
        let was_in_making = slot.link.take().is_some() && !slot.is_ready;
        if was_in_making {
            self.connecting = self.connecting.saturating_sub(1);
        }
        let had_request = slot.waiting_since.take().is_some() | slot.sent_due.take().is_some();
        let group = &mut self.groups[slot.group];
        // The server may close idle connections.
        if had_request || !slot.is_ready {
            group.second.count_failure(failure);
        } else {
            group.idle.retain(|idle| *idle != number);
        }
        slot.is_ready = false;
        self.retries.push_back((Instant::now() + RETRY, number));
    }

    fn cut(&mut self, number: usize) {
        let slot = &mut self.slots[number];
        (slot.link, slot.is_ready) = (None, false);
        self.groups[slot.group].second.cut += 1;
        self.returns.push(Reverse((Instant::now() + RETURN, number)));
    }

    /// Opens connections again after their delay.
    pub fn retry(&mut self, now: Instant) {
        while let Some((_, number)) = self.retries.pop_front_if(|(at, _)| *at <= now) {
            let is_slow = self.groups[self.slots[number].group].consumer.slow.is_some();
            if is_slow || self.started.is_none() {
                self.connect(number);
            } else {
                self.go_on(number);
            }
        }
        while self.returns.peek().is_some_and(|Reverse((at, _))| *at <= now)
            && let Some(Reverse((_, number))) = self.returns.pop()
        {
            self.connect(number);
        }
    }

    /// Schedules the next byte of a slow connection, one interval after `from`.
    fn drip_later(&mut self, number: usize, from: Instant) {
        let slot = &mut self.slots[number];
        if !std::mem::replace(&mut slot.is_dripping, true) {
            self.drips.push_back((from + self.drip, number));
        }
    }

    /// Sends the due bytes of slow connections, a few at a time: meanwhile no answer is read, and
    /// the time of thousands of system calls would count as the server's.
    pub fn send_drips(&mut self, now: Instant) {
        for _ in 0..MAX_DRIPS {
            let Some((at, number)) = self.drips.pop_front_if(|(at, _)| *at <= now) else { return };
            let slot = &mut self.slots[number];
            slot.is_dripping = false;
            let sends_handshake_bytes = self.groups[slot.group].consumer.slow == Some(Slow::Handshake);
            let (Some(link), Some(byte)) = (&mut slot.link, slot.slow.0.get(slot.slow.1)) else { continue };
            if !sends_handshake_bytes && !slot.is_ready {
                continue;
            }
            let sent = if sends_handshake_bytes { link.send_raw(&[*byte]) } else { link.send(&[*byte]) };
            slot.slow.1 += 1;
            match sent {
                // From the time at which this one was due: otherwise all that a stall of the machine
                // delayed would be sent at once, again and again.
                Ok(()) => self.drip_later(number, at),
                Err(_) => self.cut(number),
            }
        }
    }

    /// Drops connections whose answer is late.
    pub fn give_up(&mut self, now: Instant, timeout: Duration) {
        for number in 0..self.slots.len() {
            let slot = &self.slots[number];
            let since = slot.sent_due.or(slot.waiting_since);
            // A request of an open loop may have been due long before it could be sent.
            let sent = slot.link.as_ref().map_or(now, |link| link.since);
            let is_late = since.is_some_and(|since| now.saturating_duration_since(since.max(sent)) > timeout);
            let is_stuck = slot.link.is_some() && !slot.is_ready && now.saturating_duration_since(sent) > timeout;
            let sends_handshake_bytes = self.groups[slot.group].consumer.slow == Some(Slow::Handshake);
            if is_late || (is_stuck && !sends_handshake_bytes) {
                self.fail(number, Failure::Late);
            }
        }
    }
}
