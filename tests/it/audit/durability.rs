//! Records are durable before an answer is sent, appending never blocks, and the log recovers from
//! failures.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use audit_log::{
    AuditError, AuditLog, Damage, DamageKind, Disk, Event, FrameError, Health, Interruption, InterruptionCause,
    KeyError, KeyName, MissingKeys, Month, Record, Records, Settings, WriteFailure,
};
use ehealth_core::lookup::RecordFailure;

use super::harness::*;
use super::memory_disk::{Fault, MemoryDisk};

const NOW: &str = "2026-11-22T05:19:00Z";

fn open_on(disk: &MemoryDisk, settings: &Settings) -> AuditLog {
    AuditLog::open_on(Arc::new(disk.clone()), settings, clock(NOW)).expect("opened")
}

fn read_disk(disk: &MemoryDisk) -> Vec<Record> {
    Records::open_on(Arc::new(disk.clone())).expect("readable").map(|record| record.expect("sound")).collect()
}

#[test]
fn records_settle_after_their_fsync_and_share_the_next_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = MemoryDisk::default();
    let log = open_on(&disk, &Settings { max_syncs: 1, ..settings(dir.path()) });
    disk.hold();
    let before = disk.syncs();
    let first = append(&log, entry(0, person(0)));
    disk.wait_for_a_sync(before);
    let rest: Vec<_> = (1..200).map(|number| append(&log, entry(number, person(number)))).collect();
    assert!(first.try_recv().is_err() && rest.iter().all(|settled| settled.try_recv().is_err()));
    disk.release();
    assert_eq!(wait(&first), Ok(1));
    let sequences: Vec<_> = rest.iter().map(|settled| wait(settled).expect("durable")).collect();
    assert_eq!(sequences, (2..201).collect::<Vec<_>>());
    assert_eq!(disk.syncs() - before, 2);
    assert_eq!((log.counters().recorded, log.counters().batches, log.counters().sequence), (200, 2, 201));
    log.close();
    let places: Vec<_> =
        read_disk(&disk).iter().map(|record| (record.header.proven(), record.header.unproven)).collect();
    assert_eq!((places[1], places[2], places[200]), ((1, 0), (2, 0), (2, 198)));
}

/// Appends this number of records while no fsync completes, each during the fsync of the one
/// before.
fn append_beside(log: &AuditLog, disk: &MemoryDisk, count: u64) -> Vec<std::sync::mpsc::Receiver<Settled>> {
    disk.hold();
    let before = disk.syncs();
    let append_next = |number| {
        let settled = append(log, entry(number, person(number)));
        disk.wait_for_a_sync(before + number);
        settled
    };
    (0..count).map(append_next).collect()
}

#[test]
fn fsyncs_overlap_on_a_slow_disk_and_complete_in_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = MemoryDisk::default();
    let log = open_on(&disk, &Settings { max_syncs: 3, ..settings(dir.path()) });
    let before = disk.syncs();
    let settled = append_beside(&log, &disk, 3);
    assert!(settled.iter().all(|settled| settled.try_recv().is_err()));
    disk.release();
    assert_eq!(settled.iter().map(wait).collect::<Vec<_>>(), [Ok(1), Ok(2), Ok(3)]);
    assert_eq!((log.counters().batches, disk.syncs() - before), (3, 3));
    // None of them was durable when the next was written: a torn first one cuts off all three.
    let proven: Vec<_> = read_disk(&disk).iter().map(|record| record.header.proven()).collect();
    assert_eq!(proven, [0, 1, 1, 1]);
}

#[test]
fn batches_behind_a_failed_batch_fail_with_it() {
    let dir = tempfile::tempdir().expect("a folder");
    for failing in 0..20 {
        let disk = MemoryDisk::default();
        let log = open_on(&disk, &Settings { max_syncs: 4, ..settings(&dir.path().join(failing.to_string())) });
        let settled = append_beside(&log, &disk, 4);
        disk.set_fault(Some(Fault::OneSyncFails));
        disk.release();
        // The first sync that ends fails, and so do the others: each has its own handle, which
        // reports the error.
        let failed = Err(RecordFailure::Unwritable);
        assert_eq!(settled.iter().map(wait).collect::<Vec<_>>(), [failed; 4]);
        wait_until(|| log.health() == Health::Writable);
        assert_eq!(record(&log, entry(4, person(0))), Ok(2));
        log.close();
        let records = read_disk(&disk);
        let what = Interruption { since: moment(NOW), refused: 4, cause: InterruptionCause::Io };
        assert_eq!((records.len(), &records[1].event), (3, &Event::Interruption(what)));
    }
}

