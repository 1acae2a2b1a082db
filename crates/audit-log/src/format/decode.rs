//! Decodes records, and refuses everything that the encoder would not write.
//!
//! The bytes come from a sound frame, so their hash is verified. Whether the record is in its place
//! is for the caller to check.

use ehealth_core::lookup::{Operation, Relay, SuppressedRequests};
use ehealth_core::model::{
    Application, Dataset, DatasetState, DatasetStates, Date, Digest, EnterpriseNumber, Field, FieldSet, LegalContext,
    Ticket, Timestamp, Window,
};
use ehealth_core::policy::Deliberation;

use super::codes::{
    EXCHANGE, INTERRUPTION, NO_DAY, PRUNING, SEGMENT_BEGUN, SUPPRESSED, VERSION, VERSION_EXCHANGE, VERSION_NEW_KINDS,
    VERSION_REPLACED, VOUCHED, cause_number, context_of_number, operation_number, present,
};
use super::detail::EncryptedView;
use super::enterprise::parse_number;
use super::frame::Framed;
use super::key_id::KeyId;
use super::month::Month;
use super::record::{
    Event, Interruption, InterruptionCause, PrunedSegment, Pruning, Record, RecordHeader, SegmentBegun, Vouched,
};
use super::subject::{SubjectToken, Tokens};
use super::tree::Frontier;
use super::view::{ExchangeView, RecordView};

/// Reason why a record cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RecordError {
    /// A newer version of this software wrote it.
    #[error("record version {0} is not supported")]
    Version(u8),
    /// No version of this software wrote it.
    #[error("the record cannot be decoded")]
    Content,
}

/// Decodes the header of a record.
pub(crate) fn header(record: &[u8]) -> Result<RecordHeader, RecordError> {
    let mut bytes = Bytes(record);
    start(&mut bytes).map(|start| start.header)
}

/// Fields of an exchange that an index stores.
pub(crate) struct IndexedFields {
    pub(crate) ticket: Ticket,
    pub(crate) tokens: Tokens,
}

/// Decodes the indexed fields of an exchange; `None` for any other record and for bytes that are no
/// record.
pub(crate) fn indexed_fields(record: &[u8]) -> Option<IndexedFields> {
    let mut bytes = Bytes(record);
    let start = start(&mut bytes).ok()?;
    if start.kind != EXCHANGE {
        return None;
    }
    bytes.slice(8)?;
    let ticket = Ticket::new(bytes.array()?);
    bytes.slice(32 + 4 + 4 + 1)?;
    let byte = bytes.byte()?;
    bytes.slice(2 + 4 + 4)?;
    let tokens = tokens(&mut bytes, start.version, byte)?;
    Some(IndexedFields { ticket, tokens })
}

/// Whether a record begins a segment.
pub(crate) fn is_segment_begun(record: &[u8]) -> bool {
    record.get(1) == Some(&SEGMENT_BEGUN)
}

/// Decodes the record of a frame.
pub(crate) fn record(framed: Framed<'_>) -> Result<Record, RecordError> {
    view(framed).map(Record::from)
}

