//! The bytes of a connection of a simulation: cut, reset or slowed as a failure demands.

use std::future::Future;
use std::io;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

use super::plan::LivePlan;

/// Time between two pieces of a slow answer, unless a piece would have less than a byte.
const PIECE: Duration = Duration::from_millis(100);

/// What happens to the bytes of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamEffect {
    /// Nothing.
    None,
    /// The connection ends after this many more bytes.
    End {
        /// Bytes that are still sent.
        left: u32,
        /// With a reset (TCP RST); otherwise without `close_notify`.
        is_reset: bool,
    },
    /// Limit in bytes per second.
    Rate(NonZeroU32),
}

/// State that a connection shares with the answers to its requests.
pub(super) struct ConnectionState {
    effect: Mutex<StreamEffect>,
    is_answering: AtomicBool,
}

impl ConnectionState {
    /// A request is being answered.
    pub fn begin(&self) {
        self.is_answering.store(true, Ordering::Relaxed);
    }

    /// The answer is about to be written, with this effect.
    pub fn write(&self, effect: StreamEffect) {
        *self.effect.lock() = effect;
        self.is_answering.store(false, Ordering::Relaxed);
    }
}

/// A connection whose bytes can be cut, reset or slowed.
pub(super) struct FaultyStream {
    tls: TlsStream<TcpStream>,
    state: Arc<ConnectionState>,
    closing: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// The plan demands that idle connections close.
    must_close: bool,
    /// Ended by an effect.
    has_ended: bool,
    /// Bytes that may be sent before the next pause.
    allowed: usize,
    pause: Option<Pin<Box<Sleep>>>,
    _open: OpenConnection,
}

/// Counts the connection until it is dropped.
struct OpenConnection {
    plan: Arc<LivePlan>,
    number: u64,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.plan.close_connection(self.number);
    }
}

impl FaultyStream {
    /// Takes a connection whose handshake is complete.
    pub fn new(tls: TlsStream<TcpStream>, plan: &Arc<LivePlan>) -> (Self, Arc<ConnectionState>) {
        let (number, mut closing) = plan.open_connection();
        let state =
            Arc::new(ConnectionState { effect: Mutex::new(StreamEffect::None), is_answering: AtomicBool::new(false) });
        let closing = async move {
            // The plan outlives the connection.
            let _ = closing.changed().await;
        };
        let stream = Self {
            tls,
            state: Arc::clone(&state),
            closing: Box::pin(closing),
            must_close: false,
            has_ended: false,
            allowed: 0,
            pause: None,
            _open: OpenConnection { plan: Arc::clone(plan), number },
        };
        (stream, state)
    }

    /// Ends the connection: the bytes that were written are sent before.
    fn poll_end(&mut self, cx: &mut Context<'_>, is_reset: bool) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.tls).poll_flush(cx))?;
        self.has_ended = true;
        if is_reset {
            // Closing the socket then resets the connection.
            self.tls.get_ref().0.set_zero_linger()?;
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }

    /// Sends at most the bytes that the rate allows.
    fn poll_slowly(&mut self, cx: &mut Context<'_>, bytes: &[u8], rate: NonZeroU32) -> Poll<io::Result<usize>> {
        if self.allowed == 0 {
            let (piece, time) = piece_of(rate);
            let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(time)));
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
            self.allowed = piece;
        }
        let count = bytes.len().min(self.allowed);
        let written = ready!(Pin::new(&mut self.tls).poll_write(cx, bytes.get(..count).unwrap_or_default()))?;
        self.allowed = self.allowed.saturating_sub(written);
        Poll::Ready(Ok(written))
    }
}

/// Bytes of a piece, and the time before it.
fn piece_of(rate: NonZeroU32) -> (usize, Duration) {
    let pieces = u32::try_from(1_000 / PIECE.as_millis().max(1)).unwrap_or(1);
    match rate.get() / pieces {
        0 => (1, Duration::from_secs(1) / rate.get()),
        bytes => (usize::try_from(bytes).unwrap_or(usize::MAX), PIECE),
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.must_close {
            this.must_close = this.closing.as_mut().poll(cx).is_ready();
        }
        let is_idle = !this.state.is_answering.load(Ordering::Relaxed);
        if this.has_ended || (this.must_close && is_idle) {
            // To the service it looks as if the peer had closed the connection.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.tls).poll_read(cx, into)
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.has_ended {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let effect = *this.state.effect.lock();
        match effect {
            StreamEffect::None => Pin::new(&mut this.tls).poll_write(cx, bytes),
            StreamEffect::End { left: 0, is_reset } => this.poll_end(cx, is_reset),
            StreamEffect::End { left, is_reset } => {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                let piece = bytes.get(..most).unwrap_or_default();
                let written = ready!(Pin::new(&mut this.tls).poll_write(cx, piece))?;
                let left = left.saturating_sub(u32::try_from(written).unwrap_or(u32::MAX));
                *this.state.effect.lock() = StreamEffect::End { left, is_reset };
                Poll::Ready(Ok(written))
            }
            StreamEffect::Rate(rate) => this.poll_slowly(cx, bytes, rate),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.has_ended { Poll::Ready(Ok(())) } else { Pin::new(&mut this.tls).poll_flush(cx) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.has_ended { Poll::Ready(Ok(())) } else { Pin::new(&mut this.tls).poll_shutdown(cx) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_has_at_least_a_byte() {
        let piece = |rate| piece_of(NonZeroU32::new(rate).expect("not zero"));
        assert_eq!(piece(1), (1, Duration::from_secs(1)));
        assert_eq!(piece(4), (1, Duration::from_millis(250)));
        assert_eq!(piece(10), (1, PIECE));
        assert_eq!(piece(2_000), (200, PIECE));
    }
}
