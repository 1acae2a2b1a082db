//! Crash recovery: reads the last segment, finds its torn end, and compares it with the checkpoint
//! (docs/reference/audit-log-format.md "Crash recovery").
//!
//! Only the end of the last segment is ever truncated, and only if nothing proves that it was
//! durable. Anything else is damage and is left as it is. Earlier segments are not read: each was
//! durable before the next one began. After success every remaining record is durable.

use std::collections::VecDeque;
use std::io::{self, Read};

use ehealth_core::model::Digest;

use super::error::AuditError;
use super::read_back::FrameAt;
use crate::format::damage::{Damage, DamageKind};
use crate::format::decode;
use crate::format::frame::{FrameError, Framed, Frames};
use crate::format::note::{SignedHead, root_text};
use crate::format::record::{Event, RecordHeader, SegmentBegun};
use crate::format::segment_name::SegmentName;
use crate::format::tree::Frontier;
use crate::storage::checkpoint_files::CheckpointError;
use crate::storage::disk::{Disk, DiskFile, ReadFrom};
use crate::storage::segment::{self, Segment};
use crate::storage::tail::{MAX_TAIL_BYTES, torn_bytes};

/// What a writer continues from.
pub(crate) struct Recovered {
    /// The last segment; `None` in an empty folder.
    pub(crate) segment: Option<Segment>,
    /// Tree of all durable records.
    pub(crate) tree: Frontier,
    /// Length of the torn end that was truncated, without zeros, in bytes: records whose exchanges
    /// were never answered.
    pub(crate) cut_bytes: u64,
    /// Whether there is a record other than segment-begun records.
    pub(crate) has_records: bool,
    /// The last record.
    pub(crate) last: Option<FrameAt>,
}

/// Reads the last segment and truncates its torn end, unless a checkpoint signs a longer or another
/// log.
pub(crate) fn recover(disk: &dyn Disk, signed_head: Option<&SignedHead>) -> Result<Recovered, AuditError> {
    segment::remove_drafts(disk)?;
    let names = segment::list(disk)?;
    let Some(name) = names.last().copied() else {
        check_size(signed_head, 0)?;
        let tree = Frontier::default();
        return Ok(Recovered { segment: None, tree, cut_bytes: 0, has_records: false, last: None });
    };
    let file = disk.open(&name.to_string())?;
    let scan = scan(&*file, name, signed_head.map(|head| head.size))?;
    let mut cut_bytes = 0;
    if let Some(kind) = scan.damage {
        let torn = if scan.begun.is_some() { torn_bytes(&*file, scan.sound, scan.tree.size())? } else { None };
        cut_bytes = torn.ok_or(Damage { segment: name, offset: scan.sound, kind })?;
    }
    let Some(begun) = scan.begun else {
        let kind = DamageKind::Frame(FrameError::Incomplete);
        return Err(Damage { segment: name, offset: 0, kind }.into());
    };
    check_size(signed_head, scan.tree.size())?;
    if let Some(signed_head) = signed_head {
        let root = if signed_head.size < name.first { root_at(disk, signed_head.size)? } else { scan.root_at_watch };
        if root.map(root_text).as_ref() != Some(&signed_head.root) {
            return Err(CheckpointError::Inconsistent { signed: signed_head.size }.into());
        }
    }
    // Also if nothing is torn: a process that died after a failed sync may have truncated it, and
    // the truncation is not durable.
    file.truncate(scan.sound)?;
    rewrite(&*file, scan.unproven, scan.sound)?;
    file.sync()?;
    disk.sync_names()?;
    let segment = Segment { name, begun, file, written: scan.sound, allocated: scan.sound };
    let has_records = scan.tree.size() > u64::try_from(names.len()).unwrap_or(u64::MAX);
    let last = scan.last.map(|(offset, leaf)| FrameAt { segment: name, offset, leaf });
    Ok(Recovered { segment: Some(segment), tree: scan.tree, cut_bytes, has_records, last })
}

fn check_size(signed_head: Option<&SignedHead>, found: u64) -> Result<(), CheckpointError> {
    match signed_head {
        Some(SignedHead { size: signed, .. }) if *signed > found => {
            Err(CheckpointError::Truncated { signed: *signed, found })
        }
        _ => Ok(()),
    }
}

