//! The questions of the last day, of all consumers, as a file keeps them.
//!
//! The file has the time of the counts on three clocks:
//!
//! - `time`: the counts' own, in milliseconds. It advances while the machine runs, and continues
//!   over restarts.
//! - `uptime`: time since the machine started, which cannot be set.
//! - `clock`: the time of day, which an administrator can set.
//!
//! How long the service was down is the smaller of what the last two say. A clock that is set
//! forward, a restart of the machine, or a file from another machine never makes it longer than it
//! was: questions may be forgotten too late, never too early.

use std::time::Duration;

use ehealth_core::model::{EnterpriseNumber, Timestamp};
use ehealth_core::policy::{HOURS, HourCounts};

/// First line of the file.
const FORM: &str = "quota counts 1";

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuotaCounts {
    /// Time of the counts themselves.
    pub time: Duration,
    /// Time since the machine started.
    pub uptime: Duration,
    /// Time of day.
    pub clock: Timestamp,
    /// Questions by hour, oldest first, of each consumer that has any: the text of its
    /// [`ConsumerId`](ehealth_core::policy::ConsumerId).
    pub consumers: Vec<(String, HourCounts)>,
}

impl QuotaCounts {
    /// The counts' own time at this moment, after a restart.
    pub fn time_at(&self, uptime: Duration, clock: Timestamp) -> Duration {
        // After a restart of the machine, its uptime is less than the time that has passed.
        let by_uptime = uptime.checked_sub(self.uptime).unwrap_or(uptime);
        self.time.saturating_add(by_uptime.min(clock.since(self.clock)))
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{FORM}\ntime {}\nuptime {}\nclock {}\n",
            self.time.as_millis(),
            self.uptime.as_millis(),
            self.clock
        );
        for (consumer, counts) in &self.consumers {
            counts.iter().for_each(|count| text.push_str(&format!("{count} ")));
            text.push_str(consumer);
            text.push('\n');
        }
        text.push_str("end\n");
        text
    }

    /// Parses the text of the file; `None` if it is not one that [`QuotaCounts::to_text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix("end\n")?.lines();
        (lines.next()? == FORM).then_some(())?;
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let time = Duration::from_millis(value("time")?.parse().ok()?);
        let uptime = Duration::from_millis(value("uptime")?.parse().ok()?);
        let clock = Timestamp::parse(value("clock")?).ok()?;
        let consumers = lines.map(parse_consumer).collect::<Option<_>>()?;
        Some(Self { time, uptime, clock, consumers })
    }
}

/// The counts, then the consumer, whose text may have blanks.
fn parse_consumer(line: &str) -> Option<(String, HourCounts)> {
    let mut parts: Vec<_> = line.splitn(HOURS + 1, ' ').collect();
    let consumer = parts
        .pop()
        .filter(|consumer| consumer.get(..10).is_some_and(|number| EnterpriseNumber::parse(number).is_ok()))?;
    let counts: Vec<u32> = parts.into_iter().map(|part| part.parse().ok()).collect::<Option<_>>()?;
    Some((consumer.to_owned(), HourCounts::try_from(counts).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3_600)
    }

    fn counts() -> QuotaCounts {
        let counts = std::array::from_fn(|hour| u32::try_from(hour).expect("few") * 7);
        QuotaCounts {
            time: Duration::from_millis(123_456_789),
            uptime: hours(50),
            clock: Timestamp::parse("2026-01-15T09:30:00Z").expect("a moment"),
            consumers: vec![("0202239951".to_owned(), [0; HOURS]), ("0999010126, MY FILES".to_owned(), counts)],
        }
    }

    #[test]
    fn the_text_is_read_back() {
        let text = counts().to_text();
        assert_eq!(QuotaCounts::parse(&text), Some(counts()));
        for end in 0..text.len() {
            assert_eq!(QuotaCounts::parse(text.split_at(end).0), None, "cut at {end}");
        }
        assert_eq!(QuotaCounts::parse(&text.replace("0999010126", "0999010127")), None);
        assert_eq!(QuotaCounts::parse(&text.replace("7 14 ", "7 ")), None);
    }

    #[test]
    fn no_clock_alone_makes_the_pause_longer() {
        let counts = counts();
        let clock = |hours_later: i64| Timestamp::from_millis(counts.clock.as_millis() + hours_later * 3_600_000);
        let passed = |uptime, later| counts.time_at(uptime, clock(later)).saturating_sub(counts.time);
        assert_eq!(passed(hours(52), 2), hours(2), "the process restarted");
        assert_eq!(passed(hours(52), 200), hours(2), "the clock was set forward");
        assert_eq!(passed(hours(52), -200), hours(0), "the clock was set back");
        assert_eq!(passed(hours(1), 30), hours(1), "the machine restarted");
        assert_eq!(passed(hours(500), 3), hours(3), "another machine");
    }
}
