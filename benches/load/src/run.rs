//! The loop: who asks when, for how long, and when a second is over.
//!
//! First every connection that is kept is made, a few at a time; then the clock starts. What happens to one connection is
//! `seat`'s affair.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use memchr::memmem::Finder;
use mio::{Events, Poll};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::args::Arguments;
use crate::consumer::{Arrivals, Connecting, Consumer};
use crate::identity::{Acquaintance, configure};
use crate::process::Usage;
use crate::report::{Account, Figures};
use crate::request::{Digits, Template, read_numbers};
use crate::seat::Seat;
use crate::tally::Tally;

/// Handshakes at one time before the clock starts: a flood would only fill the server's queue.
const GATHERED_AT_ONCE: usize = 64;
/// The clock starts after this time, even if some connection could not be made.
const GATHERING: Duration = Duration::from_secs(20);
/// Failures before the first connection that stands: then there is nothing to measure.
const HOPELESS: u64 = 100;
/// How often late answers are looked for.
const LOOK: Duration = Duration::from_millis(250);

/// A consumer at work.
pub struct Crowd {
    pub consumer: Consumer,
    pub config: Arc<ClientConfig>,
    pub template: Template,
    pub expected: Finder<'static>,
    /// Seats that wait for a request.
    pub idle: VecDeque<usize>,
    /// Requests that wait for a seat, since when each was due.
    pub backlog: VecDeque<Instant>,
    /// How many were due so far.
    due: u64,
    pub second: Tally,
    account: Account,
}

/// A run under way.
pub struct Run {
    pub to: SocketAddr,
    pub name: ServerName<'static>,
    pub poll: Poll,
    pub numbers: Vec<Digits>,
    pub next_number: usize,
    pub crowds: Vec<Crowd>,
    pub seats: Vec<Seat>,
    pub drip: Duration,
    /// Connections that are to be made anew, and when.
    pub retries: VecDeque<(Instant, usize)>,
    /// Slow connections, and when they come, or come back.
    pub returns: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Bytes of slow connections, and when they are due.
    pub drips: VecDeque<(Instant, usize)>,
    /// Connections that are being made.
    pub in_making: usize,
    /// When the clock started.
    pub started: Option<Instant>,
    pub has_ever_connected: bool,
    pub failures: u64,
    pub last_failure: &'static str,
}

/// Runs as the arguments say, and tells.
pub fn run(arguments: &Arguments) -> Result<Figures, String> {
    let mut run = Run::new(arguments)?;
    let figures = run.measure(arguments)?;
    figures.print();
    if let Some(file) = &arguments.json {
        figures.write(file)?;
    }
    Ok(figures)
}

impl Run {
    fn new(arguments: &Arguments) -> Result<Self, String> {
        let numbers = arguments.ssins.as_deref().map_or_else(|| Ok(vec![Digits::default()]), read_numbers)?;
        let server = Acquaintance::new(&arguments.ca)?;
        let (mut crowds, mut seats) = (Vec::new(), Vec::new());
        for consumer in &arguments.consumers {
            let template = Template::read(&consumer.request, &arguments.path, &arguments.name)?;
            if template.wants_number() && arguments.ssins.is_none() {
                return Err(format!("{} has a place for a number: --ssins is missing", consumer.request.display()));
            }
            seats.extend((0..consumer.connections).map(|_| Seat::new(crowds.len())));
            crowds.push(Crowd {
                config: configure(&server, &consumer.certificate, &consumer.key)?,
                template,
                expected: Finder::new(&consumer.expect).into_owned(),
                idle: VecDeque::new(),
                backlog: VecDeque::new(),
                due: 0,
                second: Tally::default(),
                account: Account { name: consumer.name.clone(), ..Account::default() },
                consumer: consumer.clone(),
            });
        }
        let name = ServerName::try_from(arguments.name.clone()).map_err(|error| format!("--name: {error}"))?;
        Ok(Self {
            to: arguments.to,
            name,
            poll: Poll::new().map_err(|error| error.to_string())?,
            numbers,
            next_number: 0,
            crowds,
            seats,
            drip: Duration::from_millis(arguments.drip.max(1)),
            retries: VecDeque::new(),
            returns: BinaryHeap::new(),
            drips: VecDeque::new(),
            in_making: 0,
            started: None,
            has_ever_connected: false,
            failures: 0,
            last_failure: "",
        })
    }

