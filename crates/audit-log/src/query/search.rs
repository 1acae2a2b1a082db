//! Finds the records about a person, or of an end user: what was disclosed, to which organisation, on
//! which ground.
//!
//! [`search`] reads all records. [`find`] uses the index of each segment that is no longer written,
//! reads only the records to which it points, and reads the whole segment if an index cannot be
//! trusted. Both find the same records.
//!
//! The SSIN is never compared in the clear: each year has its own token, made with the year's key.
//! An exchange about an SSIN that was replaced is found under both SSINs, if it disclosed the
//! second one.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ehealth_core::model::{Ssin, Timestamp, Window};

use super::index::{Index, Table};
use super::read::{ReadError, Records};
use crate::format::decode;
use crate::format::detail::{DecryptError, Detail, DetailKey};
use crate::format::frame;
use crate::format::month::Month;
use crate::format::record::{Event, Exchange, Record, RecordHeader, SegmentBegun};
use crate::format::segment_name::SegmentName;
use crate::format::subject::{SubjectKey, SubjectToken};
use crate::storage::disk::{Disk, Folder};
use crate::storage::keys::{KeyError, KeyFolder};
use crate::storage::segment;

/// Whose records are searched.
#[derive(Clone, PartialEq, Eq)]
pub enum Whom {
    /// The person asked about.
    Subject(Ssin),
    /// The person at the caller who asked, by the identifier in the question.
    EndUser(String),
}

/// Opens the exchange of a frame if it is about this person, or of this end user; `None` otherwise.
/// `key` is that of its year, `detail_key` that of its month.
#[must_use]
pub fn open_frame(
    bytes: &[u8],
    (key, detail_key): (&SubjectKey, &Result<DetailKey, KeyError>),
    whom: &Whom,
) -> Option<Found> {
    let record = decode::record(frame::split(bytes).ok()?).ok()?;
    let token = whom.token(key);
    match record.event {
        Event::Exchange(exchange) if exchange.has_token(token) => {
            Some(open_record(record.header, *exchange, detail_key))
        }
        Event::Exchange(_)
        | Event::SegmentBegun(_)
        | Event::Interruption(_)
        | Event::Pruning(_)
        | Event::Suppressed(_)
        | Event::Vouched(_) => None,
    }
}

pub(super) fn open_record(header: RecordHeader, exchange: Exchange, detail_key: &Result<DetailKey, KeyError>) -> Found {
    let detail = match detail_key {
        Ok(key) => exchange.decrypt(key).map_err(DetailError::Decrypt),
        Err(error) => Err(DetailError::Key(*error)),
    };
    Found { header, exchange, detail }
}

impl Whom {
    /// Token under a year's key.
    #[must_use]
    pub fn token(&self, key: &SubjectKey) -> SubjectToken {
        match self {
            Self::Subject(subject) => key.token(*subject),
            Self::EndUser(id) => key.end_user_token(id),
        }
    }
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The header: sequence, time and salt.
    pub header: RecordHeader,
    /// The exchange.
    pub exchange: Exchange,
    /// The decrypted detail, or why it cannot be decrypted. A record stays listed without its
    /// detail after the key of its month was destroyed.
    pub detail: Result<Detail, DetailError>,
}

/// Reason why a detail is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DetailError {
    /// The key of the month cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key does not decrypt it.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
}

/// Reason why records may be missing from the result.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SearchError {
    /// The key of a year cannot be read, so the records of that year cannot be searched.
    #[error("the year {year} cannot be searched: {error}")]
    Year {
        /// The year.
        year: u16,
        /// Why its key cannot be read.
        error: KeyError,
    },
    /// The key of a year is not the one that made its tokens.
    #[error("the year {0} cannot be searched: its records were written with another key")]
    OtherKey(u16),
    /// The audit log cannot be read further.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The records of a node in the shared database are not those that it wrote.
    #[error("node {node}, {month}: {problem}")]
    Copy {
        /// Name of the node.
        node: Box<str>,
        /// Month of the records.
        month: Month,
        /// What is wrong.
        problem: CopyProblem,
    },
}

/// What is wrong with the records of a node in the shared database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CopyProblem {
    /// Rows of the persons whose token begins with the same byte were removed, added or changed.
    #[error("the database is not as the node wrote it: records of this or another person were removed or changed")]
    Index,
    /// A record is missing.
    #[error("record {0} is missing in the database")]
    Missing(u64),
    /// A record is not the one that the node wrote.
    #[error("record {0} was changed in the database")]
    Changed(u64),
    /// A record is not under the node's newest checkpoint.
    #[error("record {0} is not under the checkpoint of its node: records were changed or removed in the database")]
    Unproven(u64),
    /// The newest checkpoint in the database is missing, or is not signed by the node's key.
    #[error("the database has no checkpoint that the node's key signed")]
    Checkpoint,
    /// The keys of the node are not at hand.
    #[error("the keys of the node are not at hand: name their folder with --keys-of")]
    NoKeys,
}

