//! `serve`: the service until it is told to stop.

use std::net::TcpListener;
use std::sync::Arc;

use listenfd::ListenFd;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Exit, LogWriter, SettingsFile, block_on, fail};
use crate::app::{App, AppError, Confined, Notifier, Part, SystemClock, confine};
use crate::config::Settings;
use crate::server::{Drained, raise_descriptor_limit};

pub(super) fn run(file: &SettingsFile, journal: &mut LogWriter) -> Exit {
    match file.read() {
        Ok(mut settings) => {
            fit_descriptors(&mut settings);
            // Before any thread is started, that of the log too: those that are keep what they may.
            confine_and_log(&settings, Part::Answering);
            block_on(journal, serve(&settings))
        }
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}

/// Confines the process to its own files. One that cannot be confined runs all the same: what it may do is what its
/// user may, as ever.
pub(super) fn confine_and_log(settings: &Settings, part: Part) {
    match confine(settings, part) {
        Ok(Confined::Fully) => tracing::info!("confined to its own files"),
        Ok(Confined::Partly) => tracing::info!("confined to its own files as far as this kernel can"),
        Ok(Confined::Not) => tracing::info!("not confined: this kernel has no Landlock"),
        Err(error) => tracing::warn!(%error, "not confined"),
    }
}

/// Tells systemd, if it started this process.
pub(super) fn notifier() -> Notifier {
    Notifier::new(std::env::var_os("NOTIFY_SOCKET").as_deref())
}

/// The sockets that systemd opened for this process.
fn handed_sockets() -> Vec<TcpListener> {
    let mut handed = ListenFd::from_env();
    (0..handed.len()).filter_map(|place| handed.take_tcp_listener(place).ok().flatten()).collect()
}

async fn serve(settings: &Settings) -> Exit {
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let bound = match App::bind_or_take(settings, handed_sockets()).await {
        Ok(bound) => bound,
        Err(error) => return fail(exit_of_error(&error), &error),
    };
    match App::open_on(bound, settings, Arc::new(SystemClock)) {
        Ok(app) => {
            let app = app.with_notifier(notifier());
            tracing::info!(address = %app.address(), public_url = settings.server.public_url, "serving");
            if let Some(address) = app.admin_address() {
                tracing::info!(%address, "answering operators");
            }
            // A task like the connections' own: here, on the main thread, each of them would wake another thread twice.
            match tokio::spawn(app.run(stop.wait())).await {
                Ok(drained) => exit_of(drained),
                Err(error) => fail(Exit::Failed, &error),
            }
        }
        Err(error) => fail(exit_of_error(&error), &error),
    }
}

/// Takes as many descriptors as the system gives, and no more connections than those allow.
fn fit_descriptors(settings: &mut Settings) {
    let descriptors = raise_descriptor_limit();
    let limits = settings.server.limits.within_descriptors(descriptors);
    let connections = limits.connections;
    if limits == settings.server.limits {
        tracing::info!(descriptors, connections, "as many connections as are meant");
    } else {
        tracing::warn!(
            descriptors,
            connections,
            "fewer connections than are meant: raise the limit of open files (ulimit -n, LimitNOFILE=)"
        );
    }
    settings.server.limits = limits;
}

/// The code for a service that could not start.
pub(super) fn exit_of_error(error: &AppError) -> Exit {
    match error {
        AppError::Files { .. } => Exit::Configuration,
        AppError::Audit(_) | AppError::Listen { .. } | AppError::Admin(_) => Exit::Failed,
    }
}

/// The code for a service that was told to stop.
pub(super) fn exit_of(drained: Drained) -> Exit {
    match drained {
        Drained::Whole => {
            tracing::info!("stopped; everything in flight was finished");
            Exit::Done
        }
        Drained::Cut(connections) => {
            tracing::warn!(connections, "stopped; connections were cut when the grace period ended");
            Exit::Failed
        }
    }
}

/// SIGTERM and Ctrl-C, listened to from the moment that this exists.
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
