//! The bytes of one connection, between TLS and HTTP: judged by [`Framing`], each wait with its end.
//!
//! To the HTTP library a refused head is the end of the stream: what came before is answered, the rest it never sees.
//! Whoever owns the wire then says why ([`Wire::refusal`]) and closes it without losing that answer ([`Wire::close`]).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::door::HttpRefusal;
use super::framing::{Framing, Stop, Verdict};
use super::limits::Limits;

/// Read from TLS at one time, and kept between two requests: most messages are shorter.
const PIECE_BYTES: usize = 4 * 1_024;
/// After the last answer so much more is read and dropped: whoever still writes when a connection is torn down loses the
/// answer that says why.
const LINGER_BYTES: usize = 1_024 * 1_024;

/// How reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// By the peer, or because it was silent for too long between two requests.
    Quietly,
    /// In the middle of a body that is not framed as it should be: whoever reads it answers.
    BodyBroken,
    /// The next request is refused.
    Refused(HttpRefusal),
}

/// One connection.
pub(super) struct Wire<S> {
    stream: S,
    limits: Limits,
    framing: Framing,
    /// Room for what came; it is cleared once, when it is made, and not for every read.
    held: Vec<u8>,
    /// So many of its bytes came and were not taken yet: first what may pass, then what is not judged.
    filled: usize,
    /// So many of those may pass.
    passable: usize,
    /// For what is read now: the next request, or its head.
    reading: Wait,
    writing: Wait,
    pause: Arc<Pause>,
    pausing: Wait,
    ended: Option<Ended>,
}

/// Until when the next request is not heard; set by whoever tells a caller to come back.
#[derive(Debug)]
pub(super) struct Pause {
    made: Instant,
    /// In milliseconds after that; 0: heard at once.
    until: AtomicU64,
}

impl Pause {
    pub fn new() -> Self {
        Self { made: Instant::now(), until: AtomicU64::new(0) }
    }

    /// From now on.
    pub fn begin(&self, length: Duration) {
        let until = self.made.elapsed().saturating_add(length).as_millis();
        self.until.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long it still is.
    fn left(&self) -> Option<Duration> {
        match self.until.load(Ordering::Relaxed) {
            0 => None,
            until => Duration::from_millis(until).checked_sub(self.made.elapsed()),
        }
    }
}

/// A wait with an end. Its timer is set anew only where it goes off too early, or would go off too late: most waits are
/// over long before their end, and the next one begins.
#[derive(Default)]
struct Wait {
    timer: Option<Pin<Box<Sleep>>>,
    end: Option<Instant>,
}

impl Wait {
    fn begin(&mut self, length: Duration) {
        let end = Instant::now() + length;
        match &mut self.timer {
            Some(timer) if timer.deadline() <= end => {}
            Some(timer) => timer.as_mut().reset(end),
            None => self.timer = Some(Box::pin(sleep_until(end))),
        }
        self.end = Some(end);
    }

    fn leave(&mut self) {
        self.end = None;
    }

    fn is_begun(&self) -> bool {
        self.end.is_some()
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
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

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S, limits: Limits, pause: Arc<Pause>) -> Self {
        let mut reading = Wait::default();
        reading.begin(limits.idle);
        let framing = Framing::new();
        let (held, writing, pausing) = (Vec::new(), Wait::default(), Wait::default());
        Self { stream, limits, framing, held, filled: 0, passable: 0, reading, writing, pause, pausing, ended: None }
    }

    /// Why the request after the last one that passed is refused, if it is.
    pub fn refusal(&self) -> Option<HttpRefusal> {
        match self.ended {
            Some(Ended::Refused(refusal)) => Some(refusal),
            Some(Ended::Quietly | Ended::BodyBroken) | None => None,
        }
    }

    /// Sends what is last, says that nothing follows, and reads what the peer is still sending, within bounds.
    pub async fn close(mut self, last: &[u8]) {
        let lingering = async {
            self.stream.write_all(last).await?;
            self.stream.shutdown().await?;
            // A peer that ended its side has nothing more to say.
            if self.ended != Some(Ended::Quietly) {
                self.held.resize(PIECE_BYTES, 0);
                let mut dropped = 0_usize;
                while dropped < LINGER_BYTES {
                    match self.stream.read(&mut self.held).await? {
                        0 => break,
                        count => dropped = dropped.saturating_add(count),
                    }
                }
            }
            io::Result::Ok(())
        };
        match timeout(self.limits.linger, lingering).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a connection was not closed in order"),
            Err(_) => tracing::debug!("a peer went on sending after the last answer"),
        }
    }

    /// Judges what is held; whether that changed what can be done.
    fn judge(&mut self) -> bool {
        match self.framing.advance(self.held.get(..self.filled).unwrap_or_default()) {
            Ok(Verdict::Pass(count)) => {
                self.passable = count;
                if self.framing.is_between_requests() {
                    self.reading.begin(self.limits.idle);
                } else {
                    // The time of a body is kept by whoever reads it.
                    self.reading.leave();
                }
                true
            }
            Ok(Verdict::Drop(count)) => {
                self.forget(count);
                true
            }
            Ok(Verdict::Wait) => false,
            Err(Stop::Head(refusal)) => {
                self.ended = Some(Ended::Refused(refusal));
                true
            }
            Err(Stop::Body) => {
                self.ended = Some(Ended::BodyBroken);
                true
            }
        }
    }

