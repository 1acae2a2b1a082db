//! What a check finds in the folders that the service writes: datasets, rejected records, audit log,
//! keys; in the files of its feeds; and in the permissions of its private keys.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, access};
use tls_files::{ClientTls, ClientTlsError, FileError, Identity, read_certificates, read_private_key};

use super::finding::{Cause, Finding, Severity, remedy_of_io};
use super::load::of_file;
use crate::config::{FetchMode, Settings};
use crate::server::Readers;
use audit_log::{AuditError, AuditLog, KeyError, OtherWriter, WriteFailure};
use datasets::store::Watch;
use datasets::sync::{Feed, FeedIdentity, HttpsFeed, Source};
use ehealth_core::model::{Dataset, Timestamp};

/// Findings about the datasets, and about the folders that a fetching process writes.
pub(super) fn find_in_data(settings: &Settings) -> Vec<Finding> {
    let sync = &settings.sync;
    let mut findings = Vec::new();
    if settings.fetch_mode == FetchMode::InProcess {
        findings.extend(unwritable(settings, "data.folder", &sync.data));
        findings.extend(unwritable(settings, "data.rejected", &sync.rejected));
    }
    let readers = Readers::new(Watch::open(&sync.data));
    let mut missing = Vec::new();
    for dataset in Dataset::ALL {
        match readers.with_view(|view| view.status(dataset, 0)) {
            Ok(status) if status.state.is_some() => {}
            Ok(_) => missing.push(dataset.code()),
            Err(error) => {
                let text = format!("dataset {} cannot be read: {}", dataset.code(), error.reason);
                findings.push(Finding::new(Severity::Failure, settings, "data.folder", text).in_file(&sync.data));
            }
        }
    }
    if !missing.is_empty() {
        let text = format!("never loaded: {}", missing.join(", "));
        let finding = Finding::new(Severity::Warning, settings, "data.folder", text).in_file(&sync.data);
        findings.push(finding.remedy("run `ehealth-attributes sync`"));
    }
    findings
}

/// Findings about the feeds: what a run would need of this machine. No publisher is asked.
pub(super) fn find_in_feeds(settings: &Settings) -> Vec<Finding> {
    settings.sync.feeds.iter().flat_map(|feed| of_feed(settings, feed)).collect()
}

fn of_feed(settings: &Settings, feed: &Feed) -> Vec<Finding> {
    let key = |name: &str| format!("feeds.{}.{name}", feed.dataset.code());
    match &feed.source {
        Source::Folder(folder) if folder.is_dir() => Vec::new(),
        Source::Folder(folder) => {
            let own = key("folder");
            let is_own = settings.active_config.iter().any(|setting| setting.key == own);
            let setting = if is_own { own } else { "data.feeds".to_owned() };
            let text = format!("feed {} has no folder", feed.dataset.code());
            let finding = Finding::new(Severity::Warning, settings, &setting, text).in_file(folder);
            vec![finding.remedy("make it, or wait for its publisher to do so")]
        }
        Source::Https(https) => of_https_feed(settings, https, key),
    }
}

fn of_https_feed(settings: &Settings, feed: &HttpsFeed, key: impl Fn(&str) -> String) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut failed = |setting: &str, error: &FileError| {
        findings.push(of_file(Finding::new(Severity::Failure, settings, setting, ""), error));
    };
    let (server_ca, own, own_key) = (key("server_ca"), key("certificate"), key("key"));
    let authorities = read_certificates(&feed.authorities).map_err(|error| failed(&server_ca, &error)).ok();
    let mut tls = authorities.map(ClientTls::new);
    if let Some(FeedIdentity { certificate, key }) = &feed.identity {
        let chain = read_certificates(certificate).map_err(|error| failed(&own, &error)).ok();
        let secret = read_private_key(key).map_err(|error| failed(&own_key, &error)).ok();
        tls = match (tls, chain, secret) {
            (Some(tls), Some(chain), Some(key)) => Some(tls.with_identity(Identity { chain, key })),
            (_, _, _) => None,
        };
    }
    if let Some(Err(error)) = tls.map(ClientTls::build) {
        let (setting, file) = match (&error, &feed.identity) {
            (ClientTlsError::Identity(_), Some(identity)) => (&own, &identity.certificate),
            (ClientTlsError::Identity(_) | ClientTlsError::Authority { .. } | ClientTlsError::Versions(_), _) => {
                (&server_ca, &feed.authorities)
            }
        };
        findings.push(Finding::new(Severity::Failure, settings, setting, error).in_file(file));
    }
    findings
}