/// Decodes the record of a frame, without a copy of its texts.
pub(crate) fn view(framed: Framed<'_>) -> Result<RecordView<'_>, RecordError> {
    let mut bytes = Bytes(framed.record);
    let TypedHeader { header, kind, version } = start(&mut bytes)?;
    let event = match kind {
        SEGMENT_BEGUN => segment_begun(&mut bytes, &header).map(Event::SegmentBegun),
        EXCHANGE => exchange(&mut bytes, &header, version, framed.record).map(Event::Exchange),
        INTERRUPTION => interruption(&mut bytes).map(Event::Interruption),
        PRUNING => pruning(&mut bytes).map(Event::Pruning),
        VOUCHED => vouched(&mut bytes, &header).map(Event::Vouched),
        SUPPRESSED => suppressed(&mut bytes).map(Event::Suppressed),
        _ => None,
    };
    match event {
        Some(event) if bytes.0.is_empty() => Ok(RecordView { header, event, leaf: framed.leaf, bytes: framed.record }),
        _ => Err(RecordError::Content),
    }
}

/// The header with what decides the rest of the record.
struct TypedHeader {
    header: RecordHeader,
    kind: u8,
    version: u8,
}

fn start(bytes: &mut Bytes<'_>) -> Result<TypedHeader, RecordError> {
    let version = bytes.byte().ok_or(RecordError::Content)?;
    if !matches!(version, VERSION | VERSION_REPLACED | VERSION_NEW_KINDS | VERSION_EXCHANGE) {
        return Err(RecordError::Version(version));
    }
    let mut read = || {
        let kind = bytes.byte()?;
        let sequence = u64::from_be_bytes(bytes.array()?);
        let unproven = u32::from_be_bytes(bytes.array()?);
        let recorded = bytes.moment()?;
        let header = RecordHeader { sequence, unproven, recorded, salt: bytes.array()? };
        let fits = match kind {
            EXCHANGE => matches!(version, VERSION | VERSION_REPLACED | VERSION_EXCHANGE),
            VOUCHED | SUPPRESSED => version == VERSION_NEW_KINDS,
            _ => version == VERSION,
        };
        let sound = u64::from(unproven) <= sequence && fits;
        sound.then_some(TypedHeader { header, kind, version })
    };
    read().ok_or(RecordError::Content)
}

/// Decodes the tokens of an exchange. `byte` is the one before the disclosed fields: which parts
/// are present, in version 4.
fn tokens(bytes: &mut Bytes<'_>, version: u8, byte: u8) -> Option<Tokens> {
    let (known, token) = (bytes.byte()?, bytes.array()?);
    let subject = match known {
        0 if token == [0; 32] => None,
        1 => Some(SubjectToken(token)),
        _ => return None,
    };
    let has = |bit| version == VERSION_EXCHANGE && byte & bit != 0;
    let mut token = |is_present: bool| {
        if is_present { bytes.array().map(|token| Some(SubjectToken(token))) } else { Some(None) }
    };
    let successor = token(version == VERSION_REPLACED || has(present::SUCCESSOR))?;
    Some(Tokens { subject, successor, end_user: token(has(present::END_USER))? })
}

fn segment_begun(bytes: &mut Bytes<'_>, header: &RecordHeader) -> Option<SegmentBegun> {
    let month = bytes.month()?;
    let detail_key = KeyId(bytes.array()?);
    let subject_key = KeyId(bytes.array()?);
    let roots = (0..bytes.byte()?).map(|_| bytes.array().map(Digest::new)).collect::<Option<Vec<_>>>()?;
    let tree = Frontier::from_roots(header.sequence, roots)?;
    Some(SegmentBegun { month, detail_key, subject_key, tree })
}

fn interruption(bytes: &mut Bytes<'_>) -> Option<Interruption> {
    let since = bytes.moment()?;
    let refused = u64::from_be_bytes(bytes.array()?);
    let number = bytes.byte()?;
    let cause = InterruptionCause::ALL.into_iter().find(|cause| cause_number(*cause) == number)?;
    Some(Interruption { since, refused, cause })
}

fn pruning(bytes: &mut Bytes<'_>) -> Option<Pruning> {
    let until = u64::from_be_bytes(bytes.array()?);
    let count = u16::from_be_bytes(bytes.array()?);
    let mut segment = || {
        let first = u64::from_be_bytes(bytes.array()?);
        Some(PrunedSegment { first, month: bytes.month()?, root: Digest::new(bytes.array()?) })
    };
    Some(Pruning { until, segments: (0..count).map(|_| segment()).collect::<Option<_>>()? })
}

fn vouched(bytes: &mut Bytes<'_>, header: &RecordHeader) -> Option<Vouched> {
    let vouched = Vouched { records: u64::from_be_bytes(bytes.array()?), root: Digest::new(bytes.array()?) };
    (vouched.records <= header.sequence).then_some(vouched)
}

fn suppressed(bytes: &mut Bytes<'_>) -> Option<SuppressedRequests> {
    let (since, until) = (bytes.moment()?, bytes.moment()?);
    let fingerprint = Digest::new(bytes.array()?);
    let caller = bytes.enterprise()?;
    Some(SuppressedRequests { caller, fingerprint, since, until, count: u64::from_be_bytes(bytes.array()?) })
}

fn exchange<'a>(
    bytes: &mut Bytes<'a>,
    header: &RecordHeader,
    version: u8,
    record: &'a [u8],
) -> Option<ExchangeView<'a>> {
    let is_current = version == VERSION_EXCHANGE;
    let received = bytes.moment()?;
    let ticket: [u8; 16] = bytes.array()?;
    let fingerprint = Digest::new(bytes.array()?);
    let caller = bytes.enterprise()?;
    let organisation = bytes.enterprise()?;
    let operation = bytes.byte()?;
    // The parts that are present, or the number of the context in older versions.
    let byte = bytes.byte()?;
    let fields = u16::from_be_bytes(bytes.array()?);
    let window = window(bytes)?;
    let tokens = tokens(bytes, version, byte)?;
    let has_policy = is_current && byte & present::POLICY != 0;
    let policy = if has_policy { Some(Digest::new(bytes.array()?)) } else { None };
    let has_relay = is_current && byte & present::RELAY != 0;
    let relay = if has_relay { Some(relay(bytes)?) } else { None };
    let datasets = datasets(bytes)?;
    let outcome = bytes.short()?;
    let deliberation = bytes.optional(|text| Deliberation::is_number(text).then_some(text))?;
    let (context, application, rule) = if is_current {
        let context = bytes.optional(|text| LegalContext::parse(text).ok())?;
        let application = bytes.optional(|text| Application::parse(text).ok())?;
        (context, application, bytes.optional(Some)?)
    } else {
        (context_of_number(byte)?, None, None)
    };
    let clear = record.len().checked_sub(bytes.0.len())?;
    let length = usize::try_from(u32::from_be_bytes(bytes.array()?)).ok()?;
    let encrypted =
        EncryptedView { nonce: header.nonce(), associated: record.get(..clear)?, ciphertext: bytes.slice(length)? };
    Some(ExchangeView {
        received,
        ticket: Some(Ticket::new(ticket)).filter(|read| *read.as_bytes() == ticket)?,
        fingerprint,
        caller,
        application,
        organisation,
        operation: Operation::ALL.into_iter().find(|known| operation_number(*known) == operation)?,
        context,
        rule,
        policy,
        fields: Some(field_set(fields)).filter(|read| read.bits() == fields)?,
        window,
        tokens: Some(tokens).filter(|_| !is_current || byte & !present::ALL == 0)?,
        datasets,
        outcome,
        deliberation,
        relay,
        is_signed: is_current && byte & present::SIGNATURE != 0,
        is_unreplicated: is_current && byte & present::UNREPLICATED != 0,
        encrypted,
    })
}

