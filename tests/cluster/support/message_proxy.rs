//! A proxy that understands the messages of PostgreSQL, and cuts a connection at one of them.
//!
//! It presents the certificate of the servers to the client, and the certificate of a role to the
//! server, so that it reads what is encrypted on both sides. Message format: PostgreSQL 15, chapter
//! 55.7.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter, split};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::certificates::DatabaseTls;
use super::processes::until;
use super::proxy::listen;

/// First messages of a client that are not encrypted.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const GSS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];

/// Longest message; a batch of records is shorter.
const LONGEST: usize = 64 << 20;

/// Sender of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    Client,
    Server,
}

/// A message that the proxy is about to forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Number of the connection, from 1.
    pub connection: usize,
    pub sender: Sender,
    /// Number among the messages of this sender on this connection since the last
    /// [`MessageProxy::watch`] or cut that was armed, from 1.
    pub number: usize,
    /// Type byte; `'\0'`: the client's first message, which has none.
    pub tag: char,
    /// The SQL of Query and Parse, the tag of `CommandComplete`, else empty.
    pub text: String,
}

impl Message {
    /// Whether the client asks to commit.
    pub fn is_commit(&self) -> bool {
        let is_sql = matches!(self.tag, 'Q' | 'P') && self.sender == Sender::Client;
        is_sql && self.text.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("commit"))
    }

    /// Whether the server says that the commit is done.
    pub fn is_committed(&self) -> bool {
        self.sender == Sender::Server && self.tag == 'C' && self.text == "COMMIT"
    }
}

/// Whether the message at which a connection is cut arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The message is lost.
    Before,
    /// The message arrives, and nothing after it.
    After,
}

type Rule = Box<dyn FnMut(&Message) -> bool + Send>;

#[derive(Default)]
struct State {
    connections: usize,
    numbers: HashMap<(usize, Sender), usize>,
    seen: Option<Vec<Message>>,
    armed: Option<(Cut, Rule)>,
    cuts: Vec<Message>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    state: Mutex<State>,
}

/// A proxy on a free port in front of one server. It ends when it is dropped.
pub struct MessageProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl MessageProxy {
    /// Starts a proxy whose clients all reach the server as this role.
    pub fn start(target: SocketAddr, tls: &DatabaseTls, role: &str) -> Self {
        let client: Arc<ClientConfig> = tls.client_config(role);
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            acceptor: tls.proxy_config().into(),
            connector: client.into(),
            state: Mutex::default(),
        });
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

    /// Leads new connections to another server.
    pub fn aim(&self, target: SocketAddr) {
        *self.shared.target.lock() = target;
    }

    /// Begins to keep messages, and to number them from 1.
    pub fn watch(&self) {
        let mut state = self.shared.state.lock();
        state.numbers.clear();
        state.seen = Some(Vec::new());
    }

    /// The messages since the last [`watch`](Self::watch), in the order in which the proxy forwarded
    /// them. Those of two senders may pass each other.
    pub fn messages_seen(&self) -> Vec<Message> {
        self.shared.state.lock().seen.clone().unwrap_or_default()
    }

    /// Cuts the connection on which a message comes for which `rule` is true, once. Messages are
    /// numbered from 1 again.
    pub fn cut(&self, cut: Cut, rule: impl FnMut(&Message) -> bool + Send + 'static) {
        let mut state = self.shared.state.lock();
        state.numbers.clear();
        state.armed = Some((cut, Box::new(rule)));
    }

    /// Cuts nothing any more.
    pub fn disarm(&self) {
        self.shared.state.lock().armed = None;
    }

    /// The messages at which connections were cut.
    pub fn cuts(&self) -> Vec<Message> {
        self.shared.state.lock().cuts.clone()
    }

    /// Whether the cut was not made yet.
    pub fn is_armed(&self) -> bool {
        self.shared.state.lock().armed.is_some()
    }

    /// Waits until the cut was made.
    pub fn wait_for_cut(&self) {
        until("a connection is cut", || (!self.is_armed()).then_some(()));
    }
}

impl Drop for MessageProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A rule: true at the `number`-th message of `sender`, counted on one connection from a message
/// for which `begin` is true. That message counts if it is of the same sender.
pub fn nth_from(
    begin: impl Fn(&Message) -> bool + Send + 'static,
    sender: Sender,
    number: usize,
) -> impl FnMut(&Message) -> bool + Send + 'static {
    let (mut connection, mut count) = (None, 0);
    move |message| {
        if connection.is_none() && begin(message) {
            connection = Some(message.connection);
        }
        count += usize::from(connection == Some(message.connection) && message.sender == sender);
        connection == Some(message.connection) && message.sender == sender && count == number
    }
}

/// Whether forwarding goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Forward,
    Cut(Cut),
}

