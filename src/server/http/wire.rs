//! The bytes of one connection, between TLS and HTTP: checked by [`Framing`], each wait with a
//! deadline.
//!
//! To the HTTP library a refused head looks like the end of the stream: requests before it are
//! answered, and it never sees the rest. The owner of the wire then sends the reason
//! ([`Wire::refusal`]) and closes the connection without losing that response ([`Wire::close`]).

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use super::backoff::ReadBackoff;
use super::deadline::Deadline;
use super::framing::{Framing, FramingError, Progress};
use super::refusal::{HttpRefusal, Refusal};
use crate::server::limits::settings::Limits;
use ehealth_core::explained::Cause;

/// Bytes read from TLS at a time, and kept between two requests: most messages are shorter.
const READ_BYTES: usize = 4 * 1_024;
/// Maximum bytes read and dropped after the last response. If the connection is torn down while the
/// peer still writes, the peer loses the response that gives the reason.
const LINGER_BYTES: usize = 1_024 * 1_024;

/// How reading ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ReadEnd {
    /// By the peer, or because it was idle for too long between two requests.
    Closed,
    /// Within a body that is refused. The reader of the body answers.
    BadBody(Refusal),
    /// The next request is refused.
    Refused(Refusal),
}

/// The error by which the reader of a body learns why the body is refused.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the body is refused: {}", .0.reason().status())]
struct BadBody(Refusal);

/// Why reading a body failed, from the error that the HTTP library passed on.
pub(super) fn refusal_of(error: &hyper::Error) -> Refusal {
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(BadBody(refusal)) = inner.and_then(|inner| inner.downcast_ref()) {
            return refusal.clone();
        }
        cause = error.source();
    }
    HttpRefusal::BodyEnd.because(Cause::new("connection", &error.to_string()))
}

