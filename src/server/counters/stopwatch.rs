//! Measures the stages of one exchange.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::lists::Stage;
use super::per_variant::PerVariant;

/// Measures the stages of one exchange: the time since the last lap belongs to the stage that is
/// named.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    began: Instant,
    last: AtomicU64,
    /// Nanoseconds of each stage, plus one; 0 if the stage was not reached.
    laps: PerVariant<Stage, AtomicU64, { Stage::ALL.len() }>,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self { began: Instant::now(), last: AtomicU64::new(0), laps: PerVariant::default() }
    }

    /// Ends a stage.
    pub fn lap(&self, stage: Stage) {
        let took = self.pass();
        if let Some(lap) = self.laps.get(stage) {
            lap.fetch_add(took.saturating_add(u64::from(load(lap) == 0)), Ordering::Relaxed);
        }
    }

    /// Assigns the time since the last lap to no stage, because the consumer was throttled.
    pub fn skip(&self) {
        self.pass();
    }

    fn pass(&self) -> u64 {
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        now.saturating_sub(self.last.swap(now, Ordering::Relaxed))
    }

    /// Seconds from the start to the end of the last stage, with six decimals.
    pub fn total_seconds(&self) -> f64 {
        in_seconds(Duration::from_nanos(load(&self.last)))
    }

    /// The stages that were reached, with their durations.
    pub fn laps(&self) -> impl Iterator<Item = (Stage, Duration)> {
        let taken = |(stage, lap): (Stage, &AtomicU64)| {
            load(lap).checked_sub(1).map(|nanos| (stage, Duration::from_nanos(nanos)))
        };
        self.laps.iter().filter_map(taken)
    }

    /// Seconds of a stage with six decimals, if it was reached.
    pub fn seconds(&self, stage: Stage) -> Option<f64> {
        let taken = self.laps().find(|(reached, _)| *reached == stage);
        taken.map(|(_, took)| in_seconds(took))
    }
}

/// Whole microseconds as seconds: more decimals would only be noise.
fn in_seconds(took: Duration) -> f64 {
    Duration::from_micros(u64::try_from(took.as_micros()).unwrap_or(u64::MAX)).as_secs_f64()
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_was_not_reached_has_no_duration() {
        let stopwatch = Stopwatch::start();
        stopwatch.lap(Stage::Read);
        stopwatch.skip();
        stopwatch.lap(Stage::Write);
        let reached: Vec<_> = stopwatch.laps().map(|(stage, _)| stage).collect();
        assert_eq!(reached, [Stage::Read, Stage::Write]);
        assert!(stopwatch.seconds(Stage::Decide).is_none());
        assert_eq!(in_seconds(Duration::from_nanos(123_999)).to_string(), "0.000123");
    }
}
