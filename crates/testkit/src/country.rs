//! An invented country: people, employers and services distributed as in Belgium, each a pure
//! function of a seed and an index.
//!
//! No person in it exists. Every identifier has valid check digits. The SSINs have every sequence
//! number from 001 on, because there are more people than birthdays: one can be the SSIN of a real
//! person. Nothing of a country is kept in the repository. Because everything about a
//! person follows from the seed and the person's index, nothing is stored: a country of 12 million
//! people needs no more memory than one of 12.

use ehealth_core::model::{Date, EnterpriseNumber, Ssin};

/// People per employer: Belgium has 11.8 million people and 300 000 employers.
const PEOPLE_AN_EMPLOYER: u64 = 39;
/// External services; Co-Prev has 10.
const EXTERNAL_SERVICES: u64 = 10;
/// Maximum number of internal services; only the largest employers have one.
const INTERNAL_SERVICES: u64 = 500;
/// Health-insurance funds.
const FUNDS: u64 = 50;

/// First eight-digit base of the enterprise numbers of each kind.
const EMPLOYER_BASE: u64 = 2_000_000;
const SERVICE_BASE: u64 = 19_000_000;
const FUND_BASE: u64 = 19_500_000;

/// Last day of the history that the snapshot contains.
const TODAY: (i32, u32, u32) = (2026, 1, 15);

/// The country.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Country {
    people: u64,
    employers: u64,
    seed: u64,
    today: i64,
    /// Step from the person of one row to the person of the next; coprime to `people`.
    stride: u64,
}

/// A span of days; `end: None` is open-ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub begin: Date,
    pub end: Option<Date>,
}

/// A Dimona period without its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    pub employer: EnterpriseNumber,
    pub span: Span,
}

/// Pseudo-random numbers for one purpose and one index (SplitMix64).
struct Draw(u64);

impl Draw {
    fn new(seed: u64, purpose: u64, number: u64) -> Self {
        let mut draw = Self(seed ^ purpose.wrapping_mul(0xd134_2543_de82_ef95));
        draw.0 = draw.next() ^ number;
        draw.next();
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    /// A number below `bound`, which must not be 0.
    fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or(0)
    }
}

impl Country {
    /// Creates a country of `people` people, at least 1.
    pub fn new(people: u64, seed: u64) -> Self {
        let (year, month, day) = TODAY;
        let today = Date::parse(&format!("{year:04}-{month:02}-{day:02}")).map_or(0, |day| i64::from(day.as_days()));
        // The golden section of `people`: the people of any part of a file are spread evenly over
        // all indexes.
        let mut stride = u64::try_from(u128::from(people) * 618_033_988_749 / 1_000_000_000_000).unwrap_or(0).max(1);
        while greatest_common_divisor(stride, people) != 1 {
            stride += 1;
        }
        Self { people, employers: (people / PEOPLE_AN_EMPLOYER).max(1), seed, today, stride }
    }

    pub fn people(&self) -> u64 {
        self.people
    }

    pub fn employers(&self) -> u64 {
        self.employers
    }

    /// Index of the person in a row of a file: a permutation of all people that is not in SSIN
    /// order.
    pub fn person_at(&self, row: u64) -> u64 {
        let person = u128::from(row) * u128::from(self.stride) % u128::from(self.people);
        u64::try_from(person).unwrap_or(0)
    }

    /// Year of a person's birth, and the person's index among those born in that year.
    fn birth(&self, person: u64) -> (i64, u64) {
        // Position of 100 000: 1 240 people per year of age up to 60, then 570, and 0 above 105.
        let place = u128::from(person) * 100_000 / u128::from(self.people);
        let place = i64::try_from(place).unwrap_or(0);
        let age = if place < 74_400 { place / 1_240 } else { 60 + (place - 74_400) / 570 };
        let year = 2025 - age;
        let first = |age: i64| {
            let place = if age < 60 { age * 1_240 } else { 74_400 + (age - 60) * 570 };
            let place = u128::from(place.cast_unsigned()) * u128::from(self.people);
            u64::try_from(place.div_ceil(100_000)).unwrap_or(0)
        };
        (year, person.saturating_sub(first(age)))
    }

    /// Age of a person at the end of the history.
    pub fn age(&self, person: u64) -> i64 {
        2025 - self.birth(person).0
    }

