//! A deadline whose timer is rarely reset.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that is set again and again. The timer is reset only if it fires too early or would
/// fire too late: most waits end long before their deadline, and the next one begins.
#[derive(Default)]
pub(super) struct Deadline {
    timer: Option<Pin<Box<Sleep>>>,
    end: Option<Instant>,
}

impl Deadline {
    /// Sets the deadline to `length` from now.
    pub fn set(&mut self, length: Duration) {
        let end = Instant::now() + length;
        match &mut self.timer {
            Some(timer) if timer.deadline() <= end => {}
            Some(timer) => timer.as_mut().reset(end),
            None => self.timer = Some(Box::pin(sleep_until(end))),
        }
        self.end = Some(end);
    }

    /// Removes the deadline.
    pub fn clear(&mut self) {
        self.end = None;
    }

    pub fn is_set(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the deadline has passed; if not, wakes the task when it does.
    pub fn poll_passed(&mut self, cx: &mut Context<'_>) -> bool {
        let (Some(end), Some(timer)) = (self.end, &mut self.timer) else { return false };
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= end {
                return true;
            }
            timer.as_mut().reset(end);
        }
        false
    }
}
