//! Disk space that a publisher can use: whatever a feed contains, little is left of it.

use std::fs;

use datasets::sync::{Failure, Outcome, Refusal};
use ehealth_core::model::Dataset;

use crate::support::publisher::{self, Place, Publisher, period};

/// Bytes of all files in a folder of the place.
fn bytes_in(place: &Place, folder: &str) -> u64 {
    let length = |name: String| fs::metadata(place.folder.path().join(folder).join(name)).expect("a file").len();
    place.names(folder).into_iter().map(length).sum()
}

/// A place with one loaded row, so that a refused file can be compared with the loaded state.
fn place() -> (Place, Publisher) {
    let place = Place::new(&[Dataset::Dimona]);
    let mut publisher = place.publisher(Dataset::Dimona);
    publisher.snapshot(1, &[period(1, 1, 1, "2024-01-01", "")]).announce();
    assert!(place.run().is_up_to_date());
    (place, publisher)
}

#[test]
fn a_bomb_leaves_little_on_the_disk_however_often_it_is_sent() {
    let (place, mut publisher) = place();
    let before = bytes_in(&place, "data");
    let row = format!("1,{},0999100196,2019-03-01,\n", "x".repeat(3_900));
    let text = format!("{}\n{}", publisher::header(Dataset::Dimona), row.repeat(3_000));
    let packed = zstd::encode_all(text.as_bytes(), 1).expect("into memory");
    assert!(packed.len() < 20_000, "{}", packed.len());
    for serial in 2..=9 {
        let (name, content, refusal) = if serial % 2 == 0 {
            ("b.csv.zst", packed.as_slice(), Refusal::TooLarge)
        } else {
            ("b.csv", text.as_bytes(), Refusal::TooManyWrong)
        };
        // A thousandth of the announced records may be invalid: 2900 of these.
        publisher.snapshot = Some(publisher.store(name, serial, content, 2_900_000));
        publisher.announce();
        assert_eq!(place.run(), Outcome::Refused(refusal), "{serial}");
        assert!(place.names("rejected").len() <= 5, "{:?}", place.names("rejected"));
        // At most 8 MiB each, one record more, and a buffer.
        assert!(bytes_in(&place, "rejected") < 5 * (8 << 20) + 5 * 16_384, "{}", bytes_in(&place, "rejected"));
    }
    assert!(bytes_in(&place, "data") < before + (1 << 20), "{:?}", place.names("data"));
}

#[test]
fn a_file_has_a_limited_number_of_rejected_records() {
    let (place, mut publisher) = place();
    let row = "1,x,x,x,\n";
    let text = format!("{}\n{}", publisher::header(Dataset::Dimona), row.repeat(60_000));
    // A thousandth of this would be more than 50 000.
    publisher.snapshot = Some(publisher.store("b.csv", 2, text.as_bytes(), 99_000_000));
    publisher.announce();
    assert_eq!(place.run(), Outcome::Refused(Refusal::TooManyWrong));
    // The header, 50 000 records, and the one that is too many.
    assert_eq!(place.rejected("dimona-2-snapshot.csv").lines().count(), 50_002);
}

#[test]
fn a_run_that_needs_no_space_renews_the_data_on_a_full_disk() {
    let (mut place, mut publisher) = place();
    place.settings.min_free_space = u64::MAX;
    assert_eq!(place.run(), Outcome::Nothing);
    let before = place.names("data");
    for serial in [2, 3] {
        let row = period(serial, 1, 1, "2024-01-01", "");
        if serial == 2 {
            publisher.delta(2, &[format!("put,{row}")]).announce();
        } else {
            publisher.deltas.clear();
            publisher.snapshot(3, &[period(1, 1, 1, "2024-01-01", ""), row]).announce();
        }
        assert_eq!(place.run(), Outcome::Failed(Failure::DiskSpace), "{serial}");
        assert_eq!(place.names("data"), before);
    }
    place.settings.min_free_space = 0;
    assert!(place.run().is_up_to_date());
}
