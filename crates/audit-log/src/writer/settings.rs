//! Settings of an audit log that is written.

use std::path::PathBuf;
use std::time::Duration;

use crate::storage::keys::MissingKeys;

/// Location and behaviour of an audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Folder of the segments. Created if missing.
    pub folder: PathBuf,
    /// Folder of the keys: best on another disk, and never in the same backup.
    pub keys: PathBuf,
    /// Whether missing keys are generated.
    pub missing_keys: MissingKeys,
    /// Maximum number of waiting records. Further ones are refused as
    /// [`RecordFailure::Overloaded`](ehealth_core::lookup::RecordFailure::Overloaded).
    pub queue: usize,
    /// Bytes by which a segment grows, as zeros written ahead of the records. The larger, the fewer
    /// syncs wait for the file system. At most 16 MiB.
    pub preallocate: u64,
    /// Maximum concurrent syncs: writing does not wait for a slow disk.
    pub max_syncs: usize,
    /// How long a sync runs alone, on a slow disk, before the next may begin beside it.
    pub overlap_after: Duration,
    /// Interval between attempts to write after a failure, if no record comes.
    pub retry: Duration,
    /// When checkpoints are made, and where they are written.
    pub checkpoints: Checkpoints,
}

impl Settings {
    /// The usual settings: 8192 records may wait (half a second at 15 000 per second), a segment
    /// grows by 1 MiB (about 2000 records), eight concurrent syncs 0.7 ms apart, an attempt every
    /// second after a failure, missing keys refused.
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

/// When checkpoints are made, and where they are written besides the audit log's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoints {
    /// Origin: the name of the log in its checkpoints, for example `gateway.example.be/audit-log`;
    /// 1 to 200 visible ASCII characters without `+`.
    pub origin: String,
    /// File with a copy of the newest checkpoint. Put it on another machine's disk: on the same
    /// disk it protects little. Its folder must exist. If that disk hangs, nothing waits for it
    /// longer than `copy_timeout`.
    pub copy: Option<PathBuf>,
    /// Maximum time that the start, each attempt and the end wait for the copy.
    pub copy_timeout: Duration,
    /// Number of new records after which a checkpoint is made, not more often than `min_interval`.
    pub records: u64,
    /// Minimum time between two checkpoints: each costs two syncs, for which records wait as well.
    pub min_interval: Duration,
    /// Time after which a checkpoint is made if there are new records.
    pub interval: Duration,
    /// What to do with an audit log that has records but no checkpoint.
    pub missing: MissingCheckpoint,
}

impl Default for Checkpoints {
    /// A checkpoint every second or every 256 records, at most ten a second, without a copy.
    fn default() -> Self {
        Self {
            origin: "ehealth-attributes/audit-log".into(),
            copy: None,
            copy_timeout: Duration::from_secs(5),
            records: 256,
            min_interval: Duration::from_millis(100),
            interval: Duration::from_secs(1),
            missing: MissingCheckpoint::Refuse,
        }
    }
}

/// What to do with an audit log that has records but no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MissingCheckpoint {
    /// Do not open it: the checkpoint was removed.
    #[default]
    Refuse,
    /// Open it and sign it as it is. The operator vouches for it, for example after a change of the
    /// checkpoint key or the origin.
    Sign,
}
