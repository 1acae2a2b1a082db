//! Memory and processor time of a process, from `/proc`.

use std::fs;
use std::time::Duration;

/// Unit of processor time in `/proc/PID/stat`: 10 ms on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Usage of a process at one time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Processor time of all threads since the start, in user and kernel mode.
    pub processor: Duration,
    /// Private memory: without mapped files, which belong to the page cache.
    pub own_kib: u64,
    /// Resident memory, mapped files included.
    pub resident_kib: u64,
}

impl Usage {
    /// Current usage of a process; `None` if it does not exist.
    pub fn of(process: &str) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // After the name, which is in parentheses and may contain any character.
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

    /// This usage with the larger memory of both.
    pub fn at_most(self, other: Self) -> Self {
        let own_kib = self.own_kib.max(other.own_kib);
        Self { own_kib, resident_kib: self.resident_kib.max(other.resident_kib), ..other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_of_this_process_and_of_a_missing_one() {
        let usage = Usage::of("self").expect("this process");
        assert!(usage.own_kib > 0 && usage.resident_kib >= usage.own_kib);
        assert!(Usage::of("none").is_none());
    }
}
