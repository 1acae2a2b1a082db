//! When the feeds are run: at once, then again and again, each in its own time, until the service ends.
//!
//! A feed's next run is planned when its last one ended, so no run overtakes itself and none queues. A run that ended in
//! trouble is tried again soon, then less and less often; jitter keeps many services from asking one publisher in step.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use tokio::task::JoinSet;

use super::{Feed, Feeds};
use ehealth_core::model::Clock;

/// After the first trouble the next run begins no later than this.
const FIRST_PATIENCE: Duration = Duration::from_secs(60);

/// However often a run ended in trouble, the next one begins within this time, or the feed's interval if that is longer.
const LONGEST_PATIENCE: Duration = Duration::from_secs(3_600);

/// Runs the feeds until [`super::Monitor::stop`], and ends when no run is under way any more.
pub async fn follow(feeds: Arc<Feeds>, clock: Arc<dyn Clock>) {
    let mut each = JoinSet::new();
    for feed in feeds.settings().feeds.clone() {
        each.spawn(follow_one(feed, Arc::clone(&feeds), Arc::clone(&clock)));
    }
    while each.join_next().await.is_some() {}
}

async fn follow_one(feed: Feed, feeds: Arc<Feeds>, clock: Arc<dyn Clock>) {
    let dataset = feed.dataset;
    while !feeds.monitor().is_stopped() {
        let run = {
            let (feed, feeds, clock) = (feed.clone(), Arc::clone(&feeds), Arc::clone(&clock));
            tokio::task::spawn_blocking(move || feeds.run(&feed, clock.as_ref()))
        };
        if let Err(error) = run.await {
            // A fault of this program; the data are whole, and the next run begins anew.
            tracing::error!(dataset = dataset.code(), %error, "a run broke off");
        }
        let pause = pause(feed.interval, feeds.monitor().status(dataset).troubles, random());
        tracing::debug!(dataset = dataset.code(), seconds = pause.as_secs(), "next run planned");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = feeds.monitor().wait_for_stop() => {}
        }
    }
}

/// The time until the next run: the interval, or after so many troubles in a row a time that doubles with each; give or
/// take a tenth, as the random number says.
fn pause(interval: Duration, troubles: u32, random: u32) -> Duration {
    let base = match troubles.checked_sub(1) {
        None => interval,
        Some(doublings) => {
            let first = interval.min(FIRST_PATIENCE);
            let doubled = 2_u32.checked_pow(doublings).and_then(|factor| first.checked_mul(factor));
            let longest = interval.max(LONGEST_PATIENCE);
            doubled.map_or(longest, |doubled| doubled.min(longest))
        }
    };
    // Nine tenths, and up to two tenths more.
    let millis = u64::try_from(base.as_millis()).unwrap_or(u64::MAX / 16);
    let share = u64::try_from(u128::from(millis / 5) * u128::from(random) / u128::from(u32::MAX)).unwrap_or(0);
    Duration::from_millis(millis - millis / 10 + share)
}

fn random() -> u32 {
    let mut bytes = [0; 4];
    // Without random numbers the service still follows its feeds, only less spread.
    if rand::fill(&mut bytes).is_err() {
        tracing::warn!("the operating system gives no random numbers");
    }
    u32::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_double_the_time_and_jitter_is_a_tenth() {
        let seconds = |interval, troubles, random| pause(Duration::from_secs(interval), troubles, random).as_secs();
        assert_eq!((seconds(900, 0, 0), seconds(900, 0, u32::MAX)), (810, 990));
        let middle = |interval, troubles| seconds(interval, troubles, u32::MAX / 2 + 1);
        assert_eq!([1, 2, 3, 4, 7, 40].map(|troubles| middle(900, troubles)), [60, 120, 240, 480, 3_600, 3_600]);
        assert_eq!([1, 2, 40].map(|troubles| middle(10, troubles)), [10, 20, 3_600]);
        assert_eq!(middle(86_400, 99), 86_400);
        assert!(pause(Duration::MAX, 99, u32::MAX) > Duration::from_secs(1 << 40));
    }
}