fn relay(bytes: &mut Bytes<'_>) -> Option<Relay> {
    Some(Relay { organisation: bytes.enterprise()??, fingerprint: Digest::new(bytes.array()?) })
}

fn field_set(bits: u16) -> FieldSet {
    Field::ALL.into_iter().filter(|field| FieldSet::EMPTY.with(*field).bits() & bits != 0).collect()
}

fn window(bytes: &mut Bytes<'_>) -> Option<Option<Window>> {
    let (from, to) = (i32::from_be_bytes(bytes.array()?), i32::from_be_bytes(bytes.array()?));
    if (from, to) == (NO_DAY, NO_DAY) {
        return Some(None);
    }
    let day = |days: i32| Date::from_days(i64::from(days)).ok();
    Window::from_days(day(from)?, day(to)?).ok().map(Some)
}

fn datasets(bytes: &mut Bytes<'_>) -> Option<DatasetStates> {
    let mut states = DatasetStates::default();
    for dataset in Dataset::ALL {
        let serial = u64::from_be_bytes(bytes.array()?);
        let created = bytes.moment()?;
        if serial != 0 {
            states = states.with(dataset, DatasetState { serial, created });
        }
    }
    Some(states)
}

/// Bytes that are still to be decoded.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(slice)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn short(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        std::str::from_utf8(self.slice(usize::from(length))?).ok()
    }

    /// A short text; the inner `Option` is `None` for the empty one.
    fn optional<T>(&mut self, parse: impl FnOnce(&'a str) -> Option<T>) -> Option<Option<T>> {
        match self.short()? {
            "" => Some(None),
            text => parse(text).map(Some),
        }
    }

    fn moment(&mut self) -> Option<Timestamp> {
        let millis = i64::from_be_bytes(self.array()?);
        Some(Timestamp::from_millis(millis)).filter(|moment| moment.as_millis() == millis)
    }

    fn month(&mut self) -> Option<Month> {
        let year = u16::from_be_bytes(self.array()?);
        Month::from_calendar(year, self.byte()?)
    }

    fn enterprise(&mut self) -> Option<Option<EnterpriseNumber>> {
        parse_number(self.array()?)
    }
}

#[cfg(test)]
mod tests {
    use ehealth_core::model::EnterpriseNumber;

    use super::*;
    use crate::format::{encode, frame};

    #[test]
    fn suppressed_requests_are_read_back_in_their_version_only() {
        let header = RecordHeader {
            sequence: 7,
            unproven: 1,
            recorded: Timestamp::from_millis(1_800_000_000_000),
            salt: [3; 16],
        };
        for caller in [None, EnterpriseNumber::parse("0999010126").ok()] {
            let requests = SuppressedRequests {
                caller,
                fingerprint: Digest::new([5; 32]),
                since: Timestamp::from_millis(1_799_999_940_000),
                until: Timestamp::from_millis(1_799_999_999_999),
                count: 12_345,
            };
            let mut bytes = Vec::new();
            encode::suppressed(&mut bytes, &header, &requests).expect("it fits");
            let framed = frame::split(&bytes).expect("a sound frame");
            let read = record(framed).expect("a record");
            assert_eq!((read.header, read.event), (header, Event::Suppressed(requests)));
            for (version, kind, error) in [
                (VERSION, SUPPRESSED, RecordError::Content),
                (VERSION_REPLACED, SUPPRESSED, RecordError::Content),
                (VERSION_NEW_KINDS, EXCHANGE, RecordError::Content),
                (VERSION_EXCHANGE, SUPPRESSED, RecordError::Content),
                (VERSION_EXCHANGE + 1, SUPPRESSED, RecordError::Version(VERSION_EXCHANGE + 1)),
            ] {
                let mut changed = framed.record.to_vec();
                (changed[0], changed[1]) = (version, kind);
                assert_eq!(record(Framed { record: &changed, leaf: framed.leaf }).err(), Some(error));
            }
        }
    }
}
