//! A run: one feed's notification, the plan, and what became of it.

use std::error::Error;
use std::io;
use std::path::Path;

use super::monitor::{Monitor, Phase};
use super::plan::{Plan, files, plan};
use super::source::Visited;
use super::{Failure, Feed, Outcome, Refusal, Report, Settings, SnapshotReason, rejected};
use crate::feed::{Notification, NotificationError, SignatureError, Vouched};
use crate::store::{self, CachedNotification, KnownFile, StoreError, Writer};
use ehealth_core::model::Clock;

/// The feeds that are followed: what was set, and what may be watched meanwhile.
#[derive(Debug)]
pub struct Feeds {
    settings: Settings,
    monitor: Monitor,
}

impl Feeds {
    /// Follows these feeds. Nothing is touched before the first run.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, monitor: Monitor::default() }
    }

    /// The feeds and where what they bring is kept.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What their runs are doing.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Runs every feed, one after the other. How one of them ends changes nothing for the next.
    pub fn run_all(&self, clock: &dyn Clock) -> Vec<Report> {
        self.settings.feeds.iter().map(|feed| self.run(feed, clock)).collect()
    }

    /// Runs one feed. The outcome is logged here, and added to the dataset's history.
    pub fn run(&self, feed: &Feed, clock: &dyn Clock) -> Report {
        let (dataset, outcome) = (feed.dataset, Outcome::Skipped);
        let mut report = Report { dataset, outcome, serial: None, records: 0, rejected: 0 };
        let activity = self.monitor.activity(dataset);
        let mut trouble = None;
        match Writer::open(&self.settings.data, dataset) {
            Ok(mut writer) => {
                activity.enter(Phase::Asking);
                match self.follow(&mut writer, feed, clock, &mut report) {
                    Ok(outcome) => report.outcome = outcome,
                    // Whatever failed after the word to stop failed because of it, unless an offer was judged.
                    Err(error) if self.monitor.is_stopped() && !matches!(error.outcome(), Outcome::Refused(_)) => {
                        report.outcome = Outcome::Failed(Failure::Stopped);
                    }
                    Err(error) => {
                        report.outcome = error.outcome();
                        trouble = Some(error);
                    }
                }
                report.serial = writer.standing().ok().and_then(|standing| standing.state).map(|state| state.serial);
                let run = store::Run {
                    code: report.outcome.code(),
                    at: clock.now(),
                    records: report.records,
                    rejected: report.rejected,
                };
                if let Err(error) = writer.record(&run) {
                    tracing::error!(dataset = dataset.code(), error = chain(&error), "cannot add to the history");
                }
            }
            Err(StoreError::Busy) => {}
            Err(error) => {
                report.outcome = Outcome::Failed(Failure::Store);
                trouble = Some(Trouble::Store(error));
            }
        }
        log(&report, trouble.as_ref());
        activity.end(report, clock.now());
        report
    }

    fn follow(
        &self,
        writer: &mut Writer,
        feed: &Feed,
        clock: &dyn Clock,
        report: &mut Report,
    ) -> Result<Outcome, Trouble> {
        rejected::sweep(&self.settings.rejected, feed.dataset).map_err(Trouble::Rejected)?;
        writer.limit_file(feed.bytes_max)?;
        let visited = Visited::begin(&feed.source, feed.dataset, &self.monitor, clock.now())?;
        let (notification, notice) = read_notification(feed, &visited, writer.notice()?)?;
        let plan = plan(&writer.standing()?, &notification);
        tracing::debug!(dataset = feed.dataset.code(), ?plan, serial = notification.serial, "planned");
        let mut run = Run {
            feed,
            clock,
            notification: &notification,
            visited: &visited,
            monitor: &self.monitor,
            rejected_folder: &self.settings.rejected,
            records: 0,
            rejected: 0,
        };
        let done = run.carry_out(writer, plan);
        report.records = run.records;
        report.rejected = run.rejected;
        let (outcome, bad_delta) = done?;
        // A delta that failed is not remembered: its publisher may put it right.
        let known: Vec<KnownFile> = files(&notification)
            .filter(|file| (file.kind, Some(file.serial)) != (store::FileKind::Delta, bad_delta))
            .collect();
        writer.renew(notification.created, &known, notice.as_ref())?;
        Ok(outcome)
    }
}

/// Runs every feed once, one after the other.
pub fn run_all(settings: &Settings, clock: &dyn Clock) -> Vec<Report> {
    Feeds::new(settings.clone()).run_all(clock)
}

/// Reads the notification; where the feed has a signer, only after its signature was found to be right. A web server
/// that sends again what `last` holds may say just that; it is judged as if it had sent it.
fn read_notification(
    feed: &Feed,
    visited: &Visited<'_>,
    last: Option<CachedNotification>,
) -> Result<(Notification, Option<CachedNotification>), Trouble> {
    let (document, notice) = visited.notification(last)?;
    let vouched = match &feed.signer {
        None => None,
        Some(signer) => {
            let note = visited.signature().map_err(|trouble| match trouble {
                Trouble::Refused(Refusal::MissingFile) => Trouble::Refused(Refusal::Signature),
                trouble => trouble,
            })?;
            Some(signer.verify(&note, &document, feed.dataset).map_err(Trouble::Signature)?)
        }
    };
    let notification = Notification::parse(&document).map_err(Trouble::Notification)?;
    let said = Vouched { session: notification.session, serial: notification.serial };
    if vouched.is_some_and(|vouched| vouched != said) {
        return Err(Trouble::Signature(SignatureError::Elsewhere));
    }
    if notification.dataset != feed.dataset {
        return Err(Trouble::Refused(Refusal::Notification));
    }
    Ok((notification, notice))
}

