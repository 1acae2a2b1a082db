//! The accept loop: takes a bound listener and a future that ends it, and leaves nothing in flight behind.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::connection;
use super::service::Service;

/// Waited after an accept that failed for want of descriptors or memory: trying at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every connection finished what it had begun.
    Whole,
    /// So many connections were cut when the grace period ended.
    Cut(usize),
}

/// Serves connections from `listener` until `stop` ends; then takes no more, and gives what is in flight the grace
/// period of the settings.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    service: Arc<Service>,
    stop: impl Future<Output = ()>,
) -> Drained {
    let limits = service.settings.limits;
    let acceptor = TlsAcceptor::from(tls);
    let places = Arc::new(Semaphore::new(limits.connections));
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = stop.as_mut() => break,
            accepted = accept(&listener, &places) => accepted,
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task died");
                }
                continue;
            }
        };
        match accepted {
            Ok((stream, place)) => {
                let mut stopped = stopped.clone();
                let (service, acceptor) = (Arc::clone(&service), acceptor.clone());
                connections.spawn(async move {
                    let stop = async move { stopped.changed().await };
                    connection::serve(service, acceptor, stream, stop).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drop(stopping);
    let finished = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.drain, finished).await.is_ok() {
        return Drained::Whole;
    }
    let cut = connections.len();
    connections.shutdown().await;
    Drained::Cut(cut)
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // An answer is one write; waiting for more to send would only delay it.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}
