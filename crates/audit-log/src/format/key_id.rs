//! Length and name of the keys that protect records.

use std::fmt;

use super::tree::sha256;

/// Length of a key in bytes.
pub(crate) const KEY_BYTES: usize = 32;
/// Name of a key: the first 8 bytes of a SHA-256 over it. It tells keys apart and reveals nothing
/// about them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; 8]);

impl KeyId {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Self {
        let digest = sha256(&[b"ehealth-attributes key name", key]);
        Self(digest.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
