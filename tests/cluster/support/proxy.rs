//! A network between a client and a server that a test can interrupt: it forwards TCP byte for
//! byte, or nothing, or resets connections.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Threads of all proxies of the tests.
pub(super) static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"));

/// State of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Everything passes.
    Pass,
    /// Nothing passes. Connections stay open, and what was sent meanwhile arrives later, as TCP does
    /// it after a partition.
    Blackhole,
    /// Nothing passes from the client to the server.
    BlackholeToServer,
    /// Nothing passes from the server to the client.
    BlackholeToClient,
    /// New connections are reset. Open ones go on.
    Refuse,
}

/// Direction of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Direction {
    ToServer,
    ToClient,
}

impl Network {
    fn passes(self, direction: Direction) -> bool {
        match self {
            Self::Pass | Self::Refuse => true,
            Self::Blackhole => false,
            Self::BlackholeToServer => direction == Direction::ToClient,
            Self::BlackholeToClient => direction == Direction::ToServer,
        }
    }
}

/// A TCP proxy on a free port. It ends when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    network: watch::Sender<Network>,
    resets: watch::Sender<()>,
}

impl Proxy {
    /// Starts a proxy in front of a server, which need not listen yet.
    pub fn start(target: SocketAddr) -> Self {
        let (network, resets) = (watch::Sender::new(Network::Pass), watch::Sender::new(()));
        let shared = Arc::new(Shared { target: Mutex::new(target), network, resets });
        let (address, accepting) = listen(Arc::clone(&shared), |client, shared| async move {
            // A connection that fails shows on both sides.
            let _ = shared.connection(client).await;
        });
        Self { address, shared, accepting }
    }

    /// Address for clients.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the state of the network.
    pub fn set(&self, network: Network) {
        self.shared.network.send_replace(network);
    }

    /// Resets all open connections, on both sides.
    pub fn reset(&self) {
        self.shared.resets.send_replace(());
    }

    /// Leads new connections to another server.
    pub fn aim(&self, target: SocketAddr) {
        *self.shared.target.lock() = target;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.reset();
    }
}

/// Accepts connections on a free port; each is served by a task of its own.
pub(super) fn listen<S, F>(
    shared: Arc<S>,
    serve: impl Fn(TcpStream, Arc<S>) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<()>)
where
    S: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    let accepting = RUNTIME.spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, Arc::clone(&shared)));
        }
    });
    (address, accepting)
}

impl Shared {
    async fn connection(&self, mut client: TcpStream) -> io::Result<()> {
        let mut resets = self.resets.subscribe();
        client.set_nodelay(true)?;
        let mut network = self.network.subscribe();
        if *network.borrow() == Network::Refuse {
            return client.set_zero_linger();
        }
        // In a partition a connection is not made either.
        let passes = |network: &Network| network.passes(Direction::ToServer) && network.passes(Direction::ToClient);
        tokio::select! {
            _ = network.wait_for(passes) => {}
            _ = resets.changed() => return client.set_zero_linger(),
        }
        let target = *self.target.lock();
        let Ok(mut server) = TcpStream::connect(target).await else { return client.set_zero_linger() };
        server.set_nodelay(true)?;
        let ended = {
            let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
            let there = forward(from_client, to_server, Direction::ToServer, self.network.subscribe());
            let back = forward(from_server, to_client, Direction::ToClient, self.network.subscribe());
            tokio::select! {
                done = async { tokio::try_join!(there, back) } => done.is_ok(),
                _ = resets.changed() => false,
            }
        };
        if !ended {
            client.set_zero_linger()?;
            server.set_zero_linger()?;
        }
        Ok(())
    }
}

/// Forwards one direction until its end.
async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: Direction,
    mut network: watch::Receiver<Network>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        network.wait_for(|network| network.passes(direction)).await.map_err(io::Error::other)?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}
