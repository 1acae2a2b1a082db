//! Maps the pipeline's refusals to the faults that a caller receives: one exhaustive `match` each.

use ehealth_core::lookup::{LookupError, RecordFailure};
use ehealth_core::policy::NotIdentified;
use soap::Fault;

/// Fault for a caller that is not identified.
pub(super) fn of_not_identified(refused: NotIdentified) -> Fault {
    match refused {
        NotIdentified::UnknownCaller | NotIdentified::NotPinned => Fault::UnknownCaller,
        NotIdentified::ForeignCustomer => Fault::WrongIdentification,
    }
}

/// Fault for a record that could not be written: without a record there is no answer
/// (docs/reference/domain.md "Evidence of disclosure").
pub(super) fn of_record_failure(failure: RecordFailure) -> Fault {
    match failure {
        RecordFailure::Unwritable | RecordFailure::Overloaded | RecordFailure::Closed => Fault::EvidenceUnwritable,
    }
}

/// Fault for a dataset that cannot be read. The reason goes to the log only.
pub(super) fn of_lookup_error(_: &LookupError) -> Fault {
    Fault::Internal
}
