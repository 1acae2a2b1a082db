//! How many different days a consumer asks about one person in a month.
//!
//! A grant that hides the begin and end of an employment still answers for a day: with the answers
//! for enough days a caller finds both by bisection. So the different days about one person are
//! counted, by consumer and calendar month, and a day beyond the limit is refused as outside the
//! grant.
//!
//! Today is free: a caller does not choose it. A day that was asked before is free too. Both days of
//! a period count. Counted is the number in the question, before the look-up, whether or not the
//! person is known: the answer "no relation" depends on the day as well.
//!
//! Memory is bounded: 65 536 people, each with at most the limit's days. If there are more, the
//! person with the fewest days is forgotten, of the few that share a place in the table. A person
//! with more days than the others stays, so that a caller cannot have its count forgotten by asking
//! about other people: it would need as many days for each of the others (57 344 people times 11
//! days: a week of the usual quota). And a caller that honestly asks about many people is never
//! refused because the table is full.

use std::collections::HashMap;
use std::time::Duration;

use super::subject_hash::SubjectHash;
use crate::model::{CriteriaDates, Date, WrongDate, WrongDates};

/// Places of the table, and people in each.
const BUCKETS: usize = 8_192;
const WAYS: usize = 8;

/// Longest month. If the clock was wrong by months, a count still ends after this time.
const MONTH: Duration = Duration::from_secs(31 * 86_400);

/// Year and month of a day.
type Month = (i32, u32);

/// The days about which one consumer asked, by person, in one month.
#[derive(Debug, Clone)]
pub struct DatesPerPerson {
    month: Month,
    began: Duration,
    /// People by a part of their hash, at most [`WAYS`] in each place.
    people: HashMap<u16, Vec<Person>>,
}

#[derive(Debug, Clone)]
struct Person {
    subject: SubjectHash,
    days: Vec<Date>,
}

impl DatesPerPerson {
    /// Count of a consumer that has asked nothing yet.
    #[must_use]
    pub fn new(today: Date, now: Duration) -> Self {
        Self { month: month_of(today), began: now, people: HashMap::new() }
    }

    /// Counts the days of a question about this subject. `now` is monotonic, `today` of the
    /// calendar.
    ///
    /// # Errors
    /// The days that are over the limit; then no day is counted.
    pub fn count(
        &mut self,
        limit: u16,
        subject: SubjectHash,
        dates: CriteriaDates,
        today: Date,
        now: Duration,
    ) -> Result<(), WrongDates> {
        self.begin_month(today, now);
        let (first, second) = match dates {
            CriteriaDates::ReferenceDate(day) => (day, day),
            CriteriaDates::Period(window) => (window.from(), window.to()),
        };
        let known = self.days_of(subject);
        let is_new = |day: Date| day != today && !known.contains(&day);
        let (is_first_new, is_second_new) = (is_new(first), second != first && is_new(second));
        if !is_first_new && !is_second_new {
            return Ok(());
        }
        let mut room = usize::from(limit).saturating_sub(known.len());
        let mut has_room = |is_new: bool| {
            let fits = !is_new || room > 0;
            room = room.saturating_sub(usize::from(is_new));
            fits
        };
        let over = WrongDate::OutsideGrant;
        match (dates, has_room(is_first_new), has_room(is_second_new)) {
            (_, true, true) => {
                let days = [(first, is_first_new), (second, is_second_new)];
                self.add(subject, days.into_iter().filter(|(_, is_new)| *is_new).map(|(day, _)| day));
                Ok(())
            }
            (CriteriaDates::ReferenceDate(_), ..) => Err(WrongDates::ReferenceDate(over)),
            // A period of one day: both elements name it.
            (CriteriaDates::Period(_), false, _) if first == second => {
                Err(WrongDates::BothDates { begin: over, end: over })
            }
            (CriteriaDates::Period(_), false, true) => Err(WrongDates::BeginDate(over)),
            (CriteriaDates::Period(_), true, false) => Err(WrongDates::EndDate(over)),
            (CriteriaDates::Period(_), false, false) => Err(WrongDates::BothDates { begin: over, end: over }),
        }
    }

    /// A month that has passed by the calendar is over. A calendar that goes back begins nothing: a
    /// clock that is set back and forth would.
    fn begin_month(&mut self, today: Date, now: Duration) {
        let month = month_of(today);
        if month > self.month || now.saturating_sub(self.began) > MONTH {
            *self = Self { month, began: now, people: HashMap::new() };
        }
    }

    fn days_of(&self, subject: SubjectHash) -> &[Date] {
        let people = self.people.get(&place_of(subject)).map_or(&[][..], Vec::as_slice);
        people.iter().find(|person| person.subject == subject).map_or(&[], |person| &person.days)
    }

    fn add(&mut self, subject: SubjectHash, days: impl Iterator<Item = Date>) {
        let people = self.people.entry(place_of(subject)).or_default();
        let at = people.iter().position(|person| person.subject == subject).unwrap_or_else(|| {
            if people.len() >= WAYS {
                // The oldest of those with the fewest days: `remove` keeps the others in order.
                let fewest = people.iter().enumerate().min_by_key(|(_, person)| person.days.len());
                if let Some(index) = fewest.map(|(index, _)| index) {
                    people.remove(index);
                }
            }
            people.push(Person { subject, days: Vec::new() });
            people.len().saturating_sub(1)
        });
        if let Some(person) = people.get_mut(at) {
            person.days.extend(days);
        }
    }
}