/// Findings that [`AuditLog::open`] would end with. Changes nothing.
pub(super) fn find_in_audit_log(settings: &Settings, now: Timestamp, other: OtherWriter) -> Vec<Finding> {
    let errors = AuditLog::check(&settings.audit_log, now, other);
    errors.into_iter().map(|error| of_audit_log(settings, error)).collect()
}

/// Adds the setting, and what to do.
pub(super) fn of_audit_log(settings: &Settings, error: AuditError) -> Finding {
    let log = &settings.audit_log;
    let (setting, file, cause, remedy) = match error {
        AuditError::InUse => {
            let remedy = "stop the other process, or set another folder; `config check --offline` runs beside it";
            ("audit_log.folder", &log.folder, Cause::System, remedy)
        }
        AuditError::Damaged(_) => {
            let remedy = "find the damage with `ehealth-attributes audit verify`, and restore a backup";
            ("audit_log.folder", &log.folder, Cause::Configuration, remedy)
        }
        AuditError::Io(kind) => ("audit_log.folder", &log.folder, Cause::System, remedy_of_io(&kind.into())),
        AuditError::Checkpoint(_) => {
            let remedy = "restore the audit log with its checkpoint (docs/operations/restore.md)";
            ("audit_log.folder", &log.folder, Cause::Configuration, remedy)
        }
        AuditError::Copy(kind) => {
            let copy = log.checkpoints.copy.as_ref().unwrap_or(&log.folder);
            let remedy = "name a file in a folder that exists, with nothing of this service in it";
            let cause = if kind == io::ErrorKind::WouldBlock { Cause::System } else { Cause::Configuration };
            ("audit_log.checkpoint_copy", copy, cause, remedy)
        }
        AuditError::Origin => ("audit_log.origin", &log.folder, Cause::Configuration, ""),
        AuditError::Keys(error) | AuditError::Unwritable(WriteFailure::Key(error)) => {
            let (cause, remedy) = of_key(error);
            ("audit_log.keys", &log.keys, cause, remedy)
        }
        AuditError::Unwritable(
            WriteFailure::DiskFull | WriteFailure::Io(_) | WriteFailure::Truncated | WriteFailure::Random,
        )
        | AuditError::Thread(_) => ("audit_log.folder", &log.folder, Cause::System, ""),
    };
    let finding = Finding::new(Severity::Error, settings, setting, error).in_file(file).remedy(remedy);
    match cause {
        Cause::Configuration => finding,
        Cause::System => finding.of_system(),
    }
}

fn of_key(error: KeyError) -> (Cause, &'static str) {
    match error {
        KeyError::Missing(_) => {
            (Cause::Configuration, "restore the key file; for a new audit log, set audit_log.missing_keys = \"make\"")
        }
        KeyError::Mode { .. } | KeyError::FolderMode { .. } => (Cause::Configuration, "correct its mode with chmod"),
        KeyError::Form(_) => (Cause::Configuration, "restore the key file from its copy"),
        KeyError::Folder(kind) => (Cause::Configuration, remedy_of_io(&kind.into())),
        KeyError::Io { kind, .. } => (Cause::System, remedy_of_io(&kind.into())),
        KeyError::Random(_) => (Cause::System, ""),
    }
}

/// A folder that can neither be written nor made.
fn unwritable(settings: &Settings, setting: &str, folder: &Path) -> Option<Finding> {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    let error = if existing.is_dir() {
        io::Error::from(access(existing, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).err()?)
    } else {
        io::ErrorKind::NotADirectory.into()
    };
    let text = format!("cannot be written: {error}");
    let finding = Finding::new(Severity::Failure, settings, setting, text).in_file(folder).of_system();
    Some(finding.remedy(remedy_of_io(&error)))
}

/// A private key that every user of the machine can read. A group may: systemd's credentials and
/// container platforms give access by group.
pub(super) fn find_exposed_key(settings: &Settings, setting: &str, key: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(key).ok()?.mode() & 0o7777;
    let text = format!("every user of this machine has access to the private key (mode {mode:04o})");
    let finding = || Finding::new(Severity::Warning, settings, setting, text).in_file(key);
    (mode & 0o007 != 0).then(|| finding().remedy("remove the permissions of others with `chmod o= FILE`"))
}
