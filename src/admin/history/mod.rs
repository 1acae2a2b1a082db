//! History of the service: what it did in each minute of the last day, and in each half hour of the last
//! thirty days.
//!
//! Two rings of a fixed size hold differences between readings of the counters, and the highest values of
//! gauges. A time without readings is a gap, never a zero. The wall clock only chooses the place of a
//! difference; how long it covers is measured with the monotonic clock, so that a clock that jumps makes a
//! gap and no wrong rate.
//!
//! This module does no IO: `app` reads and writes the encoded form on a thread of its own.

mod codec;
mod quantile;
mod range;
mod reading;
mod ring;
mod timeline;

pub use codec::{FILE_BYTES, HistoryError};
pub(super) use quantile::{Estimate, quantile};
pub(super) use range::Range;
pub(super) use reading::Slot;
pub use reading::{BUCKETS, Reading};
pub(super) use timeline::Point;
pub use timeline::{History, SharedHistory};
