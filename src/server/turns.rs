//! Turns at the processor: who has a message to be read and decided gets one, consumer after consumer.
//!
//! The runtime takes tasks in the order in which they came, so that a consumer with a hundred messages would have every
//! other's message wait for all of them. Here each consumer has a queue of its own, and the queues take turns: a message
//! waits for those of its own consumer, and for at most one of each other. As many have their turn at one time as there
//! are processors. Waiting for the disk, or for a peer, needs no turn.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use super::places::Taker;

/// The turns.
#[derive(Debug)]
pub(super) struct Turns(Mutex<Queues>);

#[derive(Debug)]
struct Queues {
    free: usize,
    /// Consumers with somebody waiting, in the order of their next turn.
    order: VecDeque<Taker>,
    /// Who waits; no queue is empty, and each has its one place in the order.
    waiting: HashMap<Taker, VecDeque<oneshot::Sender<()>>>,
}

/// A turn; the next one's begins when it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Turns);

/// Waits for a turn. Whoever goes away while waiting may have been given one in that moment.
struct Waiting<'a> {
    turns: &'a Turns,
    called: oneshot::Receiver<()>,
}

impl Turns {
    /// So many at one time; at least one.
    pub fn new(at_once: usize) -> Self {
        Self(Mutex::new(Queues { free: at_once.max(1), order: VecDeque::new(), waiting: HashMap::new() }))
    }

    /// A turn, as soon as it is this consumer's.
    pub async fn take(&self, taker: Taker) -> Turn<'_> {
        if let Some(mut waiting) = self.join(taker) {
            // An error would mean that the queue was dropped, which `self` prevents.
            let _ = (&mut waiting.called).await;
            // Called: the turn is `Turn`'s to give back from here on.
            waiting.called.close();
        }
        Turn(self)
    }

    /// A place in the queue; `None` if it is the taker's turn at once.
    fn join(&self, taker: Taker) -> Option<Waiting<'_>> {
        // Nobody can panic while holding the lock: queues grow and shrink.
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queues.free > 0 {
            queues.free -= 1;
            return None;
        }
        let (call, called) = oneshot::channel();
        let mine = queues.waiting.entry(taker).or_default();
        mine.push_back(call);
        if mine.len() == 1 {
            queues.order.push_back(taker);
        }
        Some(Waiting { turns: self, called })
    }

    /// Calls the next one who is still there.
    fn pass_on(&self) {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(taker) = queues.order.pop_front() {
            let Some(mine) = queues.waiting.get_mut(&taker) else { continue };
            let call = mine.pop_front();
            if mine.is_empty() {
                queues.waiting.remove(&taker);
            } else {
                queues.order.push_back(taker);
            }
            if call.is_some_and(|call| call.send(()).is_ok()) {
                return;
            }
        }
        queues.free = queues.free.saturating_add(1);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Called, and gone before it heard: the turn is the next one's. After `take` heard the call, nothing is left here.
        self.called.close();
        if self.called.try_recv().is_ok() {
            self.turns.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::EnterpriseNumber;

    fn consumer(text: &str) -> EnterpriseNumber {
        EnterpriseNumber::parse(text).expect("a number")
    }

    #[tokio::test]
    async fn one_message_of_a_quiet_consumer_waits_for_one_of_a_noisy_one_and_not_for_all() {
        let (noisy, quiet) = (Some(consumer("0999010126")), Some(consumer("0999010225")));
        let turns = Arc::new(Turns::new(1));
        let first = turns.take(noisy).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let ask = |taker: Taker, name: &'static str| {
            let (turns, order) = (Arc::clone(&turns), Arc::clone(&order));
            tokio::spawn(async move {
                let _turn = turns.take(taker).await;
                order.lock().expect("no panic").push(name);
            })
        };
        let mut asked: Vec<_> = (0..100).map(|_| ask(noisy, "noisy")).collect();
        tokio::task::yield_now().await;
        asked.push(ask(quiet, "quiet"));
        tokio::task::yield_now().await;
        drop(first);
        for asked in asked {
            asked.await.expect("no panic");
        }
        let order = order.lock().expect("no panic");
        assert_eq!(order.len(), 101);
        assert_eq!(order.iter().position(|name| *name == "quiet"), Some(1), "{order:?}");
    }

    #[tokio::test]
    async fn a_turn_goes_on_when_the_one_it_was_given_to_has_left() {
        let taker = Some(consumer("0999010126"));
        let turns = Turns::new(1);
        let first = turns.take(taker).await;
        let left = turns.join(taker).expect("no turn is free");
        let called_and_left = turns.join(taker).expect("no turn is free");
        let stays = turns.take(taker);
        let mut stays = std::pin::pin!(stays);
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(stays.as_mut().poll(cx).is_pending())).await);
        drop(left);
        drop(first);
        drop(called_and_left);
        drop(stays.await);
        let queues = turns.0.lock().expect("no panic");
        assert_eq!((queues.free, queues.order.len(), queues.waiting.len()), (1, 0, 0));
    }

    #[tokio::test]
    async fn as_many_have_a_turn_at_once_as_there_may() {
        let turns = Turns::new(2);
        let taker = Some(consumer("0999010126"));
        let (_one, _two) = (turns.take(taker).await, turns.take(None).await);
        assert!(turns.join(taker).is_some());
    }
}
