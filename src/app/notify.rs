//! State notifications to systemd: ready, reloading, stopping, watchdog, and a status line
//! (sd_notify(3)).
//!
//! Each notification is a datagram to the socket in `NOTIFY_SOCKET`. Without that socket, nothing
//! is sent. A failure is ignored, because a lost notification must not stop the service. The
//! address is passed in instead of read from the environment, so that tests can run in parallel.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::time::{ClockId, clock_gettime};

/// Sends notifications to systemd.
#[derive(Debug, Default)]
pub struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
}

impl Notifier {
    /// Sends to `address`, the value of `NOTIFY_SOCKET`: a path, or `@` and the name of an abstract
    /// socket.
    #[must_use]
    pub fn new(address: Option<&OsStr>) -> Self {
        let address = address.and_then(|address| match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
            [] => None,
            _ => SocketAddr::from_pathname(address).ok(),
        });
        Self { socket: address.and_then(|address| Some((unbound()?, address))) }
    }

    /// The service answers requests; also the end of a reload.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// The service reloads; [`Notifier::ready`] ends the reload.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The service shuts down and finishes open requests.
    pub fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=Finishing open requests.");
    }

    /// The service is alive. Send it at least twice per watchdog interval.
    pub fn alive(&self, status: &str) {
        self.send(&format!("WATCHDOG=1\nSTATUS={status}"));
    }

    fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.socket {
            let _ = socket.send_to_addr(text.as_bytes(), address);
        }
    }
}

/// A socket whose sends do not wait: systemd may be busy, and the next notification is due in a
/// second.
fn unbound() -> Option<UnixDatagram> {
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notification_is_a_datagram() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).expect("a socket");
        let notifier = Notifier::new(Some(path.as_os_str()));
        let received = || {
            let mut buffer = [0; 256];
            let length = systemd.recv(&mut buffer).expect("a datagram");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        notifier.ready("Ready.");
        assert_eq!(received(), "READY=1\nSTATUS=Ready.");
        notifier.reloading();
        let reloading = received();
        let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|text| text.parse::<u64>().ok());
        assert!(micros.is_some_and(|micros| micros > 0), "{reloading}");
        notifier.alive("Still.");
        assert_eq!(received(), "WATCHDOG=1\nSTATUS=Still.");
        notifier.stopping();
        assert!(received().starts_with("STOPPING=1\n"));
    }

    #[test]
    fn without_a_socket_nothing_is_sent() {
        for address in [None, Some(OsStr::new("")), Some(OsStr::new("/no/listener"))] {
            Notifier::new(address).ready("Ready.");
        }
    }
}
