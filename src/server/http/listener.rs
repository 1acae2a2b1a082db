//! Serves the connections of a bound listener until a future stops it, and drains them.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::acceptor::{Accepted, Acceptor};
use super::connection;
use super::handshake::Arrival;
use crate::peer_event;
use crate::peer_log::PeerLog;
use crate::server::fault_injection::FaultInjection;
use crate::server::service::Service;

/// Connections that may wait in the system's accept queue; the accept loop is never far behind.
const BACKLOG: u32 = 1_024;

/// Whether another instance may listen on the same address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PortUse {
    /// No: an accidental second start fails.
    #[default]
    Own,
    /// Yes (`SO_REUSEPORT`, same user): a new instance takes over while the old one drains.
    Shared,
}

/// Binds a listening socket.
///
/// # Errors
/// The system's error: the address is in use, or is not this machine's.
pub fn listen(address: SocketAddr, port: PortUse) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(port == PortUse::Shared)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every connection finished its requests.
    Whole,
    /// This many connections were closed when the grace period ended.
    Cut(usize),
    /// The thread that accepts connections could not be started, or failed.
    NotAccepting,
}

/// Serves connections from `listener` until `stop` completes. Then accepts only those that already
/// wait in its queue, and gives all of them the grace period of the settings.
pub async fn serve<F: FaultInjection>(
    listener: TcpListener,
    service: Arc<Service>,
    faults: F,
    stop: impl Future<Output = ()>,
) -> Drained {
    let started = listener.into_std().and_then(|listener| Acceptor::start(listener, Arc::clone(&service)));
    let mut acceptor = match started {
        Ok(acceptor) => acceptor,
        Err(error) => {
            tracing::error!(%error, "cannot start the thread that accepts connections");
            return Drained::NotAccepting;
        }
    };
    let limits = service.settings.limits;
    let (stopping, stopped) = watch::channel(());
    let faults = Arc::new(faults);
    let mut connections = Connections { service: Arc::clone(&service), faults, tasks: JoinSet::new(), stopped };
    let mut failures = AcceptFailures::default();
    let mut stop = std::pin::pin!(stop);
    let mut summaries = tokio::time::interval(limits.summary.max(Duration::from_millis(1)));
    let is_accepting = loop {
        tokio::select! {
            () = stop.as_mut() => break true,
            accepted = acceptor.next() => match accepted {
                Some(Ok(accepted)) => {
                    failures.end(&service.peer_log);
                    connections.add(accepted);
                }
                Some(Err(error)) => failures.note(&error, &service.peer_log),
                None => break false,
            },
            Some(ended) = connections.tasks.join_next() => note_end(ended, &service.peer_log),
            _ = summaries.tick() => service.record_suppressed(),
        }
    };
    acceptor.stop().await.into_iter().for_each(|accepted| connections.add(accepted));
    drop(stopping);
    let drained = drain(connections.tasks, limits.drain, &service.peer_log).await;
    service.record_suppressed();
    if is_accepting { drained } else { Drained::NotAccepting }
}

/// The connections that are served, each by a task of its own.
struct Connections<F> {
    service: Arc<Service>,
    faults: Arc<F>,
    tasks: JoinSet<()>,
    stopped: watch::Receiver<()>,
}

impl<F: FaultInjection> Connections<F> {
    fn add(&mut self, (stream, address): Accepted) {
        // Fails only where the runtime has no descriptor left for it; the peer sees a closed connection.
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        let Ok(stream) = stream else { return };
        // A response is one write; waiting for more would only delay it. If the peer is gone, the
        // next read shows it.
        let _ = stream.set_nodelay(true);
        let arrival = Arrival::new(&self.service, stream, address);
        let mut stopped = self.stopped.clone();
        let (service, faults) = (Arc::clone(&self.service), Arc::clone(&self.faults));
        self.tasks.spawn(async move {
            let stop = async move { stopped.changed().await };
            connection::serve(service, faults.as_ref(), arrival, stop).await;
        });
    }
}

/// Waits for the connections until the grace period ends, then aborts the rest.
async fn drain(mut connections: JoinSet<()>, grace_period: Duration, log: &PeerLog) -> Drained {
    let finished = async {
        while let Some(ended) = connections.join_next().await {
            note_end(ended, log);
        }
    };
    if timeout(grace_period, finished).await.is_ok() {
        return Drained::Whole;
    }
    let cut = connections.len();
    connections.shutdown().await;
    Drained::Cut(cut)
}

fn note_end(ended: Result<(), JoinError>, log: &PeerLog) {
    if let Err(error) = ended {
        peer_event!(log, ERROR, "connection task failed", "panic", (); %error);
    }
}

/// Consecutive `accept` calls that failed; the connections wait in the system's queue.
#[derive(Default)]
struct AcceptFailures(usize);

impl AcceptFailures {
    /// Logs the first failure. The others are only counted, because the next follows soon.
    fn note(&mut self, error: &io::Error, log: &PeerLog) {
        if self.0 == 0 {
            peer_event!(log, WARN, "cannot accept connections", "accept", (); %error);
        }
        self.0 = self.0.saturating_add(1);
    }

    fn end(&mut self, log: &PeerLog) {
        if self.0 > 0 {
            peer_event!(log, WARN, "accepting connections again", "accept", (); attempts = self.0);
            self.0 = 0;
        }
    }
}
