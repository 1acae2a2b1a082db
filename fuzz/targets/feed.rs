//! What a publisher sends, whatever its bytes: notification, signature, packed and plain data files.
//!
//! A notification that was read leads from its snapshot to its serial without a hole. A data file that was read to its
//! end is read alike by the `csv` library, field for field.

#![no_main]

use std::io::{BufRead, Read};

use datasets::feed::{Content, FileKind, Validated, Notification, Compression, Records, Signer};
use ehealth_core::model::Dataset;
use libfuzzer_sys::fuzz_target;

/// More of a packed file is not read: a bomb is the publisher's affair, and bounded by whoever reads it.
const MAX_UNPACKED: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(notification) = Notification::parse(bytes) {
        judge(&notification);
    }
    if let Ok(text) = str::from_utf8(bytes)
        && let Some(signer) = Signer::parse(text)
    {
        assert!(signer.verify(bytes, bytes, Dataset::Dimona).is_err(), "a key is no signature");
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

fn judge(notification: &Notification) {
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
    // Once to learn how many there are: a file must have as many as were announced.
    for announced in [announced.saturating_sub(1), announced] {
        let Ok(mut records) = Records::open(bytes, dataset, kind, announced) else { return };
        let mut rows: Vec<Vec<String>> = Vec::new();
        let whole = loop {
            match records.advance() {
                Ok(Some(judged)) => {
                    if let Validated::Rejected { reason, .. } = &judged {
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
