//! `serve`: the service until it is told to stop.

use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Exit, fail};
use crate::app::{App, AppError, SystemClock};
use crate::config::{Settings, read_settings};
use crate::server::{Drained, raise_descriptor_limit};

pub(super) async fn run(config: &Path) -> Exit {
    let mut settings = match read_settings(config) {
        Ok(settings) => settings,
        Err(problems) => return fail(Exit::Configuration, &problems),
    };
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    fit_descriptors(&mut settings);
    match App::open(&settings, Arc::new(SystemClock)).await {
        Ok(app) => {
            tracing::info!(address = %app.address(), public_url = settings.server.public_url, "serving");
            if let Some(address) = app.admin_address() {
                tracing::info!(%address, "answering operators");
            }
            exit_of(app.run(stop.wait()).await)
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
