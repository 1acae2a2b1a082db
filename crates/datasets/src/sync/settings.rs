//! What a run has to be told: where feeds, data and rejected records lie, and how much may be wrong.

use std::path::PathBuf;
use std::time::Duration;

use super::HttpsFeed;
use crate::feed::Signer;
use ehealth_core::model::Dataset;

/// A share of a whole, in millionths: exact, so that "exactly the share passes" means what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// So many millionths, held at the whole.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Self {
        if millionths > 1_000_000 { Self(1_000_000) } else { Self(millionths) }
    }

    /// The greatest number that is not above this share of `whole`.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        let part = u128::from(whole) * u128::from(self.0) / 1_000_000;
        // Not above `whole`, so it fits.
        u64::try_from(part).unwrap_or(whole)
    }
}

/// How much a dataset may lose in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shrinking {
    /// This share of its records; a greater loss is refused.
    UpTo(Share),
    /// Any: an operator looked at it and allowed it for this run.
    Allow,
}

/// Where a feed lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a local folder, where SFTP drops it. The folder itself may be a link; nothing in it may.
    Folder(PathBuf),
    /// Behind HTTPS.
    Https(HttpsFeed),
}

/// One feed and how it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// What it brings.
    pub dataset: Dataset,
    /// Where it lies.
    pub source: Source,
    /// The share of wrong records over which a file is refused, if they are more than ten.
    pub wrong_share: Share,
    /// How much the dataset may lose.
    pub shrinking: Shrinking,
    /// Whose signature its notification must bear; `None` if it need not bear one.
    pub signer: Option<Signer>,
    /// How long after a run that ended in step the next one begins, give or take a tenth.
    pub interval: Duration,
    /// The most that the dataset's file may take on disk. What the publisher sends beyond that meets a full disk, before
    /// the trail beside it does.
    pub bytes_max: u64,
}

/// Fifty times what the largest dataset of the country takes.
const BYTES_MAX: u64 = 64 << 30;

impl Feed {
    /// A feed with the shares of feed.md, 0.1 % wrong and 10 % lost; unsigned, looked at four times an hour, in 64 GiB
    /// at most.
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

/// All feeds, and where what they bring is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder of the datasets. Made if it is not there.
    pub data: PathBuf,
    /// The folder of rejected records. Made, for its owner alone, when the first one is written.
    pub rejected: PathBuf,
    /// The feeds, in the order in which they are run; at most one a dataset.
    pub feeds: Vec<Feed>,
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
