//! The system's clocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::platform;
use ehealth_core::model::{Clock, Timestamp};

/// The system's real-time clock, and its time since the start of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A time before 1970 reads as 1970: then no certificate is valid.
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    fn uptime(&self) -> Duration {
        platform::uptime()
    }
}
