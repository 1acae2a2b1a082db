//! The reserve of the audit log's disk, which only registered consumers may use.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the audit log's disk has less free space than the reserve. Another thread looks at the
/// disk: a disk that hangs delays no request.
#[derive(Debug)]
pub(crate) struct AuditSpace {
    reserve: u64,
    is_in_reserve: AtomicBool,
}

impl AuditSpace {
    /// Space with this reserve, in bytes. Until it is first seen, it counts as enough.
    pub fn new(reserve: u64) -> Self {
        Self { reserve, is_in_reserve: AtomicBool::new(false) }
    }

    /// Takes note of the free space. Logs the moments at which it falls below the reserve and rises
    /// above it.
    pub fn see(&self, free_bytes: u64) {
        let (is_in_reserve, reserve_mib) = (free_bytes < self.reserve, self.reserve >> 20);
        match (self.is_in_reserve.swap(is_in_reserve, Ordering::Relaxed), is_in_reserve) {
            (false, true) => tracing::error!(
                free_mib = free_bytes >> 20,
                reserve_mib,
                "the audit log's disk has less free space than audit_log.reserve; only registered consumers are answered"
            ),
            (true, false) => {
                tracing::warn!(free_mib = free_bytes >> 20, reserve_mib, "the audit log's disk has its reserve again");
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Whether only registered consumers are answered.
    pub fn is_in_reserve(&self) -> bool {
        self.is_in_reserve.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_begins_below_its_size_and_ends_at_it() {
        let space = AuditSpace::new(100);
        assert!(!space.is_in_reserve());
        let seen = [100, 99, 0, 100].map(|free| {
            space.see(free);
            space.is_in_reserve()
        });
        assert_eq!(seen, [false, true, true, false]);
    }
}
