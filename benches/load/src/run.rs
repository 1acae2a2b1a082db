//! The event loop: schedules requests, and ends each second and the run.
//!
//! First it opens all kept connections, a few at a time; then the measurement starts. `slot`
//! handles the single connections.

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
use crate::identity::{KnownServer, configure};
use crate::process::Usage;
use crate::report::{ConsumerFigures, Figures};
use crate::request::{Digits, Template, read_ssins};
use crate::slot::Slot;
use crate::tally::Tally;

/// Maximum concurrent handshakes before the measurement: more would only fill the queue of the
/// server.
const MAX_OPENING: usize = 64;
/// Maximum time before the measurement starts, even if some connections could not be opened.
const OPENING_TIME: Duration = Duration::from_secs(20);
/// Maximum failures before the first connection: after that there is nothing to measure.
const MAX_FAILURES: u64 = 100;
/// Interval of the check for late answers.
const TIMEOUT_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Connections and requests of one consumer.
pub struct Group {
    pub consumer: Consumer,
    pub config: Arc<ClientConfig>,
    pub template: Template,
    pub expected: Finder<'static>,
    /// Slots that wait for a request.
    pub idle: VecDeque<usize>,
    /// Due times of requests that wait for a slot.
    pub backlog: VecDeque<Instant>,
    /// Number of requests that were due so far.
    due: u64,
    pub second: Tally,
    figures: ConsumerFigures,
}

/// A run in progress.
pub struct Run {
    pub to: SocketAddr,
    pub name: ServerName<'static>,
    pub poll: Poll,
    pub numbers: Vec<Digits>,
    pub next_number: usize,
    pub groups: Vec<Group>,
    pub slots: Vec<Slot>,
    pub drip: Duration,
    /// Connections to open again, with the time.
    pub retries: VecDeque<(Instant, usize)>,
    /// Slow connections to open, with the time.
    pub returns: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Slow connections with the time of their next byte.
    pub drips: VecDeque<(Instant, usize)>,
    /// Connections with a handshake in progress.
    pub connecting: usize,
    /// Start of the measurement.
    pub started: Option<Instant>,
    /// End of the warm-up: requests that were due before it are not counted, whenever their answers
    /// come.
    pub counted_from: Option<Instant>,
    /// End of the measurement, once it is over: only answers to earlier requests are counted.
    pub counted_until: Option<Instant>,
    pub has_ever_connected: bool,
    pub failures: u64,
    pub last_failure: &'static str,
}

