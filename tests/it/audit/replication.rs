//! The second copy of every record: an exchange is answered when both copies have its record, and
//! both have the same record under one sequence, whatever fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use audit_log::replication::{Durability, Link, Replication, SegmentFrames, rows};
use audit_log::{AuditLog, Event, Health, Interruption, InterruptionCause, Record, Records, Settings};
use ehealth_core::lookup::{MessageSignature, RecordFailure};
use ehealth_core::model::Digest;

use super::harness::*;
use super::memory_disk::{Fault, MemoryDisk};
use crate::support::random::Random;

const NOW: &str = "2026-11-22T05:19:00Z";

fn replication(durability: Durability) -> Arc<Replication> {
    Replication::new(durability, clock(NOW), || ())
}

fn open(disk: &MemoryDisk, settings: &Settings, replication: &Arc<Replication>) -> AuditLog {
    let copies = (None, Some(Arc::clone(replication)));
    AuditLog::open_on_with_copies(Arc::new(disk.clone()), settings, clock(NOW), copies).expect("opened")
}

/// Connects a copy that has everything.
fn connect(replication: &Replication) {
    let joined = replication.join();
    replication.confirm(joined, &[]);
    assert!(replication.complete_join());
}

/// Takes what waits, and confirms it.
fn replicate(replication: &Replication, copy: &mut BTreeMap<u64, Vec<u8>>) {
    for batch in replication.take(usize::MAX) {
        for row in rows(&batch.bytes) {
            let row = row.expect("sound");
            let before = copy.insert(row.sequence, row.frame.to_vec());
            assert!(before.is_none_or(|before| before == row.frame), "one record under one sequence");
        }
        replication.confirm(batch.end(), &[]);
    }
}

fn read_disk(disk: &MemoryDisk) -> Vec<Record> {
    Records::open_on(Arc::new(disk.clone())).expect("readable").map(|record| record.expect("sound")).collect()
}

#[test]
fn an_exchange_waits_for_both_copies() {
    let dir = tempfile::tempdir().expect("a folder");
    let (disk, copy) = (MemoryDisk::default(), replication(Durability::Replicated));
    let log = open(&disk, &settings(dir.path()), &copy);
    connect(&copy);
    // The own disk first.
    let settled = append(&log, entry(0, person(0)));
    wait_until(|| copy.status().waiting == 1);
    assert!(settled.try_recv().is_err());
    assert_eq!(copy.status().lag(), 1);
    replicate(&copy, &mut BTreeMap::new());
    assert_eq!(wait(&settled), Ok(1));
    // The copy first.
    disk.hold();
    let before = disk.syncs();
    let settled = append(&log, entry(1, person(1)));
    disk.wait_for_a_sync(before);
    replicate(&copy, &mut BTreeMap::new());
    assert!(settled.try_recv().is_err());
    disk.release();
    assert_eq!(wait(&settled), Ok(2));
}

#[test]
fn without_a_copy_exchanges_are_refused_and_on_record() {
    let dir = tempfile::tempdir().expect("a folder");
    let (disk, copy) = (MemoryDisk::default(), replication(Durability::Replicated));
    let log = open(&disk, &settings(dir.path()), &copy);
    let refused = Err(RecordFailure::Unreplicated);
    assert_eq!([record(&log, entry(0, person(0))), record(&log, entry(1, person(0)))], [refused, refused]);
    connect(&copy);
    let waiting = append(&log, entry(2, person(0)));
    wait_until(|| copy.status().waiting == 1);
    copy.lost_in_commit("the standby does not respond");
    assert_eq!(wait(&waiting), refused, "its record may or may not be in the copy");
    let status = copy.status();
    assert_eq!((status.refused, status.unknown_outcomes), (3, 1));
    assert_eq!(status.link, Link::Down("the standby does not respond".into()));
    drop(log);
    let events: Vec<_> = read_disk(&disk).into_iter().map(|record| record.event).collect();
    let cause = InterruptionCause::NotReplicated;
    assert_eq!(events[1], Event::Interruption(Interruption { since: moment(NOW), refused: 2, cause }));
    assert_eq!(events.len(), 3, "and the record of the exchange that waited");
}

