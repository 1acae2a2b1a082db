//! From the pipeline's refusals to the fault that a caller sees: one exhaustive match each.

use ehealth_core::lookup::{LookupError, RecordFailure};
use ehealth_core::policy::NotIdentified;
use soap::{ExchangeFault, Fault};

/// A caller that is not let in.
pub(super) fn of_not_identified(refused: NotIdentified) -> Fault {
    match refused {
        NotIdentified::UnknownCaller | NotIdentified::NotPinned => ExchangeFault::UnknownCaller.into(),
        NotIdentified::ForeignCustomer => ExchangeFault::WrongIdentification.into(),
    }
}

/// An outcome that could not be recorded: there is no answer (`docs/reference/domain.md` "Evidence of
/// disclosure").
pub(super) fn of_record_failure(failure: RecordFailure) -> Fault {
    match failure {
        RecordFailure::Unwritable | RecordFailure::Overloaded | RecordFailure::Closed => {
            ExchangeFault::NotRecorded.into()
        }
    }
}

/// A dataset that cannot be read. The reason is for the log alone.
pub(super) fn of_lookup_error(_: &LookupError) -> Fault {
    ExchangeFault::Internal.into()
}