impl Shared {
    fn see(&self, connection: usize, sender: Sender, frame: &[u8]) -> Next {
        let mut state = self.state.lock();
        let number = state.numbers.entry((connection, sender)).or_default();
        *number += 1;
        let message = describe(connection, sender, *number, frame);
        let cuts = state.armed.as_mut().is_some_and(|(_, rule)| rule(&message));
        if let Some(seen) = &mut state.seen {
            seen.push(message.clone());
        }
        if !cuts {
            return Next::Forward;
        }
        state.cuts.push(message);
        state.armed.take().map_or(Next::Forward, |(cut, _)| Next::Cut(cut))
    }

    async fn connection(&self, client: TcpStream) -> io::Result<()> {
        let Some(client) = self.accept(client).await? else { return Ok(()) };
        let server = self.connect().await?;
        let connection = {
            let mut state = self.state.lock();
            state.connections += 1;
            state.connections
        };
        let ((from_client, mut to_client), (from_server, to_server)) = (split(client), split(server));
        let is_cut = tokio::select! {
            cut = self.forward(connection, Sender::Client, from_client, to_server) => cut?,
            cut = self.forward(connection, Sender::Server, from_server, &mut to_client) => cut?,
        };
        // A cut connection ends without the close alerts of TLS.
        if is_cut { Ok(()) } else { to_client.shutdown().await }
    }

    /// The client's side of the connection; `None` if it does not ask for TLS.
    async fn accept(&self, mut client: TcpStream) -> io::Result<Option<server::TlsStream<TcpStream>>> {
        client.set_nodelay(true)?;
        let mut request = [0; 8];
        client.read_exact(&mut request).await?;
        if request == GSS_REQUEST {
            client.write_all(b"N").await?;
            client.read_exact(&mut request).await?;
        }
        if request != SSL_REQUEST {
            return Ok(None);
        }
        client.write_all(b"S").await?;
        self.acceptor.accept(client).await.map(Some)
    }

    async fn connect(&self) -> io::Result<client::TlsStream<TcpStream>> {
        let target = *self.target.lock();
        let mut server = TcpStream::connect(target).await?;
        server.set_nodelay(true)?;
        server.write_all(&SSL_REQUEST).await?;
        if server.read_u8().await? != b'S' {
            return Err(io::Error::other("the server refuses TLS"));
        }
        self.connector.connect("localhost".try_into().map_err(io::Error::other)?, server).await
    }

    /// Forwards the messages of one sender until it ends. Returns whether the connection is cut.
    async fn forward(
        &self,
        connection: usize,
        sender: Sender,
        from: impl AsyncRead + Unpin,
        to: impl AsyncWrite + Unpin,
    ) -> io::Result<bool> {
        let (mut from, mut to) = (BufReader::with_capacity(64 << 10, from), BufWriter::with_capacity(64 << 10, to));
        let mut is_first = sender == Sender::Client;
        while let Some(frame) = read_frame(&mut from, is_first).await? {
            let next = self.see(connection, sender, if is_first { &[] } else { &frame });
            is_first = false;
            if next != Next::Cut(Cut::Before) {
                to.write_all(&frame).await?;
            }
            if next != Next::Forward || from.buffer().is_empty() {
                to.flush().await?;
            }
            if next != Next::Forward {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn describe(connection: usize, sender: Sender, number: usize, frame: &[u8]) -> Message {
    let Some((tag, rest)) = frame.split_first() else {
        return Message { connection, sender, number, tag: '\0', text: String::new() };
    };
    let tag = char::from(*tag);
    let mut strings = rest.get(4..).unwrap_or_default().split(|byte| *byte == 0);
    let text = match (sender, tag) {
        (Sender::Client, 'Q') | (Sender::Server, 'C') => strings.next(),
        // The name of the statement is before its text.
        (Sender::Client, 'P') => strings.nth(1),
        (_, _) => None,
    };
    let text = String::from_utf8_lossy(text.unwrap_or_default()).into_owned();
    Message { connection, sender, number, tag, text }
}

/// Reads a message: type, length, content. A client's first message has no type.
async fn read_frame(from: &mut (impl AsyncRead + Unpin), is_first: bool) -> io::Result<Option<Vec<u8>>> {
    let head = if is_first { 4 } else { 5 };
    let mut frame = vec![0; head];
    match from.read_exact(&mut frame[..1]).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    from.read_exact(&mut frame[1..]).await?;
    let length: [u8; 4] = frame[head - 4..].try_into().map_err(io::Error::other)?;
    let length = u32::from_be_bytes(length) as usize;
    if !(4..=LONGEST).contains(&length) {
        return Err(io::Error::other("a message of impossible length"));
    }
    frame.resize(head - 4 + length, 0);
    from.read_exact(&mut frame[head..]).await?;
    Ok(Some(frame))
}
