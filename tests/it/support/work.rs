//! Work, measured as processor time of this thread: other threads, a busy machine and waiting do
//! not count.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time that this thread has used.
fn used() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).expect("less than a second"))
}

/// Processor time that a call takes on this thread, and its result.
pub fn measure<T>(call: impl FnOnce() -> T) -> (Duration, T) {
    let before = used();
    let result = call();
    (used().saturating_sub(before), result)
}
