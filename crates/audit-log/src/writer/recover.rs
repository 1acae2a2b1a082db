//! Start-up after a crash: what the last segment holds, where its torn end begins, and whether a checkpoint knew more.
//!
//! Only the end of the last segment is ever cut, and only where nothing proves that it was durable; anything else
//! that is wrong is damage and stays as it was found. Earlier segments are not read: each was durable before the next
//! was begun. After success every record that was kept is durable.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read};

use ehealth_core::model::Digest;

use super::error::AuditError;
use crate::format::damage::{Damage, Flaw};
use crate::format::decode;
use crate::format::frame::{FrameFault, Framed, Frames};
use crate::format::note::{Known, root_text};
use crate::format::record::{Event, SegmentBegun, Stamp};
use crate::format::segment_name::SegmentName;
use crate::format::tree::Frontier;
use crate::storage::checkpoint_files::CheckpointFault;
use crate::storage::disk::{Disk, DiskFile, ReadFrom};
use crate::storage::segment::{self, Segment};
use crate::storage::tail::{MAX_TAIL_BYTES, torn_bytes};

/// What is there to go on with.
pub(crate) struct Recovered {
    /// The last segment; `None` in an empty folder.
    pub(crate) segment: Option<Segment>,
    /// The tree of everything that is durable.
    pub(crate) tree: Frontier,
    /// How many bytes were cut off, without zeros at the end: records that nobody was told about.
    pub(crate) cut_bytes: u64,
    /// Whether there is anything besides the beginnings of segments.
    pub(crate) told: bool,
}

/// Reads the last segment and cuts its torn end, unless a checkpoint knew a longer or another trail.
pub(crate) fn recover(disk: &dyn Disk, known: Option<&Known>) -> Result<Recovered, AuditError> {
    segment::remove_drafts(disk)?;
    let names = segment::list(disk)?;
    let Some(name) = names.last().copied() else {
        check_size(known, 0)?;
        return Ok(Recovered { segment: None, tree: Frontier::default(), cut_bytes: 0, told: false });
    };
    let file = disk.open(&name.to_string())?;
    let scan = scan(&*file, name, known.map(|known| known.size))?;
    let mut cut_bytes = 0;
    if let Some(flaw) = scan.flaw {
        let torn = if scan.begun.is_some() { torn_bytes(&*file, scan.sound, scan.tree.size())? } else { None };
        cut_bytes = torn.ok_or(Damage { segment: name, offset: scan.sound, flaw })?;
    }
    let Some(begun) = scan.begun else {
        let flaw = Flaw::Frame(FrameFault::Incomplete);
        return Err(Damage { segment: name, offset: 0, flaw }.into());
    };
    check_size(known, scan.tree.size())?;
    if let Some(known) = known {
        let root = if known.size < name.first { root_before(disk, &names, known.size)? } else { scan.watched };
        if root.map(root_text).as_ref() != Some(&known.root) {
            return Err(CheckpointFault::Inconsistent { signed: known.size }.into());
        }
    }
    // Even where nothing is to be cut: a process that died after a failed sync may have cut it, and the disk not know.
    file.truncate(scan.sound)?;
    rewrite(&*file, scan.unproven, scan.sound)?;
    file.sync()?;
    disk.sync_names()?;
    let segment = Segment { name, begun, file, written: scan.sound, ready: scan.sound };
    let told = scan.tree.size() > u64::try_from(names.len()).unwrap_or(u64::MAX);
    Ok(Recovered { segment: Some(segment), tree: scan.tree, cut_bytes, told })
}

fn check_size(known: Option<&Known>, found: u64) -> Result<(), CheckpointFault> {
    match known {
        Some(Known { size: signed, .. }) if *signed > found => {
            Err(CheckpointFault::Truncated { signed: *signed, found })
        }
        _ => Ok(()),
    }
}

/// The root that the tree had at this size, which lies before the last segment; `None` if it is not to be had.
fn root_before(disk: &dyn Disk, names: &[SegmentName], size: u64) -> io::Result<Option<Digest>> {
    let Some(name) = names.iter().rfind(|name| name.first <= size) else { return Ok(None) };
    let file = disk.open(&name.to_string())?;
    Ok(scan(&*file, *name, Some(size))?.watched)
}

struct Scan {
    begun: Option<SegmentBegun>,
    tree: Frontier,
    /// Everything before this offset is sound.
    sound: u64,
    /// Where the first record begins that the last one does not prove to be durable.
    unproven: u64,
    /// What is wrong at `sound`, if the file does not end there.
    flaw: Option<Flaw>,
    /// The root at the size that was to be watched for, if it came by.
    watched: Option<Digest>,
}

fn scan(file: &dyn DiskFile, name: SegmentName, watch: Option<u64>) -> io::Result<Scan> {
    let mut frames = Frames::new(BufReader::with_capacity(1 << 18, ReadFrom { file, offset: 0 }));
    let tree = Frontier::default();
    let mut scan = Scan { begun: None, tree, sound: 0, unproven: 0, flaw: None, watched: None };
    // Where the last records begin: those that may have been under way together.
    let mut starts: VecDeque<(u64, u64)> = VecDeque::new();
    loop {
        let framed = match frames.next_frame()? {
            None => break,
            Some(framed) => framed.map_err(Flaw::Frame),
        };
        starts.push_back((scan.tree.size(), scan.sound));
        match framed.and_then(|framed| scan.take(framed, name, watch)) {
            Err(flaw) => {
                scan.flaw = Some(flaw);
                break;
            }
            Ok(stamp) => {
                let oldest = scan.sound.saturating_sub(MAX_TAIL_BYTES);
                let is_proven = |(sequence, start): &mut (u64, u64)| *sequence < stamp.proven() || *start < oldest;
                while starts.pop_front_if(is_proven).is_some() {}
            }
        }
        if watch == Some(scan.tree.size()) {
            scan.watched = Some(scan.tree.root());
        }
        scan.sound = frames.offset();
    }
    scan.unproven = starts.front().map_or(scan.sound, |(_, start)| *start);
    Ok(scan)
}

impl Scan {
    /// Takes the next record in.
    fn take(&mut self, framed: Framed<'_>, name: SegmentName, watch: Option<u64>) -> Result<Stamp, Flaw> {
        if self.begun.is_none() {
            let record = decode::record(framed).map_err(Flaw::Record)?;
            let Event::SegmentBegun(begun) = record.event else { return Err(Flaw::Begin) };
            if (SegmentName { first: record.stamp.sequence, month: begun.month }) != name {
                return Err(Flaw::Begin);
            }
            self.tree = begun.tree.clone();
            if watch == Some(self.tree.size()) {
                self.watched = Some(self.tree.root());
            }
            self.begun = Some(begun);
        }
        let stamp = decode::stamp(framed.record).map_err(Flaw::Record)?;
        if stamp.sequence != self.tree.size() {
            return Err(Flaw::Sequence { expected: self.tree.size(), found: stamp.sequence });
        }
        self.tree.push(framed.leaf);
        Ok(stamp)
    }
}

/// Writes the last records once more, byte for byte. If the sync failed that should have made it durable, Linux counts
/// its pages as clean though the disk never saw them, and a sync alone would not write them.
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