#[test]
fn a_full_queue_refuses_without_waiting() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = MemoryDisk::default();
    let log = open_on(&disk, &Settings { queue: 3, max_syncs: 1, ..settings(dir.path()) });
    disk.hold();
    let before = disk.syncs();
    let written = append(&log, entry(0, person(0)));
    disk.wait_for_a_sync(before);
    let waiting: Vec<_> = (1..4).map(|number| append(&log, entry(number, person(0)))).collect();
    assert_eq!(record(&log, entry(4, person(0))), Err(RecordFailure::Overloaded));
    disk.release();
    assert_eq!(wait(&written), Ok(1));
    assert!(waiting.iter().all(|settled| wait(settled).is_ok()));
    assert_eq!((log.counters().overloaded, log.health()), (1, Health::Writable));
}

#[test]
fn closing_settles_waiting_records_and_refuses_new_ones() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = MemoryDisk::default();
    let log = open_on(&disk, &settings(dir.path()));
    let waiting: Vec<_> = (0..500).map(|number| append(&log, entry(number, person(0)))).collect();
    log.close();
    assert!(waiting.iter().all(|settled| settled.try_recv().expect("settled before close returned").is_ok()));
    assert_eq!(record(&log, entry(500, person(0))), Err(RecordFailure::Closed));
    assert_eq!(log.health(), Health::Closed);
    assert_eq!(read_disk(&disk).len(), 501);
}

#[test]
fn a_full_disk_refuses_records_and_recovers_by_itself() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = MemoryDisk::default();
    let log = open_on(&disk, &settings(dir.path()));
    assert_eq!(record(&log, entry(0, person(0))), Ok(1));
    disk.set_fault(Some(Fault::Full));
    assert_eq!(record(&log, entry(1, person(0))), Err(RecordFailure::Unwritable));
    assert_eq!(record(&log, entry(2, person(0))), Err(RecordFailure::Unwritable));
    assert_eq!(log.health(), Health::Unwritable(WriteFailure::DiskFull));
    disk.set_fault(None);
    // No record comes: the service is not ready, so no caller sends one.
    wait_until(|| log.health() == Health::Writable);
    assert_eq!(record(&log, entry(3, person(0))), Ok(3));
    assert_eq!((log.counters().recorded, log.counters().unwritable), (2, 2));
    log.close();
    let records = read_disk(&disk);
    assert_eq!(records.iter().map(|record| record.header.sequence).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let interruption = Interruption { since: moment(NOW), refused: 2, cause: InterruptionCause::DiskFull };
    assert_eq!(records[2].event, Event::Interruption(interruption));
}

#[test]
fn nothing_is_kept_of_a_batch_whose_sync_failed() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = MemoryDisk::default();
    let log = open_on(&disk, &Settings { retry: std::time::Duration::from_secs(3_600), ..settings(dir.path()) });
    disk.set_fault(Some(Fault::SyncFails));
    assert_eq!(record(&log, entry(0, person(0))), Err(RecordFailure::Unwritable));
    assert_eq!(log.health(), Health::Unwritable(WriteFailure::Io(io::ErrorKind::Other)));
    disk.set_fault(None);
    assert_eq!(record(&log, entry(1, person(0))), Ok(2), "the next record is the next attempt");
    log.close();
    let tickets: Vec<_> = read_disk(&disk)
        .into_iter()
        .filter_map(|record| match record.event {
            Event::Exchange(exchange) => Some(exchange.ticket),
            Event::SegmentBegun(_)
            | Event::Interruption(_)
            | Event::Pruning(_)
            | Event::Suppressed(_)
            | Event::Vouched(_) => None,
        })
        .collect();
    assert_eq!(tickets, [entry(1, person(0)).ticket]);
}

