//! The system clock.

use std::time::{SystemTime, UNIX_EPOCH};

use ehealth_core::model::{Clock, Timestamp};

/// The system's real-time clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A time before 1970 reads as 1970: then no certificate is valid.
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}
