//! What systemd is told of the service: ready, reloading, stopping, alive, and a sentence (sd_notify(3)).
//!
//! A datagram each, to the socket that systemd named. Without one nothing is said. A datagram that is lost is not worth
//! an answer less: failures are ignored.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::time::{ClockId, clock_gettime};

/// Tells systemd.
#[derive(Debug, Default)]
pub struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
}

impl Notifier {
    /// Tells whoever listens at `address`, the value of `NOTIFY_SOCKET`: a path, or an abstract name behind an `@`.
    #[must_use]
    pub fn new(address: Option<&OsStr>) -> Self {
        let address = address.and_then(|address| match address.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
            [] => None,
            _ => SocketAddr::from_pathname(address).ok(),
        });
        Self { socket: address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address))) }
    }

    /// The service answers.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// It takes a new state in; [`Notifier::ready`] ends this.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// It was told to stop, and finishes what is in flight.
    pub fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=Finishing what is in flight.");
    }

    /// It goes round: to be said within half the time of the watchdog.
    pub fn alive(&self, status: &str) {
        self.send(&format!("WATCHDOG=1\nSTATUS={status}"));
    }

    fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.socket {
            let _ = socket.send_to_addr(text.as_bytes(), address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_a_datagram() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).expect("a socket");
        let notifier = Notifier::new(Some(path.as_os_str()));
        let told = || {
            let mut buffer = [0; 256];
            let length = systemd.recv(&mut buffer).expect("a datagram");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        notifier.ready("All is well.");
        assert_eq!(told(), "READY=1\nSTATUS=All is well.");
        notifier.reloading();
        let reloading = told();
        let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|text| text.parse::<u64>().ok());
        assert!(micros.is_some_and(|micros| micros > 0), "{reloading}");
        notifier.alive("Still.");
        assert_eq!(told(), "WATCHDOG=1\nSTATUS=Still.");
        notifier.stopping();
        assert!(told().starts_with("STOPPING=1\n"));
    }

    #[test]
    fn without_systemd_nothing_is_said() {
        for address in [None, Some(OsStr::new("")), Some(OsStr::new("/nobody/listens"))] {
            Notifier::new(address).ready("All is well.");
        }
    }
}
