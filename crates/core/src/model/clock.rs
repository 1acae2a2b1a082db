//! Timestamps, and the trait through which the time comes in. The gateway implements it with the
//! system clock; this crate has none.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::digits::{decimal, write_ascii};
use super::{Date, DateError};

const MILLIS_A_DAY: i64 = 86_400_000;
const MILLIS_AN_HOUR: i64 = 3_600_000;

/// Maximum time by which a peer's clock may be ahead of ours: 5 min.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);

/// A timestamp in UTC, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates a timestamp from milliseconds since 1970-01-01T00:00:00Z, clamped to the years 0001
    /// to 9999.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        let first = i64::from(Date::MIN.as_days()) * MILLIS_A_DAY;
        let last = (i64::from(Date::MAX.as_days()) + 1) * MILLIS_A_DAY - 1;
        Self(millis.clamp(first, last))
    }

    /// Parses an xs:dateTime: `YYYY-MM-DDThh:mm:ss`, an optional fraction, an optional zone (`Z` or
    /// `±hh:mm`; without one, UTC). Digits of the fraction after the third are dropped; `24:00:00`
    /// is the end of the day.
    ///
    /// # Errors
    /// [`DateError`] for any other form (XML Schema 1.0 part 2, 3.2.7), and outside the years 0001
    /// to 9999.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let (day, time) = text.split_at_checked(10).ok_or(DateError)?;
        let day = Date::parse(day)?;
        let (time, zone) = split_zone(time.strip_prefix('T').ok_or(DateError)?)?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
        if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DateError);
        }
        let millis = fraction.bytes().chain([b'0'; 3]).take(3).fold(0, |n, b| n * 10 + i64::from(b - b'0'));
        let [hours, minutes, seconds] = read_clock(clock)?;
        let end_of_day = hours == 24 && minutes == 0 && seconds == 0 && fraction.bytes().all(|b| b == b'0');
        if (hours > 23 && !end_of_day) || minutes > 59 || seconds > 59 {
            return Err(DateError);
        }
        let of_day = hours * MILLIS_AN_HOUR + minutes * 60_000 + seconds * 1_000 + millis;
        Ok(Self::from_millis(i64::from(day.as_days()) * MILLIS_A_DAY + of_day - zone))
    }

    /// Parses an xs:dateTime like [`Timestamp::parse`], but requires the zone: without one, two
    /// readers may read two times.
    ///
    /// # Errors
    /// [`DateError`] for any other form.
    pub fn parse_zoned(text: &str) -> Result<Self, DateError> {
        // The signs before the seconds belong to the date.
        let after_seconds = text.get("YYYY-MM-DDThh:mm:ss".len()..).ok_or(DateError)?;
        if after_seconds.contains(['Z', '+', '-']) { Self::parse(text) } else { Err(DateError) }
    }

    /// Whether a peer's timestamp is in the future: more than 5 min after `now`, which clocks that
    /// are not quite synchronised do not explain. Nothing may count its age from such a time: it
    /// would never go stale.
    #[must_use]
    pub fn is_in_the_future(self, now: Self) -> bool {
        self.since(now) > CLOCK_TOLERANCE
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// The time that is this much later, or earlier if it is negative.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// The time that is this much earlier.
    #[must_use]
    pub fn before(self, age: Duration) -> Self {
        self.plus_millis(i64::try_from(age.as_millis()).map_or(i64::MIN, |millis| -millis))
    }

    /// Time since an earlier timestamp; zero if that is in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Calendar day in Europe/Brussels: UTC+1, and UTC+2 from the last Sunday of March to the last
    /// Sunday of October, changing at 01:00 UTC (Directive 2000/84/EC, articles 2 and 3).
    #[must_use]
    pub fn brussels_day(self) -> Date {
        self.in_brussels().utc_day()
    }

    /// Time of day in Europe/Brussels, on [`brussels_day`](Self::brussels_day).
    #[must_use]
    pub fn brussels_time(self) -> BrusselsTime {
        let seconds = self.in_brussels().0.rem_euclid(MILLIS_A_DAY) / 1_000;
        let [hour, minute, second] = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map(i64::unsigned_abs);
        BrusselsTime { hour, minute, second, is_summer: self.is_brussels_summer() }
    }

    /// The time whose digits in UTC are those that a clock in Brussels shows.
    fn in_brussels(self) -> Self {
        let offset = if self.is_brussels_summer() { 2 * MILLIS_AN_HOUR } else { MILLIS_AN_HOUR };
        Self::from_millis(self.0.saturating_add(offset))
    }

    fn is_brussels_summer(self) -> bool {
        let (year, ..) = self.utc_day().calendar();
        let change = |month| last_sunday(year, month) * MILLIS_A_DAY + MILLIS_AN_HOUR;
        (change(3)..change(10)).contains(&self.0)
    }

    /// First moment of a calendar day in Europe/Brussels.
    #[must_use]
    pub fn start_of_brussels_day(day: Date) -> Self {
        let midnight = Self::from_millis(i64::from(day.as_days()).saturating_mul(MILLIS_A_DAY));
        // In winter this is 23:00 of the day before.
        let in_summer = midnight.plus_millis(-2 * MILLIS_AN_HOUR);
        if in_summer.brussels_day() == day { in_summer } else { midnight.plus_millis(-MILLIS_AN_HOUR) }
    }

    fn utc_day(self) -> Date {
        Date::from_days(self.0.div_euclid(MILLIS_A_DAY)).unwrap_or(Date::MAX)
    }
}

