//! The bytes of a key, in memory of their own that is never swapped or dumped.
//!
//! Cryptographic contexts are made from them for each use and wiped at once: a context that lives as
//! long as the process lies in the ordinary heap, which the system may write to a disk. Making one
//! takes less than a microsecond (AES key schedule, two blocks of SHA-256), an Ed25519 pair about
//! 20 µs, at most ten times a second.

use std::fmt;

use memmap2::{Advice, MmapMut};
use zeroize::{Zeroize, Zeroizing};

use super::key_id::KEY_BYTES;

/// A page of its own for the bytes of a key; wiped when it is dropped.
pub(crate) struct LockedKey(Memory);

enum Memory {
    Page(MmapMut),
    /// The system refused a page.
    Heap(Zeroizing<[u8; KEY_BYTES]>),
}

impl LockedKey {
    /// Copies the bytes. If the system does not lock the page (`RLIMIT_MEMLOCK`), the key is used all
    /// the same, and a line in the service log says so.
    pub(crate) fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let page = MmapMut::map_anon(KEY_BYTES).map(|mut page| {
            let locked = page.lock().and_then(|()| page.advise(Advice::DontDump));
            if let Err(error) = locked {
                tracing::warn!(%error, "a key cannot be locked in memory: raise the limit of locked memory (ulimit -l)");
            }
            page.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            page
        });
        Self(page.map_or_else(|_| Memory::Heap(Zeroizing::new(*bytes)), Memory::Page))
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Memory::Page(page) => page,
            Memory::Heap(bytes) => bytes.as_slice(),
        }
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        match &mut self.0 {
            Memory::Page(page) => page.zeroize(),
            // It wipes itself.
            Memory::Heap(_) => {}
        }
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mappings of this process that are locked and not dumped.
    fn locked_mappings() -> usize {
        let mappings = std::fs::read_to_string("/proc/self/smaps").expect("Linux");
        let flags = mappings.lines().filter_map(|line| line.strip_prefix("VmFlags:"));
        let is_safe = |flags: &&str| ["lo", "dd"].iter().all(|flag| flags.split(' ').any(|word| word == *flag));
        flags.filter(is_safe).count()
    }

    #[test]
    fn a_key_lies_in_a_page_that_is_locked_and_not_dumped() {
        let key = LockedKey::new(&[7; KEY_BYTES]);
        assert_eq!(key.bytes(), [7; KEY_BYTES]);
        assert!(matches!(key.0, Memory::Page(_)));
        assert!(locked_mappings() > 0);
    }
}
