//! Everything that a publisher sends: notification, signature, compressed and plain data files.
//!
//! A notification that is accepted leads from its snapshot to its serial without a gap. A data file
//! that is read to its end has the same fields as the `csv` crate reads.

#![no_main]

use std::io::{BufRead, Read};

use datasets::feed::{Content, FileKind, Validated, Notification, Compression, Records, Signer};
use ehealth_core::model::Dataset;
use libfuzzer_sys::fuzz_target;

/// Maximum bytes that are decompressed, 1 MiB: the callers of the reader limit decompression bombs.
const MAX_UNPACKED: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(notification) = Notification::parse(bytes) {
        check_notification(&notification);
    }
    if let Ok(text) = str::from_utf8(bytes)
        && let Some(signer) = Signer::parse(text)
    {
        assert!(signer.verify(bytes, bytes, Dataset::Dimona).is_err(), "a key is not a signature");
    }
    for dataset in Dataset::ALL {
        for kind in [FileKind::Snapshot, FileKind::Delta] {
            read_rows(bytes, dataset, kind);
        }
    }
    for compression in [Compression::Gzip, Compression::Zstd] {
        unpack(bytes, compression);
    }
});

fn check_notification(notification: &Notification) {
    let from = notification.snapshot.serial;
    assert!(from >= 1 && from <= notification.serial);
    for serial in from + 1..=notification.serial.min(from + 100_000) {
        assert!(notification.deltas.contains_key(&serial), "{serial} is missing");
    }
    for file in notification.deltas.values().chain([&notification.snapshot]) {
        let mut segments = file.uri.segments();
        assert!(segments.all(|segment| !segment.is_empty() && segment != "." && segment != ".."), "{:?}", file.uri);
        assert!(!file.uri.as_str().contains(['\\', '%', '?', '#', ':']), "{:?}", file.uri);
    }
}

fn read_rows(bytes: &[u8], dataset: Dataset, kind: FileKind) {
    let announced = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    // Twice, because the last record may lack its line feed: a file must have the announced number
    // of records.
    for announced in [announced.saturating_sub(1), announced] {
        let Ok(mut records) = Records::open(bytes, dataset, kind, announced) else { return };
        let mut rows: Vec<Vec<String>> = Vec::new();
        let whole = loop {
            match records.advance() {
                Ok(Some(validated)) => {
                    if let Validated::Rejected { reason, .. } = &validated {
                        assert!(!reason.code().is_empty());
                    }
                    rows.push(records.fields().map(str::to_owned).collect());
                }
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        if whole {
            let reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
            let theirs: Vec<Vec<String>> =
                reader.into_records().map(|row| row.expect("read by us").iter().map(str::to_owned).collect()).collect();
            assert_eq!(rows, theirs);
        }
    }
}

fn unpack(bytes: &[u8], compression: Compression) {
    let Ok(mut content) = Content::open(bytes, compression, bytes.len() as u64) else { return };
    let mut taken = 0;
    let mut limited = (&mut content).take(MAX_UNPACKED);
    while let Ok(piece) = limited.fill_buf() {
        let count = piece.len();
        if count == 0 {
            break;
        }
        taken += count;
        limited.consume(count);
    }
    assert!(taken as u64 <= MAX_UNPACKED);
    let found = content.finish().expect("a slice does not fail");
    assert_eq!(found.bytes, bytes.len() as u64);
    assert_eq!(found.digest, datasets::feed::digest_of(bytes));
}
