//! Removes months past retention: their segments, their indexes, and the keys that nothing else needs.
//!
//! First it is recorded what goes, with the root of the tree at the end of each segment, and that record is signed;
//! only then are keys destroyed and files removed, the oldest first. What stays can be verified as before, because the
//! first segment that stays begins with the tree before it. Interrupted, it is taken up by the next pruning. A file
//! `legal-hold` in the trail's folder stops it.

use std::io::{self, BufReader};

use super::disk::Disk;
use super::frame::Frames;
use super::index;
use super::keys::{KeyError, KeyFolder, KeyName};
use super::read::{Damage, Flaw};
use super::record::{Event, PrunedSegment, Pruning, SegmentBegun};
use super::recover::ReadFrom;
use super::segment::{self, SegmentName};
use super::status::Trouble;
use super::writer::Writer;
use super::{FrameFault, Month, decode};

/// The file that stops every pruning as long as it is there.
pub const LEGAL_HOLD: &str = "legal-hold";

/// How long evidence is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Retention {
    /// So many years after the end of its month.
    pub years: u16,
}

impl Default for Retention {
    /// Ten years: what the KSZ network demands.
    fn default() -> Self {
        Self { years: 10 }
    }
}

/// What went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pruned {
    /// The segments, as they were recorded; none if nothing was past retention.
    pub segments: Vec<PrunedSegment>,
    /// The keys that were destroyed.
    pub keys: Vec<KeyName>,
}

/// Why nothing, or not everything, was pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PruneError {
    /// There is a legal hold.
    #[error("a legal hold is in force: the file legal-hold lies in the trail's folder")]
    Held,
    /// The pruning could not be recorded; nothing was removed.
    #[error("the pruning cannot be recorded: {0}")]
    Unwritable(#[from] Trouble),
    /// The record of the pruning could not be signed; nothing was removed.
    #[error("the pruning cannot be put under a checkpoint")]
    Unsigned,
    /// A segment that stays is damaged at its beginning; nothing was removed.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A key could not be destroyed; the files are still there.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file could not be read or removed.
    #[error("{0}")]
    Io(io::ErrorKind),
    /// The trail was closed.
    #[error("the trail is closed")]
    Closed,
}

impl From<io::Error> for PruneError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Prunes; called by the thread that writes, so that nothing else is written meanwhile.
pub(super) fn prune(
    writer: &mut Writer,
    disk: &dyn Disk,
    keys: &KeyFolder,
    now: Month,
    retention: Retention,
) -> Result<Pruned, PruneError> {
    if disk.names()?.iter().any(|name| name == LEGAL_HOLD) {
        return Err(PruneError::Held);
    }
    let names = segment::list(disk)?;
    let past = now.minus_years(retention.years);
    let followed = names.iter().zip(names.iter().skip(1));
    let going: Vec<_> = followed.take_while(|(name, _)| past.is_some_and(|past| name.month < past)).collect();
    let Some((_, stays)) = going.last() else { return Ok(Pruned::default()) };
    let mut segments = Vec::with_capacity(going.len());
    for (name, next) in &going {
        let root = begun(disk, **next)?.tree.root();
        segments.push(PrunedSegment { first: name.first, month: name.month, root });
    }
    let what = Pruning { until: stays.first, segments };
    if !writer.record_pruning(&what)? {
        return Err(PruneError::Unsigned);
    }
    let staying = names.get(going.len()..).unwrap_or_default();
    let destroyed = unneeded(&what.segments, staying);
    destroyed.iter().try_for_each(|name| keys.destroy(*name))?;
    let there = disk.names()?;
    for (name, _) in going {
        for file in [index::file_name(*name), name.to_string()] {
            if there.contains(&file) {
                disk.remove(&file)?;
            }
        }
    }
    disk.sync_names()?;
    Ok(Pruned { segments: what.segments, keys: destroyed })
}

/// The keys that only what goes was sealed or found with.
fn unneeded(going: &[PrunedSegment], staying: &[SegmentName]) -> Vec<KeyName> {
    let mut keys = Vec::new();
    for PrunedSegment { month, .. } in going {
        let year = month.year();
        let month_stays = staying.iter().any(|name| name.month == *month);
        let year_stays = staying.iter().any(|name| name.month.year() == year);
        let detail = (!month_stays).then_some(KeyName::Detail(*month));
        let subject = (!year_stays).then_some(KeyName::Subject(year));
        for key in [detail, subject].into_iter().flatten() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

/// The first record of a segment.
fn begun(disk: &dyn Disk, name: SegmentName) -> Result<SegmentBegun, PruneError> {
    let damage = |flaw| PruneError::Damaged(Damage { segment: name, offset: 0, flaw });
    let file = disk.open(&name.to_string())?;
    let mut frames = Frames::new(BufReader::new(ReadFrom { file, offset: 0 }));
    let framed = frames.next_frame()?.unwrap_or(Err(FrameFault::Incomplete)).map_err(|fault| damage(fault.into()))?;
    match decode::record(framed).map_err(|fault| damage(Flaw::Record(fault)))?.event {
        Event::SegmentBegun(begun) => Ok(begun),
        Event::Exchange(_) | Event::Interruption(_) | Event::Pruning(_) => Err(damage(Flaw::Begin)),
    }
}