#[test]
fn with_local_durability_each_answer_without_a_copy_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let (disk, copy) = (MemoryDisk::default(), replication(Durability::Local));
    let log = open(&disk, &settings(dir.path()), &copy);
    assert_eq!(record(&log, entry(0, person(0))), Ok(1));
    let joined = copy.join();
    assert_eq!(record(&log, entry(1, person(0))), Ok(2), "while the copy is brought up to date");
    copy.confirm(joined, &[]);
    assert!(copy.complete_join());
    replicate(&copy, &mut BTreeMap::new());
    let settled = append(&log, entry(2, person(0)));
    wait_until(|| copy.status().waiting == 1);
    replicate(&copy, &mut BTreeMap::new());
    assert_eq!(wait(&settled), Ok(3));
    let waiting = append(&log, entry(3, person(0)));
    wait_until(|| copy.status().waiting == 1);
    copy.lost("cut off");
    assert_eq!(wait(&waiting), Err(RecordFailure::Unreplicated), "its record does not say so");
    assert_eq!(copy.status().unreplicated, 2);
    drop(log);
    let marks: Vec<_> = read_disk(&disk)
        .into_iter()
        .filter_map(|record| if let Event::Exchange(of) = record.event { Some(of.is_unreplicated) } else { None })
        .collect();
    assert_eq!(marks, [true, true, false, false]);
}

#[test]
fn what_was_submitted_is_written_again_after_a_failed_sync() {
    let dir = tempfile::tempdir().expect("a folder");
    let (disk, copy) = (MemoryDisk::default(), replication(Durability::Replicated));
    let log = open(&disk, &settings(dir.path()), &copy);
    connect(&copy);
    disk.hold();
    let before = disk.syncs();
    let settled = append(&log, entry(0, person(0)));
    disk.wait_for_a_sync(before);
    let mut frames = BTreeMap::new();
    replicate(&copy, &mut frames);
    disk.set_fault(Some(Fault::OneSyncFails));
    disk.release();
    assert_eq!(wait(&settled), Err(RecordFailure::Unwritable));
    wait_until(|| log.health() == Health::Writable);
    let settled = append(&log, entry(1, person(0)));
    wait_until(|| {
        replicate(&copy, &mut frames);
        copy.status().confirmed == 4
    });
    assert_eq!(wait(&settled), Ok(3), "after the interruption");
    drop(log);
    let records = read_disk(&disk);
    let tickets: Vec<_> = records
        .iter()
        .filter_map(|record| if let Event::Exchange(of) = &record.event { Some(of.ticket) } else { None })
        .collect();
    assert_eq!(tickets, [entry(0, person(0)).ticket, entry(1, person(0)).ticket]);
    assert_eq!(frames.len() + 1, records.len(), "all but the record that begins the segment");
}

#[test]
fn a_replay_that_the_copy_finds_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let (disk, copy) = (MemoryDisk::default(), replication(Durability::Replicated));
    let log = open(&disk, &settings(dir.path()), &copy);
    connect(&copy);
    let value: Box<[u8]> = [1, 2, 3].into();
    let signature = MessageSignature { message: Digest::new([1; 32]), value, certificate: [4].into() };
    let signed = |number| {
        let mut entry = entry(number, person(0));
        entry.signature = Some(Arc::new(signature.clone()));
        entry
    };
    let settled = [append(&log, signed(0)), append(&log, entry(1, person(0)))];
    let (mut batches, mut found) = (Vec::new(), Vec::new());
    wait_until(|| {
        batches.extend(copy.take(usize::MAX));
        copy.status().waiting == 2
    });
    for batch in &batches {
        found.extend(batch.signatures.iter().copied());
    }
    let expected = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[1, 2, 3]);
    assert_eq!(found.iter().map(|(_, digest)| &digest.as_bytes()[..]).collect::<Vec<_>>(), [expected.as_ref()]);
    copy.confirm(3, &[found[0].0]);
    assert_eq!(settled.each_ref().map(wait), [Err(RecordFailure::Replayed), Ok(2)]);
}