/// One connection.
pub(super) struct Wire<S> {
    stream: S,
    limits: Limits,
    framing: Framing,
    /// Receive buffer; zeroed once when it is allocated, and not for every read.
    buffer: Vec<u8>,
    /// Received bytes in `buffer`: first those that may be forwarded, then the unchecked ones.
    filled: usize,
    /// Received bytes that may be forwarded.
    forwardable: usize,
    /// For what is read now: the next request, or its head.
    read_deadline: Deadline,
    write_deadline: Deadline,
    backoff: Arc<ReadBackoff>,
    backoff_deadline: Deadline,
    ended: Option<ReadEnd>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S, limits: &Limits, backoff: Arc<ReadBackoff>) -> Self {
        let mut read_deadline = Deadline::default();
        read_deadline.set(limits.idle);
        Self {
            stream,
            limits: *limits,
            framing: Framing::new(),
            buffer: Vec::new(),
            filled: 0,
            forwardable: 0,
            read_deadline,
            write_deadline: Deadline::default(),
            backoff,
            backoff_deadline: Deadline::default(),
            ended: None,
        }
    }

    /// Why the request after the last forwarded one is refused, if it is.
    pub fn refusal(&self) -> Option<Refusal> {
        match &self.ended {
            Some(ReadEnd::Refused(refusal)) => Some(refusal.clone()),
            Some(ReadEnd::Closed | ReadEnd::BadBody(_)) | None => None,
        }
    }

    /// Sends the last bytes, shuts down the sending side, and reads what the peer is still sending,
    /// within limits.
    pub async fn close(mut self, last: &[u8]) {
        let lingering = async {
            self.stream.write_all(last).await?;
            self.stream.shutdown().await?;
            // A peer that closed its side sends nothing more.
            if self.ended != Some(ReadEnd::Closed) {
                self.buffer.resize(READ_BYTES, 0);
                let mut dropped = 0_usize;
                while dropped < LINGER_BYTES {
                    match self.stream.read(&mut self.buffer).await? {
                        0 => break,
                        count => dropped = dropped.saturating_add(count),
                    }
                }
            }
            io::Result::Ok(())
        };
        match timeout(self.limits.linger, lingering).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "connection did not close cleanly"),
            Err(_) => tracing::debug!("peer kept sending after the last response"),
        }
    }

    /// Checks the received bytes; returns whether that changed what can be done.
    fn check_framing(&mut self) -> bool {
        match self.framing.advance(self.buffer.get(..self.filled).unwrap_or_default()) {
            Ok(Progress::Forward(count)) => {
                self.forwardable = count;
                if self.framing.is_between_requests() {
                    self.read_deadline.set(self.limits.idle);
                } else {
                    // The reader of a body keeps its time.
                    self.read_deadline.clear();
                }
                true
            }
            Ok(Progress::Discard(count)) => {
                self.consume(count);
                true
            }
            Ok(Progress::NeedMore) => false,
            Err(FramingError::Head(refusal)) => {
                self.ended = Some(ReadEnd::Refused(refusal));
                true
            }
            Err(FramingError::Body(refusal)) => {
                self.ended = Some(ReadEnd::BadBody(refusal));
                true
            }
        }
    }

    /// Waits until the next request may be read. The time for its head begins then.
    fn poll_backoff(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(left) = self.backoff.left() else { return Poll::Ready(()) };
        self.backoff_deadline.set(left);
        if !self.backoff_deadline.poll_passed(cx) {
            return Poll::Pending;
        }
        self.read_deadline.set(if self.filled == 0 { self.limits.idle } else { self.limits.head });
        Poll::Ready(())
    }

    /// Removes the first bytes of the buffer.
    fn consume(&mut self, count: usize) {
        self.buffer.copy_within(count..self.filled, 0);
        self.filled -= count;
    }

    /// Reads more bytes into the buffer.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let before = self.filled;
        // The buffer holds at most an incomplete head; one that is too long was refused before.
        if self.buffer.len() < before + READ_BYTES {
            self.buffer.resize(before + READ_BYTES, 0);
        }
        let mut free = ReadBuf::new(self.buffer.get_mut(before..).unwrap_or_default());
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut free);
        let received = free.filled().len();
        self.filled = before + received;
        match polled {
            Poll::Pending => {
                if self.filled == 0 && self.buffer.len() > READ_BYTES {
                    self.buffer.truncate(READ_BYTES);
                    self.buffer.shrink_to_fit();
                }
                let is_head = self.framing.is_between_requests();
                if !(is_head && self.read_deadline.poll_passed(cx)) {
                    return Poll::Pending;
                }
                self.ended = Some(if self.filled == 0 { ReadEnd::Closed } else { self.refuse_slow_head() });
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Ok(())) => {
                if received == 0 {
                    self.ended = Some(ReadEnd::Closed);
                } else if before == 0 && self.framing.is_between_requests() {
                    self.read_deadline.set(self.limits.head);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                self.ended = Some(ReadEnd::Closed);
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        loop {
            if wire.forwardable > 0 {
                let count = wire.forwardable.min(into.remaining());
                into.put_slice(wire.buffer.get(..count).unwrap_or_default());
                wire.consume(count);
                wire.forwardable -= count;
                if wire.forwardable > 0 || wire.filled == 0 || into.remaining() == 0 {
                    return Poll::Ready(Ok(()));
                }
                if wire.framing.is_between_requests() {
                    // The next head has begun to arrive with the last body.
                    wire.read_deadline.set(wire.limits.head);
                    return Poll::Ready(Ok(()));
                }
                // Received bytes of the body are forwarded with its head. If they are broken, the
                // next read reports it.
                wire.check_framing();
                if wire.forwardable == 0 {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            match &wire.ended {
                Some(ReadEnd::Closed | ReadEnd::Refused(_)) => return Poll::Ready(Ok(())),
                Some(ReadEnd::BadBody(refusal)) => {
                    return Poll::Ready(Err(io::Error::other(BadBody(refusal.clone()))));
                }
                None => {}
            }
            if wire.framing.is_between_requests() {
                ready!(wire.poll_backoff(cx));
            }
            if !wire.check_framing() {
                ready!(wire.poll_receive(cx))?;
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let polled = Pin::new(&mut wire.stream).poll_write(cx, bytes);
        wire.limit_write(cx, polled)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let polled = Pin::new(&mut wire.stream).poll_flush(cx);
        wire.limit_write(cx, polled)
    }

    /// Ends the HTTP library's part; [`Wire::close`] ends the connection.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl<S> Wire<S> {
    /// The head did not arrive in time: its first line, as far as it came.
    fn refuse_slow_head(&self) -> ReadEnd {
        let head = self.buffer.get(..self.filled).unwrap_or_default();
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        ReadEnd::Refused(HttpRefusal::TooSlow.because(Cause::from_bytes("request line", line)))
    }

    /// Limits the time of a blocked write. A client that sends requests and reads no responses
    /// fills the socket, and would otherwise block its connection for ever.
    fn limit_write<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.write_deadline.clear();
            return polled;
        }
        if !self.write_deadline.is_set() {
            self.write_deadline.set(self.limits.write);
        }
        if self.write_deadline.poll_passed(cx) {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        } else {
            Poll::Pending
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[tokio::test(start_paused = true)]
    async fn the_next_request_is_not_read_during_a_backoff() {
        let (mut peer, stream) = tokio::io::duplex(1_024);
        let backoff = Arc::new(ReadBackoff::new());
        let mut wire = Wire::new(stream, &Limits::default(), Arc::clone(&backoff));
        let mut piece = [0; 1_024];
        peer.write_all(REQUEST).await.expect("sent");
        let began = Instant::now();
        assert_eq!(wire.read(&mut piece).await.expect("read"), REQUEST.len());
        assert_eq!(began.elapsed(), Duration::ZERO, "read at once");
        backoff.begin(Duration::from_secs(1));
        peer.write_all(REQUEST).await.expect("sent");
        assert_eq!(wire.read(&mut piece).await.expect("read"), REQUEST.len());
        assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_backoff_does_not_count_towards_the_time_for_a_head() {
        let (mut peer, stream) = tokio::io::duplex(1_024);
        let backoff = Arc::new(ReadBackoff::new());
        let limits = Limits { idle: Duration::from_secs(2), head: Duration::from_secs(1), ..Limits::default() };
        let mut wire = Wire::new(stream, &limits, Arc::clone(&backoff));
        backoff.begin(Duration::from_secs(10));
        peer.write_all(REQUEST).await.expect("sent");
        assert_eq!(wire.read(&mut [0; 1_024]).await.expect("read"), REQUEST.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_to_a_peer_that_does_not_read_times_out() {
        let (_peer, stream) = tokio::io::duplex(16);
        let limits = Limits::default();
        let mut wire = Wire::new(stream, &limits, Arc::new(ReadBackoff::new()));
        let began = Instant::now();
        let error = wire.write_all(&[b'x'; 64]).await.expect_err("the peer does not read");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), limits.write.as_secs());
    }
}
