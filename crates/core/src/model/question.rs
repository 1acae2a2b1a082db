//! A question, as the reader understood it: valid in structure, its criteria not yet decided upon.
//!
//! A wrong *structure* never gets here: it is a fault. A wrong *value* in the criteria does, as the
//! error of its parser, because it is answered with a status (`docs/reference/contract.md`
//! "Status"). The wrong text itself is not kept.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::digits::{decimal, write_ascii};
use super::{Date, DateError, EndUser, Ssin, SsinError};

/// A question: who asks, in which legal context, about whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// `informationCustomer`, which the answer repeats as received.
    pub customer: Customer,
    /// `legalContext` as received, at most 64 characters; known or not.
    pub legal_context: String,
    /// The person at the caller who asks, if the message names one.
    pub end_user: Option<EndUser>,
    /// `criteria`, with errors in place of invalid values.
    pub criteria: AskedCriteria,
}

/// `informationCustomer`: the caller's own facts about the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The caller's ticket, at most 36 characters.
    pub ticket: Option<String>,
    /// `timestampSent`: an xs:dateTime, as written by the caller, whitespace collapsed.
    pub timestamp_sent: Option<String>,
    /// Organisation on whose behalf the caller says to ask.
    pub id: CustomerId,
}

/// `customerIdentification`: an organisation as the caller names it, its check digits not
/// validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CustomerId {
    /// `cbeNumber`.
    Cbe(CbeNumber),
    /// `sector` and `institution` of the KSZ network, each 0 to 999.
    Pair {
        /// The sector.
        sector: PairNumber,
        /// The institution in the sector.
        institution: PairNumber,
    },
}

/// `sector` or `institution`: 0 to 999, shown with the leading zeros with which it was written.
/// Numbers that differ in their zeros alone are equal.
#[derive(Clone, Copy)]
pub struct PairNumber {
    number: u16,
    /// Digits as written; at most 255 are kept.
    digits: u8,
}

impl PairNumber {
    /// Number without leading zeros.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self { number, digits: 1 }
    }

    /// Number that was written with this many digits.
    #[must_use]
    pub fn written(number: u16, digits: usize) -> Self {
        Self { number, digits: u8::try_from(digits).unwrap_or(u8::MAX) }
    }

    /// The integer.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.number
    }
}

impl PartialEq for PairNumber {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for PairNumber {}

impl PartialOrd for PairNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PairNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number)
    }
}

impl Hash for PairNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl fmt::Display for PairNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.number, width = usize::from(self.digits))
    }
}

impl fmt::Debug for PairNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Ten digits, as in a customer's `cbeNumber`: an enterprise, an establishment unit, or neither.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CbeNumber(u64);

impl CbeNumber {
    /// Parses exactly ten ASCII digits; `None` for any other text. Does not validate check digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 10 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().map(Self)
    }

    /// The integer of the ten digits.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl From<super::EnterpriseNumber> for CbeNumber {
    fn from(number: super::EnterpriseNumber) -> Self {
        Self(number.as_u64())
    }
}

impl fmt::Display for CbeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ascii(f, &decimal::<10>(self.0))
    }
}

impl fmt::Debug for CbeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CbeNumber({self})")
    }
}

/// `criteria` as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedCriteria {
    /// SSIN of the person, or why the text is not one.
    pub ssin: Result<Ssin, SsinError>,
    /// Day or days of the question.
    pub dates: AskedDates,
}

/// The choice of dates in `criteria`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedDates {
    /// Neither element: today, in Europe/Brussels.
    Today,
    /// `referenceDate`.
    ReferenceDate(Result<Date, DateError>),
    /// `period`.
    Period {
        /// `beginDate`.
        begin: Result<Date, DateError>,
        /// `endDate`.
        end: Result<Date, DateError>,
    },
}
