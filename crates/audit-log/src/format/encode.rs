//! Encodes records (docs/reference/audit-log-format.md "Record").
//!
//! Each function appends one frame and returns its leaf hash, or leaves the buffer unchanged.
//! Nothing is written to a disk here.

use ehealth_core::lookup::{ExchangeRecord, Relay, SuppressedRequests};
use ehealth_core::model::{Application, Dataset, DatasetStates, Digest, LegalContext, Window};
use ehealth_core::policy::Rule;

use super::codes::{
    EXCHANGE, INTERRUPTION, NO_DAY, PRUNING, SEGMENT_BEGUN, SUPPRESSED, VERSION, VERSION_EXCHANGE, VERSION_NEW_KINDS,
    VOUCHED, cause_number, operation_number, present,
};
use super::detail::DetailKey;
use super::enterprise::encode_number;
use super::frame::{self, TooLong};
use super::record::{Interruption, Pruning, RecordHeader, SegmentBegun, Vouched};
use super::subject::SubjectKey;

/// Appends the frame of a segment-begun record.
pub(crate) fn segment_begun(out: &mut Vec<u8>, header: &RecordHeader, begun: &SegmentBegun) -> Result<Digest, TooLong> {
    frame::append(out, |out| {
        put_header(out, SEGMENT_BEGUN, header);
        out.extend_from_slice(&begun.month.year().to_be_bytes());
        out.push(begun.month.number());
        out.extend_from_slice(&begun.detail_key.0);
        out.extend_from_slice(&begun.subject_key.0);
        out.push(u8::try_from(begun.tree.roots().len()).map_err(|_| TooLong)?);
        begun.tree.roots().iter().for_each(|root| out.extend_from_slice(root.as_bytes()));
        Ok(())
    })
}

/// Appends the frame of an interruption record.
pub(crate) fn interruption(out: &mut Vec<u8>, header: &RecordHeader, what: &Interruption) -> Result<Digest, TooLong> {
    frame::append(out, |out| {
        put_header(out, INTERRUPTION, header);
        out.extend_from_slice(&what.since.as_millis().to_be_bytes());
        out.extend_from_slice(&what.refused.to_be_bytes());
        out.push(cause_number(what.cause));
        Ok(())
    })
}