    /// Waits until the next request may be heard. The time for its head begins then.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(left) = self.pause.left() else { return Poll::Ready(()) };
        self.pausing.begin(left);
        if !self.pausing.is_over(cx) {
            return Poll::Pending;
        }
        self.reading.begin(if self.filled == 0 { self.limits.idle } else { self.limits.head });
        Poll::Ready(())
    }

    /// Forgets the first bytes that are held.
    fn forget(&mut self, count: usize) {
        self.held.copy_within(count..self.filled, 0);
        self.filled -= count;
    }

    /// Reads a piece behind what is held.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let before = self.filled;
        // A head that is not whole is all that is ever held, and one that is too long was refused before.
        if self.held.len() < before + PIECE_BYTES {
            self.held.resize(before + PIECE_BYTES, 0);
        }
        let mut room = ReadBuf::new(self.held.get_mut(before..).unwrap_or_default());
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut room);
        let came = room.filled().len();
        self.filled = before + came;
        match polled {
            Poll::Pending => {
                if self.filled == 0 && self.held.len() > PIECE_BYTES {
                    self.held.truncate(PIECE_BYTES);
                    self.held.shrink_to_fit();
                }
                let is_head = self.framing.is_between_requests();
                if !(is_head && self.reading.is_over(cx)) {
                    return Poll::Pending;
                }
                let too_slow = Ended::Refused(HttpRefusal::TooSlow);
                self.ended = Some(if self.filled == 0 { Ended::Quietly } else { too_slow });
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Ok(())) => {
                if came == 0 {
                    self.ended = Some(Ended::Quietly);
                } else if before == 0 && self.framing.is_between_requests() {
                    self.reading.begin(self.limits.head);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                self.ended = Some(Ended::Quietly);
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        loop {
            if wire.passable > 0 {
                let count = wire.passable.min(into.remaining());
                into.put_slice(wire.held.get(..count).unwrap_or_default());
                wire.forget(count);
                wire.passable -= count;
                if wire.passable > 0 || wire.filled == 0 || into.remaining() == 0 {
                    return Poll::Ready(Ok(()));
                }
                if wire.framing.is_between_requests() {
                    // The next head has begun to come with the last body.
                    wire.reading.begin(wire.limits.head);
                    return Poll::Ready(Ok(()));
                }
                // What came of the body passes with its head; should it be broken, that is told with the next read.
                wire.judge();
                if wire.passable == 0 {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            match wire.ended {
                Some(Ended::Quietly | Ended::Refused(_)) => return Poll::Ready(Ok(())),
                Some(Ended::BodyBroken) => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                None => {}
            }
            if wire.framing.is_between_requests() {
                ready!(wire.poll_pause(cx));
            }
            if !wire.judge() {
                ready!(wire.poll_piece(cx))?;
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let polled = Pin::new(&mut wire.stream).poll_write(cx, bytes);
        wire.bound_write(cx, polled)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let polled = Pin::new(&mut wire.stream).poll_flush(cx);
        wire.bound_write(cx, polled)
    }

    /// The end of the library's part; [`Wire::close`] is the end of the connection.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl<S> Wire<S> {
    /// A peer that asks and does not read its answers fills the socket, and then waits for nobody.
    fn bound_write<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.writing.leave();
            return polled;
        }
        if !self.writing.is_begun() {
            self.writing.begin(self.limits.write);
        }
        if self.writing.is_over(cx) { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_was_told_to_come_back_is_not_heard_before() {
        let (mut peer, stream) = tokio::io::duplex(1_024);
        let pause = Arc::new(Pause::new());
        let mut wire = Wire::new(stream, Limits::default(), Arc::clone(&pause));
        let mut piece = [0; 1_024];
        peer.write_all(REQUEST).await.expect("sent");
        let began = Instant::now();
        assert_eq!(wire.read(&mut piece).await.expect("heard"), REQUEST.len());
        assert_eq!(began.elapsed(), Duration::ZERO, "heard at once");
        pause.begin(Duration::from_secs(1));
        peer.write_all(REQUEST).await.expect("sent");
        assert_eq!(wire.read(&mut piece).await.expect("heard"), REQUEST.len());
        assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_takes_nothing_from_the_time_for_a_head() {
        let (mut peer, stream) = tokio::io::duplex(1_024);
        let pause = Arc::new(Pause::new());
        let limits = Limits { idle: Duration::from_secs(2), head: Duration::from_secs(1), ..Limits::default() };
        let mut wire = Wire::new(stream, limits, Arc::clone(&pause));
        pause.begin(Duration::from_secs(10));
        peer.write_all(REQUEST).await.expect("sent");
        assert_eq!(wire.read(&mut [0; 1_024]).await.expect("heard"), REQUEST.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_waited_for_as_long_as_may_be_and_no_longer() {
        let (_peer, stream) = tokio::io::duplex(16);
        let limits = Limits::default();
        let mut wire = Wire::new(stream, limits, Arc::new(Pause::new()));
        let began = Instant::now();
        let error = wire.write_all(&[b'x'; 64]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), limits.write.as_secs());
    }
}
