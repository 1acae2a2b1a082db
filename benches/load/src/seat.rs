//! One place among a consumer's connections: what happens to it, from connecting to the answer.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use mio::Token;

use crate::consumer::{Arrivals, Connecting, Slow};
use crate::link::{Failure, Link, Progress};
use crate::response::Answer;
use crate::run::Run;

/// How long a connection that failed waits before it is made anew.
const RETRY: Duration = Duration::from_millis(20);
/// How long a slow one that was cut waits: it holds places, and does not flood.
const RETURN: Duration = Duration::from_secs(1);

/// A place for a connection, open or not.
pub struct Seat {
    pub crowd: usize,
    link: Option<Link>,
    is_ready: bool,
    /// A request that waits for the handshake, since when it was due.
    wanted: Option<Instant>,
    /// A request whose answer is waited for.
    asked: Option<Instant>,
    /// What a slow consumer sends, and how much of it is sent.
    slow: (Vec<u8>, usize),
    is_dripping: bool,
}

impl Seat {
    pub fn new(crowd: usize) -> Self {
        let slow = (Vec::new(), 0);
        Self { crowd, link: None, is_ready: false, wanted: None, asked: None, slow, is_dripping: false }
    }
}

impl Run {
    /// Begins a connection.
    pub fn connect(&mut self, number: usize) {
        let seat = &mut self.seats[number];
        let crowd = &mut self.crowds[seat.crowd];
        let from = crowd.consumer.from;
        let link = Link::connect(self.to, from, &self.name, &crowd.config, self.poll.registry(), Token(number));
        seat.is_ready = false;
        match link {
            Ok(mut link) => {
                let is_mute = crowd.consumer.slow == Some(Slow::Handshake);
                if is_mute {
                    seat.slow = (link.hello(), 0);
                }
                seat.link = Some(link);
                if is_mute {
                    self.has_ever_connected = true;
                    self.drip_later(number, Instant::now());
                } else {
                    self.in_making += 1;
                }
            }
            Err(failure) => self.fail(number, failure),
        }
    }

    /// Sends a request that was due at this moment, as soon as there is a connection.
    pub fn ask(&mut self, number: usize, due: Instant) {
        let seat = &mut self.seats[number];
        if seat.is_ready {
            self.send(number, due);
            return;
        }
        seat.wanted = Some(due);
        if seat.link.is_none() {
            self.connect(number);
        }
    }

    fn next_request(&mut self, crowd: usize) -> &[u8] {
        let digits = self.numbers[self.next_number % self.numbers.len()];
        self.next_number += 1;
        self.crowds[crowd].template.fill(&digits)
    }

    fn send(&mut self, number: usize, due: Instant) {
        let digits = self.numbers[self.next_number % self.numbers.len()];
        self.next_number += 1;
        let seat = &mut self.seats[number];
        seat.asked = Some(due);
        let request = self.crowds[seat.crowd].template.fill(&digits);
        let Some(link) = &mut seat.link else { return };
        if let Err(failure) = link.send(request) {
            self.fail(number, failure);
        }
    }

    /// Goes on with a connection that something happened to.
    pub fn advance(&mut self, number: usize) {
        loop {
            let seat = &mut self.seats[number];
            let Some(link) = &mut seat.link else { return };
            let crowd = &self.crowds[seat.crowd];
            if crowd.consumer.slow == Some(Slow::Handshake) {
                if link.is_cut() {
                    self.cut(number);
                }
                return;
            }
            let is_slow = crowd.consumer.slow.is_some();
            match link.advance(&crowd.expected) {
                Ok(Progress::Nothing) => return,
                Ok(Progress::Ready) => self.become_ready(number),
                // A slow request is answered only to say that it is too slow.
                Ok(Progress::Answered(_)) if is_slow => return self.cut(number),
                Ok(Progress::Answered(answer)) => return self.take_answer(number, answer),
                Err(_) if is_slow && seat.is_ready => return self.cut(number),
                Err(failure) => return self.fail(number, failure),
            }
        }
    }

    fn become_ready(&mut self, number: usize) {
        self.in_making = self.in_making.saturating_sub(1);
        self.has_ever_connected = true;
        let now = Instant::now();
        let seat = &mut self.seats[number];
        seat.is_ready = true;
        let crowd = &mut self.crowds[seat.crowd];
        if let Some(link) = &seat.link {
            crowd.second.handshakes.record(now.duration_since(link.since));
        }
        let consumer = &crowd.consumer;
        if let Some(slow) = consumer.slow {
            let (crowd, at_once) = (seat.crowd, if slow == Slow::Body { crowd.template.body_at() } else { 0 });
            let request = self.next_request(crowd).to_vec();
            let seat = &mut self.seats[number];
            if let Some(link) = &mut seat.link
                && link.send(&request[..at_once]).is_err()
            {
                return self.cut(number);
            }
            seat.slow = (request, at_once);
            self.drip_later(number, now);
        } else if let Some(due) = seat.wanted.take() {
            let is_counted_from_sending =
                consumer.arrivals == Arrivals::Closed && consumer.connecting == Connecting::Kept;
            self.send(number, if is_counted_from_sending { now } else { due });
        } else if self.started.is_none() {
            crowd.idle.push_back(number);
        }
    }