    fn measure(&mut self, arguments: &Arguments) -> Result<Figures, String> {
        let seconds = |count: u32| Duration::from_secs(count.into());
        let watched = arguments.watch.map(|pid| pid.to_string());
        let usage = || watched.as_deref().and_then(Usage::of);
        let mut gathering = self.gather(seconds(arguments.warmup));
        let gathered_by = Instant::now() + GATHERING;
        let (mut events, mut looked) = (Events::with_capacity(1_024), Instant::now());
        // The second that is being counted, and what was used before the first.
        let (mut ends, mut before) = (None::<Instant>, None);
        let (mut own_before, mut peak) = (Duration::ZERO, None::<Usage>);
        loop {
            let now = Instant::now();
            while self.in_making < GATHERED_AT_ONCE
                && let Some(seat) = gathering.pop_front()
            {
                self.connect(seat);
            }
            if self.started.is_none() && (gathering.is_empty() && self.in_making == 0 || now >= gathered_by) {
                self.start(now);
            }
            if let Some(started) = self.started {
                let first = started + seconds(arguments.warmup);
                if ends.is_none() && now >= first {
                    ends = Some(first + seconds(1));
                    self.crowds.iter_mut().for_each(|crowd| crowd.second.clear());
                    (before, own_before) = (usage(), own_processor());
                    peak = before;
                }
                if let Some(end) = ends.filter(|end| now >= *end) {
                    for crowd in &mut self.crowds {
                        crowd.account.close_second(&mut crowd.second, !arguments.quiet);
                    }
                    peak = peak.zip(usage()).map(|(peak, now)| peak.at_most(now));
                    ends = Some(end + seconds(1));
                    if end >= first + seconds(arguments.seconds) {
                        let took = first.elapsed();
                        let generator = own_processor().saturating_sub(own_before);
                        let accounts = self.crowds.iter_mut().map(Crowd::close).collect();
                        return Ok(Figures { accounts, took, generator, watched: before.zip(peak) });
                    }
                }
                self.let_come(started, now);
            }
            if !self.has_ever_connected && self.failures > HOPELESS {
                return Err(format!("no connection to {} stands: {}", self.to, self.last_failure));
            }
            self.retry(now);
            self.let_drip(now);
            if now.duration_since(looked) >= LOOK {
                looked = now;
                self.give_up(now, seconds(arguments.timeout));
            }
            let pause = if arguments.spin { Duration::ZERO } else { self.pause(now) };
            match self.poll.poll(&mut events, Some(pause)) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.to_string()),
            }
            for event in &events {
                self.advance(event.token().0);
            }
        }
    }

    /// The connections that are made before the clock starts. Those that are not kept wait for their first request; slow
    /// ones come one after the other in the time of the warm-up, or they would all be cut in one moment, again and again.
    fn gather(&mut self, warmup: Duration) -> VecDeque<usize> {
        let mut kept = VecDeque::new();
        let count = u32::try_from(self.seats.len()).unwrap_or(u32::MAX);
        let (mut at, step) = (Instant::now(), warmup / count.max(1));
        for (number, seat) in self.seats.iter().enumerate() {
            let crowd = &mut self.crowds[seat.crowd];
            match crowd.consumer.connecting {
                _ if crowd.consumer.slow.is_some() => {
                    at += step;
                    self.returns.push(Reverse((at, number)));
                }
                Connecting::Fresh => crowd.idle.push_back(number),
                Connecting::Kept => kept.push_back(number),
            }
        }
        kept
    }

    fn start(&mut self, now: Instant) {
        self.started = Some(now);
        for number in 0..self.crowds.len() {
            if self.crowds[number].consumer.arrivals == Arrivals::Closed {
                for seat in std::mem::take(&mut self.crowds[number].idle) {
                    self.ask(seat, now);
                }
            }
        }
    }

    /// Requests of open loops whose time has come.
    fn let_come(&mut self, started: Instant, now: Instant) {
        for number in 0..self.crowds.len() {
            let crowd = &mut self.crowds[number];
            let Arrivals::Open(rate) = crowd.consumer.arrivals else { continue };
            let due = (now.duration_since(started).as_secs_f64() * rate) as u64;
            for request in crowd.due..due {
                crowd.backlog.push_back(started + Duration::from_secs_f64((request + 1) as f64 / rate));
            }
            crowd.due = crowd.due.max(due);
            while let Some(crowd) = self.crowds.get_mut(number)
                && !crowd.backlog.is_empty()
                && let Some(seat) = crowd.idle.pop_front()
                && let Some(due) = crowd.backlog.pop_front()
            {
                self.ask(seat, due);
            }
        }
    }

    /// How long nothing can be due. Under a millisecond the poll does not wait: the kernel would wait too long.
    fn pause(&self, now: Instant) -> Duration {
        let mut pause = Duration::from_millis(20);
        if self.started.is_none() && self.in_making < GATHERED_AT_ONCE {
            pause = Duration::from_millis(1);
        }
        let timed = [&self.retries, &self.drips].into_iter().filter_map(VecDeque::front);
        for (at, _) in timed.chain(self.returns.peek().map(|Reverse(next)| next)) {
            pause = pause.min(at.saturating_duration_since(now));
        }
        for crowd in &self.crowds {
            if let (Arrivals::Open(rate), Some(started), false) =
                (crowd.consumer.arrivals, self.started, crowd.idle.is_empty())
            {
                let next = started + Duration::from_secs_f64((crowd.due + 1) as f64 / rate);
                pause = pause.min(next.saturating_duration_since(now));
            }
        }
        Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(0))
    }
}

impl Crowd {
    fn close(&mut self) -> Account {
        let unsent = self.backlog.len() as u64;
        Account { unsent, ..std::mem::take(&mut self.account) }
    }
}

fn own_processor() -> Duration {
    Usage::of("self").map_or(Duration::ZERO, |usage| usage.processor)
}
