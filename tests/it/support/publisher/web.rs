//! A publisher's web server for tests: a folder over mutual TLS, with one behaviour per path.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use datasets::feed::digest_of;
use datasets::sync::{FeedIdentity, FeedLimits, FeedUrl, HttpsFeed};
use ehealth_attributes::server::tls::{self, TlsFiles};
use ehealth_core::model::{Clock, FixedClock};
use rustls::{ServerConnection, StreamOwned};
use testkit::Workspace;

/// Response to the requests of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// The file, or 404.
    Plain,
    /// A redirect to the file.
    Redirect,
    /// The head, then one byte at a time.
    Drip,
    /// Half of the announced length, then nothing.
    Cut,
    /// Endless bytes.
    Endless,
    /// Only this status.
    Status(u16),
    /// The file and, instead of an ETag, a date this long before the answer.
    Dated { seconds_ago: u8 },
}

/// A running web server.
pub struct Web {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    folder: PathBuf,
    tls: Arc<rustls::ServerConfig>,
    manners: Mutex<HashMap<String, Manner>>,
    asked: Mutex<Vec<String>>,
    connections: Mutex<usize>,
    stopped: AtomicBool,
    /// Senders that slow answers wait on; dropping them ends the waits.
    waits: Mutex<Vec<Sender<()>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Web {
    /// Serves a folder with the certificates of a demo, only to its clients.
    pub fn start(workspace: &Path, folder: &Path, clock: FixedClock) -> Self {
        Workspace::new(workspace.to_owned()).prepare(clock.now(), "").expect("certificates");
        let files = TlsFiles {
            certificate: workspace.join("server.pem"),
            key: workspace.join("server.key"),
            client_ca: vec![workspace.join("ca.pem")],
            revocation: tls::RevocationFiles::None,
        };
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            tls: tls::load(&files, &(Arc::new(clock) as Arc<dyn Clock>)).expect("right files").0,
            manners: Mutex::default(),
            asked: Mutex::default(),
            connections: Mutex::default(),
            stopped: AtomicBool::new(false),
            waits: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let of_thread = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (shared, stream) = (Arc::clone(&of_thread), stream.expect("a connection"));
                // Head and body are two writes: without this the second waits for the ACK of the
                // first.
                stream.set_nodelay(true).expect("an open socket");
                // An error of one connection does not concern the next.
                thread::spawn(move || drop(serve(&shared, stream)));
            }
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// The feed of a folder of this server.
    pub fn feed(&self, workspace: &Path, folder: &str) -> HttpsFeed {
        HttpsFeed {
            url: FeedUrl::parse(&format!("https://localhost:{}/{folder}", self.address.port())).expect("an address"),
            authorities: workspace.join("ca.pem"),
            identity: Some(FeedIdentity {
                certificate: workspace.join("clients/fund.pem"),
                key: workspace.join("clients/fund.key"),
            }),
            limits: FeedLimits {
                connect: Duration::from_secs(20),
                silence: Duration::from_secs(20),
                file: Duration::from_secs(60),
            },
        }
    }

    /// Sets the response to later requests of a path.
    pub fn answer(&self, path: &str, manner: Manner) {
        lock(&self.shared.manners).insert(path.to_owned(), manner);
    }

    /// Sets every path to its normal answer.
    pub fn behave(&self) {
        lock(&self.shared.manners).clear();
    }

    /// Requests since the last call: path and status.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.asked))
    }

    /// Number of connections since the last call.
    pub fn connections(&self) -> usize {
        std::mem::take(&mut *lock(&self.shared.connections))
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        lock(&self.shared.waits).clear();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(&shared.tls)).expect("a valid configuration");
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    *lock(&shared.connections) += 1;
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_owned());
        }
        let path = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
        let condition = head.iter().find_map(|line| line.strip_prefix("if-none-match: "));
        let manner = lock(&shared.manners).get(&path).copied().unwrap_or(Manner::Plain);
        let content = fs::read(shared.folder.join(path.trim_start_matches('/')));
        let out = stream.get_mut();
        let tell = |status: u16| lock(&shared.asked).push(format!("{path} {status}"));
        match (manner, content) {
            (Manner::Status(status), _) => {
                tell(status);
                write!(out, "HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n")?;
            }
            (Manner::Redirect, _) => {
                tell(302);
                write!(out, "HTTP/1.1 302 Found\r\nlocation: {path}.moved\r\ncontent-length: 0\r\n\r\n")?;
            }
            (Manner::Plain | Manner::Dated { .. }, Err(_)) => {
                tell(404);
                write!(out, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?;
            }
            (Manner::Plain, Ok(content)) => {
                let etag = format!("\"{}\"", digest_of(&content));
                if condition == Some(etag.as_str()) {
                    tell(304);
                    write!(out, "HTTP/1.1 304 Not Modified\r\netag: {etag}\r\n\r\n")?;
                } else {
                    tell(200);
                    write!(out, "HTTP/1.1 200 OK\r\netag: {etag}\r\ncontent-length: {}\r\n\r\n", content.len())?;
                    out.write_all(&content)?;
                }
            }
            (Manner::Dated { seconds_ago }, Ok(content)) => {
                let modified = format!("Sun, 22 Nov 2026 05:00:{:02} GMT", 30 - seconds_ago);
                if head.iter().any(|line| *line == format!("if-modified-since: {modified}")) {
                    tell(304);
                    write!(out, "HTTP/1.1 304 Not Modified\r\n\r\n")?;
                } else {
                    tell(200);
                    let fields = format!("date: Sun, 22 Nov 2026 05:00:30 GMT\r\nlast-modified: {modified}");
                    write!(out, "HTTP/1.1 200 OK\r\n{fields}\r\ncontent-length: {}\r\n\r\n", content.len())?;
                    out.write_all(&content)?;
                }
            }
            (Manner::Cut, content) => {
                tell(200);
                let content = content.unwrap_or_default();
                write!(out, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", content.len() + 1)?;
                out.write_all(&content[..content.len() / 2])?;
                out.flush()?;
                return Ok(());
            }
            (Manner::Endless, _) => {
                tell(200);
                write!(out, "HTTP/1.1 200 OK\r\n\r\n")?;
                loop {
                    out.write_all(&[b'x'; 16_384])?;
                }
            }
            (Manner::Drip, content) => {
                tell(200);
                let content = content.unwrap_or_default();
                write!(out, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", content.len() + 1)?;
                let (wait, waiting) = channel::<()>();
                lock(&shared.waits).push(wait);
                for byte in content.chunks(1) {
                    out.write_all(byte)?;
                    out.flush()?;
                    if waiting.recv_timeout(Duration::from_millis(20)) != Err(RecvTimeoutError::Timeout) {
                        return Ok(());
                    }
                }
                // Sends nothing more, and waits for the client to close.
                return out.read(&mut [0]).map(|_| ());
            }
        }
        out.flush()?;
    }
}
