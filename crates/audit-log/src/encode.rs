//! Records into bytes, as the room's documentation lays them out.
//!
//! Each function appends one whole frame, or leaves the buffer as it was. Nothing is written to a disk here.

use ehealth_core::lookup::{ExchangeRecord, Operation};
use ehealth_core::model::{Dataset, DatasetStates, Digest, LegalContext, Window};

use super::frame::{self, TooLong};
use super::record::{Cause, Interruption, Pruning, SegmentBegun, Stamp};
use super::seal::{DetailKey, SubjectKey, encode_number};

/// The version of the records that are written.
pub(super) const VERSION: u8 = 1;
/// The version of an exchange about a number that was replaced: it has a second subject token.
pub(super) const VERSION_REPLACED: u8 = 2;
/// Kind: a segment was begun.
pub(super) const SEGMENT_BEGUN: u8 = 1;
/// Kind: somebody asked.
pub(super) const EXCHANGE: u8 = 2;
/// Kind: the trail could not be written, and can again.
pub(super) const INTERRUPTION: u8 = 3;
/// Kind: months past retention were removed.
pub(super) const PRUNING: u8 = 4;
/// Stands for "no day".
pub(super) const NO_DAY: i32 = i32::MIN;

/// Appends the frame of a segment's first record; its leaf hash.
pub(super) fn segment_begun(out: &mut Vec<u8>, stamp: &Stamp, begun: &SegmentBegun) -> Result<Digest, TooLong> {
    frame::append(out, |out| {
        put_stamp(out, SEGMENT_BEGUN, stamp);
        out.extend_from_slice(&begun.month.year().to_be_bytes());
        out.push(begun.month.number());
        out.extend_from_slice(&begun.detail_key.0);
        out.extend_from_slice(&begun.subject_key.0);
        out.push(u8::try_from(begun.tree.roots().len()).map_err(|_| TooLong)?);
        begun.tree.roots().iter().for_each(|root| out.extend_from_slice(root.as_bytes()));
        Ok(())
    })
}

/// Appends the frame of an interruption; its leaf hash.
pub(super) fn interruption(out: &mut Vec<u8>, stamp: &Stamp, what: &Interruption) -> Result<Digest, TooLong> {
    frame::append(out, |out| {
        put_stamp(out, INTERRUPTION, stamp);
        out.extend_from_slice(&what.since.as_millis().to_be_bytes());
        out.extend_from_slice(&what.refused.to_be_bytes());
        out.push(cause_number(what.cause));
        Ok(())
    })
}

/// Appends the frame of a pruning; its leaf hash.
pub(super) fn pruning(out: &mut Vec<u8>, stamp: &Stamp, what: &Pruning) -> Result<Digest, TooLong> {
    frame::append(out, |out| {
        put_stamp(out, PRUNING, stamp);
        out.extend_from_slice(&what.until.to_be_bytes());
        out.extend_from_slice(&u16::try_from(what.segments.len()).map_err(|_| TooLong)?.to_be_bytes());
        for segment in &what.segments {
            out.extend_from_slice(&segment.first.to_be_bytes());
            out.extend_from_slice(&segment.month.year().to_be_bytes());
            out.push(segment.month.number());
            out.extend_from_slice(segment.root.as_bytes());
        }
        Ok(())
    })
}

/// Appends the frame of an exchange; its leaf hash.
pub(super) fn exchange(
    out: &mut Vec<u8>,
    stamp: &Stamp,
    entry: &ExchangeRecord,
    detail_key: &DetailKey,
    subject_key: &SubjectKey,
) -> Result<Digest, TooLong> {
    frame::append(out, |out| {
        let record = out.len();
        // A number is never its own successor; were it, one token would do.
        let successor = entry.replaced_by.filter(|_| entry.replaced_by != entry.subject);
        put_start(out, successor.map_or(VERSION, |_| VERSION_REPLACED), EXCHANGE, stamp);
        out.extend_from_slice(&entry.received.as_millis().to_be_bytes());
        out.extend_from_slice(entry.ticket.as_bytes());
        out.extend_from_slice(entry.fingerprint.as_bytes());
        out.extend_from_slice(&encode_number(entry.caller));
        out.extend_from_slice(&encode_number(entry.organisation));
        out.push(operation_number(entry.operation));
        out.push(entry.context.map_or(0, context_number));
        out.extend_from_slice(&entry.fields.bits().to_be_bytes());
        put_window(out, entry.window);
        out.push(u8::from(entry.subject.is_some()));
        out.extend_from_slice(&entry.subject.map_or([0; 32], |subject| subject_key.token(subject).0));
        successor.iter().for_each(|successor| out.extend_from_slice(&subject_key.token(*successor).0));
        put_datasets(out, &entry.datasets);
        put_short(out, entry.outcome.code())?;
        put_short(out, entry.deliberation.as_ref().map_or("", |deliberation| deliberation.as_str()))?;
        let ticket = entry.customer_ticket.as_deref();
        let associated = out.get(record..).unwrap_or_default();
        let sealed =
            detail_key.seal(entry.subject, &entry.disclosed, ticket, entry.replaced_by, nonce(stamp), associated)?;
        out.extend_from_slice(&u32::try_from(sealed.len()).map_err(|_| TooLong)?.to_be_bytes());
        out.extend_from_slice(&sealed);
        Ok(())
    })
}

/// The nonce of a record's sealed detail.
pub(super) fn nonce(stamp: &Stamp) -> [u8; 12] {
    stamp.salt.first_chunk().copied().unwrap_or_default()
}

fn put_stamp(out: &mut Vec<u8>, kind: u8, stamp: &Stamp) {
    put_start(out, VERSION, kind, stamp);
}

fn put_start(out: &mut Vec<u8>, version: u8, kind: u8, stamp: &Stamp) {
    out.extend_from_slice(&[version, kind]);
    out.extend_from_slice(&stamp.sequence.to_be_bytes());
    out.extend_from_slice(&stamp.unproven.to_be_bytes());
    out.extend_from_slice(&stamp.recorded.as_millis().to_be_bytes());
    out.extend_from_slice(&stamp.salt);
}

fn put_window(out: &mut Vec<u8>, window: Option<Window>) {
    let [from, to] = window.map_or([NO_DAY; 2], |window| [window.from().as_days(), window.to().as_days()]);
    out.extend_from_slice(&from.to_be_bytes());
    out.extend_from_slice(&to.to_be_bytes());
}

fn put_datasets(out: &mut Vec<u8>, datasets: &DatasetStates) {
    for dataset in Dataset::ALL {
        let state = datasets.state(dataset);
        out.extend_from_slice(&state.map_or(0, |state| state.serial).to_be_bytes());
        out.extend_from_slice(&state.map_or(0, |state| state.created.as_millis()).to_be_bytes());
    }
}

fn put_short(out: &mut Vec<u8>, text: &str) -> Result<(), TooLong> {
    out.push(u8::try_from(text.len()).map_err(|_| TooLong)?);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// The number of an operation.
pub(super) fn operation_number(operation: Operation) -> u8 {
    match operation {
        Operation::ConsultAttributes => 1,
        Operation::SendTestMessage => 2,
    }
}

/// The number of a legal context; 0 is none.
pub(super) fn context_number(context: LegalContext) -> u8 {
    match context {
        LegalContext::AdvisoryPhysician => 1,
        LegalContext::PreventionService => 2,
        LegalContext::EhealthPlatform => 3,
    }
}

/// The number of a cause.
pub(super) fn cause_number(cause: Cause) -> u8 {
    match cause {
        Cause::DiskFull => 1,
        Cause::Io => 2,
        Cause::Key => 3,
    }
}
