//! State notifications to systemd: ready, reloading, stopping, watchdog, and a status line
//! (sd_notify(3)).
//!
//! Each notification is a datagram to the socket in `NOTIFY_SOCKET`. Without that socket, nothing
//! is sent. Sending never waits: systemd may be busy. A failure is ignored, because a lost
//! notification must not stop the service; only the one that ends a start or a reload is repeated.
//! The address is passed in instead of read from the environment, so that tests can run in parallel.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::time::{ClockId, clock_gettime};

use super::platform;

/// Sends notifications to systemd.
#[derive(Debug, Default)]
pub struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// Whether systemd did not take [`Notifier::ready`]: the next notification repeats it.
    owes_ready: AtomicBool,
}

impl Notifier {
    /// Sends to `address`, the value of `NOTIFY_SOCKET`: a path, or `@` and the name of an abstract
    /// socket.
    #[must_use]
    pub fn new(address: Option<&OsStr>) -> Self {
        let address = address.and_then(|address| match address.as_bytes() {
            [b'@', name @ ..] => platform::abstract_address(name),
            [] => None,
            _ => SocketAddr::from_pathname(address).ok(),
        });
        let socket = address.and_then(|address| Some((unbound()?, address)));
        Self { socket, owes_ready: AtomicBool::new(false) }
    }

    /// The service answers requests; also the end of a reload.
    pub fn ready(&self, status: &str) {
        let is_sent = self.send(&format!("READY=1\nSTATUS={status}"));
        self.owes_ready.store(!is_sent, Ordering::Relaxed);
    }

    /// The service reloads; [`Notifier::ready`] ends the reload.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
        let _ = self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The service shuts down and finishes open requests.
    pub fn stopping(&self) {
        let _ = self.send("STOPPING=1\nSTATUS=Finishing open requests.");
    }

    /// The service is alive. Send it at least twice per watchdog interval.
    pub fn alive(&self, status: &str) {
        if self.owes_ready.load(Ordering::Relaxed) {
            self.ready(status);
        }
        let _ = self.send(&format!("WATCHDOG=1\nSTATUS={status}"));
    }

    /// Sends a datagram, unless the socket's queue is full; returns whether systemd gets it.
    fn send(&self, text: &str) -> bool {
        let Some((socket, address)) = &self.socket else { return true };
        socket.send_to_addr(text.as_bytes(), address).is_ok()
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
    fn a_full_queue_delays_ready_and_blocks_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).expect("a socket");
        let notifier = Notifier::new(Some(path.as_os_str()));
        while notifier.send("full") {}
        notifier.ready("Ready.");
        systemd.set_nonblocking(true).expect("set");
        let heard = || {
            let mut all = Vec::new();
            let mut buffer = [0; 256];
            while let Ok(length) = systemd.recv(&mut buffer) {
                all.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }
            all
        };
        assert!(heard().iter().all(|said| said == "full"));
        notifier.alive("Ready.");
        assert_eq!(heard(), ["READY=1\nSTATUS=Ready.", "WATCHDOG=1\nSTATUS=Ready."]);
        notifier.alive("Ready.");
        assert_eq!(heard(), ["WATCHDOG=1\nSTATUS=Ready."], "said once");
    }

    #[test]
    fn without_a_socket_nothing_is_sent() {
        for address in [None, Some(OsStr::new("")), Some(OsStr::new("/no/listener"))] {
            Notifier::new(address).ready("Ready.");
        }
    }
}
