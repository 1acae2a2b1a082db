//! What a caller asks, as the reader understood it: right in structure, its criteria not yet judged.
//!
//! A wrong *structure* never gets here (it is a fault). A wrong *value* in the criteria does, as the error that its
//! birth gave, because contract.md answers it with a status; the wrong text itself is not kept.

use std::fmt;

use super::digits::{decimal, write_ascii};
use super::{Date, DateError, Ssin, SsinError};

/// One question: who asks, on which ground, about whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// `informationCustomer`, given back as received.
    pub customer: Customer,
    /// `legalContext` as received, at most 64 characters; known or not.
    pub legal_context: String,
    /// `criteria`.
    pub criteria: AskedCriteria,
}

/// `informationCustomer`: the caller's own facts about the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The caller's ticket, at most 36 characters.
    pub ticket: Option<String>,
    /// `timestampSent`: an xs:dateTime, as written by the caller, whitespace collapsed.
    pub timestamp_sent: Option<String>,
    /// For whom the caller says to ask.
    pub id: CustomerId,
}

/// `customerIdentification`: an organisation as a caller names it, its check digits not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CustomerId {
    /// `cbeNumber`.
    Cbe(CbeNumber),
    /// `sector` and `institution` of the KSZ network, each 0 to 999.
    Pair {
        /// The sector.
        sector: u16,
        /// The institution in the sector.
        institution: u16,
    },
}

/// Ten digits, as a customer's `cbeNumber` has them: an enterprise, an establishment unit, or neither.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CbeNumber(u64);

impl CbeNumber {
    /// Reads exactly ten ASCII digits; `None` for any other text. Check digits are not judged.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 10 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().map(Self)
    }

    /// The integer that the ten digits spell.
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

/// `criteria` as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedCriteria {
    /// The person's number, or why the text is none.
    pub ssin: Result<Ssin, SsinError>,
    /// The day or days.
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
