//! Maps the pipeline's refusals to the faults that a caller receives: one exhaustive `match` each.

use ehealth_core::lookup::{LookupError, RecordFailure};
use ehealth_core::policy::NotIdentified;
use soap::{ExchangeFault, Fault};

/// Fault for a caller that is not identified.
pub(super) fn of_not_identified(refused: NotIdentified) -> Fault {
    match refused {
        NotIdentified::UnknownCaller | NotIdentified::NotPinned => ExchangeFault::UnknownCaller.into(),
        NotIdentified::ForeignCustomer => ExchangeFault::WrongIdentification.into(),
    }
}

/// Fault for a record that could not be written: without a record there is no answer
/// (docs/reference/domain.md "Evidence of disclosure").
pub(super) fn of_record_failure(failure: RecordFailure) -> Fault {
    match failure {
        RecordFailure::Unwritable | RecordFailure::Overloaded | RecordFailure::Closed => {
            ExchangeFault::NotRecorded.into()
        }
    }
}

/// Code of the failure, for the log.
pub(super) fn code_of_record_failure(failure: RecordFailure) -> &'static str {
    match failure {
        RecordFailure::Unwritable => "unwritable",
        RecordFailure::Overloaded => "overloaded",
        RecordFailure::Closed => "closed",
    }
}

/// Fault for a dataset that cannot be read. The reason goes to the log only.
pub(super) fn of_lookup_error(_: &LookupError) -> Fault {
    ExchangeFault::Internal.into()
}
