//! Executes the plan of a run.

use super::error::RunError;
use super::load::Loader;
use super::plan::Plan;
use super::report::with_causes;
use crate::outcome::{Outcome, Refusal, SnapshotReason};
use crate::store::Writer;

/// Result of a plan that reached the publisher's serial.
pub(super) struct Executed {
    pub outcome: Outcome,
    /// Serial of the delta that could not be applied, and that a snapshot replaced.
    pub bad_delta: Option<u64>,
}

/// Executes a plan until the dataset is at the publisher's serial.
pub(super) fn execute(loader: &mut Loader<'_>, writer: &mut Writer, plan: Plan) -> Result<Executed, RunError> {
    let outcome = match plan {
        Plan::Nothing => Outcome::Nothing,
        Plan::Refuse(refusal) => return Err(RunError::Refused(refusal)),
        Plan::Snapshot(reason) => load_snapshot(loader, writer, reason)?,
        Plan::Deltas { from } => match apply_deltas(loader, writer, from) {
            Ok(()) => Outcome::Deltas,
            Err((serial, error)) if is_bad_delta(&error) => return replace_bad_delta(loader, writer, serial, error),
            Err((_, error)) => return Err(error),
        },
    };
    Ok(Executed { outcome, bad_delta: None })
}

/// Whether a delta could not be applied because of its content. A loss of records needs an
/// operator's decision, whichever file leads to it.
fn is_bad_delta(error: &RunError) -> bool {
    error.refusal().is_some_and(|refusal| refusal != Refusal::Shrunk)
}

/// Loads the snapshot in place of a delta that could not be applied.
fn replace_bad_delta(
    loader: &mut Loader<'_>,
    writer: &mut Writer,
    serial: u64,
    error: RunError,
) -> Result<Executed, RunError> {
    if loader.notification.snapshot.serial < serial {
        return Err(RunError::BadDelta { serial, error: Box::new(error) });
    }
    tracing::warn!(
        dataset = loader.feed.dataset.code(),
        serial,
        refusal = error.outcome().code(),
        error = with_causes(&error),
        "delta refused; loading the snapshot"
    );
    let outcome = load_snapshot(loader, writer, SnapshotReason::BadDelta)?;
    Ok(Executed { outcome, bad_delta: Some(serial) })
}

fn load_snapshot(loader: &mut Loader<'_>, writer: &mut Writer, reason: SnapshotReason) -> Result<Outcome, RunError> {
    let snapshot = &loader.notification.snapshot;
    loader.load_snapshot(writer, snapshot)?;
    match apply_deltas(loader, writer, snapshot.serial.saturating_add(1)) {
        Ok(()) => Ok(Outcome::Snapshot(reason)),
        Err((serial, error)) if is_bad_delta(&error) => Err(RunError::BadDelta { serial, error: Box::new(error) }),
        Err((_, error)) => Err(error),
    }
}

/// Applies the deltas from a serial on, each in its own transaction. An error has the serial of the
/// failed delta.
fn apply_deltas(loader: &mut Loader<'_>, writer: &mut Writer, from: u64) -> Result<(), (u64, RunError)> {
    let notification = loader.notification;
    for (serial, delta) in notification.deltas.range(from..) {
        loader.apply_delta(writer, delta).map_err(|error| (*serial, error))?;
    }
    Ok(())
}