/// Root of the tree at this size, from the segment that holds it; `None` if it cannot be computed.
pub(crate) fn root_at(disk: &dyn Disk, size: u64) -> io::Result<Option<Digest>> {
    let names = segment::list(disk)?;
    let Some(name) = names.iter().rfind(|name| name.first <= size) else { return Ok(None) };
    let file = disk.open(&name.to_string())?;
    Ok(scan(&*file, *name, Some(size))?.root_at_watch)
}

struct Scan {
    begun: Option<SegmentBegun>,
    tree: Frontier,
    /// Everything before this offset is sound.
    sound: u64,
    /// Offset of the first record that the last one does not prove to be durable.
    unproven: u64,
    /// Offset and leaf hash of the last sound record.
    last: Option<(u64, Digest)>,
    /// Damage at `sound`; `None` if the file ends there.
    damage: Option<DamageKind>,
    /// Root of the tree at the size to watch for, if the scan passed it.
    root_at_watch: Option<Digest>,
}

fn scan(file: &dyn DiskFile, name: SegmentName, watch: Option<u64>) -> io::Result<Scan> {
    let mut frames = Frames::new(ReadFrom { file, offset: 0 });
    let tree = Frontier::default();
    let mut scan = Scan { begun: None, tree, sound: 0, unproven: 0, last: None, damage: None, root_at_watch: None };
    // Sequence and offset of the last records: those that may have been in flight together.
    let mut starts: VecDeque<(u64, u64)> = VecDeque::new();
    loop {
        let framed = match frames.next_frame()? {
            None => break,
            Some(framed) => framed.map_err(DamageKind::Frame),
        };
        starts.push_back((scan.tree.size(), scan.sound));
        match framed.and_then(|framed| scan.take(framed, name, watch)) {
            Err(kind) => {
                scan.damage = Some(kind);
                break;
            }
            Ok(header) => {
                let oldest = scan.sound.saturating_sub(MAX_TAIL_BYTES);
                let is_proven = |(sequence, start): &mut (u64, u64)| *sequence < header.proven() || *start < oldest;
                while starts.pop_front_if(is_proven).is_some() {}
            }
        }
        if watch == Some(scan.tree.size()) {
            scan.root_at_watch = Some(scan.tree.root());
        }
        scan.sound = frames.offset();
    }
    scan.unproven = starts.front().map_or(scan.sound, |(_, start)| *start);
    Ok(scan)
}

impl Scan {
    /// Adds the next record.
    fn take(&mut self, framed: Framed<'_>, name: SegmentName, watch: Option<u64>) -> Result<RecordHeader, DamageKind> {
        if self.begun.is_none() {
            let record = decode::record(framed).map_err(DamageKind::Record)?;
            let Event::SegmentBegun(begun) = record.event else { return Err(DamageKind::SegmentStart) };
            if (SegmentName { first: record.header.sequence, month: begun.month }) != name {
                return Err(DamageKind::SegmentStart);
            }
            self.tree = begun.tree.clone();
            if watch == Some(self.tree.size()) {
                self.root_at_watch = Some(self.tree.root());
            }
            self.begun = Some(begun);
        }
        let header = decode::header(framed.record).map_err(DamageKind::Record)?;
        if header.sequence != self.tree.size() {
            return Err(DamageKind::Sequence { expected: self.tree.size(), found: header.sequence });
        }
        self.tree.push(framed.leaf);
        self.last = Some((self.sound, framed.leaf));
        Ok(header)
    }
}

/// Writes the last records again, byte for byte. If their sync failed, Linux counts the pages as
/// clean although the disk never received them, and a sync alone would not write them.
fn rewrite(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let mut source = ReadFrom { file, offset: from }.take(to.saturating_sub(from));
    let (mut chunk, mut offset) = (Vec::new(), from);
    loop {
        chunk.clear();
        source.by_ref().take(1 << 18).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            return Ok(());
        }
        file.write_at(&chunk, offset)?;
        offset = offset.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
    }
}
