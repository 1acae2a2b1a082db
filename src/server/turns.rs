//! Turns: of all handshakes that could go on, a few do at a time, and whatever else is ready goes between them.
//!
//! A step of a handshake takes as long as several questions, and whoever is at the other end is not known yet. Hundreds of
//! them at once, from one caller who comes back with all its connections, would let everybody else wait for all.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Steps that each processor takes before something else has its turn: half a millisecond.
const STEPS: usize = 4;

/// Who may go on with a handshake.
#[derive(Debug)]
pub(super) struct Turns {
    /// What is left of this round.
    left: Semaphore,
    round: usize,
    /// Somebody sees to the next round.
    is_ending: AtomicBool,
}

impl Turns {
    /// As many a round as this machine's processors can take.
    pub fn new() -> Self {
        let round = thread::available_parallelism().map_or(1, usize::from).saturating_mul(STEPS);
        Self { left: Semaphore::new(round), round, is_ending: AtomicBool::new(false) }
    }

    /// Shakes hands, each step in its turn.
    pub async fn accept(&self, acceptor: &TlsAcceptor, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut handshake = acceptor.accept(stream);
        loop {
            // A turn is taken only by who can use it: each step begins with what the caller sent.
            poll_fn(|cx| handshake.get_ref().map_or(Poll::Ready(Ok(())), |stream| stream.poll_read_ready(cx))).await?;
            let last = self.take().await;
            let step = poll_fn(|cx| Poll::Ready(Pin::new(&mut handshake).poll(cx))).await;
            if let Some(ending) = last {
                yield_now().await;
                drop(ending);
            }
            if let Poll::Ready(done) = step {
                return done;
            }
        }
    }

    /// Takes a turn, in the order of those who ask. Whoever takes the last of a round lets all that is ready go first, and
    /// then begins the next.
    async fn take(&self) -> Option<Ending<'_>> {
        // Nobody closes it.
        if let Ok(turn) = self.left.acquire().await {
            turn.forget();
        }
        let is_last = self.left.available_permits() == 0 && !self.is_ending.swap(true, Ordering::AcqRel);
        is_last.then(|| Ending(self))
    }
}

/// Begins the next round when it is let go of: also where its holder gave up meanwhile.
struct Ending<'a>(&'a Turns);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.is_ending.store(false, Ordering::Release);
        self.0.left.add_permits(self.0.round);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn what_is_ready_goes_between_the_rounds() {
        let turns = Arc::new(Turns::new());
        let taken = Arc::new(AtomicUsize::new(0));
        let mut steps = JoinSet::new();
        for _ in 0..turns.round * 5 {
            let (turns, taken) = (Arc::clone(&turns), Arc::clone(&taken));
            steps.spawn(async move {
                let last = turns.take().await;
                taken.fetch_add(1, Ordering::Relaxed);
                if last.is_some() {
                    yield_now().await;
                }
            });
        }
        let mut most = 0;
        while !steps.is_empty() {
            let before = taken.load(Ordering::Relaxed);
            yield_now().await;
            most = most.max(taken.load(Ordering::Relaxed) - before);
            while steps.try_join_next().is_some() {}
        }
        assert_eq!(taken.load(Ordering::Relaxed), turns.round * 5, "everybody has a turn");
        assert!(most <= turns.round, "{most} went on while somebody else was ready");
    }

    #[tokio::test]
    async fn who_gives_up_at_the_end_of_a_round_leaves_turns_to_the_others() {
        let turns = Turns::new();
        for _ in 0..3 * turns.round {
            // Whoever was the last lets go at once.
            turns.take().await;
        }
    }
}
