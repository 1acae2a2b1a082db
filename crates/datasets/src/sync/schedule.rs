//! Schedule of the runs: each feed runs at once, and then at its own interval until the service
//! stops.
//!
//! The next run of a feed is scheduled when the last one ends, so runs of a feed neither overlap
//! nor queue. After an unsuccessful run the delay starts short and doubles (exponential backoff).
//! Jitter prevents many services from calling one publisher at the same time.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use tokio::task::JoinSet;

use super::feeds::Feeds;
use super::settings::Feed;
use ehealth_core::model::Clock;

/// Maximum delay after the first unsuccessful run.
const FIRST_DELAY: Duration = Duration::from_secs(60);

/// Maximum delay after any number of unsuccessful runs, or the feed's interval if that is longer.
const LONGEST_DELAY: Duration = Duration::from_secs(3_600);

/// Runs the feeds until [`super::Monitor::stop`], and returns when the last run has ended.
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
            // A defect of this program. The data are complete, and the next run starts from them.
            tracing::error!(dataset = dataset.code(), %error, "synchronisation panicked");
        }
        let unsuccessful_runs = feeds.monitor().status(dataset).unsuccessful_runs;
        let delay = delay(feed.interval, unsuccessful_runs, random());
        tracing::debug!(dataset = dataset.code(), seconds = delay.as_secs(), "next run scheduled");
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = feeds.monitor().wait_for_stop() => {}
        }
    }
}

/// Delay until the next run: the interval, or after unsuccessful runs a time that doubles with
/// each. The random number changes it by up to ± 10 %.
fn delay(interval: Duration, unsuccessful_runs: u32, random: u32) -> Duration {
    let base = match unsuccessful_runs.checked_sub(1) {
        None => interval,
        Some(doublings) => {
            let first = interval.min(FIRST_DELAY);
            let doubled = 2_u32.checked_pow(doublings).and_then(|factor| first.checked_mul(factor));
            let longest = interval.max(LONGEST_DELAY);
            doubled.map_or(longest, |doubled| doubled.min(longest))
        }
    };
    // 90 %, plus up to 20 %.
    let millis = u64::try_from(base.as_millis()).unwrap_or(u64::MAX / 16);
    let jitter = u64::try_from(u128::from(millis / 5) * u128::from(random) / u128::from(u32::MAX)).unwrap_or(0);
    Duration::from_millis(millis - millis / 10 + jitter)
}

fn random() -> u32 {
    let mut bytes = [0; 4];
    // Without random numbers the service still runs its feeds, without jitter.
    if rand::fill(&mut bytes).is_err() {
        tracing::warn!("the operating system returns no random numbers; the runs have no jitter");
    }
    u32::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsuccessful_runs_double_the_delay_and_jitter_is_a_tenth() {
        let seconds = |interval, unsuccessful_runs, random| {
            delay(Duration::from_secs(interval), unsuccessful_runs, random).as_secs()
        };
        assert_eq!((seconds(900, 0, 0), seconds(900, 0, u32::MAX)), (810, 990));
        let middle = |interval, unsuccessful_runs| seconds(interval, unsuccessful_runs, u32::MAX / 2 + 1);
        assert_eq!(
            [1, 2, 3, 4, 7, 40].map(|unsuccessful_runs| middle(900, unsuccessful_runs)),
            [60, 120, 240, 480, 3_600, 3_600]
        );
        assert_eq!([1, 2, 40].map(|unsuccessful_runs| middle(10, unsuccessful_runs)), [10, 20, 3_600]);
        assert_eq!(middle(86_400, 99), 86_400);
        assert!(delay(Duration::MAX, 99, u32::MAX) > Duration::from_secs(1 << 40));
    }
}
