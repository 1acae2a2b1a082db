//! Maps the pipeline's refusals to the faults that a caller receives: one exhaustive `match` each.

use ehealth_core::explained::{Cause, Explained};
use ehealth_core::lookup::{LookupError, RecordFailure};
use ehealth_core::model::CustomerId;
use ehealth_core::policy::{EndUserFault, NotIdentified, Rule};
use soap::signature::Problem;
use soap::{ExchangeFault, Fault};

/// Fault for a caller that is not identified. The operator sees for whom it asked.
pub(super) fn of_not_identified(refused: NotIdentified, customer: CustomerId) -> Explained<Fault> {
    let (fault, cause) = match refused {
        NotIdentified::NoOrganisation => (ExchangeFault::NoOrganisation, Cause::fixed(refused.code())),
        NotIdentified::OtherEnvironment
        | NotIdentified::NoEnvironment
        | NotIdentified::TwoEnvironments
        | NotIdentified::MalformedEnvironment => (ExchangeFault::OtherEnvironment, Cause::fixed(refused.code())),
        // One fault for these: a stranger does not learn who is registered.
        NotIdentified::UnknownCaller | NotIdentified::OtherApplication | NotIdentified::NotPinned => {
            (ExchangeFault::UnknownCaller, Cause::fixed(refused.code()))
        }
        NotIdentified::ForeignCustomer => (ExchangeFault::WrongIdentification, identification(customer)),
    };
    Explained::new(fault.into(), cause)
}

fn identification(customer: CustomerId) -> Cause {
    match customer {
        CustomerId::Cbe(number) => Cause::new("cbeNumber", &number.to_string()),
        CustomerId::Pair { sector, institution } => {
            Cause::new("sector", &sector.to_string()).and("institution", &institution.to_string())
        }
    }
}

/// Fault for a message whose signature is missing or not accepted: one for every reason, unless a test
/// double explains it.
pub(super) fn of_signature(problem: &Problem, explanation: Option<String>) -> Explained<Fault> {
    let fault = match explanation {
        None => ExchangeFault::MessageSignature.into(),
        Some(text) => Fault::ExplainedSignature(text.into()),
    };
    Explained::new(fault, problem.cause())
}

/// Fault for a question whose end user is missing or refused.
pub(super) fn of_end_user(refused: EndUserFault) -> Explained<Fault> {
    let fault = match refused {
        EndUserFault::Missing => ExchangeFault::EndUserMissing,
        EndUserFault::Refused => ExchangeFault::EndUserRefused,
    };
    Explained::new(fault.into(), Cause::fixed(Rule::from(refused).code()))
}

/// Fault for a record that could not be written: without a record there is no answer
/// (docs/reference/domain.md "Evidence of disclosure").
pub(super) fn of_record_failure(failure: RecordFailure) -> Explained<Fault> {
    match failure {
        RecordFailure::Unwritable
        | RecordFailure::Unreplicated
        | RecordFailure::Replayed
        | RecordFailure::Overloaded
        | RecordFailure::Closed => {
            Explained::new(ExchangeFault::NotRecorded.into(), Cause::new("audit log", code_of_record_failure(failure)))
        }
    }
}

/// Fault for a question of which it is not known whether the quota allows it: the nodes share the
/// quota, and it cannot be reached.
pub(super) fn of_unknown_quota() -> Explained<Fault> {
    Explained::new(ExchangeFault::NotRecorded.into(), Cause::fixed("the quota of all nodes cannot be reached"))
}

/// Code of the failure, for the log.
pub(super) fn code_of_record_failure(failure: RecordFailure) -> &'static str {
    match failure {
        RecordFailure::Unwritable => "unwritable",
        RecordFailure::Unreplicated => "unreplicated",
        RecordFailure::Replayed => "replayed",
        RecordFailure::Overloaded => "overloaded",
        RecordFailure::Closed => "closed",
    }
}

/// Fault for a dataset that cannot be read. The reason goes to the log only.
pub(super) fn of_lookup_error(error: &LookupError) -> Explained<Fault> {
    Explained::new(ExchangeFault::Internal.into(), Cause::new("dataset", error.reason.dataset.code()))
}