/// Runs and prints the figures.
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
        let numbers = arguments.ssins.as_deref().map_or_else(|| Ok(vec![Digits::default()]), read_ssins)?;
        let server = KnownServer::new(&arguments.ca)?;
        let (mut groups, mut slots) = (Vec::new(), Vec::new());
        for consumer in &arguments.consumers {
            let template = Template::read(&consumer.request, &arguments.path, &arguments.name)?;
            if template.needs_ssin() && arguments.ssins.is_none() {
                return Err(format!("{} contains {{ssin}}: set --ssins", consumer.request.display()));
            }
            slots.extend((0..consumer.connections).map(|_| Slot::new(groups.len())));
            groups.push(Group {
                config: configure(&server, &consumer.certificate, &consumer.key)?,
                template,
                expected: Finder::new(&consumer.expect).into_owned(),
                idle: VecDeque::new(),
                backlog: VecDeque::new(),
                due: 0,
                second: Tally::default(),
                figures: ConsumerFigures { name: consumer.name.clone(), ..ConsumerFigures::default() },
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
            groups,
            slots,
            drip: Duration::from_millis(arguments.drip.max(1)),
            retries: VecDeque::new(),
            returns: BinaryHeap::new(),
            drips: VecDeque::new(),
            connecting: 0,
            started: None,
            counted_from: None,
            counted_until: None,
            has_ever_connected: false,
            failures: 0,
            last_failure: "",
        })
    }

    fn measure(&mut self, arguments: &Arguments) -> Result<Figures, String> {
        let seconds = |count: u32| Duration::from_secs(count.into());
        let watched = arguments.watch.map(|pid| pid.to_string());
        let usage = || watched.as_deref().and_then(Usage::of);
        let mut opening = self.connections_to_open(seconds(arguments.warmup));
        let open_by = Instant::now() + OPENING_TIME;
        let (mut events, mut looked) = (Events::with_capacity(1_024), Instant::now());
        // End of the current second, and the usage before the first.
        let (mut ends, mut before) = (None::<Instant>, None);
        let (mut own_before, mut peak) = (Duration::ZERO, None::<Usage>);
        // The measured time and the generator's, once it is over. Requests of open loops that were
        // due before its end may still be answered.
        let mut measured = None::<(Instant, Duration, Duration)>;
        loop {
            let now = Instant::now();
            while self.connecting < MAX_OPENING
                && let Some(slot) = opening.pop_front()
            {
                self.connect(slot);
            }
            if self.started.is_none() && (opening.is_empty() && self.connecting == 0 || now >= open_by) {
                self.start(now);
            }
            if let Some(started) = self.started {
                let first = started + seconds(arguments.warmup);
                if ends.is_none() && now >= first {
                    ends = Some(first + seconds(1));
                    self.counted_from = Some(first);
                    self.groups.iter_mut().for_each(|group| group.second.clear());
                    (before, own_before) = (usage(), own_processor());
                    peak = before;
                }
                let last = first + seconds(arguments.seconds);
                if let Some((at, took, generator)) = measured {
                    if self.has_open_requests() && now < at + seconds(arguments.timeout) {
                        // Answers that come now belong to the last second.
                    } else {
                        let consumers = self.groups.iter_mut().map(Group::close).collect();
                        return Ok(Figures { consumers, took, generator, watched: before.zip(peak) });
                    }
                } else if let Some(end) = ends.filter(|end| now >= *end) {
                    for group in &mut self.groups {
                        group.figures.close_second(&mut group.second, !arguments.quiet);
                    }
                    peak = peak.zip(usage()).map(|(peak, now)| peak.at_most(now));
                    ends = Some(end + seconds(1));
                    if end >= last {
                        self.counted_until = Some(last);
                        measured = Some((now, first.elapsed(), own_processor().saturating_sub(own_before)));
                    }
                }
                // No request that is due after the end is sent.
                self.schedule_open_loops(started, now.min(last - Duration::from_nanos(1)));
            }
            if !self.has_ever_connected && self.failures > MAX_FAILURES {
                return Err(format!("cannot connect to {}: {}", self.to, self.last_failure));
            }
            self.retry(now);
            self.send_drips(now);
            if now.duration_since(looked) >= TIMEOUT_CHECK_INTERVAL {
                looked = now;
                self.give_up(now, seconds(arguments.timeout));
            }
            let pause = if arguments.spin { Duration::ZERO } else { self.pause(now) };
            self.poll_connections(&mut events, pause)?;
        }
    }

    /// Waits for events, and continues their connections.
    fn poll_connections(&mut self, events: &mut Events, pause: Duration) -> Result<(), String> {
        match self.poll.poll(events, Some(pause)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
        for event in &*events {
            self.advance(event.token().0);
        }
        Ok(())
    }

    /// Connections to open before the measurement. Fresh ones wait for their first request. Slow
    /// ones are spread over the warm-up: otherwise the server would close all of them at the same
    /// time, again and again.
    fn connections_to_open(&mut self, warmup: Duration) -> VecDeque<usize> {
        let mut kept = VecDeque::new();
        let count = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let (mut at, step) = (Instant::now(), warmup / count.max(1));
        for (number, slot) in self.slots.iter().enumerate() {
            let group = &mut self.groups[slot.group];
            match group.consumer.connecting {
                _ if group.consumer.slow.is_some() => {
                    at += step;
                    self.returns.push(Reverse((at, number)));
                }
                Connecting::Fresh => group.idle.push_back(number),
                Connecting::Kept => kept.push_back(number),
            }
        }
        kept
    }

    fn start(&mut self, now: Instant) {
        self.started = Some(now);
        for number in 0..self.groups.len() {
            if self.groups[number].consumer.arrivals == Arrivals::Closed {
                for slot in std::mem::take(&mut self.groups[number].idle) {
                    self.ask(slot, now);
                }
            }
        }
    }

    /// Sends the requests of open loops that are due.
    fn schedule_open_loops(&mut self, started: Instant, now: Instant) {
        for number in 0..self.groups.len() {
            let group = &mut self.groups[number];
            let Arrivals::Open(rate) = group.consumer.arrivals else { continue };
            let due = (now.duration_since(started).as_secs_f64() * rate) as u64;
            for request in group.due..due {
                group.backlog.push_back(started + Duration::from_secs_f64((request + 1) as f64 / rate));
            }
            group.due = group.due.max(due);
            while let Some(group) = self.groups.get_mut(number)
                && !group.backlog.is_empty()
                && let Some(slot) = group.idle.pop_front()
                && let Some(due) = group.backlog.pop_front()
            {
                self.ask(slot, due);
            }
        }
    }

    /// Whether a request of an open loop is not answered yet.
    fn has_open_requests(&self) -> bool {
        let is_open =
            |group: &Group| matches!(group.consumer.arrivals, Arrivals::Open(_)) && group.consumer.slow.is_none();
        self.groups.iter().any(|group| is_open(group) && !group.backlog.is_empty())
            || self.slots.iter().any(|slot| is_open(&self.groups[slot.group]) && slot.has_request())
    }

    /// Time until something may be due. Below 1 ms the poll does not wait: the kernel would wait
    /// too long.
    fn pause(&self, now: Instant) -> Duration {
        let mut pause = Duration::from_millis(20);
        if self.started.is_none() && self.connecting < MAX_OPENING {
            pause = Duration::from_millis(1);
        }
        let timed = [&self.retries, &self.drips].into_iter().filter_map(VecDeque::front);
        for (at, _) in timed.chain(self.returns.peek().map(|Reverse(next)| next)) {
            pause = pause.min(at.saturating_duration_since(now));
        }
        for group in &self.groups {
            if let (Arrivals::Open(rate), Some(started), false) =
                (group.consumer.arrivals, self.started, group.idle.is_empty())
            {
                let next = started + Duration::from_secs_f64((group.due + 1) as f64 / rate);
                pause = pause.min(next.saturating_duration_since(now));
            }
        }
        Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(0))
    }
}

impl Group {
    fn close(&mut self) -> ConsumerFigures {
        self.figures.total.add(&self.second);
        let unsent = self.backlog.len() as u64;
        ConsumerFigures { unsent, ..std::mem::take(&mut self.figures) }
    }
}

fn own_processor() -> Duration {
    Usage::of("self").map_or(Duration::ZERO, |usage| usage.processor)
}
