//! One connection of a consumer: socket, TLS, and the response that is being read.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use memchr::memmem::Finder;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use socket2::{Domain, Socket, Type};

use crate::response::{Answer, Response};

/// Error of a connection in progress on Linux (errno(3)).
const EINPROGRESS: i32 = 115;

ehealth_core::closed_enum! {
    /// Why a connection failed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Failure {
        /// It could not be opened, or broke.
        Socket => "socket",
        /// The server closed it.
        Ended => "ended",
        /// The TLS handshake failed.
        Tls => "tls",
        /// The response cannot be read.
        Unreadable => "unreadable",
        /// Timeout.
        Late => "late",
    }
}

/// Result of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Nothing,
    /// The handshake is complete: requests may be sent.
    Ready,
    Answered(Answer),
}

/// A connection that is open or being opened.
pub struct Link {
    socket: TcpStream,
    tls: ClientConnection,
    response: Response,
    is_ready: bool,
    /// Time of connecting.
    pub since: Instant,
}

/// Starts to connect, from a local address if one is given.
fn dial(to: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(from) = from else { return TcpStream::connect(to) };
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    match socket.connect(&to.into()) {
        // In progress; the first event shows the result.
        Err(error) if error.raw_os_error() == Some(EINPROGRESS) => {}
        begun => begun?,
    }
    Ok(TcpStream::from_std(socket.into()))
}

impl Link {
    pub fn connect(
        to: SocketAddr,
        from: Option<IpAddr>,
        name: &ServerName<'static>,
        config: &Arc<ClientConfig>,
        registry: &Registry,
        token: Token,
    ) -> Result<Self, Failure> {
        let since = Instant::now();
        let mut socket = dial(to, from).map_err(|_| Failure::Socket)?;
        socket.set_nodelay(true).map_err(|_| Failure::Socket)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut socket, token, both).map_err(|_| Failure::Socket)?;
        let tls = ClientConnection::new(Arc::clone(config), name.clone()).map_err(|_| Failure::Tls)?;
        Ok(Self { socket, tls, response: Response::default(), is_ready: false, since })
    }

    /// Sends as much of a request as the socket takes now.
    pub fn send(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.tls.writer().write_all(request).map_err(|_| Failure::Tls)?;
        self.flush()
    }

    /// First bytes of a handshake, for a consumer that sends them one by one.
    pub fn hello(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.tls.wants_write() && self.tls.write_tls(&mut bytes).is_ok() {}
        bytes
    }

    /// Sends bytes below TLS.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.socket.write(bytes) {
            Ok(_) => Ok(()),
            Err(error) if is_later(&error) => Ok(()),
            Err(_) => Err(Failure::Ended),
        }
    }

    /// Whether the server closed the connection; for connections that expect no response.
    pub fn is_cut(&mut self) -> bool {
        loop {
            match self.socket.read(&mut [0; 4_096]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return !is_later(&error),
            }
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if is_later(&error) => return Ok(()),
                Err(_) => return Err(Failure::Socket),
            }
        }
        Ok(())
    }

    /// Continues as far as the socket allows. Events are edge-triggered: it reads until nothing is
    /// left, or until the response is complete, after which nothing follows.
    pub fn advance(&mut self, expected: &Finder<'_>) -> Result<Progress, Failure> {
        if let Some(progress) = self.look(expected)? {
            return Ok(progress);
        }
        self.flush()?;
        loop {
            match self.tls.read_tls(&mut self.socket) {
                Ok(0) => return Err(Failure::Ended),
                Ok(_) => {}
                Err(error) if is_later(&error) => return Ok(Progress::Nothing),
                Err(_) => return Err(Failure::Socket),
            }
            let state = self.tls.process_new_packets().map_err(|_| Failure::Tls)?;
            let room = self.response.room();
            let length = room.len();
            room.resize(length + state.plaintext_bytes_to_read(), 0);
            self.tls.reader().read_exact(&mut room[length..]).map_err(|_| Failure::Ended)?;
            self.flush()?;
            if let Some(progress) = self.look(expected)? {
                return Ok(progress);
            }
            if state.peer_has_closed() {
                return Err(Failure::Ended);
            }
        }
    }

    fn look(&mut self, expected: &Finder<'_>) -> Result<Option<Progress>, Failure> {
        if !self.is_ready && !self.tls.is_handshaking() {
            self.is_ready = true;
            return Ok(Some(Progress::Ready));
        }
        let answer = self.response.take(expected).map_err(|_| Failure::Unreadable)?;
        Ok(answer.map(Progress::Answered))
    }

    /// Sends close_notify and closes.
    pub fn close(mut self) {
        self.tls.send_close_notify();
        // If it cannot be sent, the server sees the socket close.
        let _ = self.flush();
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted)
}
