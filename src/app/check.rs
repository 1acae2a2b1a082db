//! The check of everything that a start needs. `serve` starts from its result, and `config check`
//! prints it: neither knows an error that the other does not.
//!
//! [`Prepared`] is the proof that the check found no error. Only this module makes one, and
//! [`App::start`](super::App::start) takes nothing else.

use std::path::PathBuf;
use std::sync::Arc;

use super::bound::{self, Bound};
use super::error::AppError;
use super::finding::{Finding, Findings, Severity};
use super::load::{Loaded, load_active_config, of_file};
use super::nodes;
use super::operators::OperatorSides;
use super::platform::ProcessFiles;
use super::standing::find_standing;
use super::stores::{find_exposed_key, find_in_audit_log, find_in_data, find_in_feeds, of_audit_log};
use crate::config::{FetchMode, Setting, Settings, Unreadable, read_policy};
use crate::server::ActiveConfig;
use audit_log::{AuditError, AuditLog, CheckpointCopy, OtherWriter};
use ehealth_core::model::Clock;
use tls_files::{read_all_certificates, read_all_revocation_lists, read_private_key};

/// Where a check runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedPlace {
    /// In place of the service: it binds the ports, and the audit log may have no other writer.
    InPlace,
    /// Beside the service, which has the ports and the audit log.
    Beside,
}

/// Everything that the service needs, open and without an error.
pub struct Prepared {
    pub(super) bound: Bound,
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) active_config: ActiveConfig,
    pub(super) operators: OperatorSides,
    pub(super) audit_log: AuditLog,
    /// The node, not started yet, if the service is one of a cluster.
    pub(super) node: Option<cluster::Prepared>,
    /// What says how much of the machine the process uses.
    pub(super) process: ProcessFiles,
    /// What does not keep the service from starting.
    pub(super) findings: Findings,
}

/// The copy of the checkpoint, whose thread was started before the process was confined
/// ([`AuditLog::start_copy`]).
pub type StartedCopy = Result<Option<CheckpointCopy>, AuditError>;

impl Prepared {
    /// Binds the addresses and opens everything else that the settings name. Uses the sockets that
    /// were passed for an address.
    ///
    /// # Errors
    /// [`AppError`] with every finding; then nothing was changed.
    pub async fn new(
        settings: &Settings,
        passed: Vec<std::net::TcpListener>,
        clock: Arc<dyn Clock>,
        copy: StartedCopy,
    ) -> Result<Self, AppError> {
        match bound::bind(settings, passed).await {
            Ok(bound) => Self::on_with_copy(bound, settings, clock, copy),
            Err(mut findings) => {
                let (_, more) = inspect(settings, &clock);
                findings.extend(more);
                findings.extend(find_in_audit_log(settings, clock.now(), OtherWriter::Refuse));
                Err(findings.into())
            }
        }
    }

    /// Opens everything that the settings name, for bound sockets.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn on(bound: Bound, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        let copy = AuditLog::start_copy(&settings.audit_log, |_| ());
        Self::on_with_copy(bound, settings, clock, copy)
    }

    /// The same, with files that were opened before the process was confined: the sandbox does not let
    /// it open them.
    #[must_use]
    pub fn with_process_files(self, process: ProcessFiles) -> Self {
        Self { process, ..self }
    }

    fn on_with_copy(
        bound: Bound,
        settings: &Settings,
        clock: Arc<dyn Clock>,
        copy: StartedCopy,
    ) -> Result<Self, AppError> {
        let (loaded, mut findings) = inspect(settings, &clock);
        // The audit log is opened last and only if all else is right: opening it writes to it.
        let Some(loaded) = loaded else {
            findings.extend(find_in_audit_log(settings, clock.now(), OtherWriter::Refuse));
            return Err(findings.into());
        };
        let node = match nodes::prepare(settings, &clock) {
            Ok(node) => node,
            Err(AppError(error)) => {
                findings.extend(error.iter().cloned());
                return Err(findings.into());
            }
        };
        let replication = node.as_ref().map(cluster::Prepared::replication);
        let open = |copy| AuditLog::open_with_copies(&settings.audit_log, Arc::clone(&clock), copy, replication);
        let opened = copy.and_then(open);
        match opened {
            Ok(audit_log) => {
                if let Err(AppError(error)) = loaded.keep_policy_text(settings) {
                    findings.extend(error.iter().cloned());
                    return Err(findings.into());
                }
                let Loaded { active_config, operators, .. } = loaded;
                let (settings, findings) = (settings.clone(), Findings::new(findings));
                let process = ProcessFiles::open();
                Ok(Self { bound, settings, clock, active_config, operators, audit_log, node, process, findings })
            }
            Err(error) => {
                // The first error; the check knows all of them.
                let all = find_in_audit_log(settings, clock.now(), OtherWriter::Refuse);
                let first = || vec![of_audit_log(settings, error)];
                findings.extend(if all.is_empty() { first() } else { all });
                Err(findings.into())
            }
        }
    }
}

