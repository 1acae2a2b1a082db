//! Numbers that stand for versions, kinds and values in a record: written by the encoder, read by the decoder.

use ehealth_core::lookup::Operation;
use ehealth_core::model::LegalContext;

use super::record::InterruptionCause;

/// The version of the records that are written.
pub(crate) const VERSION: u8 = 1;
/// The version of an exchange about a number that was replaced: it has a second subject token.
pub(crate) const VERSION_REPLACED: u8 = 2;
/// Kind: a segment was begun.
pub(crate) const SEGMENT_BEGUN: u8 = 1;
/// Kind: somebody asked.
pub(crate) const EXCHANGE: u8 = 2;
/// Kind: the trail could not be written, and can again.
pub(crate) const INTERRUPTION: u8 = 3;
/// Kind: months past retention were removed.
pub(crate) const PRUNING: u8 = 4;
/// Stands for "no day".
pub(crate) const NO_DAY: i32 = i32::MIN;

/// The number of an operation.
pub(crate) fn operation_number(operation: Operation) -> u8 {
    match operation {
        Operation::ConsultAttributes => 1,
        Operation::SendTestMessage => 2,
    }
}

/// The number of a legal context; 0 is none.
pub(crate) fn context_number(context: LegalContext) -> u8 {
    match context {
        LegalContext::AdvisoryPhysician => 1,
        LegalContext::PreventionService => 2,
        LegalContext::EhealthPlatform => 3,
    }
}

/// The number of a cause.
pub(crate) fn cause_number(cause: InterruptionCause) -> u8 {
    match cause {
        InterruptionCause::DiskFull => 1,
        InterruptionCause::Io => 2,
        InterruptionCause::Key => 3,
    }
}
