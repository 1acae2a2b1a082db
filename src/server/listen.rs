//! The accept loop: takes a bound listener and a future that ends it, and leaves nothing in flight behind.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::connection;
use super::service::Service;

/// Waited after an accept that failed for want of descriptors or memory: trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections that may wait to be taken; the accept loop is never further behind than a few.
const QUEUE: u32 = 1_024;

/// Whether another instance may listen on the same address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PortUse {
    /// No: a second start by mistake is refused.
    #[default]
    Own,
    /// Yes (`SO_REUSEPORT`, of the same user): a new instance takes over while the old one finishes.
    Shared,
}

/// A socket that listens.
///
/// # Errors
/// What the system says: the address is taken, or not this machine's.
pub fn listen(address: SocketAddr, port: PortUse) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(port == PortUse::Shared)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every connection finished what it had begun.
    Whole,
    /// So many connections were cut when the grace period ended.
    Cut(usize),
}

/// Serves connections from `listener` until `stop` ends; then takes no more than already wait in its queue, and gives what
/// is in flight the grace period of the settings.
pub async fn serve(listener: TcpListener, service: Arc<Service>, stop: impl Future<Output = ()>) -> Drained {
    let limits = service.settings.limits;
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut failures = Failures::default();
    let take = |connections: &mut JoinSet<()>, stream: TcpStream, address: SocketAddr| {
        // Begun here, so that no more are taken than there is room for, however late their tasks run.
        let underway = service.handshakes.begin(address.ip());
        // An answer is one write; waiting for more to send would only delay it. A peer that is gone shows soon enough.
        let _ = stream.set_nodelay(true);
        let mut stopped = stopped.clone();
        let service = Arc::clone(&service);
        connections.spawn(async move {
            let stop = async move { stopped.changed().await };
            connection::serve(service, stream, underway, stop).await;
        });
    };
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = stop.as_mut() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    failures.end();
                    take(&mut connections, stream, address);
                }
                Err(error) => {
                    failures.note(&error);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => note_end(ended),
        }
    }
    // The system resets what still waits in a queue that is closed, though those callers see a connection that stands.
    if let Ok(listener) = listener.into_std() {
        while let Ok((stream, address)) = listener.accept() {
            if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                take(&mut connections, stream, address);
            }
        }
    }
    drop(stopping);
    let finished = async {
        while let Some(ended) = connections.join_next().await {
            note_end(ended);
        }
    };
    if timeout(limits.drain, finished).await.is_ok() {
        return Drained::Whole;
    }
    let cut = connections.len();
    connections.shutdown().await;
    Drained::Cut(cut)
}

fn note_end(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task died");
    }
}

/// Connections that could not be taken, for want of descriptors or memory; they wait in the system's queue.
#[derive(Default)]
struct Failures(usize);

impl Failures {
    /// The first is logged; the others are counted, because each comes [`ACCEPT_PAUSE`] after the one before.
    fn note(&mut self, error: &io::Error) {
        if self.0 == 0 {
            tracing::warn!(%error, "connections cannot be taken");
        }
        self.0 = self.0.saturating_add(1);
    }

    fn end(&mut self) {
        if self.0 > 0 {
            tracing::warn!(attempts = self.0, "connections are taken again");
            self.0 = 0;
        }
    }
}
