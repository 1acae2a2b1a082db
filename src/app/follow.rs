//! The loop that follows changes from outside: datasets that another process replaced, the
//! operator's files, SIGHUP. Once a second it also checks the audit log and reports to systemd.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::finding::Finding;
use super::notify::Notifier;
use super::reload::{Fingerprint, Reloader};
use super::reporter::Reporter;
use super::standing::StandingLog;

/// Interval between two checks of the datasets' folder.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// Everything else is checked once in this many intervals: once a second.
const INTERVALS_PER_CHECK: u32 = 4;

/// Certificates are checked once in this many intervals: once a minute.
const INTERVALS_PER_STANDING: u32 = 240;

/// Follows changes as long as the service runs.
pub(super) async fn follow(reloader: Reloader, reporter: Arc<Reporter>, notifier: Arc<Notifier>) {
    let mut hangup = signal(SignalKind::hangup()).ok();
    let mut intervals = tokio::time::interval(WATCH_INTERVAL);
    let mut state = Followed::new(&reloader);
    let mut count: u32 = 0;
    loop {
        let hung_up = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = hung_up => {
                notifier.reloading();
                reloader.reload_and_log();
                notifier.ready(&reporter.summary());
                state.loaded = reloader.fingerprint();
            }
            _ = intervals.tick() => {
                reporter.readers.refresh();
                count = count.wrapping_add(1);
                if count.is_multiple_of(INTERVALS_PER_CHECK) {
                    reporter.probe_audit_log();
                    notifier.alive(&reporter.summary());
                    state.check(&reloader);
                }
                if count.is_multiple_of(INTERVALS_PER_STANDING) {
                    state.log_standing(&reloader);
                }
            }
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
