//! Finds a person's records by reading the whole trail: what was told, to whom, on which ground.
//!
//! The person's number is never compared in the clear: each year has its own token for it, made with the year's key.

use crate::model::Ssin;

use super::keys::{KeyError, KeyFolder};
use super::read::{ReadError, Records};
use super::record::{Event, Exchange, Record, SegmentBegun, Stamp, SubjectToken};
use super::seal::{Detail, DetailKey, UnsealError};

/// A record about the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// When and where it was written.
    pub stamp: Stamp,
    /// What it says.
    pub exchange: Exchange,
    /// What was sealed, or why it does not open: a month whose key was destroyed stays listed without it.
    pub detail: Result<Detail, SealedDetail>,
}

/// Why a detail stays sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SealedDetail {
    /// The month's key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key does not open it.
    #[error(transparent)]
    Unseal(#[from] UnsealError),
}

/// Why records may be missing from what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SearchError {
    /// A year's key cannot be had, or is not the one that was used: its records cannot be searched.
    #[error("the year {year} cannot be searched: {error}")]
    Year {
        /// Which year.
        year: u16,
        /// Why.
        error: KeyError,
    },
    /// The key of this year is not the one that was used.
    #[error("the year {0} cannot be searched: another key was used")]
    OtherKey(u16),
    /// The trail cannot be read on.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The records about a person, in order. A part that cannot be searched is an error in its place, and the search goes
/// on where it can.
pub fn search(records: Records, keys: &KeyFolder, subject: Ssin) -> impl Iterator<Item = Result<Found, SearchError>> {
    let mut part: Option<Part> = None;
    records.filter_map(move |record| match record {
        Err(error) => Some(Err(error.into())),
        Ok(Record { event: Event::Interruption(_) | Event::Pruning(_), .. }) => None,
        Ok(Record { event: Event::SegmentBegun(begun), .. }) => match Part::enter(&begun, keys, subject) {
            Ok(entered) => {
                part = Some(entered);
                None
            }
            Err(error) => {
                part = None;
                Some(Err(error))
            }
        },
        Ok(Record { event: Event::Exchange(exchange), stamp, .. }) => {
            let part = part.as_ref().filter(|part| exchange.subject == Some(part.token))?;
            Some(Ok(part.open(stamp, *exchange)))
        }
    })
}

/// What finds and opens the person's records in one segment.
struct Part {
    token: SubjectToken,
    detail_key: Result<DetailKey, KeyError>,
}

impl Part {
    fn enter(begun: &SegmentBegun, keys: &KeyFolder, subject: Ssin) -> Result<Self, SearchError> {
        let year = begun.month.year();
        let key = keys.subject_key(year).map_err(|error| SearchError::Year { year, error })?;
        if key.id() != begun.subject_key {
            return Err(SearchError::OtherKey(year));
        }
        Ok(Self { token: key.token(subject), detail_key: keys.detail_key(begun.month) })
    }

    fn open(&self, stamp: Stamp, exchange: Exchange) -> Found {
        let detail = match &self.detail_key {
            Ok(key) => exchange.unseal(key).map_err(SealedDetail::Unseal),
            Err(error) => Err(SealedDetail::Key(*error)),
        };
        Found { stamp, exchange, detail }
    }
}
