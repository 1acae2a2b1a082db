//! Runs feeds: opens the dataset, reads the notification, executes the plan, and records the
//! outcome.

use super::convert::known_files;
use super::error::{FileFault, RunError};
use super::load::Loader;
use super::monitor::{Monitor, Phase};
use super::plan::plan;
use super::rejected_file::remove_leftovers;
use super::report::{Report, log, with_causes};
use super::run::execute;
use super::settings::{Feed, Settings};
use super::source::OpenFeed;
use crate::feed::{Notification, SignatureError, SignedClaims};
use crate::outcome::{Failure, Outcome, Refusal};
use crate::store::{self, CachedNotification, KnownFile, StoreError, Writer};
use ehealth_core::model::Clock;

/// The feeds with their settings and the monitor of their runs.
#[derive(Debug)]
pub struct Feeds {
    settings: Settings,
    monitor: Monitor,
}

impl Feeds {
    /// Makes the feeds. No file is opened before the first run.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, monitor: Monitor::default() }
    }

    /// Settings of the feeds.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Monitor of the runs.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Runs every feed, one after the other. The outcome of one changes nothing for the next.
    pub fn run_all(&self, clock: &dyn Clock) -> Vec<Report> {
        self.settings.feeds.iter().map(|feed| self.run(feed, clock)).collect()
    }

    /// Runs one feed. Logs the outcome and adds it to the dataset's history.
    pub fn run(&self, feed: &Feed, clock: &dyn Clock) -> Report {
        let (dataset, outcome) = (feed.dataset, Outcome::Skipped);
        let mut report = Report { dataset, outcome, serial: None, records: 0, rejected: 0, reason: None };
        let activity = self.monitor.activity(dataset);
        match Writer::open(&self.settings.data, dataset) {
            Ok(mut writer) => {
                activity.enter(Phase::Asking);
                match self.synchronise(&mut writer, feed, clock, &mut report) {
                    Ok(outcome) => report.outcome = outcome,
                    // A failure after the stop signal is a consequence of it, a refusal is not.
                    Err(error) if self.monitor.is_stopped() && !matches!(error.outcome(), Outcome::Refused(_)) => {
                        report.outcome = Outcome::Failed(Failure::Stopped);
                    }
                    Err(error) => {
                        report.outcome = error.outcome();
                        report.reason = Some(with_causes(&error));
                    }
                }
                report.serial = writer.loaded_state().ok().and_then(|loaded| loaded.state).map(|state| state.serial);
                let Report { outcome, records, rejected, .. } = report;
                let run = store::Run { outcome, at: clock.now(), records, rejected };
                if let Err(error) = writer.record(&run) {
                    tracing::error!(dataset = dataset.code(), error = with_causes(&error), "cannot write the history");
                }
            }
            Err(StoreError::Busy) => {}
            Err(error) => {
                report.outcome = Outcome::Failed(Failure::Store);
                report.reason = Some(with_causes(&RunError::Store(error)));
            }
        }
        log(&report);
        activity.end(report.clone(), clock.now());
        report
    }

    fn synchronise(
        &self,
        writer: &mut Writer,
        feed: &Feed,
        clock: &dyn Clock,
        report: &mut Report,
    ) -> Result<Outcome, RunError> {
        remove_leftovers(&self.settings.rejected, feed.dataset).map_err(RunError::Rejected)?;
        writer.limit_file(feed.bytes_max)?;
        let source = OpenFeed::open(&feed.source, feed.dataset, &self.monitor, clock.now())?;
        let (notification, cached) = read_notification(feed, &source, writer.cached_notification()?)?;
        let now = clock.now();
        let plan = plan(&writer.loaded_state()?, &notification, now);
        tracing::debug!(dataset = feed.dataset.code(), ?plan, serial = notification.serial, "plan made");
        let mut loader = Loader {
            feed,
            clock,
            notification: &notification,
            source: &source,
            monitor: &self.monitor,
            rejected_folder: &self.settings.rejected,
            space: self.settings.space_guard(),
            records: 0,
            rejected: 0,
        };
        let executed = execute(&mut loader, writer, plan);
        report.records = loader.records;
        report.rejected = loader.rejected;
        let executed = executed?;
        // A delta that could not be applied is not remembered: its publisher may correct it.
        let known: Vec<KnownFile> = known_files(&notification)
            .filter(|file| (file.kind, Some(file.serial)) != (store::FileKind::Delta, executed.bad_delta))
            .collect();
        writer.renew(notification.created, now, &known, cached.as_ref())?;
        Ok(executed.outcome)
    }
}

/// Runs every feed once, one after the other.
pub fn run_all(settings: &Settings, clock: &dyn Clock) -> Vec<Report> {
    Feeds::new(settings.clone()).run_all(clock)
}

/// Reads the notification. If the feed has a signer, the signature is verified before the document
/// is parsed. A web server may say that the cached notification is still current; it is then
/// validated as if it had been sent.
fn read_notification(
    feed: &Feed,
    source: &OpenFeed<'_>,
    cached: Option<CachedNotification>,
) -> Result<(Notification, Option<CachedNotification>), RunError> {
    let (document, cached) = source.notification(cached)?;
    let signed = match &feed.signer {
        None => None,
        Some(signer) => {
            let note = source.signature().map_err(|error| match error.refusal() {
                Some(Refusal::MissingFile) => RunError::Signature(SignatureError::Missing),
                Some(_) | None => error,
            })?;
            Some(signer.verify(&note, &document, feed.dataset).map_err(RunError::Signature)?)
        }
    };
    let notification = Notification::parse(&document)
        .map_err(|error| RunError::Notification { file: source.place(Notification::FILE_NAME), error })?;
    let parsed = SignedClaims { session: notification.session, serial: notification.serial };
    if signed.is_some_and(|signed| signed != parsed) {
        return Err(RunError::Signature(SignatureError::OtherNotification));
    }
    if notification.dataset != feed.dataset {
        let reason = FileFault::OtherDataset(notification.dataset.code());
        return Err(source.refuse(Notification::FILE_NAME, reason));
    }
    Ok((notification, cached))
}
