//! Fair scheduling of handshake steps: a few at a time, with all other ready tasks between them.
//!
//! A step of a handshake costs as much as several questions, and the client is not identified yet.
//! Without this, hundreds of handshakes at once, from one client that reconnects its whole pool,
//! would make every other client wait for all of them.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Steps per processor in one round: half a millisecond.
const STEPS_PER_PROCESSOR: usize = 4;

/// Schedules handshake steps in rounds.
#[derive(Debug)]
pub(crate) struct HandshakeScheduler {
    /// Steps left in this round.
    left: Semaphore,
    round: usize,
    /// Steps taken since the start. The task that takes the last step of a round begins the next one; the
    /// count alone decides who that is, so that no round is begun twice.
    taken: AtomicUsize,
}

impl HandshakeScheduler {
    /// Scheduler whose rounds are as large as this machine's processors allow.
    pub fn new() -> Self {
        let round = thread::available_parallelism().map_or(1, usize::from).saturating_mul(STEPS_PER_PROCESSOR);
        Self { left: Semaphore::new(round), round, taken: AtomicUsize::new(0) }
    }

    /// Performs a handshake; each step waits to be scheduled.
    pub async fn accept(&self, acceptor: &TlsAcceptor, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut handshake = acceptor.accept(stream);
        loop {
            // A step is taken only by a handshake that can use it: each begins with bytes of the
            // client.
            poll_fn(|cx| handshake.get_ref().map_or(Poll::Ready(Ok(())), |stream| stream.poll_read_ready(cx))).await?;
            let last = self.acquire_step().await;
            let step = poll_fn(|cx| Poll::Ready(Pin::new(&mut handshake).poll(cx))).await;
            if let Some(round_end) = last {
                yield_now().await;
                drop(round_end);
            }
            if let Poll::Ready(done) = step {
                return done;
            }
        }
    }

    /// Takes a step of this round, first come, first served. The task that takes the last one lets
    /// all other ready tasks run, and then begins the next round by dropping the returned guard.
    async fn acquire_step(&self) -> Option<RoundEnd<'_>> {
        // The semaphore is never closed.
        if let Ok(step) = self.left.acquire().await {
            step.forget();
        }
        let taken = self.taken.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        taken.is_multiple_of(self.round).then(|| RoundEnd(self))
    }
}

/// Begins the next round when dropped, also if its task was cancelled.
struct RoundEnd<'a>(&'a HandshakeScheduler);

impl Drop for RoundEnd<'_> {
    fn drop(&mut self) {
        self.0.left.add_permits(self.0.round);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn ready_tasks_run_between_two_rounds() {
        let scheduler = Arc::new(HandshakeScheduler::new());
        let taken = Arc::new(AtomicUsize::new(0));
        let mut steps = JoinSet::new();
        for _ in 0..scheduler.round * 5 {
            let (scheduler, taken) = (Arc::clone(&scheduler), Arc::clone(&taken));
            steps.spawn(async move {
                let last = scheduler.acquire_step().await;
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
        assert_eq!(taken.load(Ordering::Relaxed), scheduler.round * 5, "every task gets its step");
        assert!(most <= scheduler.round, "{most} steps ran while another task was ready");
    }

    #[test]
    fn tasks_that_take_steps_at_once_begin_each_round_once() {
        let scheduler = HandshakeScheduler::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let most = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..400_000 {
                        drop(runtime.handle().block_on(scheduler.acquire_step()));
                        most.fetch_max(scheduler.left.available_permits(), Ordering::Relaxed);
                    }
                });
            }
        });
        assert!(most.load(Ordering::Relaxed) <= scheduler.round, "a round was begun twice");
        assert_eq!(scheduler.left.available_permits() + 1_600_000 % scheduler.round, scheduler.round);
    }

    #[tokio::test]
    async fn a_task_cancelled_at_the_end_of_a_round_blocks_none() {
        let scheduler = HandshakeScheduler::new();
        for _ in 0..3 * scheduler.round {
            // Each guard is dropped at once.
            scheduler.acquire_step().await;
        }
    }
}
