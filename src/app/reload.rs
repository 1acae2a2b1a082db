//! Takes a new state in while the service runs, when the operator's files change or SIGHUP says so, and does what is to
//! be done once a second: looks at the datasets, tries the trail, tells systemd.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};

use super::notify::Notifier;
use super::overview::Overview;
use super::{AppError, ForOperators, load_in_force};
use crate::config::Settings;
use crate::server::Service;
use crate::server::tls::{OperatorFiles, RevocationFiles, files_of};
use ehealth_core::model::Clock;

/// How often the datasets' folder is looked at for a state that another process swapped in.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// Everything else is done every so many of these intervals: once a second.
const TICKS_A_LOOK: u32 = 4;

/// Takes a new state in: built and judged aside, then swapped whole; a broken one leaves the old one in force.
pub struct Reloader {
    pub(super) service: Arc<Service>,
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) operators: ForOperators,
}

impl Reloader {
    /// Reads the operator's files anew. A new list of revoked certificates acts on open connections too, with their
    /// next request.
    ///
    /// # Errors
    /// [`AppError::Files`] with everything that is wrong; the state before stays in force.
    pub fn reload(&self) -> Result<(), AppError> {
        let (active_config, operators) = load_in_force(&self.settings, &self.clock)?;
        self.service.replace(active_config);
        self.operators.replace(operators);
        Ok(())
    }

    fn reload_and_log(&self) {
        match self.reload() {
            Ok(()) => tracing::info!("policy, certificates and revocation lists were read anew"),
            Err(error) => tracing::error!(%error, "the new state is refused; the one before stays in force"),
        }
    }

    /// Logs what is not as it should be, though the service runs.
    fn warn(&self) {
        if self.settings.tls.revocation == RevocationFiles::None {
            tracing::warn!("revocation = \"none\": revoked certificates are let in");
        }
    }

    /// The issuers whose callers are refused at this moment, and why.
    fn closed_issuers(&self) -> BTreeSet<(String, &'static str)> {
        let active_config = self.service.active_config();
        let closed = active_config.client_verifier.trust().closed_issuers(self.clock.now());
        closed.map(|(issuer, why)| (issuer.subject_text(), why.code())).collect()
    }

    /// What the files look like from outside: when it changes, something was written.
    fn stamp(&self) -> Vec<(PathBuf, Option<(u64, SystemTime)>)> {
        let of_operators = self.settings.admin_tls.iter().flat_map(OperatorFiles::paths);
        let paths = self.settings.tls.paths().chain([&self.settings.policy]).chain(of_operators);
        let files = paths.flat_map(|path| files_of(path).unwrap_or_else(|_| vec![path.clone()]));
        let look = |file: &PathBuf| fs::metadata(file).and_then(|seen| Ok((seen.len(), seen.modified()?))).ok();
        files.map(|file| (file.clone(), look(&file))).collect()
    }
}

/// Follows what changes outside, for as long as the service runs.
pub(super) async fn follow(reloader: Reloader, overview: Arc<Overview>, notifier: Arc<Notifier>) {
    reloader.warn();
    let mut hang_up = signal(SignalKind::hangup()).ok();
    let mut ticks = tokio::time::interval(WATCH_INTERVAL);
    let (mut loaded, mut closed) = (reloader.stamp(), BTreeSet::new());
    let mut before = loaded.clone();
    let mut tick: u32 = 0;
    loop {
        let hung_up = async {
            match &mut hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = hung_up => {
                notifier.reloading();
                reloader.reload_and_log();
                notifier.ready(&overview.sentence());
                loaded = reloader.stamp();
            }
            _ = ticks.tick() => {
                overview.readers.refresh();
                tick = tick.wrapping_add(1);
                if tick.is_multiple_of(TICKS_A_LOOK) {
                    overview.probe();
                    notifier.alive(&overview.sentence());
                    // Taken once it stood still for a second: files are written one after the other.
                    let now = reloader.stamp();
                    if now != loaded && now == before {
                        reloader.reload_and_log();
                        loaded.clone_from(&now);
                    }
                    before = now;
                    let closed_now = reloader.closed_issuers();
                    for (issuer, why) in closed_now.difference(&closed) {
                        tracing::error!(issuer, why, "this issuer is closed: its callers are refused");
                    }
                    closed = closed_now;
                }
            }
        }
    }
}