/// Checks everything that a start needs, and changes nothing.
pub async fn check(settings: &Settings, place: CheckedPlace, clock: &Arc<dyn Clock>) -> Findings {
    let (mut findings, other) = match place {
        CheckedPlace::InPlace => {
            (bound::bind(settings, Vec::new()).await.err().unwrap_or_default(), OtherWriter::Refuse)
        }
        CheckedPlace::Beside => (Vec::new(), OtherWriter::Allow),
    };
    findings.extend(inspect(settings, clock).1);
    findings.extend(find_in_audit_log(settings, clock.now(), other));
    findings.extend(nodes::find_in_cluster(settings));
    Findings::new(findings)
}

/// Checks settings that have errors as far as they can be read: the policy, certificates and keys
/// that they name. One check then reports every error of every file.
#[must_use]
pub fn check_unreadable(unreadable: &Unreadable) -> Findings {
    let mut findings: Vec<_> = unreadable.problems.0.iter().cloned().map(Finding::from).collect();
    for Setting { key, value, origin } in &unreadable.found {
        let paths: Vec<_> = value.split(", ").map(PathBuf::from).collect();
        let mut errors = Vec::new();
        match (key.as_str(), paths.as_slice()) {
            ("policy.file", [file]) => {
                let problems = read_policy(file).err().into_iter().flat_map(|problems| problems.0);
                findings.extend(problems.map(Finding::from));
            }
            ("server.key" | "admin.key" | "metrics.key" | "message_signature.key" | "cluster.key", [file]) => {
                errors.extend(read_private_key(file).err());
            }
            (
                "server.certificate"
                | "message_signature.certificate"
                | "cluster.certificate"
                | "cluster.authorities"
                | "admin.certificate"
                | "admin.client_ca"
                | "metrics.certificate"
                | "metrics.client_ca"
                | "trust.client_ca",
                paths,
            ) => {
                let _ = read_all_certificates(paths, &mut errors);
            }
            ("trust.revocation", paths) if value != "none" => {
                let _ = read_all_revocation_lists(paths, &mut errors);
            }
            (_, _) => {}
        }
        let located = |error| of_file(Finding::at(Severity::Error, origin.clone(), key, ""), error);
        findings.extend(errors.iter().map(located));
    }
    Findings::new(findings)
}

/// Checks the feeds of a process that fetches them for the service.
#[must_use]
pub fn check_feeds(settings: &Settings) -> Findings {
    match settings.fetch_mode {
        // The serving process checks them itself.
        FetchMode::InProcess => Findings::default(),
        FetchMode::SeparateProcess => Findings::new(find_in_feeds(settings)),
    }
}

/// Loads and checks what a start reads before it opens the audit log. What was loaded is `None` if
/// there is an error.
fn inspect(settings: &Settings, clock: &Arc<dyn Clock>) -> (Option<Loaded>, Vec<Finding>) {
    let mut findings = Vec::new();
    let loaded = match load_active_config(settings, clock) {
        Ok(loaded) => {
            let Loaded { active_config, operators, .. } = &loaded;
            findings.extend(find_standing(settings, active_config, operators, clock.now()));
            Some(loaded)
        }
        Err(AppError(errors)) => {
            findings.extend(errors.iter().cloned());
            None
        }
    };
    let admin_key = settings.admin_tls.as_ref().map(|files| ("admin.key", files.key.as_path()));
    let metrics_key = settings.metrics_tls().map(|files| ("metrics.key", files.key.as_path()));
    let signing_key = settings.response_signer.as_ref().map(|files| ("message_signature.key", files.key.as_path()));
    let keys = [("server.key", settings.tls.key.as_path())].into_iter();
    let keys = keys.chain(admin_key).chain(metrics_key).chain(signing_key);
    findings.extend(keys.filter_map(|(setting, key)| find_exposed_key(settings, setting, key)));
    findings.extend(find_in_data(settings));
    if settings.fetch_mode == FetchMode::InProcess {
        findings.extend(find_in_feeds(settings));
    }
    (loaded, findings)
}
