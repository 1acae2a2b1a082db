//! Numbers of versions, kinds and values in a record: the encoder writes them, the decoder reads
//! them.

use ehealth_core::lookup::Operation;
use ehealth_core::model::LegalContext;

use super::record::InterruptionCause;

/// Version of the records that are written, unless another is named below.
pub(crate) const VERSION: u8 = 1;
/// Version of an exchange about an SSIN that was replaced, up to program version 0.1. It has a second
/// subject token. No longer written.
pub(crate) const VERSION_REPLACED: u8 = 2;
/// Version of records of kinds that versions 1 and 2 do not have: programs that know only those say
/// that a newer one wrote it.
pub(crate) const VERSION_NEW_KINDS: u8 = 3;
/// Version of the exchanges that are written: with the legal context as text, the application, the
/// rule, the policy and the end user.
pub(crate) const VERSION_EXCHANGE: u8 = 4;
/// Kind of a segment-begun record.
pub(crate) const SEGMENT_BEGUN: u8 = 1;
/// Kind of an exchange record.
pub(crate) const EXCHANGE: u8 = 2;
/// Kind of an interruption record.
pub(crate) const INTERRUPTION: u8 = 3;
/// Kind of a pruning record.
pub(crate) const PRUNING: u8 = 4;
/// Kind of a vouched record.
pub(crate) const VOUCHED: u8 = 5;
/// Kind of a record of suppressed requests.
pub(crate) const SUPPRESSED: u8 = 6;
/// Value of a day that is absent.
pub(crate) const NO_DAY: i32 = i32::MIN;

/// Number of an operation.
pub(crate) fn operation_number(operation: Operation) -> u8 {
    match operation {
        Operation::ConsultAttributes => 1,
        Operation::SendTestMessage => 2,
    }
}

/// The legal context with this number, in an exchange of version 1 or 2. The outer `Option` is `None`
/// for an unknown number, the inner one for 0.
pub(crate) fn context_of_number(number: u8) -> Option<Option<LegalContext>> {
    match number {
        0 => Some(None),
        1 => Some(Some(LegalContext::ADVISORY_PHYSICIAN)),
        2 => Some(Some(LegalContext::PREVENTION_SERVICE)),
        3 => Some(Some(LegalContext::EHEALTH_PLATFORM)),
        _ => None,
    }
}

/// Bits for the parts of an exchange of version 4 that may be absent, in the order of the parts.
pub(crate) mod present {
    /// Subject token of the SSIN that was disclosed as replacement.
    pub(crate) const SUCCESSOR: u8 = 1;
    /// Token of the end user.
    pub(crate) const END_USER: u8 = 2;
    /// SHA-256 of the policy file.
    pub(crate) const POLICY: u8 = 4;
    /// Enterprise number and certificate of the relay.
    pub(crate) const RELAY: u8 = 8;
    /// A message signature, in the encrypted detail: no part of its own.
    pub(crate) const SIGNATURE: u8 = 16;
    /// Answered before another machine had the record: no part of its own.
    pub(crate) const UNREPLICATED: u8 = 32;
    /// All bits.
    pub(crate) const ALL: u8 = SUCCESSOR | END_USER | POLICY | RELAY | SIGNATURE | UNREPLICATED;
}

/// Number of an interruption's cause.
pub(crate) fn cause_number(cause: InterruptionCause) -> u8 {
    match cause {
        InterruptionCause::DiskFull => 1,
        InterruptionCause::Io => 2,
        InterruptionCause::Key => 3,
        InterruptionCause::NotReplicated => 4,
    }
}