/// What keeps a run from reaching the publisher's serial.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the offer is refused")]
    Refused(Refusal),
    #[error("the notification is refused")]
    Notification(#[source] NotificationError),
    #[error("the notification is not vouched for")]
    Signature(#[source] SignatureError),
    #[error("the feed cannot be read")]
    Source(#[source] io::Error),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("rejected records cannot be written")]
    Rejected(#[source] io::Error),
}

impl Trouble {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(refusal) => Outcome::Refused(*refusal),
            Self::Signature(_) => Outcome::Refused(Refusal::Signature),
            Self::Notification(NotificationError::Uri) => Outcome::Refused(Refusal::Uri),
            Self::Notification(
                NotificationError::TooLong
                | NotificationError::Markup
                | NotificationError::Structure
                | NotificationError::Value
                | NotificationError::Chain,
            ) => Outcome::Refused(Refusal::Notification),
            Self::Source(_) => Outcome::Failed(Failure::Source),
            Self::Store(_) | Self::Rejected(_) => Outcome::Failed(Failure::Store),
        }
    }
}

/// What the steps of a run share.
pub(super) struct Run<'a> {
    pub feed: &'a Feed,
    pub clock: &'a dyn Clock,
    pub notification: &'a Notification,
    pub visited: &'a Visited<'a>,
    pub monitor: &'a Monitor,
    pub rejected_folder: &'a Path,
    pub records: u64,
    pub rejected: u64,
}

impl Run<'_> {
    /// Follows the plan to the publisher's serial; tells which delta had to be gone around, if one had.
    fn carry_out(&mut self, writer: &mut Writer, plan: Plan) -> Result<(Outcome, Option<u64>), Trouble> {
        match plan {
            Plan::Nothing => Ok((Outcome::Nothing, None)),
            Plan::Refuse(refusal) => Err(Trouble::Refused(refusal)),
            Plan::Snapshot(reason) => self.take_snapshot(writer, reason).map(|outcome| (outcome, None)),
            Plan::Deltas { from } => match self.take_deltas(writer, from) {
                Ok(()) => Ok((Outcome::Deltas, None)),
                Err((serial, Trouble::Refused(refusal))) if refusal != Refusal::Shrunk => {
                    tracing::warn!(
                        dataset = self.feed.dataset.code(),
                        serial,
                        refusal = Outcome::Refused(refusal).code(),
                        "a delta cannot be applied"
                    );
                    if self.notification.snapshot.serial < serial {
                        return Err(Trouble::Refused(Refusal::BadDelta));
                    }
                    let outcome = self.take_snapshot(writer, SnapshotReason::BadDelta)?;
                    Ok((outcome, Some(serial)))
                }
                Err((_, trouble)) => Err(trouble),
            },
        }
    }

    fn take_snapshot(&mut self, writer: &mut Writer, reason: SnapshotReason) -> Result<Outcome, Trouble> {
        let snapshot = &self.notification.snapshot;
        self.load_snapshot(writer, snapshot)?;
        match self.take_deltas(writer, snapshot.serial.saturating_add(1)) {
            Ok(()) => Ok(Outcome::Snapshot(reason)),
            Err((_, Trouble::Refused(refusal))) if refusal != Refusal::Shrunk => {
                Err(Trouble::Refused(Refusal::BadDelta))
            }
            Err((_, trouble)) => Err(trouble),
        }
    }

    /// Applies the deltas from a serial on, each in a transaction of its own; tells which one failed.
    fn take_deltas(&mut self, writer: &mut Writer, from: u64) -> Result<(), (u64, Trouble)> {
        let notification = self.notification;
        for (serial, delta) in notification.deltas.range(from..) {
            self.apply_delta(writer, delta).map_err(|trouble| (*serial, trouble))?;
        }
        Ok(())
    }
}

fn log(report: &Report, trouble: Option<&Trouble>) {
    let Report { dataset, outcome, serial, records, rejected } = *report;
    let (dataset, outcome_code) = (dataset.code(), outcome.code());
    match (outcome, trouble) {
        (Outcome::Failed(_), trouble) => {
            let error = trouble.map(|trouble| chain(trouble));
            tracing::error!(dataset, outcome = outcome_code, serial, records, rejected, error, "run failed");
        }
        (Outcome::Refused(_), trouble) => {
            let error = trouble.map(|trouble| chain(trouble));
            tracing::warn!(dataset, outcome = outcome_code, serial, records, rejected, error, "offer refused");
        }
        (Outcome::Nothing | Outcome::Deltas | Outcome::Snapshot(_) | Outcome::Skipped, _) => {
            tracing::info!(dataset, outcome = outcome_code, serial, records, rejected, "run ended");
        }
    }
}

/// An error and what caused it, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