fn month_of(day: Date) -> Month {
    let (year, month, _) = day.calendar();
    (year, month)
}

fn place_of(subject: SubjectHash) -> u16 {
    let buckets = u64::try_from(BUCKETS).unwrap_or(1);
    u16::try_from(subject.as_u64() % buckets).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Window;

    const LIMIT: u16 = 3;

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    fn today() -> Date {
        day("2026-01-15")
    }

    fn reference(text: &str) -> CriteriaDates {
        CriteriaDates::ReferenceDate(day(text))
    }

    fn period(begin: &str, end: &str) -> CriteriaDates {
        CriteriaDates::Period(Window::from_days(day(begin), day(end)).expect("in order"))
    }

    fn new() -> DatesPerPerson {
        DatesPerPerson::new(today(), Duration::ZERO)
    }

    fn count(dates: &mut DatesPerPerson, asked: CriteriaDates) -> Result<(), WrongDates> {
        dates.count(LIMIT, SubjectHash::new(7), asked, today(), Duration::ZERO)
    }

    const OVER: WrongDate = WrongDate::OutsideGrant;

    #[test]
    fn the_day_after_the_limit_is_refused_and_known_days_are_free() {
        let mut dates = new();
        for text in ["2025-01-01", "2025-01-02", "2025-01-03"] {
            assert_eq!(count(&mut dates, reference(text)), Ok(()));
        }
        for _ in 0..100 {
            assert_eq!(count(&mut dates, reference("2025-01-02")), Ok(()), "asked before");
            assert_eq!(count(&mut dates, reference("2026-01-15")), Ok(()), "today");
            assert_eq!(count(&mut dates, period("2025-01-01", "2025-01-03")), Ok(()), "two of them");
            assert_eq!(count(&mut dates, reference("2025-01-04")), Err(WrongDates::ReferenceDate(OVER)));
        }
        let other = dates.count(LIMIT, SubjectHash::new(8), reference("2025-01-04"), today(), Duration::ZERO);
        assert_eq!(other, Ok(()), "about another person");
    }

    #[test]
    fn a_refused_period_names_the_days_that_are_over() {
        let mut dates = new();
        assert_eq!(count(&mut dates, period("2025-01-01", "2025-01-02")), Ok(()));
        assert_eq!(count(&mut dates, period("2025-01-03", "2025-01-04")), Err(WrongDates::EndDate(OVER)));
        assert_eq!(count(&mut dates, period("2025-01-01", "2025-01-05")), Ok(()), "nothing of it was counted");
        assert_eq!(count(&mut dates, period("2025-01-04", "2026-01-15")), Err(WrongDates::BeginDate(OVER)));
        let both = Err(WrongDates::BothDates { begin: OVER, end: OVER });
        assert_eq!(count(&mut dates, period("2025-01-06", "2025-01-07")), both);
        assert_eq!(count(&mut dates, period("2025-01-06", "2025-01-06")), both);
        assert_eq!(count(&mut dates, period("2026-01-15", "2026-01-15")), Ok(()));
    }

    #[test]
    fn a_month_ends_by_the_calendar_and_never_twice() {
        let mut dates = new();
        let ask = |dates: &mut DatesPerPerson, text, today, now| {
            dates.count(1, SubjectHash::new(7), reference(text), day(today), Duration::from_secs(now)).is_ok()
        };
        assert!(ask(&mut dates, "2025-01-01", "2026-01-31", 0));
        assert!(!ask(&mut dates, "2025-01-02", "2026-01-31", 0));
        assert!(ask(&mut dates, "2025-01-02", "2026-02-01", 1));
        assert!(!ask(&mut dates, "2025-01-03", "2026-01-31", 2), "the clock was set back");
        assert!(!ask(&mut dates, "2025-01-03", "2026-02-01", 3), "and forth");
        assert!(ask(&mut dates, "2025-01-03", "2026-01-31", 31 * 86_400 + 2), "31 days later, whatever the calendar");
    }

    #[test]
    fn a_full_table_forgets_people_with_few_days_first() {
        let mut dates = new();
        for text in ["2025-01-01", "2025-01-02"] {
            assert_eq!(count(&mut dates, reference(text)), Ok(()));
        }
        // All of them share the place of the person.
        let others = (1..200_000).map(|number| SubjectHash::new(7 + number * 8_192));
        for other in others {
            let asked = dates.count(LIMIT, other, reference("2025-01-01"), today(), Duration::ZERO);
            assert_eq!(asked, Ok(()), "none is refused because the table is full");
        }
        assert_eq!(dates.people.values().map(Vec::len).sum::<usize>(), WAYS);
        assert_eq!(count(&mut dates, reference("2025-01-03")), Ok(()));
        assert_eq!(count(&mut dates, reference("2025-01-04")), Err(WrongDates::ReferenceDate(OVER)), "not forgotten");
    }
}
