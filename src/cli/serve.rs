//! `serve`: runs the service until it is stopped.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use clap::Args;

use super::exit::{Exit, fail};
use super::log::LogWriter;
use super::process::{Stop, confine_and_log, confine_copier, notifier, sockets_from_systemd};
use super::runtime::block_on;
use super::settings_file::SettingsFile;
use crate::app::{App, Part, Prepared, ProcessFiles, StartedCopy, SystemClock};
use crate::config::Settings;
use crate::server::{Drained, raise_descriptor_limit};
use audit_log::AuditLog;

const AFTER_HELP: &str = "\
Examples:
  ehealth-attributes serve
  ehealth-attributes serve --config ./config.toml --set server.listen=127.0.0.1:8443

SIGHUP reloads the policy, certificates, keys and CRLs. SIGTERM finishes the requests in progress.

Exit codes:
  0  stopped after all requests were finished
  1  failed, or connections were cut at the end of the drain period
  3  the settings, or a file that they name, have errors; `config check` prints the same";

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ServeArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
}

pub(super) fn run(arguments: &ServeArguments, log: &mut LogWriter) -> Exit {
    match arguments.settings.read_or_check() {
        Ok(mut settings) => {
            fit_descriptors(&mut settings);
            // It confines itself to the folder of the copy, which nothing else needs.
            let copy = AuditLog::start_copy(&settings.audit_log, confine_copier);
            let process = ProcessFiles::open();
            // Before any other thread starts, the log thread included: the sandbox does not apply to
            // threads that run already.
            confine_and_log(&settings, Part::Answering);
            let dropped_lines = log.dropped_lines();
            block_on(log, serve(&settings, copy, process, dropped_lines))
        }
        Err(findings) => fail(Exit::Configuration, &findings),
    }
}

async fn serve(
    settings: &Settings,
    copy: StartedCopy,
    process: ProcessFiles,
    dropped_log_lines: Arc<AtomicU64>,
) -> Exit {
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let prepared = match Prepared::new(settings, sockets_from_systemd(), Arc::new(SystemClock), copy).await {
        Ok(prepared) => prepared.with_process_files(process),
        Err(error) => return fail(Exit::from(&error), &error),
    };
    let app = match App::start(prepared) {
        Ok(app) => app.with_notifier(notifier()).with_dropped_log_lines(dropped_log_lines),
        Err(error) => return fail(Exit::from(&error), &error),
    };
    tracing::info!(address = %app.address(), public_url = settings.server.public_url, "serving");
    if let Some(address) = app.admin_address() {
        tracing::info!(%address, "admin listener ready");
    }
    if let Some(address) = app.metrics_address() {
        tracing::info!(%address, "metrics listener ready");
    }
    // A task like those of the connections: on the main thread, each connection would wake another
    // thread twice.
    match tokio::spawn(app.run(stop.wait())).await {
        Ok(drained) => {
            log_end(drained);
            Exit::from(drained)
        }
        Err(error) => {
            // To the log: writing to standard error here would wait for its reader.
            tracing::error!(%error, "the service failed");
            Exit::Failed
        }
    }
}

/// Raises the limit of open files as far as the system allows, and reduces the connections to what
/// it permits.
fn fit_descriptors(settings: &mut Settings) {
    let descriptors = raise_descriptor_limit();
    let limits = settings.server.limits.within_descriptors(descriptors);
    let connections = limits.connections;
    if limits == settings.server.limits {
        tracing::info!(descriptors, connections, "the limit of open files permits all connections");
    } else {
        tracing::warn!(
            descriptors,
            connections,
            "connections reduced by the limit of open files: raise it (ulimit -n, LimitNOFILE=)"
        );
    }
    settings.server.limits = limits;
}

fn log_end(drained: Drained) {
    match drained {
        Drained::Whole => tracing::info!("stopped: all requests were finished"),
        Drained::NotAccepting => tracing::error!("stopped: no connections are accepted"),
        Drained::Cut(connections) => {
            tracing::warn!(connections, "stopped: connections were cut at the end of the drain period");
        }
    }
}
