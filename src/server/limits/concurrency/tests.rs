//! Who gets a slot, who waits for one, and in which order.

use ehealth_core::model::EnterpriseNumber;
use tokio::task::{JoinHandle, yield_now};

use super::*;

const PATIENCE: Patience = Patience { longest: Duration::from_secs(1), each: 100 };

fn consumer(text: &str) -> Holder {
    Holder::registered(text, &[])
}

fn stranger(text: &str) -> Holder {
    Holder::Unregistered(EnterpriseNumber::parse(text).expect("a number"))
}

/// The queue is empty, and no slot is in use.
fn assert_idle(limit: &ConcurrencyLimit) {
    let slots = limit.slots.lock();
    assert!(slots.holders.is_empty() && slots.turns.is_empty(), "{slots:?}");
    assert_eq!((slots.in_use, slots.unregistered), (0, 0));
}

/// A request that waits until the test runtime is idle.
async fn wait(limit: &Arc<ConcurrencyLimit>, holder: Holder) -> JoinHandle<Option<Slot>> {
    let limit = Arc::clone(limit);
    let waiting = tokio::spawn(async move { limit.acquire(holder, PATIENCE).await });
    yield_now().await;
    waiting
}

#[test]
fn neither_the_total_nor_the_consumers_cap_is_exceeded() {
    let limit = ConcurrencyLimit::new(Capacity { total: 3, each: 2 });
    let (one, other) = (consumer("0999010126"), consumer("0999010225"));
    let held: Vec<_> = (0..4).map_while(|_| limit.try_acquire(one)).collect();
    assert_eq!(held.len(), 2);
    let third = limit.try_acquire(other);
    assert!(third.is_some() && limit.try_acquire(other).is_none() && limit.try_acquire(Holder::Unknown).is_none());
    drop(held);
    assert!(limit.try_acquire(one).is_some());
    drop(third);
    assert_idle(&limit);
}

#[test]
fn unregistered_callers_have_a_quarter_of_the_slots() {
    let limit = ConcurrencyLimit::new(Capacity { total: 8, each: 2 });
    let strangers = [stranger("0999090102"), Holder::Unknown, stranger("0202239951"), stranger("0999090102")];
    let held: Vec<_> = strangers.iter().filter_map(|holder| limit.try_acquire(*holder)).collect();
    assert_eq!(held.len(), 2);
    let consumers = ["0999010126", "0999010225", "0999020123", "0999020222"].map(consumer);
    let registered: Vec<_> =
        consumers.iter().chain(&consumers).filter_map(|holder| limit.try_acquire(*holder)).collect();
    assert_eq!(registered.len(), 6, "three quarters are left for consumers");
    drop((held, registered));
    assert_idle(&limit);
}

#[tokio::test(start_paused = true)]
async fn a_burst_waits_for_the_slots_of_its_consumer() {
    let limit = ConcurrencyLimit::new(Capacity { total: 100, each: 16 });
    let one = consumer("0999010126");
    let mut held: Vec<_> = (0..16).filter_map(|_| limit.try_acquire(one)).collect();
    assert_eq!(held.len(), 16);
    let mut waiting = Vec::new();
    for _ in 0..16 {
        waiting.push(wait(&limit, one).await);
    }
    assert!(limit.try_acquire(one).is_none(), "no request overtakes those that wait");
    for waiting in waiting {
        assert!(!waiting.is_finished());
        drop(held.remove(0));
        held.push(waiting.await.expect("no panic").expect("a slot"));
    }
    drop(held);
    assert_idle(&limit);
}

#[tokio::test(start_paused = true)]
async fn consumers_that_wait_are_served_in_turn() {
    let limit = ConcurrencyLimit::new(Capacity { total: 1, each: 1 });
    let (flood, other) = (consumer("0999010126"), consumer("0999010225"));
    let held = limit.try_acquire(consumer("0999020123"));
    let mut floods = Vec::new();
    for _ in 0..50 {
        floods.push(wait(&limit, flood).await);
    }
    let others = [wait(&limit, other).await, wait(&limit, other).await];
    drop(held);
    let mut served = 0;
    for (waiting, before) in others.into_iter().zip([1, 2]) {
        while !waiting.is_finished() {
            drop(floods.remove(0).await.expect("no panic").expect("a slot"));
            served += 1;
            yield_now().await;
        }
        assert_eq!(served, before, "one request of the flood before each of the other consumer");
        drop(waiting.await.expect("no panic").expect("a slot"));
    }
    for waiting in floods {
        drop(waiting.await.expect("no panic").expect("a slot"));
    }
    assert_idle(&limit);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_too_long_is_refused_and_leaves() {
    let limit = ConcurrencyLimit::new(Capacity { total: 4, each: 1 });
    let one = consumer("0999010126");
    let held = limit.try_acquire(one).expect("a slot");
    assert!(limit.acquire(one, PATIENCE).await.is_none());
    let cancelled = wait(&limit, one).await;
    cancelled.abort();
    assert!(cancelled.await.expect_err("aborted").is_cancelled());
    assert!(limit.slots.lock().turns.is_empty());
    drop(held);
    assert_idle(&limit);
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_was_granted_and_not_taken_is_passed_on() {
    let limit = ConcurrencyLimit::new(Capacity { total: 4, each: 1 });
    let one = consumer("0999010126");
    let held = limit.try_acquire(one).expect("a slot");
    let (first, second) = (wait(&limit, one).await, wait(&limit, one).await);
    drop(held);
    // The slot was granted to the first, whose task has not run since.
    first.abort();
    assert!(first.await.expect_err("aborted").is_cancelled());
    drop(second.await.expect("no panic").expect("a slot"));
    assert_idle(&limit);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_and_not_for_strangers() {
    let limit = ConcurrencyLimit::new(Capacity { total: 4, each: 1 });
    let one = consumer("0999010126");
    let (held, strange) = (limit.try_acquire(one), limit.try_acquire(Holder::Unknown));
    assert!(held.is_some() && strange.is_some());
    let none = Patience { each: 0, ..PATIENCE };
    assert!(limit.acquire(one, none).await.is_none());
    assert!(limit.acquire(Holder::Unknown, PATIENCE).await.is_none());
    assert!(limit.acquire(consumer("0999010225"), none).await.is_some(), "a free slot needs no waiting");
    drop((held, strange));
    assert_idle(&limit);
}