/// Appends the frame of a pruning record.
pub(crate) fn pruning(out: &mut Vec<u8>, header: &RecordHeader, what: &Pruning) -> Result<Digest, TooLong> {
    frame::append(out, |out| {
        put_header(out, PRUNING, header);
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

/// Appends the frame of a vouched record.
pub(crate) fn vouched(out: &mut Vec<u8>, header: &RecordHeader, what: &Vouched) -> Result<Digest, TooLong> {
    frame::append(out, |out| {
        put_versioned_header(out, VERSION_NEW_KINDS, VOUCHED, header);
        out.extend_from_slice(&what.records.to_be_bytes());
        out.extend_from_slice(what.root.as_bytes());
        Ok(())
    })
}

/// Appends the frame of a record of suppressed requests.
pub(crate) fn suppressed(
    out: &mut Vec<u8>,
    header: &RecordHeader,
    requests: &SuppressedRequests,
) -> Result<Digest, TooLong> {
    frame::append(out, |out| {
        put_versioned_header(out, VERSION_NEW_KINDS, SUPPRESSED, header);
        out.extend_from_slice(&requests.since.as_millis().to_be_bytes());
        out.extend_from_slice(&requests.until.as_millis().to_be_bytes());
        out.extend_from_slice(requests.fingerprint.as_bytes());
        out.extend_from_slice(&encode_number(requests.caller));
        out.extend_from_slice(&requests.count.to_be_bytes());
        Ok(())
    })
}

/// Appends the frame of an exchange record. `is_unreplicated`: its answer does not wait for a copy on
/// another machine.
pub(crate) fn exchange(
    out: &mut Vec<u8>,
    header: &RecordHeader,
    exchange: &ExchangeRecord,
    (detail_key, subject_key): (&DetailKey, &SubjectKey),
    is_unreplicated: bool,
) -> Result<Digest, TooLong> {
    frame::append(out, |out| {
        let record = out.len();
        put_versioned_header(out, VERSION_EXCHANGE, EXCHANGE, header);
        out.extend_from_slice(&exchange.received.as_millis().to_be_bytes());
        out.extend_from_slice(exchange.ticket.as_bytes());
        out.extend_from_slice(exchange.fingerprint.as_bytes());
        out.extend_from_slice(&encode_number(exchange.caller));
        out.extend_from_slice(&encode_number(exchange.organisation));
        out.push(operation_number(exchange.operation));
        // An SSIN never replaces itself. If it did, one token would do.
        let successor = exchange.replaced_by.filter(|_| exchange.replaced_by != exchange.subject);
        let end_user = exchange.end_user.as_ref();
        let bit = |is_present: bool, bit: u8| if is_present { bit } else { 0 };
        out.push(
            bit(successor.is_some(), present::SUCCESSOR)
                | bit(end_user.is_some(), present::END_USER)
                | bit(exchange.policy.is_some(), present::POLICY)
                | bit(exchange.relay.is_some(), present::RELAY)
                | bit(exchange.signature.is_some(), present::SIGNATURE)
                | bit(is_unreplicated, present::UNREPLICATED),
        );
        out.extend_from_slice(&exchange.fields.bits().to_be_bytes());
        put_window(out, exchange.window);
        out.push(u8::from(exchange.subject.is_some()));
        out.extend_from_slice(&exchange.subject.map_or([0; 32], |subject| subject_key.token(subject).0));
        successor.iter().for_each(|successor| out.extend_from_slice(&subject_key.token(*successor).0));
        end_user.iter().for_each(|user| out.extend_from_slice(&subject_key.end_user_token(user.id()).0));
        exchange.policy.iter().for_each(|policy| out.extend_from_slice(policy.as_bytes()));
        put_relay(out, exchange.relay.as_ref());
        put_datasets(out, &exchange.datasets);
        put_short(out, exchange.outcome.code())?;
        put_short(out, exchange.deliberation.as_ref().map_or("", |deliberation| deliberation.as_str()))?;
        put_short(out, exchange.context.as_ref().map_or("", LegalContext::code))?;
        put_short(out, exchange.application.as_ref().map_or("", Application::as_str))?;
        put_short(out, exchange.rule.map_or("", Rule::code))?;
        let associated = out.get(record..).unwrap_or_default();
        let encrypted = detail_key.encrypt(exchange, header.nonce(), associated)?;
        out.extend_from_slice(&u32::try_from(encrypted.len()).map_err(|_| TooLong)?.to_be_bytes());
        out.extend_from_slice(&encrypted);
        Ok(())
    })
}

fn put_header(out: &mut Vec<u8>, kind: u8, header: &RecordHeader) {
    put_versioned_header(out, VERSION, kind, header);
}

fn put_versioned_header(out: &mut Vec<u8>, version: u8, kind: u8, header: &RecordHeader) {
    out.extend_from_slice(&[version, kind]);
    out.extend_from_slice(&header.sequence.to_be_bytes());
    out.extend_from_slice(&header.unproven.to_be_bytes());
    out.extend_from_slice(&header.recorded.as_millis().to_be_bytes());
    out.extend_from_slice(&header.salt);
}

fn put_relay(out: &mut Vec<u8>, relay: Option<&Relay>) {
    let Some(relay) = relay else { return };
    out.extend_from_slice(&encode_number(Some(relay.organisation)));
    out.extend_from_slice(relay.fingerprint.as_bytes());
}

fn put_window(out: &mut Vec<u8>, window: Option<Window>) {
    let [from, to] = window.map_or([NO_DAY; 2], |window| [window.from().as_days(), window.to().as_days()]);
    out.extend_from_slice(&from.to_be_bytes());
    out.extend_from_slice(&to.to_be_bytes());
}

fn put_datasets(out: &mut Vec<u8>, datasets: &DatasetStates) {
    for dataset in Dataset::ALL {
        let state = datasets.get(dataset);
        out.extend_from_slice(&state.map_or(0, |state| state.serial).to_be_bytes());
        out.extend_from_slice(&state.map_or(0, |state| state.created.as_millis()).to_be_bytes());
    }
}

fn put_short(out: &mut Vec<u8>, text: &str) -> Result<(), TooLong> {
    out.push(u8::try_from(text.len()).map_err(|_| TooLong)?);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}
