//! Asks the admin listener of this machine, bounded in time and length.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Maximum time for the connection and the whole answer. A service that works answers at once.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An answer over plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminAnswer {
    /// Whether the status is 200.
    pub is_ok: bool,
    /// The body.
    pub body: String,
}

/// Gets a path from the listener, as text or as JSON. An answer of more than `limit` bytes is an error.
///
/// # Errors
/// The error of the system, also if the time is over or the answer is no HTTP.
pub fn fetch(address: SocketAddr, path: &str, accept: &str, limit: u64) -> io::Result<AdminAnswer> {
    let end = Instant::now() + TIMEOUT;
    let left =
        || end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or(io::ErrorKind::TimedOut);
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_write_timeout(Some(left()?))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let (mut answer, mut piece) = (Vec::new(), [0; 16 * 1_024]);
    loop {
        // Each read has the time that is left of all.
        stream.set_read_timeout(Some(left()?))?;
        let length = stream.read(&mut piece)?;
        if length == 0 {
            break;
        }
        answer.extend_from_slice(piece.get(..length).unwrap_or_default());
        if u64::try_from(answer.len()).is_ok_and(|length| length > limit) {
            return Err(io::Error::other("the answer is too long"));
        }
    }
    let answer = String::from_utf8(answer).map_err(|_| io::ErrorKind::InvalidData)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    Ok(AdminAnswer { is_ok: head.starts_with("HTTP/1.1 200 "), body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn answer(bytes: &'static [u8], limit: u64) -> io::Result<AdminAnswer> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 1_024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(bytes);
        });
        let found = fetch(address, "/", "*/*", limit);
        server.join().expect("no panic");
        found
    }

    #[test]
    fn answers_are_bounded_and_their_status_is_read() {
        let found = answer(b"HTTP/1.1 200 OK\r\na: b\r\n\r\nbody", 100).expect("an answer");
        assert_eq!(found, AdminAnswer { is_ok: true, body: "body".into() });
        assert!(!answer(b"HTTP/1.1 503 No\r\n\r\n", 100).expect("an answer").is_ok);
        assert!(answer(b"HTTP/1.1 200 OK\r\n\r\nbody", 10).is_err());
        assert!(answer(b"nonsense", 100).is_err() && answer(b"\xff\r\n\r\n", 100).is_err());
    }
}
