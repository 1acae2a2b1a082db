//! Settings of an audit log that is written.

use std::path::PathBuf;
use std::time::Duration;

use crate::storage::keys::MissingKeys;

/// Where the trail lies and how it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder of the segments. Made if missing.
    pub folder: PathBuf,
    /// The folder of the keys; better not on the same disk, and never in the same backup.
    pub keys: PathBuf,
    /// Whether missing keys are made.
    pub missing_keys: MissingKeys,
    /// How many entries may wait; more are refused as [`RecordFailure::Overloaded`].
    pub queue: usize,
    /// So many bytes at a time a segment grows, by zeros that are written ahead of the records: the larger, the fewer
    /// syncs wait for the file system. At most 16 MiB.
    pub preallocate: u64,
    /// So many syncs may be under way at once: a slow disk need not be waited for before more is written.
    pub max_syncs: usize,
    /// So long a sync runs alone, on a slow disk, before the next may begin beside it.
    pub overlap_after: Duration,
    /// How often writing is tried again after a failure, if no entry comes.
    pub retry: Duration,
    /// When checkpoints are made, and where they are put.
    pub checkpoints: Checkpoints,
}

impl Settings {
    /// The usual settings: 8 192 may wait (half a second at 15 000 a second), a segment grows by a mebibyte (some 2 000
    /// records), eight syncs 0.7 ms overlap_after, a retry every second, keys are brought.
    #[must_use]
    pub fn new(folder: PathBuf, keys: PathBuf) -> Self {
        let (queue, preallocate, retry) = (8_192, 1 << 20, Duration::from_secs(1));
        let checkpoints = Checkpoints::default();
        let (max_syncs, overlap_after) = (8, Duration::from_micros(700));
        Self {
            folder,
            keys,
            missing_keys: MissingKeys::Refuse,
            queue,
            preallocate,
            max_syncs,
            overlap_after,
            retry,
            checkpoints,
        }
    }
}

/// When checkpoints are made, and where they are put besides the trail's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoints {
    /// The name of the trail in its checkpoints: like `gateway.example.be/trail`, without blanks and `+`.
    pub origin: String,
    /// The file that holds the newest checkpoint a second time: on another machine's disk, if it shall be worth much.
    /// If that disk hangs, only checkpoints and the end of the process wait for it.
    pub copy: Option<PathBuf>,
    /// After so many records, as long as that is not more often than `min_interval`.
    pub records: u64,
    /// So much time is at least between two of them: each costs two syncs, which records wait for as well.
    pub min_interval: Duration,
    /// After so much time, if there is anything new.
    pub interval: Duration,
    /// What to do with a trail that has records but no checkpoint.
    pub missing: MissingCheckpoint,
}

impl Default for Checkpoints {
    /// A checkpoint every second or every 256 records, no more than ten a second, without a second place.
    fn default() -> Self {
        Self {
            origin: "ehealth-attributes/audit-log".into(),
            copy: None,
            records: 256,
            min_interval: Duration::from_millis(100),
            interval: Duration::from_secs(1),
            missing: MissingCheckpoint::Refuse,
        }
    }
}

/// What to do with a trail that has records but no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MissingCheckpoint {
    /// It is not opened: somebody removed the checkpoint.
    #[default]
    Refuse,
    /// It is opened and signed as it is: somebody answers for it (another checkpoint key, another name).
    Sign,
}
