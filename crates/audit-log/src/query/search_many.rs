//! Finds the records about many persons in one pass over the audit log.
//!
//! [`find`](super::search::find) reads the newest segment for each person, which has no index. Here it is read
//! once for all of them, and so is every segment whose index cannot be trusted.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ehealth_core::model::{Ssin, Window};

use super::index::Index;
use super::read::{ReadError, Records};
use super::search::{Found, IndexUse, SearchError, SegmentSearch, open_record, record_at};
use crate::format::detail::DetailKey;
use crate::format::month::Month;
use crate::format::record::{Event, Exchange, Record, RecordHeader, SegmentBegun};
use crate::format::segment_name::SegmentName;
use crate::format::subject::{SubjectKey, SubjectToken};
use crate::storage::disk::{Disk, Folder};
use crate::storage::keys::{KeyError, KeyFolder};
use crate::storage::segment;

/// What was found about each person, in the order of the persons.
type Results = Vec<Vec<Result<Found, SearchError>>>;

/// Finds what [`find`](super::search::find) finds, for each person: the results are in the order of the persons.
///
/// # Errors
/// [`ReadError::Io`] if the folder cannot be read.
pub fn find_each(
    folder: &Path,
    keys: &KeyFolder,
    index: IndexUse,
    persons: &[Ssin],
    days: Option<Window>,
) -> Result<Vec<Vec<Result<Found, SearchError>>>, ReadError> {
    let disk: Arc<dyn Disk> = Arc::new(Folder::open(folder)?);
    let names = segment::list(&*disk)?;
    let newest = names.last().copied();
    let months = days.map(|days| Month::of_day(days.from())..=Month::of_day(days.to()));
    let mut results: Results = persons.iter().map(|_| Vec::new()).collect();
    for name in names {
        if months.as_ref().is_some_and(|months| !months.contains(&name.month)) {
            continue;
        }
        let is_indexed = index == IndexUse::Keep && newest != Some(name);
        let indexed = is_indexed.then(|| from_index(folder, name, keys, persons)).flatten();
        match indexed {
            Some(found) => {
                for (all, found) in results.iter_mut().zip(found) {
                    all.extend(found.into_iter().map(Ok));
                }
            }
            None => {
                let records = Records::of_segments(Arc::clone(&disk), vec![name], newest);
                from_records(records, keys, persons, &mut results);
            }
        }
    }
    let is_in_range = |found: &Found| {
        let day = found.header.recorded.brussels_day();
        days.is_none_or(|days| (days.from()..=days.to()).contains(&day))
    };
    for all in &mut results {
        all.retain(|found| found.as_ref().map_or(true, is_in_range));
    }
    Ok(results)
}

/// Returns what the index of a segment finds for each person; `None` if it cannot be trusted.
fn from_index(folder: &Path, name: SegmentName, keys: &KeyFolder, persons: &[Ssin]) -> Option<Vec<Vec<Found>>> {
    let file = File::open(folder.join(name.to_string())).ok()?;
    let Event::SegmentBegun(begun) = record_at(&file, 0)?.event else { return None };
    let key = keys.subject_key(name.month.year()).ok().filter(|key| key.id() == begun.subject_key)?;
    let look_up = |index: &Index<'_>| look_up_each(index, &file, (&key, keys, name.month), persons);
    let existing = Index::open(folder, name, &key).and_then(|index| look_up(&index));
    existing.or_else(|| look_up(&Index::make(folder, name, &key).ok()?))
}

fn look_up_each(
    index: &Index<'_>,
    file: &File,
    (key, keys, month): (&SubjectKey, &KeyFolder, Month),
    persons: &[Ssin],
) -> Option<Vec<Vec<Found>>> {
    let mut search = SegmentSearch::new(SubjectToken([0; 32]), keys.detail_key(month));
    let mut found = Vec::with_capacity(persons.len());
    for person in persons {
        search.look_for(key.token(*person));
        found.push(search.look_up(index, file)?);
    }
    Some(found)
}

/// The tokens of all persons in one year, and the key of one month.
struct Segment {
    persons: BTreeMap<SubjectToken, Vec<usize>>,
    detail_key: Result<DetailKey, KeyError>,
}

impl Segment {
    fn enter(begun: &SegmentBegun, keys: &KeyFolder, persons: &[Ssin]) -> Result<Self, SearchError> {
        let year = begun.month.year();
        let key = keys.subject_key(year).map_err(|error| SearchError::Year { year, error })?;
        if key.id() != begun.subject_key {
            return Err(SearchError::OtherKey(year));
        }
        let mut tokens: BTreeMap<SubjectToken, Vec<usize>> = BTreeMap::new();
        for (number, person) in persons.iter().enumerate() {
            tokens.entry(key.token(*person)).or_default().push(number);
        }
        Ok(Self { persons: tokens, detail_key: keys.detail_key(begun.month) })
    }

    /// The persons whom an exchange is about, each once: the one in the question and the one in the answer may both
    /// be asked for.
    fn persons_of(&self, exchange: &Exchange) -> Vec<usize> {
        let tokens = [exchange.tokens.subject, exchange.tokens.successor];
        let found = tokens.iter().flatten().filter_map(|token| self.persons.get(token)).flatten();
        let mut persons: Vec<usize> = found.copied().collect();
        persons.sort_unstable();
        persons.dedup();
        persons
    }

    fn open(&self, header: RecordHeader, exchange: Exchange) -> Found {
        open_record(header, exchange, &self.detail_key)
    }
}

/// Reads records once; a part that cannot be searched is an error for every person.
fn from_records(records: Records, keys: &KeyFolder, persons: &[Ssin], results: &mut Results) {
    let mut current: Option<Segment> = None;
    for record in records {
        let error: SearchError = match record {
            Err(error) => error.into(),
            Ok(Record { event: Event::SegmentBegun(begun), .. }) => match Segment::enter(&begun, keys, persons) {
                Ok(entered) => {
                    current = Some(entered);
                    continue;
                }
                Err(error) => {
                    current = None;
                    error
                }
            },
            Ok(Record { event: Event::Exchange(exchange), header, .. }) => {
                let Some(segment) = &current else { continue };
                let persons = segment.persons_of(&exchange);
                if !persons.is_empty() {
                    let found = segment.open(header, *exchange);
                    for number in persons {
                        results.get_mut(number).into_iter().for_each(|all| all.push(Ok(found.clone())));
                    }
                }
                continue;
            }
            Ok(Record {
                event: Event::Interruption(_) | Event::Pruning(_) | Event::Suppressed(_) | Event::Vouched(_),
                ..
            }) => continue,
        };
        results.iter_mut().for_each(|all| all.push(Err(error.clone())));
    }
}
