//! Numbers of versions, kinds and values in a record: the encoder writes them, the decoder reads
//! them.

use ehealth_core::lookup::Operation;
use ehealth_core::model::LegalContext;

use super::record::InterruptionCause;

/// Version of the records that are written.
pub(crate) const VERSION: u8 = 1;
/// Version of an exchange about an SSIN that was replaced. It has a second subject token.
pub(crate) const VERSION_REPLACED: u8 = 2;
/// Version of records of kinds that versions 1 and 2 do not have: programs that know only those say
/// that a newer one wrote it.
pub(crate) const VERSION_NEW_KINDS: u8 = 3;
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

/// Number of a legal context. 0 means none.
pub(crate) fn context_number(context: LegalContext) -> u8 {
    match context {
        LegalContext::AdvisoryPhysician => 1,
        LegalContext::PreventionService => 2,
        LegalContext::EhealthPlatform => 3,
    }
}

/// Number of an interruption's cause.
pub(crate) fn cause_number(cause: InterruptionCause) -> u8 {
    match cause {
        InterruptionCause::DiskFull => 1,
        InterruptionCause::Io => 2,
        InterruptionCause::Key => 3,
    }
}