    /// SSIN of a person. 1 in 25 has a bis number with known sex, 1 in 100 one with unknown sex:
    /// people outside the national register.
    pub fn ssin(&self, person: u64) -> Option<Ssin> {
        let (year, number) = self.birth(person);
        let (month, day) = (number % 12 + 1, number / 12 % 28 + 1);
        let sequence = number / 336 + 1;
        let shift = match (person % 25, person % 100) {
            (7, _) => 40,
            (_, 13) => 20,
            _ => 0,
        };
        let short_year = year.cast_unsigned() % 100;
        let base = short_year * 10_000_000 + (month + shift) * 100_000 + day * 1_000 + sequence;
        let counted = if year >= 2000 { 2_000_000_000 + base } else { base };
        Ssin::from_u64(base * 100 + 97 - counted % 97).ok()
    }

    /// SSIN that replaced a person's: a bis number is replaced when its owner enters the register.
    pub fn successor(&self, person: u64) -> Option<Ssin> {
        let enters = person % 25 == 7 && Draw::new(self.seed, 1, person).below(5) == 0;
        // The neighbour has no bis number, so no chain has more than one step.
        if enters { self.ssin(person - 1) } else { None }
    }

    /// Whether a person's SSIN is cancelled.
    pub fn is_cancelled(&self, person: u64) -> bool {
        Draw::new(self.seed, 2, person).below(5_000) == 0
    }

    /// Number of a person's periods: 1.7 on average, 0 for children, about 30 for day workers.
    pub fn works_count(&self, person: u64) -> u64 {
        self.draw_works(person).0
    }

    fn draw_works(&self, person: u64) -> (u64, Draw) {
        let mut draw = Draw::new(self.seed, 3, person);
        let age = self.age(person);
        if !(16..76).contains(&age) {
            return (0, draw);
        }
        let count = match draw.below(1_000) {
            0..110 => 0,
            110..530 => 1,
            530..750 => 2,
            750..890 => 3,
            890..964 if age < 26 => 5,
            890..964 => 4,
            _ => 20 + draw.below(20),
        };
        (count, draw)
    }

    /// Periods of a person, oldest first: consecutive or concurrent contracts, a student's summer
    /// jobs, or consecutive days for one employer.
    pub fn works(&self, person: u64) -> Vec<Work> {
        let (count, mut draw) = self.draw_works(person);
        let age = self.age(person);
        let years = (age - 15).clamp(1, 40);
        let mut works = Vec::new();
        if count >= 20 {
            let employer = self.employer_of_job(&mut draw);
            let mut day = self.today - 60 - below(&mut draw, years * 300);
            for _ in 0..count {
                works.push(Work { employer, span: span(day, Some(day)) });
                day += 1 + below(&mut draw, 3);
            }
            return works;
        }
        let mut begin = self.today - years * 365 + below(&mut draw, years * 180);
        for left in (0..count).rev() {
            let employer = self.employer_of_job(&mut draw);
            let summer = count == 5;
            let length = if summer { 30 } else { 90 + below(&mut draw, years * 200) };
            let is_last = left == 0;
            let goes_on = is_last && !summer && draw.below(10) < 8;
            let end = (begin + length).min(self.today - 1).max(begin);
            works.push(Work { employer, span: span(begin, (!goes_on).then_some(end)) });
            let beside = draw.below(4) == 0;
            begin = if summer {
                begin + 365
            } else if beside {
                begin + 30
            } else {
                end + 1 + below(&mut draw, 200)
            };
            begin = begin.min(self.today);
        }
        works
    }

    /// Employer of a job. Employers have from 1 to about 40 000 workers: the probability falls as
    /// the rank rises.
    fn employer_of_job(&self, draw: &mut Draw) -> EnterpriseNumber {
        // Rank: number of employers times u^2.5, where u is a fraction of 32 bits.
        let u = draw.next() >> 32;
        let share = (u128::from(u * u) * u128::from((u << 32).isqrt())) >> 64;
        let rank = (share * u128::from(self.employers)) >> 32;
        employer(u64::try_from(rank).unwrap_or(0))
    }

    /// Affiliations of an employer with external services: most last for years, some change on 1
    /// January.
    pub fn external_affiliations(&self, rank: u64) -> Vec<(EnterpriseNumber, Span)> {
        let mut draw = Draw::new(self.seed, 4, rank);
        let count = 1 + draw.below(3);
        let mut year = 2010 + below(&mut draw, 8);
        let mut affiliations = Vec::new();
        for left in (0..count).rev() {
            let service = organisation(SERVICE_BASE + draw.below(EXTERNAL_SERVICES));
            let next = year + 1 + below(&mut draw, 3);
            let end = (left > 0).then(|| new_year(next) - 1);
            affiliations.push((service, span(new_year(year), end)));
            year = next;
        }
        affiliations
    }

