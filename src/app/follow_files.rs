//! The following thread: datasets that another process replaced, the operator's files, reloads.
//!
//! Everything here may wait for a disk, so no code that answers requests calls it.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::finding::Finding;
use super::reload::{Fingerprint, Reloader};
use super::reload_status;
use super::standing::StandingLog;
use crate::server::Readers;

/// Interval between two checks of the datasets' folder.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// The operator's files are checked once in this many intervals: once a second.
const INTERVALS_PER_CHECK: u32 = 4;

/// Certificates are checked once in this many intervals: once a minute.
const INTERVALS_PER_STANDING: u32 = 240;

/// Work for the following thread.
pub(super) enum Command {
    /// Reload, and say when that is done.
    Reload(oneshot::Sender<()>),
    /// Publish the result of the last reload.
    Publish,
}

/// Follows changes until the handle is dropped.
pub(super) fn follow_until_end(reloader: &Reloader, readers: &Readers, commands: &Receiver<Command>) {
    let mut state = Followed::new(reloader);
    let mut count: u32 = 0;
    let mut hangups: u64 = 0;
    loop {
        match commands.recv_timeout(WATCH_INTERVAL) {
            Ok(Command::Reload(done)) => {
                hangups = hangups.saturating_add(1);
                // Before the reload: a file that changes meanwhile is loaded again.
                let loaded = reloader.fingerprint();
                reloader.reload_and_log();
                state.loaded = loaded;
                let _ = done.send(());
            }
            Ok(Command::Publish) => {
                let file = reload_status::file_in(&reloader.settings.sync.data);
                if let Err(error) = reload_status::write(&file, hangups, &reloader.last_reload.report()) {
                    tracing::warn!(%error, "cannot write the result of the reload");
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                readers.refresh();
                count = count.wrapping_add(1);
                if count.is_multiple_of(INTERVALS_PER_CHECK) {
                    state.check(reloader);
                }
                if count.is_multiple_of(INTERVALS_PER_STANDING) {
                    state.log_standing(reloader);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// State of the last check.
struct Followed {
    /// Files that were loaded last.
    loaded: Fingerprint,
    /// Files at the last check.
    before: Fingerprint,
    /// Issuers whose clients were refused at the last check.
    refused: BTreeSet<(String, &'static str)>,
    /// What was logged of certificates.
    standing: StandingLog,
}

impl Followed {
    fn new(reloader: &Reloader) -> Self {
        let loaded = reloader.fingerprint();
        let mut standing = StandingLog::default();
        // The start has logged what holds now.
        let _ = standing.take_due(reloader.clock.now(), reloader.find_in_certificates());
        Self { before: loaded.clone(), loaded, refused: reloader.refused_issuers(), standing }
    }

    /// Logs an expired certificate when it expires, and once a day.
    fn log_standing(&mut self, reloader: &Reloader) {
        let due = self.standing.take_due(reloader.clock.now(), reloader.find_in_certificates());
        due.iter().for_each(Finding::log);
    }

    fn check(&mut self, reloader: &Reloader) {
        // Reload after one second without changes: an operator writes one file after the other.
        let now = reloader.fingerprint();
        if now != self.loaded && now == self.before {
            reloader.reload_and_log();
            self.loaded.clone_from(&now);
        }
        self.before = now;
        let refused = reloader.refused_issuers();
        for (issuer, reason) in refused.difference(&self.refused) {
            tracing::error!(issuer, reason, "clients of this issuer are refused: its CRL is not usable");
        }
        self.refused = refused;
    }
}
