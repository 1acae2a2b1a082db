//! Simulates power cuts: every prefix of the writer's calls to the disk, with lost, reordered and
//! torn sectors.
//!
//! Every second image is cut once more during its recovery.
//! `AUDIT_LOG_CRASH_IMAGES=100000 cargo test --test it power_cut` sets the number of images.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit_log::{AuditLog, Event, Health, Records};
use ehealth_core::lookup;

use super::harness::*;
use super::memory_disk::{Fault, MemoryDisk};
use super::replay::{Call, CrashImage, crash_image};
use crate::support::environment;
use crate::support::random::Random;

/// Images without the variable: a few seconds.
const IMAGES: u64 = 2_000;

/// Records the disk calls of a writer during batches, failures, a change of month and restarts.
fn record_a_life(dir: &std::path::Path, random: &mut Random) -> Vec<Call> {
    let disk = MemoryDisk::default();
    let clock = clock("2026-11-30T22:00:00Z");
    let mut settings = settings(dir);
    settings.checkpoints.records = 3;
    // As on a slow disk: the next fsync begins before the last one ends.
    settings.overlap_after = std::time::Duration::ZERO;
    let mut number = 0;
    for life in 0..3 {
        let log = AuditLog::open_on(Arc::new(disk.clone()), &settings, clock.clone()).expect("opened");
        for step in 0..12 {
            let fault = match (life, step) {
                (0 | 2, 4) => Some(Fault::Full),
                (0 | 1, 7) => Some(Fault::SyncFails),
                _ => None,
            };
            disk.set_fault(fault);
            if (life, step) == (1, 3) {
                clock.set(moment("2026-12-01T08:00:00Z"));
            }
            // Held back, so that the appended records become one batch; otherwise one batch each,
            // written during the fsyncs of those before, unless another step must come first.
            let is_ready = fault.is_none() && (life, step) != (1, 3) && log.health() == Health::Writable;
            let beside = is_ready && random.below(2) == 0;
            disk.hold();
            let (before, mut settled) = (disk.syncs(), Vec::new());
            for place in 0..=random.below(6) {
                let entry = entry(number, person(number));
                number += 1;
                let (acknowledging, (sender, receiver)) = (disk.clone(), std::sync::mpsc::channel());
                lookup::record(entry, &log, move |recorded| {
                    if let Ok(recorded) = &recorded {
                        acknowledging.note_acknowledged(recorded.sequence(), recorded.outcome().ticket);
                    }
                    sender.send(()).expect("waited for");
                });
                settled.push(receiver);
                if beside {
                    disk.wait_for_a_sync(before + place);
                }
            }
            disk.release();
            settled.iter().for_each(|settled| settled.recv().expect("settled"));
        }
        disk.set_fault(None);
    }
    disk.calls()
}

/// Opens what a power cut left, acknowledges one more record, and cuts the power at any call.
fn recover_and_cut(files: &BTreeMap<String, Vec<u8>>, dir: &std::path::Path, random: &mut Random) -> CrashImage {
    let disk = MemoryDisk::holding(files.clone());
    let log = AuditLog::open_on(Arc::new(disk.clone()), &settings(dir), clock("2026-12-01T08:30:00Z")).expect("opened");
    let entry = entry(8_888, person(8));
    let (acknowledging, (sender, receiver)) = (disk.clone(), std::sync::mpsc::channel());
    lookup::record(entry, &log, move |recorded| {
        let recorded = recorded.expect("durable");
        acknowledging.note_acknowledged(recorded.sequence(), recorded.outcome().ticket);
        sender.send(()).expect("waited for");
    });
    receiver.recv().expect("settled");
    drop(log);
    let calls = disk.calls();
    crash_image(files, &calls[..random.below(calls.len() as u64 + 1) as usize], random)
}

#[test]
fn a_power_cut_loses_no_acknowledged_record() {
    let images = environment::number("AUDIT_LOG_CRASH_IMAGES", IMAGES);
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(1);
    let (mut cut, mut lost, mut calls) = (0_u64, 0_u64, Vec::new());
    for image in 0..images {
        if image % 2_000 == 0 {
            calls = record_a_life(dir.path(), &mut random);
        }
        // Each prefix in turn, and each again with other random numbers.
        let CrashImage { mut files, mut acknowledged, .. } =
            crash_image(&BTreeMap::new(), &calls[..image as usize % (calls.len() + 1)], &mut random);
        if image % 2 == 1 {
            let second = recover_and_cut(&files, dir.path(), &mut random);
            files = second.files;
            acknowledged.extend(second.acknowledged);
        }
        let disk = MemoryDisk::holding(files);
        let log = AuditLog::open_on(Arc::new(disk.clone()), &settings(dir.path()), clock("2026-12-01T09:00:00Z"))
            .unwrap_or_else(|error| panic!("image {image}: {error}"));
        cut += u64::from(log.cut_bytes() > 0);
        record(&log, entry(9_999, person(9))).expect("durable");
        drop(log);
        let mut tickets = BTreeMap::new();
        for (record, sequence) in Records::open_on(Arc::new(disk)).expect("readable").zip(0..) {
            let record = record.unwrap_or_else(|error| panic!("image {image}: {error}"));
            assert_eq!(record.header.sequence, sequence, "image {image}");
            if let Event::Exchange(exchange) = record.event {
                tickets.insert(sequence, exchange.ticket.to_string());
            }
        }
        for (sequence, ticket) in &acknowledged {
            assert_eq!(tickets.get(sequence), Some(ticket), "image {image}: acknowledged, but missing");
        }
        lost += u64::from(tickets.len() == acknowledged.len() + 1);
    }
    assert!(
        images < 1_000 || (cut > images / 40 && lost > images / 20),
        "{cut} cut, {lost} lost: the random numbers are uneven"
    );
}