/// Searches all records for those of a person, in order. A part that cannot be searched is an
/// error in its place, and the search continues after it.
pub fn search(records: Records, keys: &KeyFolder, whom: &Whom) -> impl Iterator<Item = Result<Found, SearchError>> {
    let mut current: Option<SegmentSearch> = None;
    records.filter_map(move |record| match record {
        Err(error) => Some(Err(error.into())),
        Ok(Record {
            event: Event::Interruption(_) | Event::Pruning(_) | Event::Suppressed(_) | Event::Vouched(_),
            ..
        }) => None,
        Ok(Record { event: Event::SegmentBegun(begun), .. }) => match SegmentSearch::enter(&begun, keys, whom) {
            Ok(entered) => {
                current = Some(entered);
                None
            }
            Err(error) => {
                current = None;
                Some(Err(error))
            }
        },
        Ok(Record { event: Event::Exchange(exchange), header, .. }) => {
            let current = current.as_ref().filter(|current| exchange.has_token(current.token))?;
            Some(Ok(current.open(header, *exchange)))
        }
    })
}

/// Whether indexes are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IndexUse {
    /// Uses the index of each segment that is no longer written. An index that is missing, does not
    /// fit or was changed is made again, if the folder can be written.
    #[default]
    Keep,
    /// Reads every segment.
    Bypass,
}

/// Finds the records of a person that were written on these days in Brussels, in order; `None`
/// means all days. A part that cannot be searched is an error in its place, and the search
/// continues after it.
///
/// # Errors
/// [`ReadError::Io`] if the folder cannot be read.
pub fn find(
    folder: &Path,
    keys: &KeyFolder,
    index: IndexUse,
    whom: &Whom,
    days: Option<Window>,
) -> Result<Vec<Result<Found, SearchError>>, ReadError> {
    let disk: Arc<dyn Disk> = Arc::new(Folder::open(folder)?);
    let names = segment::list(&*disk)?;
    let newest = names.last().copied();
    let is_in_range = |moment: Timestamp| {
        let day = moment.brussels_day();
        days.is_none_or(|days| (days.from()..=days.to()).contains(&day))
    };
    let months = days.map(|days| Month::of_day(days.from())..=Month::of_day(days.to()));
    let mut found = Vec::new();
    for name in names {
        if months.as_ref().is_some_and(|months| !months.contains(&name.month)) {
            continue;
        }
        let indexed = (index == IndexUse::Keep && newest != Some(name)).then(|| indexed(folder, name, keys, whom));
        match indexed.flatten() {
            Some(records) => found.extend(records.into_iter().map(Ok)),
            None => {
                let records = Records::of_segments(Arc::clone(&disk), vec![name], newest);
                found.extend(search(records, keys, whom));
            }
        }
    }
    found.retain(|found| found.as_ref().map_or(true, |found| is_in_range(found.header.recorded)));
    Ok(found)
}

/// Returns what the index finds; `None` if a key cannot be read, or the index or a record to which
/// it points cannot be trusted.
fn indexed(folder: &Path, name: SegmentName, keys: &KeyFolder, whom: &Whom) -> Option<Vec<Found>> {
    let file = File::open(folder.join(name.to_string())).ok()?;
    let Event::SegmentBegun(begun) = record_at(&file, 0)?.event else { return None };
    let key = keys.subject_key(name.month.year()).ok().filter(|key| key.id() == begun.subject_key)?;
    let current = SegmentSearch { token: whom.token(&key), detail_key: keys.detail_key(name.month) };
    let look_up = |index: &Index<'_>| current.look_up(index, &file);
    let existing = Index::open(folder, name, &key).and_then(|index| look_up(&index));
    // If the segment is damaged, reading it reports that.
    existing.or_else(|| look_up(&Index::make(folder, name, &key).ok()?))
}

/// Reads the sound record whose frame begins at this offset.
pub(crate) fn record_at(file: &File, offset: u64) -> Option<Record> {
    decode::record(frame::split(&frame::read_from(file, offset)?).ok()?).ok()
}

/// Finds and decrypts the person's records in one segment.
pub(super) struct SegmentSearch {
    token: SubjectToken,
    detail_key: Result<DetailKey, KeyError>,
}

impl SegmentSearch {
    /// Search for a token in the records of one month.
    pub(super) fn new(token: SubjectToken, detail_key: Result<DetailKey, KeyError>) -> Self {
        Self { token, detail_key }
    }

    /// Looks for another token.
    pub(super) fn look_for(&mut self, token: SubjectToken) {
        self.token = token;
    }

    fn enter(begun: &SegmentBegun, keys: &KeyFolder, whom: &Whom) -> Result<Self, SearchError> {
        let year = begun.month.year();
        let key = keys.subject_key(year).map_err(|error| SearchError::Year { year, error })?;
        if key.id() != begun.subject_key {
            return Err(SearchError::OtherKey(year));
        }
        Ok(Self { token: whom.token(&key), detail_key: keys.detail_key(begun.month) })
    }

    pub(super) fn look_up(&self, index: &Index<'_>, file: &File) -> Option<Vec<Found>> {
        let mut found = Vec::new();
        for offset in index.offsets(Table::Persons, &self.token.0)? {
            match record_at(file, offset)? {
                Record { event: Event::Exchange(exchange), header, .. } if exchange.has_token(self.token) => {
                    found.push(self.open(header, *exchange));
                }
                // The token of another person may begin with the same bytes.
                Record { event: Event::Exchange(_), .. } => {}
                Record {
                    event:
                        Event::SegmentBegun(_)
                        | Event::Interruption(_)
                        | Event::Pruning(_)
                        | Event::Suppressed(_)
                        | Event::Vouched(_),
                    ..
                } => {
                    return None;
                }
            }
        }
        found.sort_by_key(|found| found.header.sequence);
        Some(found)
    }

    fn open(&self, header: RecordHeader, exchange: Exchange) -> Found {
        open_record(header, exchange, &self.detail_key)
    }
}
