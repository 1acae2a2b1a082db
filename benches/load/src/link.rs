//! One connection of a consumer: socket, TLS, and the answer that is being read.

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

/// What Linux says of a connection that is under way (errno(3)).
const EINPROGRESS: i32 = 115;

/// Why a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// It could not be made, or broke.
    Socket,
    /// The other side ended it.
    Ended,
    /// TLS was refused, by either side.
    Tls,
    /// What came is no answer.
    Unreadable,
    /// Nothing came in time.
    Late,
}

impl Failure {
    pub const ALL: [Self; 5] = [Self::Socket, Self::Ended, Self::Tls, Self::Unreadable, Self::Late];

    pub fn word(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Ended => "ended",
            Self::Tls => "tls",
            Self::Unreadable => "unreadable",
            Self::Late => "late",
        }
    }
}

/// What came of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Nothing,
    /// The handshake is done: requests may be sent.
    Ready,
    Answered(Answer),
}

/// A connection that is open, or being made.
pub struct Link {
    socket: TcpStream,
    tls: ClientConnection,
    response: Response,
    is_ready: bool,
    /// When it began.
    pub since: Instant,
}

/// Begins to connect, from an address of this machine if one is named.
fn dial(to: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(from) = from else { return TcpStream::connect(to) };
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    match socket.connect(&to.into()) {
        // Under way; whether it comes about shows with the first event.
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

    /// Sends a request, as much of it as fits now.
    pub fn send(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.tls.writer().write_all(request).map_err(|_| Failure::Tls)?;
        self.flush()
    }

    /// The first bytes of a handshake, which are never sent as a whole.
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

    /// Whether the other side is gone: for a connection over which nothing is expected.
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

    /// Goes on as far as the socket lets. Events come once for what is new: it reads until nothing is left, or until the
    /// answer is whole, behind which nothing follows.
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

    /// Says good-bye, and lets go.
    pub fn close(mut self) {
        self.tls.send_close_notify();
        // Who does not hear it sees the socket close.
        let _ = self.flush();
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted)
}
