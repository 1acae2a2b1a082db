//! The process: stop signals, systemd, the sandbox.

use std::net::TcpListener;

use durable_file::Directory;
use listenfd::ListenFd;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{Confined, Notifier, Part, confine, confine_to_folder};
use crate::config::Settings;

/// SIGTERM and Ctrl-C, caught from the creation of this value.
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Ends with the first signal.
    pub async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Notifies systemd, if it started this process.
pub(super) fn notifier() -> Notifier {
    Notifier::new(std::env::var_os("NOTIFY_SOCKET").as_deref())
}

/// Listening sockets that systemd passed to this process.
pub(super) fn sockets_from_systemd() -> Vec<TcpListener> {
    let mut passed = ListenFd::from_env();
    (0..passed.len()).filter_map(|index| passed.take_tcp_listener(index).ok().flatten()).collect()
}

/// Confines the process to its own files. Without the sandbox the process runs all the same, with
/// the permissions of its user.
pub(super) fn confine_and_log(settings: &Settings, part: Part) {
    match confine(settings, part) {
        Ok(Confined::Fully) => tracing::info!("sandbox active: only the configured files are accessible"),
        Ok(Confined::Partly) => tracing::info!("sandbox partly active: this kernel supports a part of Landlock"),
        Ok(Confined::Not) => tracing::info!("sandbox inactive: this kernel has no Landlock"),
        Err(error) => tracing::warn!(%error, "sandbox inactive"),
    }
}

/// Confines the thread that writes the copy of the checkpoint to the folder of the copy.
pub(super) fn confine_copier(folder: &Directory) {
    match confine_to_folder(folder) {
        Ok(Confined::Fully | Confined::Partly) => tracing::info!("sandbox of the checkpoint's copy active"),
        Ok(Confined::Not) => tracing::info!("sandbox of the checkpoint's copy inactive: this kernel has no Landlock"),
        Err(error) => tracing::warn!(%error, "sandbox of the checkpoint's copy inactive"),
    }
}