    fn take_answer(&mut self, number: usize, answer: Answer) {
        let seat = &mut self.seats[number];
        let crowd = &mut self.crowds[seat.crowd];
        if let Some(due) = seat.asked.take() {
            crowd.second.count_answer(answer, due.elapsed());
        }
        if answer.is_last || crowd.consumer.connecting == Connecting::Fresh {
            seat.is_ready = false;
            if let Some(link) = seat.link.take() {
                link.close();
            }
        }
        self.go_on(number);
    }

    /// Whatever is next for a seat without a request.
    fn go_on(&mut self, number: usize) {
        let seat = &self.seats[number];
        let crowd = &mut self.crowds[seat.crowd];
        match (crowd.consumer.arrivals, crowd.backlog.pop_front()) {
            (Arrivals::Closed, _) => self.ask(number, Instant::now()),
            (Arrivals::Open(_), Some(due)) => self.ask(number, due),
            (Arrivals::Open(_), None) => {
                crowd.idle.push_back(number);
                if seat.link.is_none() && crowd.consumer.connecting == Connecting::Kept {
                    self.connect(number);
                }
            }
        }
    }

    /// A connection is lost, with the request on it if there was one; another is made soon.
    pub fn fail(&mut self, number: usize, failure: Failure) {
        self.failures += 1;
        self.last_failure = failure.word();
        let seat = &mut self.seats[number];
        let was_in_making = seat.link.take().is_some() && !seat.is_ready;
        if was_in_making {
            self.in_making = self.in_making.saturating_sub(1);
        }
        let had_request = seat.wanted.take().is_some() | seat.asked.take().is_some();
        let crowd = &mut self.crowds[seat.crowd];
        // One that was idle may be ended by the server.
        if had_request || !seat.is_ready {
            crowd.second.count_failure(failure);
        } else {
            crowd.idle.retain(|idle| *idle != number);
        }
        seat.is_ready = false;
        self.retries.push_back((Instant::now() + RETRY, number));
    }

    fn cut(&mut self, number: usize) {
        let seat = &mut self.seats[number];
        (seat.link, seat.is_ready) = (None, false);
        self.crowds[seat.crowd].second.cut += 1;
        self.returns.push(Reverse((Instant::now() + RETURN, number)));
    }

    /// Makes connections anew whose wait is over.
    pub fn retry(&mut self, now: Instant) {
        while let Some((_, number)) = self.retries.pop_front_if(|(at, _)| *at <= now) {
            let is_slow = self.crowds[self.seats[number].crowd].consumer.slow.is_some();
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

    fn drip_later(&mut self, number: usize, now: Instant) {
        let seat = &mut self.seats[number];
        if !std::mem::replace(&mut seat.is_dripping, true) {
            self.drips.push_back((now + self.drip, number));
        }
    }

    /// Sends the bytes of slow connections that are due.
    pub fn let_drip(&mut self, now: Instant) {
        while let Some((_, number)) = self.drips.pop_front_if(|(at, _)| *at <= now) {
            let seat = &mut self.seats[number];
            seat.is_dripping = false;
            let is_mute = self.crowds[seat.crowd].consumer.slow == Some(Slow::Handshake);
            let (Some(link), Some(byte)) = (&mut seat.link, seat.slow.0.get(seat.slow.1)) else { continue };
            if !is_mute && !seat.is_ready {
                continue;
            }
            let sent = if is_mute { link.send_raw(&[*byte]) } else { link.send(&[*byte]) };
            seat.slow.1 += 1;
            match sent {
                Ok(()) => self.drip_later(number, now),
                Err(_) => self.cut(number),
            }
        }
    }

    /// Gives up what took too long.
    pub fn give_up(&mut self, now: Instant, timeout: Duration) {
        for number in 0..self.seats.len() {
            let seat = &self.seats[number];
            let since = seat.asked.or(seat.wanted);
            // An open loop's request may have been due long before it could be sent.
            let sent = seat.link.as_ref().map_or(now, |link| link.since);
            let is_late = since.is_some_and(|since| now.saturating_duration_since(since.max(sent)) > timeout);
            let is_stuck = seat.link.is_some() && !seat.is_ready && now.saturating_duration_since(sent) > timeout;
            let is_mute = self.crowds[seat.crowd].consumer.slow == Some(Slow::Handshake);
            if is_late || (is_stuck && !is_mute) {
                self.fail(number, Failure::Late);
            }
        }
    }
}
