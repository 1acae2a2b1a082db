//! Reload: replaces the operator's files while the service runs.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use super::error::AppError;
use super::finding::Finding;
use super::load::load_active_config;
use super::operators::OperatorTls;
use super::standing::find_in_certificates;
use crate::admin::ReloadReport;
use crate::config::Settings;
use crate::server::Service;
use ehealth_core::model::{Clock, Timestamp};
use tls_files::files_of;

/// Rejected reloads that are kept.
const REJECTED: usize = 10;

/// Bytes that are kept of the errors of each, 4 KiB.
const ERROR_BYTES: usize = 4 << 10;

/// Size and time of modification of each file; `None` for a file that cannot be read.
pub(super) type Fingerprint = Vec<(PathBuf, Option<(u64, SystemTime)>)>;

/// Loads a new configuration, validates it, then replaces the active one at once. If it is invalid,
/// the active one stays.
pub struct Reloader {
    pub(super) last_reload: LastReload,
    pub(super) service: Arc<Service>,
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) operators: OperatorTls,
}

/// Result of the last reload; at first, of the start. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct LastReload(Arc<Mutex<Reloads>>);

#[derive(Debug)]
struct Reloads {
    last: ReloadReport,
    /// Rejected ones, the latest first.
    rejected: VecDeque<ReloadReport>,
}

impl LastReload {
    /// The start, which loaded the first configuration.
    pub fn at_start(at: Timestamp) -> Self {
        let last = ReloadReport { at, errors: None };
        Self(Arc::new(Mutex::new(Reloads { last, rejected: VecDeque::new() })))
    }

    fn note(&self, at: Timestamp, error: Option<&AppError>) {
        let mut reloads = self.0.lock();
        reloads.last = ReloadReport { at, errors: error.map(ToString::to_string) };
        if let Some(errors) = &reloads.last.errors {
            let errors = Some(shortened(errors));
            reloads.rejected.push_front(ReloadReport { at, errors });
            reloads.rejected.truncate(REJECTED);
        }
    }

    pub fn report(&self) -> ReloadReport {
        self.0.lock().last.clone()
    }

    /// The last rejected reloads, the latest first, with shortened errors.
    pub fn rejected(&self) -> Vec<ReloadReport> {
        self.0.lock().rejected.iter().cloned().collect()
    }
}

/// The first [`ERROR_BYTES`] of a text.
fn shortened(errors: &str) -> String {
    match errors.get(..errors.floor_char_boundary(ERROR_BYTES)) {
        Some(begin) if begin.len() < errors.len() => format!("{begin}…"),
        Some(_) | None => errors.to_owned(),
    }
}

impl Reloader {
    /// Reloads the operator's files. A new CRL also applies to open connections, from their next
    /// request.
    ///
    /// # Errors
    /// [`AppError`] with every error; the previous configuration stays active.
    pub fn reload(&self) -> Result<(), AppError> {
        let loaded = load_active_config(&self.settings, &self.clock);
        let reloaded = loaded.and_then(|loaded| {
            loaded.keep_policy_text(&self.settings)?;
            self.service.replace(loaded.active_config);
            self.operators.replace(loaded.operators);
            Ok(())
        });
        self.last_reload.note(self.clock.now(), reloaded.as_ref().err());
        reloaded
    }

    /// Reloads and logs the result.
    pub(super) fn reload_and_log(&self) {
        match self.reload() {
            Ok(()) => tracing::info!("reloaded policy, certificates and CRLs"),
            Err(error) => tracing::error!(%error, "reload rejected; keeping the previous configuration"),
        }
    }

    /// Issuers whose clients are refused now, with the code of the cause.
    pub(super) fn refused_issuers(&self) -> BTreeSet<(String, &'static str)> {
        let active_config = self.service.active_config();
        let closed = active_config.client_verifier.trust().closed_issuers(self.clock.now());
        closed.map(|(issuer, why)| (issuer.subject_text(), why.code())).collect()
    }

    /// What is wrong with the active certificates at this moment.
    pub(super) fn find_in_certificates(&self) -> Vec<Finding> {
        let (active_config, now) = (self.service.active_config(), self.clock.now());
        self.operators.with(|sides| find_in_certificates(&self.settings, &active_config, sides, now))
    }

    /// Fingerprint of the operator's files. It changes when a file is written.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let files = self.settings.files().flat_map(|path| files_of(path).unwrap_or_else(|_| vec![path.clone()]));
        let look = |file: &PathBuf| fs::metadata(file).and_then(|seen| Ok((seen.len(), seen.modified()?))).ok();
        files.map(|file| (file.clone(), look(&file))).collect()
    }
}
