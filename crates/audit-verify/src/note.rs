//! Text of a checkpoint (C2SP tlog-checkpoint).

use ehealth_core::model::{Digest, Timestamp};

use super::base64::decode;

/// Tree head that a checkpoint signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) root: Digest,
    /// When the newest record was written; `None` without a line `made`.
    pub(super) made: Option<Timestamp>,
    /// Key ids of the signatures, 8 hexadecimal digits each.
    pub(super) keys: Vec<String>,
}

impl Checkpoint {
    /// Parses origin, size and root, and any extension lines.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let number: u64 = size.parse().ok()?;
        let root = Digest::new(decode(root)?.try_into().ok()?);
        let extensions: Vec<&str> = lines.collect();
        let made = extensions.iter().find_map(|line| Timestamp::parse(line.strip_prefix("made ")?).ok());
        let sound = !origin.is_empty() && number.to_string() == size && extensions.iter().all(|line| !line.is_empty());
        sound.then(|| Self { origin: origin.to_owned(), size: number, root, made, keys: Vec::new() })
    }
}