/// Splits the zone from the end of a time. Returns the time and the offset in milliseconds.
fn split_zone(time: &str) -> Result<(&str, i64), DateError> {
    if let Some(time) = time.strip_suffix('Z') {
        return Ok((time, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Ok((time, 0)) };
    let (time, zone) = time.split_at(at);
    let &[sign, a, b, b':', c, d] = zone.as_bytes() else { return Err(DateError) };
    if ![a, b, c, d].iter().all(u8::is_ascii_digit) {
        return Err(DateError);
    }
    let two = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let (hours, minutes) = (two(a, b), two(c, d));
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return Err(DateError);
    }
    let offset = hours * MILLIS_AN_HOUR + minutes * 60_000;
    Ok((time, if sign == b'-' { -offset } else { offset }))
}

/// Parses `hh:mm:ss` without checking the ranges.
fn read_clock(text: &str) -> Result<[i64; 3], DateError> {
    let &[a, b, b':', c, d, b':', e, f] = text.as_bytes() else { return Err(DateError) };
    if ![a, b, c, d, e, f].iter().all(u8::is_ascii_digit) {
        return Err(DateError);
    }
    let two = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    Ok([two(a, b), two(c, d), two(e, f)])
}

/// Last Sunday of March or October (both have 31 days), in days since 1970-01-01.
fn last_sunday(year: i32, month: u32) -> i64 {
    let last = Date::from_calendar(year, month, 31).unwrap_or(Date::MAX).as_days();
    // Day 0 was a Thursday: days congruent to 3 modulo 7 are Sundays.
    i64::from(last - (last - 3).rem_euclid(7))
}

impl fmt::Display for Timestamp {
    /// `2026-11-22T05:19:00.000Z`: UTC with milliseconds (`docs/reference/contract.md` "Common
    /// types").
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not negative, and less than a day.
        let of_day = self.0.rem_euclid(MILLIS_A_DAY).unsigned_abs();
        let (seconds, millis) = (of_day / 1_000, of_day % 1_000);
        let ([a, b], [c, d], [e, g]) = (decimal(seconds / 3_600), decimal(seconds / 60 % 60), decimal(seconds % 60));
        let [h, i, j] = decimal(millis);
        write_ascii(f, &self.utc_day().text())?;
        write_ascii(f, &[b'T', a, b, b':', c, d, b':', e, g, b'.', h, i, j, b'Z'])
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Time of day in Europe/Brussels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrusselsTime {
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
    /// Whether it is summer time (CEST), not CET: in October one hour occurs in both.
    pub is_summer: bool,
}

/// Source of the time. The gateway passes it in, so that every module can be tested at any time.
pub trait Clock: Send + Sync {
    /// The current time. It may be set, forward and back.
    fn now(&self) -> Timestamp;

    /// Time since the machine started, its sleep included: it is never set, and continues when the
    /// process starts again.
    fn uptime(&self) -> Duration;
}

/// A clock that stands still until it is set: for tests, and for answers that must be identical
/// each time.
#[derive(Debug)]
pub struct FixedClock {
    millis: AtomicI64,
    uptime_millis: AtomicU64,
}

/// Uptime of a new [`FixedClock`]: long enough for what looks back an hour.
const FIXED_UPTIME: Duration = Duration::from_secs(30 * 86_400);

impl FixedClock {
    /// Creates a clock that shows this time.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { millis: AtomicI64::new(now.as_millis()), uptime_millis: AtomicU64::new(millis_of(FIXED_UPTIME)) }
    }

    /// Sets the clock to another time, as an administrator does: the uptime does not change.
    pub fn set(&self, now: Timestamp) {
        self.millis.store(now.as_millis(), Ordering::Relaxed);
    }

    /// Lets time pass: the clock and the uptime advance.
    pub fn advance(&self, by: Duration) {
        self.uptime_millis.fetch_add(millis_of(by), Ordering::Relaxed);
        self.millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.millis.load(Ordering::Relaxed))
    }

    fn uptime(&self) -> Duration {
        Duration::from_millis(self.uptime_millis.load(Ordering::Relaxed))
    }
}

