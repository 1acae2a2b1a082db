//! A person in the memory of a limit.

/// A keyed hash of an SSIN. The key is drawn at random for each process and leaves it in no form, so
/// that a memory image shows no number, and no caller can choose numbers that collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SubjectHash(u64);

impl SubjectHash {
    /// Wraps a hash that the caller made with its key.
    #[must_use]
    pub fn new(hash: u64) -> Self {
        Self(hash)
    }

    /// The hash.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }
}