#[test]
fn a_missing_month_key_stops_the_log_until_it_is_provided() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    AuditLog::open(&settings, clock(NOW)).expect("makes the keys").close();
    let settings = Settings { missing_keys: MissingKeys::Refuse, ..settings };
    let clock = clock(NOW);
    let log = AuditLog::open(&settings, clock.clone()).expect("opened");
    clock.set(moment("2026-12-01T00:00:00Z"));
    assert_eq!(record(&log, entry(0, person(0))), Err(RecordFailure::Unwritable));
    let december = KeyName::Detail(Month::from_calendar(2026, 12).expect("a month"));
    assert_eq!(log.health(), Health::Unwritable(WriteFailure::Key(KeyError::Missing(december))));
    // A copy of another month's key is enough and keeps its file mode.
    let keys = &settings.keys;
    fs::copy(keys.join("detail-2026-11.key"), keys.join(december.to_string())).expect("copied");
    wait_until(|| log.health() == Health::Writable);
    assert_eq!(record(&log, entry(1, person(0))), Ok(3));
    log.close();
    let causes: Vec<_> = read_all(&settings.folder)
        .iter()
        .filter_map(|record| match record.event {
            Event::Interruption(what) => Some((what.cause, what.refused)),
            Event::Exchange(_)
            | Event::SegmentBegun(_)
            | Event::Pruning(_)
            | Event::Suppressed(_)
            | Event::Vouched(_) => None,
        })
        .collect();
    assert_eq!(causes, [(InterruptionCause::Key, 1)]);
}

#[test]
fn a_program_that_starts_does_not_keep_the_lock() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // From its fork to its exec, each has a copy of every open file.
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                Command::new("true").status().expect("runs");
            }
        });
        let opened: Vec<_> = (0..60).map(|_| AuditLog::open(&settings, clock(NOW)).map(|log| log.close())).collect();
        is_done.store(true, Ordering::Relaxed);
        assert!(opened.iter().all(Result::is_ok), "{opened:?}");
    });
}

#[test]
fn a_log_has_one_writer() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    let log = AuditLog::open(&settings, clock(NOW)).expect("opened");
    let second = AuditLog::open(&settings, clock(NOW)).map(|_| ());
    assert_eq!(second, Err(AuditError::InUse));
    assert_eq!(read_all(&settings.folder).len(), 1, "reading beside the writer is fine");
    log.close();
    assert!(AuditLog::open(&settings, clock(NOW)).is_ok());
}

#[test]
fn a_restart_continues_even_if_the_clock_was_set_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    for (number, now) in (0..).zip([NOW, NOW, "2026-12-01T10:00:00Z", NOW]) {
        let log = AuditLog::open(&settings, clock(now)).expect("opened");
        record(&log, entry(number, person(0))).expect("durable");
        assert_eq!(log.cut_bytes(), 0);
    }
    let sequences: Vec<_> = read_all(&settings.folder).iter().map(|record| record.header.sequence).collect();
    assert_eq!(sequences, (0..7).collect::<Vec<_>>());
}

/// A log of three batches, its segment, and the offset of the third batch. Its checkpoint is older
/// than all batches.
fn three_batches(dir: &std::path::Path) -> (BTreeMap<String, Vec<u8>>, String, usize) {
    let disk = MemoryDisk::default();
    let log = open_on(&disk, &settings(dir));
    record(&log, entry(0, person(0))).expect("durable");
    record(&log, entry(1, person(0))).expect("durable");
    let name = disk.content().into_keys().next().expect("one segment");
    let length = end_of_records(&disk.content()[&name]);
    record(&log, entry(2, person(0))).expect("durable");
    let mut whole = disk.content();
    whole.entry(name.clone()).and_modify(|bytes| bytes.truncate(end_of_records(bytes)));
    (whole, name, length)
}

/// Offset of the preallocated zeros.
fn end_of_records(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some([b'K', b'T', b'R', b'1', length @ ..]) = bytes[end..].first_chunk::<8>() {
        end += 40 + u32::from_be_bytes(*length) as usize;
    }
    end
}