fn millis_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timestamp(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a timestamp")
    }

    #[test]
    fn the_hour_of_october_occurs_in_both_zones() {
        let time = |text| {
            let BrusselsTime { hour, minute, second, is_summer } = timestamp(text).brussels_time();
            (hour, minute, second, is_summer)
        };
        assert_eq!(time("2026-10-25T00:30:05.999Z"), (2, 30, 5, true));
        assert_eq!(time("2026-10-25T01:30:05Z"), (2, 30, 5, false));
        assert_eq!(time("2026-03-29T00:59:59Z"), (1, 59, 59, false));
        assert_eq!(time("2026-03-29T01:00:00Z"), (3, 0, 0, true));
        assert_eq!(time("2026-01-14T23:00:00Z"), (0, 0, 0, false));
    }

    #[test]
    fn a_day_starts_at_midnight_in_brussels() {
        for (day, start) in [
            ("2026-01-15", "2026-01-14T23:00:00Z"),
            ("2026-03-29", "2026-03-28T23:00:00Z"),
            ("2026-03-30", "2026-03-29T22:00:00Z"),
            ("2026-07-15", "2026-07-14T22:00:00Z"),
            ("2026-10-25", "2026-10-24T22:00:00Z"),
            ("2026-10-26", "2026-10-25T23:00:00Z"),
        ] {
            let day = Date::parse(day).expect("a day");
            assert_eq!(Timestamp::start_of_brussels_day(day), timestamp(start), "{day}");
        }
    }

    #[test]
    fn the_day_changes_at_midnight_in_brussels() {
        assert_eq!(timestamp("2026-01-14T22:59:59.999Z").brussels_day().to_string(), "2026-01-14");
        assert_eq!(timestamp("2026-01-14T23:00:00Z").brussels_day().to_string(), "2026-01-15");
        assert_eq!(timestamp("2026-07-14T21:59:59Z").brussels_day().to_string(), "2026-07-14");
        assert_eq!(timestamp("2026-07-14T22:00:00Z").brussels_day().to_string(), "2026-07-15");
        // Clocks change on 29 March and 25 October 2026.
        assert_eq!(timestamp("2026-03-28T22:30:00Z").brussels_day().to_string(), "2026-03-28");
        assert_eq!(timestamp("2026-03-29T22:30:00Z").brussels_day().to_string(), "2026-03-30");
        assert_eq!(timestamp("2026-10-24T22:30:00Z").brussels_day().to_string(), "2026-10-25");
        assert_eq!(timestamp("2026-10-25T22:30:00Z").brussels_day().to_string(), "2026-10-25");
    }

    #[test]
    fn displays_utc_with_milliseconds() {
        assert_eq!(timestamp("2026-11-22T06:19:00.1239+01:00").to_string(), "2026-11-22T05:19:00.123Z");
        assert_eq!(timestamp("1969-12-31T24:00:00").to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_zoned_timestamp_has_a_zone() {
        for (text, is_zoned) in [
            ("2026-11-22T05:00:00Z", true),
            ("2026-11-22T05:00:00.5+01:00", true),
            ("2026-11-22T05:00:00-01:00", true),
            ("2026-11-22T05:00:00", false),
            ("2026-11-22T05:00:00.5", false),
            ("2026-11-22", false),
            ("2026-11-22T05:00:0é", false),
        ] {
            assert_eq!(Timestamp::parse_zoned(text).ok(), is_zoned.then(|| timestamp(text)), "{text}");
        }
    }

    #[test]
    fn five_minutes_ahead_are_not_the_future() {
        let now = timestamp("2026-11-22T05:00:00Z");
        assert!(!timestamp("2026-11-22T05:05:00Z").is_in_the_future(now));
        assert!(timestamp("2026-11-22T05:05:00.001Z").is_in_the_future(now));
        assert!(!timestamp("1999-01-01T00:00:00Z").is_in_the_future(now));
    }

    #[test]
    fn refuses_invalid_date_times() {
        for text in [
            "2026-11-22",
            "2026-11-22T",
            "2026-11-22T24:00:01Z",
            "2026-11-22T10:60:00Z",
            "2026-11-22T10:00:00.Z",
            "2026-11-22T10:00Z",
            "2026-11-22 10:00:00Z",
            "2026-11-22T10:00:00+15:00",
            "2026-02-30T10:00:00Z",
            "é",
            "2026-11-22T10:00:00+1:00",
            "",
            "2026-11-2é",
        ] {
            assert_eq!(Timestamp::parse(text), Err(DateError), "{text}");
        }
    }
}
