//! Settings of the synchronisation: where feeds, data and rejected records are, and the limits for
//! each feed.

use std::path::PathBuf;
use std::time::Duration;

use super::https::HttpsFeed;
use crate::feed::Signer;
use crate::store::SpaceGuard;
use ehealth_core::model::Dataset;

/// A share of a whole, in millionths. It is exact, so that exactly the limit passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// Makes a share of this many millionths, at most 1 000 000.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Self {
        if millionths > 1_000_000 { Self(1_000_000) } else { Self(millionths) }
    }

    /// Largest integer not above this share of `whole`.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        let part = u128::from(whole) * u128::from(self.0) / 1_000_000;
        // Not above `whole`, so it fits.
        u64::try_from(part).unwrap_or(whole)
    }
}

/// Limit for the records that a dataset may lose in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shrinking {
    /// At most this share of its records; a larger loss is refused.
    UpTo(Share),
    /// No limit: an operator checked the loss and allowed it for this run.
    Allow,
}

/// Location of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A local folder, filled for example by SFTP. The folder itself may be a link; nothing in it
    /// may be one.
    Folder(PathBuf),
    /// A web server.
    Https(HttpsFeed),
}

/// One feed and its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Dataset of the feed.
    pub dataset: Dataset,
    /// Location of the feed.
    pub source: Source,
    /// Maximum share of invalid records in a file. Up to 10 invalid records are always allowed.
    pub wrong_share: Share,
    /// Limit for the records that the dataset may lose.
    pub shrinking: Shrinking,
    /// Key that must have signed the notification; `None` if no signature is required.
    pub signer: Option<Signer>,
    /// Time from a successful run to the next one, ± 10 %.
    pub interval: Duration,
    /// Maximum size of the dataset's file in bytes. Data beyond that fail as on a full disk, before
    /// the audit log beside the dataset runs out of space.
    pub bytes_max: u64,
}

/// Fifty times the size of the largest dataset of the country.
const BYTES_MAX: u64 = 64 << 30;

impl Feed {
    /// A feed with the limits of `docs/reference/feeds.md "Rules"`: 0.1 % invalid and 10 % lost
    /// records. Without signature, every 15 minutes, at most 64 GiB.
    #[must_use]
    pub fn new(dataset: Dataset, source: Source) -> Self {
        let shrinking = Shrinking::UpTo(Share::from_millionths(100_000));
        Self {
            dataset,
            source,
            wrong_share: Share::from_millionths(1_000),
            shrinking,
            signer: None,
            interval: Duration::from_secs(15 * 60),
            bytes_max: BYTES_MAX,
        }
    }
}

/// Settings of all feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Folder of the datasets. It is created if it does not exist.
    pub data: PathBuf,
    /// Folder of rejected records. It is created, for its owner only, with the first file.
    pub rejected: PathBuf,
    /// Feeds in the order of their runs; at most one for each dataset.
    pub feeds: Vec<Feed>,
    /// Minimum free space, in bytes, on the disks of both folders. A run that would leave less ends.
    pub min_free_space: u64,
}

impl Settings {
    /// Guard of the disks that a run writes.
    pub(super) fn space_guard(&self) -> SpaceGuard {
        SpaceGuard { folders: vec![self.data.clone(), self.rejected.clone()], minimum: self.min_free_space }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_at_national_scale() {
        let share = Share::from_millionths(1_000);
        assert_eq!((share.of(20_000_000), share.of(999), share.of(1_000)), (20_000, 0, 1));
        assert_eq!(Share::from_millionths(u32::MAX).of(u64::MAX), u64::MAX);
    }
}
