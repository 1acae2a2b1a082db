//! Log lines that a peer can cause: sampled, counted, and summed up once a minute.
//!
//! A machine that only reaches the port can end thousands of handshakes in a second. Each of them
//! as a line of the log fills a disk, and hides the lines that matter. So every event that a peer
//! causes passes through [`peer_event!`](crate::peer_event): for each message and reason, the first
//! event of a minute is logged in full, for each of up to [`SOURCES`] sources; the others are
//! counted, and the minute ends with one line that has their number. Messages and reasons are
//! constants of the program, so memory and lines are bounded whatever a peer sends.
//!
//! A rule over the source text (`tests/it/architecture/rules.rs`, "peer-event") refuses other log
//! lines in the modules that peers reach.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::Level;

/// Time for which events are counted before they are summed up.
const WINDOW: Duration = Duration::from_secs(60);

/// Sources whose first event in a window is logged: one peer's noise does not hide another's error.
pub const SOURCES: usize = 4;

/// Logs an event that a peer can cause: `peer_event!(log, LEVEL, "message", reason, source; fields)`.
///
/// `reason` is a `&'static str`, `source` any value with a hash that tells peers apart. The fields
/// are those of `tracing`; they are evaluated only if the event is logged.
#[macro_export]
macro_rules! peer_event {
    ($log:expr, $level:ident, $message:literal, $reason:expr, $source:expr; $($fields:tt)+) => {{
        let reason: &'static str = $reason;
        if $log.admit(::tracing::Level::$level, $message, reason, &$source) {
            ::tracing::event!(::tracing::Level::$level, reason, $($fields)+, $message);
        }
    }};
}

/// Counts the events that peers cause, and decides which of them are logged.
#[derive(Debug, Default)]
pub struct PeerLog {
    hasher: RandomState,
    windows: Mutex<BTreeMap<Event, Window>>,
}

/// Message and reason of an event: constants of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    message: &'static str,
    reason: &'static str,
}

/// Events of one kind since the first of them was logged.
#[derive(Debug)]
struct Window {
    level: Level,
    began: Instant,
    /// Hashes of the sources whose event was logged.
    sources: [Option<u64>; SOURCES],
    /// Events that were not logged.
    more: u64,
}

/// A closed window whose events were not all logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Summary {
    event: Event,
    level: Level,
    more: u64,
}

impl PeerLog {
    /// Counts an event; returns whether it is logged.
    #[must_use]
    pub fn admit(&self, level: Level, message: &'static str, reason: &'static str, source: &impl Hash) -> bool {
        let (admitted, summary) = self.admit_at(Instant::now(), level, Event { message, reason }, source);
        // Outside of the lock.
        summary.iter().for_each(log_summary);
        admitted
    }

    fn admit_at(&self, now: Instant, level: Level, event: Event, source: &impl Hash) -> (bool, Option<Summary>) {
        let source = self.hasher.hash_one(source);
        let mut windows = self.windows.lock();
        let window = windows.entry(event).or_insert_with(|| Window::new(level, now));
        let mut summary = None;
        if window.is_over(now) {
            summary = window.summarise(event);
            *window = Window::new(level, now);
        }
        (window.count(source), summary)
    }

    /// Logs the number of events of each window that is over. Call it once a second.
    pub fn summarise(&self) {
        self.close(Instant::now(), Window::is_over).iter().for_each(log_summary);
    }

    /// Logs the number of events of every window: at the end of the service.
    pub fn finish(&self) {
        self.close(Instant::now(), |_, _| true).iter().for_each(log_summary);
    }

    fn close(&self, now: Instant, is_over: impl Fn(&Window, Instant) -> bool) -> Vec<Summary> {
        let mut summaries = Vec::new();
        self.windows.lock().retain(|event, window| {
            let ends = is_over(window, now);
            if ends {
                summaries.extend(window.summarise(*event));
            }
            !ends
        });
        summaries
    }
}

impl Window {
    fn new(level: Level, began: Instant) -> Self {
        Self { level, began, sources: [None; SOURCES], more: 0 }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= WINDOW
    }

    /// Counts an event of this source; returns whether it is logged.
    fn count(&mut self, source: u64) -> bool {
        let is_known = self.sources.contains(&Some(source));
        match self.sources.iter_mut().find(|free| free.is_none()) {
            Some(free) if !is_known => {
                *free = Some(source);
                true
            }
            Some(_) | None => {
                self.more = self.more.saturating_add(1);
                false
            }
        }
    }

    fn summarise(&self, event: Event) -> Option<Summary> {
        (self.more > 0).then_some(Summary { event, level: self.level, more: self.more })
    }
}

fn log_summary(summary: &Summary) {
    let Summary { event: Event { message, reason }, level, more } = *summary;
    if level <= Level::WARN {
        tracing::warn!(reason, more, "{message}: {more} more in the last minute");
    } else {
        tracing::info!(reason, more, "{message}: {more} more in the last minute");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: Event = Event { message: "refused", reason: "expired" };

    fn admitted(log: &PeerLog, now: Instant, source: u32) -> bool {
        log.admit_at(now, Level::INFO, EVENT, &source).0
    }

    #[test]
    fn a_flood_is_one_line_and_one_summary_a_minute() {
        let (log, start) = (PeerLog::default(), Instant::now());
        let logged = (0..100_000).filter(|_| admitted(&log, start, 1)).count();
        assert_eq!(logged, 1);
        assert_eq!(log.close(start + WINDOW / 2, Window::is_over), []);
        let summary = Summary { event: EVENT, level: Level::INFO, more: 99_999 };
        assert_eq!(log.close(start + WINDOW, Window::is_over), [summary]);
        assert_eq!(log.close(start + WINDOW, Window::is_over), [], "said once");
        assert!(log.windows.lock().is_empty());
    }

    #[test]
    fn an_event_after_the_minute_closes_the_window_before() {
        let (log, start) = (PeerLog::default(), Instant::now());
        assert!(admitted(&log, start, 1) && !admitted(&log, start, 1));
        let (again, summary) = log.admit_at(start + WINDOW, Level::INFO, EVENT, &1_u32);
        assert!(again);
        assert_eq!(summary, Some(Summary { event: EVENT, level: Level::INFO, more: 1 }));
    }

    #[test]
    fn a_few_sources_are_logged_each_and_other_reasons_apart() {
        let (log, start) = (PeerLog::default(), Instant::now());
        let logged = (0..3).flat_map(|_| 0..1_000).filter(|source| admitted(&log, start, *source)).count();
        assert_eq!(logged, SOURCES);
        let other = Event { reason: "revoked", ..EVENT };
        assert!(log.admit_at(start, Level::INFO, other, &1_u32).0);
        assert_eq!(log.windows.lock().len(), 2);
        let more: u64 = log.close(start, |_, _| true).iter().map(|summary| summary.more).sum();
        assert_eq!(more, 3_000 - 4);
    }
}