    /// Affiliation of an employer with an internal service: only the largest have one, mostly their
    /// own.
    pub fn internal_affiliation(&self, rank: u64) -> Option<(EnterpriseNumber, Span, &'static str)> {
        if rank >= INTERNAL_SERVICES.min(self.employers.div_ceil(20)) {
            return None;
        }
        let mut draw = Draw::new(self.seed, 5, rank);
        let is_own = draw.below(10) < 8;
        let service = if is_own { employer(rank) } else { organisation(SERVICE_BASE + 1_000 + draw.below(100)) };
        let entity = ["VLG", "CFWB", "DG", "COCOM", "FED"][usize::try_from(draw.below(5)).unwrap_or(0)];
        Some((service, span(new_year(2008 + below(&mut draw, 15)), None), entity))
    }

    /// Memberships of a person: one fund, or two if the person changed on 1 January.
    pub fn insurances(&self, person: u64) -> Vec<(EnterpriseNumber, Span)> {
        let mut draw = Draw::new(self.seed, 6, person);
        let born = new_year(self.birth(person).0).max(new_year(1990));
        let fund = |draw: &mut Draw| organisation(FUND_BASE + draw.below(FUNDS));
        let first = fund(&mut draw);
        let change = new_year(2015 + below(&mut draw, 10));
        if draw.below(5) == 0 && change > born {
            vec![(first, span(born, Some(change - 1))), (fund(&mut draw), span(change, None))]
        } else {
            vec![(first, span(born, None))]
        }
    }

    /// Day of the mutations of a serial.
    pub fn day_after(&self, serial: u64) -> Date {
        date(self.today + serial.min(10_000).cast_signed())
    }
}

fn below(draw: &mut Draw, bound: i64) -> i64 {
    draw.below(bound.max(1).cast_unsigned()).cast_signed()
}

fn span(begin: i64, end: Option<i64>) -> Span {
    Span { begin: date(begin), end: end.map(date) }
}

fn date(days: i64) -> Date {
    Date::from_days(days).unwrap_or(Date::MAX)
}

fn new_year(year: i64) -> i64 {
    Date::parse(&format!("{year:04}-01-01")).map_or(0, |day| i64::from(day.as_days()))
}

/// Employer of a rank, the largest first; the same in every country.
pub(crate) fn employer(rank: u64) -> EnterpriseNumber {
    organisation(EMPLOYER_BASE + rank * 7_919 % 16_999_999)
}

/// Enterprise number of an eight-digit base.
fn organisation(base: u64) -> EnterpriseNumber {
    let number = base * 100 + 97 - base % 97;
    // The bases begin with 0 or 1 and the check digits are computed: such a number is valid.
    EnterpriseNumber::from_u64(number).unwrap_or_else(|_| unreachable!("valid by construction"))
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_person_has_a_unique_ssin_and_row() {
        for people in [1, 2, 40, 9_973, 100_000] {
            let country = Country::new(people, 1);
            let rows: BTreeSet<u64> = (0..people).map(|row| country.person_at(row)).collect();
            assert_eq!(rows.len() as u64, people);
            let numbers: BTreeSet<u64> =
                (0..people).map(|person| country.ssin(person).expect("valid").as_u64()).collect();
            assert_eq!(numbers.len() as u64, people);
        }
    }

    #[test]
    fn a_country_of_full_size_has_an_ssin_for_everyone() {
        let country = Country::new(11_800_000, 1);
        // The last person of a year has the highest sequence number.
        assert!((0..11_800_000).step_by(97).all(|person| country.ssin(person).is_some()));
        let most = (0..11_800_000).step_by(7).map(|person| country.birth(person).1).max();
        assert!(most < Some(996 * 336), "{most:?}");
    }

    #[test]
    fn distributions_match_belgium() {
        let country = Country::new(200_000, 7);
        let periods: u64 = (0..200_000).map(|person| country.works_count(person)).sum();
        assert!((330_000..350_000).contains(&periods), "{periods} periods");
        let mut largest = std::collections::BTreeMap::new();
        for person in 0..200_000 {
            let works = country.works(person);
            assert_eq!(works.len() as u64, country.works_count(person));
            for work in works {
                assert!(work.span.end.is_none_or(|end| end >= work.span.begin));
                *largest.entry(work.employer).or_insert(0_u32) += 1;
            }
        }
        assert!(largest.values().any(|jobs| *jobs > 3_000) && largest.values().any(|jobs| *jobs < 4));
        let replaced = (0..200_000).filter(|person| country.successor(*person).is_some()).count();
        assert!((1_000..2_200).contains(&replaced), "{replaced} replaced");
    }
}
