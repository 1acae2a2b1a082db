//! Removes months past retention: their segments, their indexes, and the keys that no remaining
//! segment needs (docs/reference/audit-log-format.md "Pruning record").
//!
//! First a record states what is removed, with the root of the tree at the end of each segment, and
//! a checkpoint signs that record. Only then are keys destroyed and files removed, the oldest
//! first. The remaining log can be verified as before, because its first segment begins with the
//! tree before it. The next pruning completes an interrupted one. A file `legal-hold` in the audit
//! log's folder stops pruning.

use super::error::PruneError;
use crate::format::damage::{Damage, DamageKind};
use crate::format::decode;
use crate::format::frame::{FrameError, Frames};
use crate::format::month::Month;
use crate::format::record::{Event, PrunedSegment, Pruning, SegmentBegun};
use crate::format::segment_name::SegmentName;
use crate::storage::disk::{Disk, ReadFrom};
use crate::storage::file_names::LEGAL_HOLD;
use crate::storage::keys::{KeyFolder, KeyName};
use crate::storage::segment;
use crate::storage::write_failure::WriteFailure;

/// How long records are kept: at least ten years, unless a person typed a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Retention {
    years: u16,
}

/// The retention is shorter than ten years, and the word was not typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error(
    "records are kept for at least {} years; to destroy younger ones for good, type the word \"{}\"",
    Retention::MINIMUM_YEARS,
    Retention::WORD
)]
pub struct TooShort;

impl Retention {
    /// Ten years: what the KSZ network demands.
    pub const MINIMUM_YEARS: u16 = 10;
    /// The word that a person types to destroy younger records.
    pub const WORD: &str = "destroy-evidence";

    /// Keeps records for this number of years after the end of their month. Fewer than ten need the
    /// word [`Retention::WORD`].
    ///
    /// # Errors
    /// [`TooShort`].
    pub fn new(years: u16, word: Option<&str>) -> Result<Self, TooShort> {
        let is_permitted = years >= Self::MINIMUM_YEARS || word == Some(Self::WORD);
        is_permitted.then_some(Self { years }).ok_or(TooShort)
    }

    /// Years after the end of the month.
    #[must_use]
    pub fn years(self) -> u16 {
        self.years
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { years: Self::MINIMUM_YEARS }
    }
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Removed segments, as recorded; empty if nothing was past retention.
    pub segments: Vec<PrunedSegment>,
    /// Destroyed keys.
    pub keys: Vec<KeyName>,
}

/// Prunes. The thread that writes calls it, so that nothing else is written meanwhile. `record`
/// makes the record durable and returns whether a checkpoint signs it.
pub(crate) fn prune(
    disk: &dyn Disk,
    keys: &KeyFolder,
    now: Month,
    retention: Retention,
    record: impl FnOnce(&Pruning) -> Result<bool, WriteFailure>,
) -> Result<Pruned, PruneError> {
    if disk.names()?.iter().any(|name| name == LEGAL_HOLD) {
        return Err(PruneError::Held);
    }
    let names = segment::list(disk)?;
    let past = now.minus_years(retention.years);
    let followed = names.iter().zip(names.iter().skip(1));
    let expired: Vec<_> = followed.take_while(|(name, _)| past.is_some_and(|past| name.month < past)).collect();
    let Some((_, stays)) = expired.last() else { return Ok(Pruned::default()) };
    let mut segments = Vec::with_capacity(expired.len());
    for (name, next) in &expired {
        let root = first_record(disk, **next)?.tree.root();
        segments.push(PrunedSegment { first: name.first, month: name.month, root });
    }
    let pruning = Pruning { until: stays.first, segments };
    if !record(&pruning)? {
        return Err(PruneError::Unsigned);
    }
    let remaining = names.get(expired.len()..).unwrap_or_default();
    let destroyed = unneeded_keys(&pruning.segments, remaining);
    destroyed.iter().try_for_each(|name| keys.destroy(*name))?;
    let existing = disk.names()?;
    for (name, _) in expired {
        for file in [name.index_file(), name.to_string()] {
            if existing.contains(&file) {
                disk.remove(&file)?;
            }
        }
    }
    disk.sync_names()?;
    Ok(Pruned { segments: pruning.segments, keys: destroyed })
}

/// Returns the keys that only the expired segments need.
fn unneeded_keys(expired: &[PrunedSegment], remaining: &[SegmentName]) -> Vec<KeyName> {
    let mut keys = Vec::new();
    for PrunedSegment { month, .. } in expired {
        let year = month.year();
        let month_stays = remaining.iter().any(|name| name.month == *month);
        let year_stays = remaining.iter().any(|name| name.month.year() == year);
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

/// Reads the first record of a segment.
fn first_record(disk: &dyn Disk, name: SegmentName) -> Result<SegmentBegun, PruneError> {
    let damage = |kind| PruneError::Damaged(Damage { segment: name, offset: 0, kind });
    let file = disk.open(&name.to_string())?;
    let mut frames = Frames::new(ReadFrom { file, offset: 0 });
    let framed = frames.next_frame()?.unwrap_or(Err(FrameError::Incomplete)).map_err(|error| damage(error.into()))?;
    match decode::record(framed).map_err(|error| damage(DamageKind::Record(error)))?.event {
        Event::SegmentBegun(begun) => Ok(begun),
        Event::Exchange(_) | Event::Interruption(_) | Event::Pruning(_) | Event::Suppressed(_) | Event::Vouched(_) => {
            Err(damage(DamageKind::SegmentStart))
        }
    }
}
