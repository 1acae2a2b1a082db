//! The form of the history in a file: versioned, of one size, with a checksum.
//!
//! | bytes | content |
//! |---|---|
//! | 29 | [`MAGIC`]: name and version |
//! | 8 for each bound | upper bounds of the buckets of durations, in microseconds |
//! | 8 + 1 440 × 120, twice | a ring: number of its newest period ([`EMPTY`]: none), then the slots |
//! | 32 | SHA-256 of everything before |
//!
//! All numbers are big-endian. The checksum detects damage, not an attacker: a process that writes to the data
//! folder can write a history. No number of it is used as a size or an index.

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

use super::reading::{BUCKETS, Slot};
use super::ring::{Ring, SLOTS};

/// Name and version of the form.
const MAGIC: &[u8; 29] = b"ehealth-attributes history 1\n";
/// The part of [`MAGIC`] before the version.
const NAME: &[u8] = b"ehealth-attributes history ";
/// Newest period of a ring without data.
const EMPTY: i64 = i64::MIN;
/// Periods by which a file may be ahead of the clock: a clock that is corrected between two starts.
pub(super) const TOLERANCE_PERIODS: i64 = 5;

const BOUNDS_BYTES: usize = 8 * (BUCKETS - 1);
const RING_BYTES: usize = 8 + SLOTS * Slot::WORDS * 4;

/// Size of the file.
pub const FILE_BYTES: usize = MAGIC.len() + BOUNDS_BYTES + 2 * RING_BYTES + SHA256_OUTPUT_LEN;

/// Why a file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Another program wrote it.
    #[error("it is not a history of this program")]
    Foreign,
    /// Another version wrote it.
    #[error("another version of this program wrote it")]
    Version,
    /// Its size or its checksum is wrong.
    #[error("it is damaged: size or checksum is wrong")]
    Damaged,
    /// Its durations were counted in other buckets.
    #[error("its durations were counted in other buckets")]
    Buckets,
    /// It has data of a time that has not come yet.
    #[error("it has data of a time after the clock of this machine")]
    Future,
}

/// Encodes two rings.
pub(super) fn encode(ends: &[u64; BUCKETS - 1], rings: [&Ring; 2]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FILE_BYTES);
    bytes.extend_from_slice(MAGIC);
    ends.iter().for_each(|end| bytes.extend_from_slice(&end.to_be_bytes()));
    for ring in rings {
        bytes.extend_from_slice(&ring.newest().unwrap_or(EMPTY).to_be_bytes());
        let words = ring.slots().iter().flat_map(Slot::words);
        words.for_each(|word| bytes.extend_from_slice(&word.to_be_bytes()));
    }
    let sum = digest(&SHA256, &bytes);
    bytes.extend_from_slice(sum.as_ref());
    bytes
}

/// Decodes two rings.
pub(super) fn decode(bytes: &[u8], ends: &[u64; BUCKETS - 1]) -> Result<[Ring; 2], HistoryError> {
    if !bytes.starts_with(NAME) {
        return Err(HistoryError::Foreign);
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or(HistoryError::Version)?;
    let (content, sum) = bytes.split_last_chunk::<SHA256_OUTPUT_LEN>().ok_or(HistoryError::Damaged)?;
    if bytes.len() != FILE_BYTES || digest(&SHA256, content).as_ref() != sum {
        return Err(HistoryError::Damaged);
    }
    let (bounds, rings) = rest.split_at_checked(BOUNDS_BYTES).ok_or(HistoryError::Damaged)?;
    let (first, rest) = rings.split_at_checked(RING_BYTES).ok_or(HistoryError::Damaged)?;
    let (second, _) = rest.split_at_checked(RING_BYTES).ok_or(HistoryError::Damaged)?;
    if !bounds.chunks_exact(8).eq(ends.map(u64::to_be_bytes).iter().map(<[u8; 8]>::as_slice)) {
        return Err(HistoryError::Buckets);
    }
    Ok([decode_ring(first)?, decode_ring(second)?])
}

fn decode_ring(bytes: &[u8]) -> Result<Ring, HistoryError> {
    let (newest, slots) = bytes.split_first_chunk().ok_or(HistoryError::Damaged)?;
    let newest = Some(i64::from_be_bytes(*newest)).filter(|newest| *newest != EMPTY);
    let slot = |bytes: &[u8]| {
        let words = bytes.chunks_exact(4).filter_map(|word| word.try_into().ok());
        Slot::from_words(words.map(u32::from_be_bytes))
    };
    Ok(Ring::from_slots(newest, slots.chunks_exact(Slot::WORDS * 4).map(slot).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: [u64; BUCKETS - 1] = [50; BUCKETS - 1];

    fn rings() -> [Ring; 2] {
        let mut first = Ring::new();
        first.add(29_000_000, &Slot { millis: 60_000, kinds: [1, 2, 3, u32::MAX], ..Slot::default() });
        first.add(29_000_002, &Slot { millis: 1, unsigned: 7, ..Slot::default() });
        [first, Ring::new()]
    }

    fn encoded() -> Vec<u8> {
        let [first, second] = rings();
        encode(&ENDS, [&first, &second])
    }

    #[test]
    fn what_is_written_is_read_again_and_has_one_size() {
        let bytes = encoded();
        assert_eq!((bytes.len(), FILE_BYTES), (FILE_BYTES, 345_805));
        assert_eq!(decode(&bytes, &ENDS), Ok(rings()));
    }

    #[test]
    fn damaged_and_foreign_files_are_refused() {
        let right = encoded();
        assert_eq!(decode(&right, &[51; BUCKETS - 1]), Err(HistoryError::Buckets));
        for place in [60, 29 + BOUNDS_BYTES + 1, FILE_BYTES / 2, FILE_BYTES - 1] {
            let mut wrong = right.clone();
            wrong[place] ^= 1;
            assert_eq!(decode(&wrong, &ENDS), Err(HistoryError::Damaged), "byte {place}");
        }
        for length in [0, 5, 28, 29, 40, FILE_BYTES - 1] {
            assert!(decode(&right[..length], &ENDS).is_err(), "{length} bytes");
        }
        assert_eq!(decode(&[&right[..], &[0]].concat(), &ENDS), Err(HistoryError::Damaged));
        let version = [&b"ehealth-attributes history 2\n"[..], &right[29..]].concat();
        assert_eq!(decode(&version, &ENDS), Err(HistoryError::Version));
        assert_eq!(decode(b"SQLite format 3\0", &ENDS), Err(HistoryError::Foreign));
    }
}
