//! What a process uses, as the kernel tells it.

use std::fs;
use std::time::Duration;

/// The kernel's unit of processor time in `/proc/PID/stat`: a hundredth of a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// A look at a process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Of all its threads since its start, in the kernel and out of it.
    pub processor: Duration,
    /// Memory that is its own: mapped files, which are page cache, are not in it.
    pub own_kib: u64,
    /// All its memory, mapped files included.
    pub resident_kib: u64,
}

impl Usage {
    /// What this process uses now; nothing once it is gone.
    pub fn of(process: &str) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // Behind the name, which is in brackets and may hold anything.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
        let mut ticks = || fields.next()?.parse::<u32>().ok();
        let processor = TICK * (ticks()? + ticks()?);
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let kib = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        Some(Self { processor, own_kib: kib("RssAnon")? + kib("RssShmem")?, resident_kib: kib("VmRSS")? })
    }

    /// The same with the larger memory of both.
    pub fn at_most(self, other: Self) -> Self {
        let own_kib = self.own_kib.max(other.own_kib);
        Self { own_kib, resident_kib: self.resident_kib.max(other.resident_kib), ..other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory_and_one_that_is_not_there_has_none() {
        let usage = Usage::of("self").expect("this process");
        assert!(usage.own_kib > 0 && usage.resident_kib >= usage.own_kib);
        assert!(Usage::of("none").is_none());
    }
}