#[test]
fn preallocated_zeros_are_cut_when_a_segment_is_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let (disk, clock) = (MemoryDisk::default(), clock(NOW));
    let settings = Settings { preallocate: 10_000, ..settings(dir.path()) };
    let log = AuditLog::open_on(Arc::new(disk.clone()), &settings, clock.clone()).expect("opened");
    let segment = |month: usize| {
        let content = disk.content();
        let segments: Vec<_> = content.iter().filter(|(name, _)| name.ends_with(".seg")).collect();
        let bytes = segments[month].1;
        let end = end_of_records(bytes);
        assert!(bytes[end..].iter().all(|byte| *byte == 0));
        (end, bytes.len())
    };
    record(&log, entry(0, person(0))).expect("durable");
    let (first, length) = segment(0);
    assert_eq!(length, 10_000);
    record(&log, entry(1, person(0))).expect("durable");
    let (second, length) = segment(0);
    assert_eq!((second > first, length), (true, 10_000), "within the preallocated length");
    (2..40).for_each(|number| assert!(record(&log, entry(number, person(0))).is_ok()));
    assert_eq!(segment(0).1 % 10_000, 0);
    assert_eq!(read_disk(&disk).len(), 41, "a reader stops after the last record");
    clock.set(moment("2026-12-22T05:19:00Z"));
    record(&log, entry(40, person(0))).expect("durable");
    assert_eq!((segment(0).0, segment(1).1), (segment(0).1, 10_000));
    log.close();
    assert_eq!(segment(1).0, segment(1).1);
}

/// A disk with these files, except these bytes in the segment.
fn with_segment(whole: &BTreeMap<String, Vec<u8>>, name: &str, bytes: Vec<u8>) -> MemoryDisk {
    let mut image = whole.clone();
    image.insert(name.to_owned(), bytes);
    MemoryDisk::holding(image)
}

#[test]
fn a_torn_end_is_cut_and_sequence_numbers_continue() {
    let dir = tempfile::tempdir().expect("a folder");
    let (whole, name, third) = three_batches(dir.path());
    let bytes = &whole[&name];
    for end in third..bytes.len() {
        let mut torn = bytes[..end].to_vec();
        if end % 2 == 0 {
            torn.resize(bytes.len(), 0);
        }
        let disk = with_segment(&whole, &name, torn.clone());
        let shown = Records::open_on(Arc::new(disk.clone())).expect("readable").flatten().count();
        let log = open_on(&disk, &settings(dir.path()));
        let written = torn[third..].iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
        assert_eq!((shown, log.cut_bytes()), (3, written));
        assert_eq!(record(&log, entry(9, person(0))), Ok(3));
        drop(log);
        assert_eq!(read_disk(&disk).len(), 4);
    }
}

#[test]
fn damage_in_durable_records_is_refused_and_left_unchanged() {
    let dir = tempfile::tempdir().expect("a folder");
    let (whole, name, third) = three_batches(dir.path());
    let bytes = &whole[&name];
    for at in 0..third {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let disk = with_segment(&whole, &name, damaged);
        let before = disk.content();
        let opened = AuditLog::open_on(Arc::new(disk.clone()), &settings(dir.path()), clock(NOW)).map(|_| ());
        assert!(matches!(opened, Err(AuditError::Damaged(Damage { offset, .. })) if offset <= at as u64), "{at}");
        assert_eq!(disk.content(), before);
        assert!(Records::open_on(Arc::new(disk)).expect("readable").any(|record| record.is_err()), "{at}");
    }
}

#[test]
fn an_empty_segment_is_damage() {
    let dir = tempfile::tempdir().expect("a folder");
    let (whole, name, _) = three_batches(dir.path());
    let disk = with_segment(&whole, &name, Vec::new());
    let opened = AuditLog::open_on(Arc::new(disk.clone()), &settings(dir.path()), clock(NOW)).map(|_| ());
    let Err(AuditError::Damaged(damage)) = opened else { panic!("opened: {opened:?}") };
    assert_eq!((damage.offset, damage.kind), (0, DamageKind::Frame(FrameError::Incomplete)));
    assert_eq!(Records::open_on(Arc::new(disk)).expect("readable").count(), 1);
}

#[test]
fn temporary_files_of_a_crash_are_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let drafts = ["segment.tmp", "probe.tmp", "checkpoint.tmp", "000000000000-2026-10.idx.77.tmp"]
        .map(|name| (name.to_owned(), vec![1, 2, 3]));
    let disk = MemoryDisk::holding(drafts.into());
    drop(open_on(&disk, &settings(dir.path())));
    assert_eq!(disk.names().expect("memory"), ["000000000000-2026-11.seg", "checkpoint"]);
}