#[test]
fn frames_are_read_from_any_sequence_over_months() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = settings(dir.path());
    for (month, at) in ["2026-10-22T05:19:00Z", "2026-11-22T05:19:00Z", "2026-12-22T05:19:00Z"].into_iter().enumerate()
    {
        let log = AuditLog::open(&settings, clock(at)).expect("opened");
        for number in 0..20 {
            assert!(record(&log, entry(month as u64 * 20 + number, person(number))).is_ok());
        }
    }
    let records = read_all(&settings.folder);
    let count = records.len() as u64;
    for from in 0..count {
        let mut frames = SegmentFrames::open(&settings.folder, from).expect("readable");
        let mut next = from;
        while let Some(batch) = frames.next(count, 700).expect("sound") {
            assert_eq!(batch.first, next);
            for row in rows(&batch.bytes) {
                let row = row.expect("sound");
                assert_eq!((row.sequence, row.leaf), (next, records[next as usize].leaf));
                next += 1;
            }
            assert_eq!(batch.end(), next);
        }
        assert_eq!(next, count);
    }
}

/// One random history of a log and its copy, with failures of both.
struct History {
    random: Random,
    disk: MemoryDisk,
    replication: Arc<Replication>,
    copy: BTreeMap<u64, Vec<u8>>,
    settled: Vec<Receiver<Settled>>,
}

impl History {
    /// Brings the copy up to the own disk, as a replicator that connects.
    fn catch_up(&mut self) {
        let joined = self.replication.join();
        wait_until(|| self.replication.synced() >= joined || self.disk_failed());
        if self.replication.synced() < joined {
            self.replication.lost("the own disk failed");
            return;
        }
        for record in read_disk(&self.disk).iter().take(joined as usize) {
            let before = self.copy.get(&record.header.sequence);
            let leaf = before.map(|frame| rows(frame).next().expect("one").expect("sound").leaf);
            assert!(leaf.is_none_or(|leaf| leaf == record.leaf), "one record under one sequence");
        }
        self.replication.confirm(joined, &[]);
        assert!(self.replication.complete_join());
    }

    fn disk_failed(&self) -> bool {
        self.replication.status().link != Link::Joining
    }

    fn step(&mut self, log: &AuditLog, number: u64) {
        match self.random.below(12) {
            0..=5 => self.settled.push(append(log, entry(number, person(number)))),
            6 | 7 => replicate(&self.replication, &mut self.copy),
            8 => self.replication.lost_in_commit("cut off"),
            9 => self.disk.set_fault(Some(Fault::OneSyncFails)),
            10 => self.disk.set_fault(None),
            _ if self.replication.is_confirmed() => replicate(&self.replication, &mut self.copy),
            _ => {
                self.disk.set_fault(None);
                wait_until(|| log.health() == Health::Writable);
                self.catch_up();
            }
        }
    }
}

#[test]
fn both_copies_agree_in_random_histories() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut answered = 0;
    for seed in 0..200 {
        let durability = if seed % 2 == 0 { Durability::Replicated } else { Durability::Local };
        let mut history = History {
            random: Random::new(seed),
            disk: MemoryDisk::default(),
            replication: replication(durability),
            copy: BTreeMap::new(),
            settled: Vec::new(),
        };
        let settings = Settings { max_syncs: 3, ..settings(&dir.path().join(seed.to_string())) };
        let log = open(&history.disk, &settings, &history.replication);
        connect(&history.replication);
        for number in 0..60 {
            history.step(&log, number);
        }
        history.disk.set_fault(None);
        wait_until(|| log.health() == Health::Writable);
        replicate(&history.replication, &mut history.copy);
        history.replication.lost("the end");
        drop(log);
        let records = read_disk(&history.disk);
        let sequences: Vec<_> = history.settled.iter().filter_map(|settled| wait(settled).ok()).collect();
        answered += sequences.len();
        for (sequence, frame) in &history.copy {
            let row = rows(frame).next().expect("one").expect("sound");
            let own = records.get(*sequence as usize).map(|record| record.leaf);
            assert_eq!(own, Some(row.leaf), "seed {seed}, record {sequence}");
        }
        let confirmed = history.replication.status().confirmed;
        for sequence in sequences {
            let Event::Exchange(exchange) = &records[sequence as usize].event else { panic!("an exchange") };
            assert!(sequence < confirmed || exchange.is_unreplicated, "seed {seed}, record {sequence}");
        }
    }
    assert!(answered > 1_000, "{answered}");
}
