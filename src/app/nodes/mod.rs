//! The service as a node of a cluster: what the start checks, and what the node says of itself.

mod gateway;
mod report;

use std::sync::Arc;

use tokio::sync::watch;

use gateway::NodeGateway;
pub(super) use report::report_cluster;
pub use report::report_node;

use super::error::AppError;
use super::finding::{Finding, Severity};
use super::observation::Observation;
use crate::config::Settings;
use crate::server::Service;
use audit_log::{AuditLog, KeyFolder};
use cluster::{AdoptError, Identity, Node, OwnLog, Prepared, Problem, StartError};
use ehealth_core::model::Clock;

/// Findings about the database: what a start would refuse.
pub(super) fn find_in_cluster(settings: &Settings) -> Vec<Finding> {
    let Some(of_cluster) = &settings.cluster else { return Vec::new() };
    let examined = outside_of_runtime(|runtime| runtime.block_on(cluster::examine(of_cluster)).1);
    examined.unwrap_or_default().into_iter().map(|problem| of_problem(settings, &problem)).collect()
}

fn of_problem(settings: &Settings, problem: &Problem) -> Finding {
    let severity = if problem.is_warning { Severity::Warning } else { Severity::Error };
    Finding::new(severity, settings, problem.setting, &problem.text).remedy(problem.remedy).of_system()
}

/// Brings the audit log up to the database, if the service is a node of a cluster.
///
/// # Errors
/// [`AppError`] if the database cannot be used, or the audit log differs from it.
pub(super) fn prepare(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Option<Prepared>, AppError> {
    let Some(of_cluster) = &settings.cluster else { return Ok(None) };
    let own = OwnLog { folder: settings.audit_log.folder.clone(), keys: open_keys(settings)? };
    // It has a runtime of its own, which cannot run inside of another.
    let prepared = std::thread::scope(|scope| scope.spawn(|| Prepared::new(of_cluster, own, Arc::clone(clock))).join());
    match prepared {
        Ok(Ok(prepared)) => Ok(Some(prepared)),
        Ok(Err(error)) => Err(vec![of_start(settings, &error)].into()),
        Err(_) => Err(AppError::of_thread(std::io::Error::other("it panicked"))),
    }
}

fn open_keys(settings: &Settings) -> Result<KeyFolder, AppError> {
    let log = &settings.audit_log;
    KeyFolder::open(&log.keys, log.missing_keys).map_err(|error| {
        vec![Finding::new(Severity::Error, settings, "audit_log.keys", error).in_file(&log.keys)].into()
    })
}

/// Adds the setting, and what to do.
fn of_start(settings: &Settings, error: &StartError) -> Finding {
    let (setting, remedy) = match error {
        StartError::Join(_) => {
            ("cluster.database", "`ehealth-attributes cluster check` lists everything that is wrong")
        }
        StartError::Adopt(AdoptError::Key(_)) => ("audit_log.keys", "restore the keys of the node from their copy"),
        StartError::Adopt(_) => (
            "cluster.node",
            "compare the audit log with the database: see docs/operations/cluster.md, \"The log and the database differ\"",
        ),
        StartError::Thread(_) => ("cluster.node", ""),
    };
    Finding::new(Severity::Error, settings, setting, error).remedy(remedy).of_system()
}

/// Starts the node of a service whose audit log is open.
///
/// # Errors
/// [`AppError`] if the system starts no thread.
pub(super) fn start(
    prepared: Prepared,
    settings: &Settings,
    (service, audit_log, clock): (&Arc<Service>, &Arc<AuditLog>, &Arc<dyn Clock>),
    observations: watch::Receiver<Option<Arc<Observation>>>,
) -> Result<Arc<Node>, AppError> {
    let gateway = NodeGateway {
        service: Arc::clone(service),
        audit_log: Arc::downgrade(audit_log),
        replication: prepared.replication(),
        observations,
        folder: settings.audit_log.folder.clone(),
        clock: Arc::clone(clock),
    };
    let origin = settings.audit_log.checkpoints.origin.clone();
    let identity = Identity { origin, verifying_key: audit_log.verifying_key() };
    prepared.start(identity, Arc::new(gateway)).map(Arc::new).map_err(|error| vec![of_start(settings, &error)].into())
}

/// Runs a function with a runtime of its own, on a thread of its own; `None` if the system refuses
/// either.
fn outside_of_runtime<T: Send>(run: impl FnOnce(&tokio::runtime::Runtime) -> T + Send) -> Option<T> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        Some(run(&runtime))
    };
    std::thread::scope(|scope| scope.spawn(run).join().ok().flatten())
}
