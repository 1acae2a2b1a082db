//! The reply to a recorded exchange, as bytes.

use std::time::Duration;

use super::context::ExchangeContext;
use super::pending::{RecordedExchange, RecordedOutcome, RefusedExchange, ReplyDetails};
use crate::peer_event;
use crate::server::counters::Stage;
use crate::server::fault_map;
use crate::server::peer::Peer;
use ehealth_core::explained::{Cause, Explained};
use ehealth_core::lookup::{Exchange, MessageSignature, RecordFailure, Resolved, Unrecorded};
use ehealth_core::model::{Customer, OutcomeCode, Status};
use ehealth_core::policy::{Refusal, Rule};
use soap::{Addressing, ExchangeFault, Fault, Handling};

/// Answer to the caller, and what the log says of it.
#[derive(Debug)]
pub(in crate::server) struct Reply {
    /// The envelope.
    pub body: Vec<u8>,
    /// Code of the status or of the fault.
    pub outcome: OutcomeCode,
    /// The fault that the body holds (HTTP 500), and its cause for the log; `None`: a response (HTTP
    /// 200).
    pub fault: Option<Explained<Fault>>,
    /// Rule that decided the exchange, if one did.
    pub rule: Option<Rule>,
    /// Why the policy refused the question, if it did and the answer is a status.
    pub refusal: Option<Refusal>,
    /// Time until the quota allows the question again, if it was exhausted.
    pub retry_after: Option<Duration>,
}

impl ExchangeContext<'_> {
    /// Writes the reply. Without a record there is no answer: only the fault that says so.
    pub(in crate::server) fn write(self, recorded: RecordedExchange, peer: &Peer) -> Reply {
        let RecordedExchange { outcome, details } = recorded;
        let ReplyDetails { addressing, signature, rule, refusal, retry_after } = details;
        let (body, outcome, fault) = match outcome {
            RecordedOutcome::Answer(Ok(answer)) => {
                let body = soap::write_answer(&answer, self.service.clock.now(), &addressing);
                (body, answer.status().outcome(), None)
            }
            RecordedOutcome::Echo(Ok(recorded)) => {
                let body = self.write_test_reply(&recorded.outcome().echo, peer, &addressing);
                (body, Status::DataFound.outcome(), None)
            }
            RecordedOutcome::Fault(Ok(recorded)) => {
                let RefusedExchange { fault, customer, .. } = recorded.outcome();
                self.write_fault(fault.clone(), customer.as_ref(), &addressing)
            }
            RecordedOutcome::Answer(Err(Unrecorded { failure, withheld })) => {
                self.write_unrecorded(failure, withheld.map(Resolved::into_customer), &addressing)
            }
            RecordedOutcome::Echo(Err(Unrecorded { failure, .. })) => self.write_unrecorded(failure, None, &addressing),
            RecordedOutcome::Fault(Err(Unrecorded { failure, withheld })) => {
                self.write_unrecorded(failure, withheld.and_then(|refused| refused.customer), &addressing)
            }
        };
        let (body, outcome, fault) = self.sign((body, outcome, fault), signature.as_deref(), &addressing);
        self.stopwatch.lap(Stage::Write);
        Reply { body, outcome, fault, rule, refusal, retry_after }
    }

    /// Signs the response, if its consumer wants it. A response that cannot be signed is not sent.
    fn sign(self, written: Written, request: Option<&MessageSignature>, addressing: &Addressing) -> Written {
        let is_wanted = self.consumer.is_some_and(|consumer| consumer.signatures.sign_responses);
        let Some(signer) = self.active_config.response_signer.as_ref().filter(|_| is_wanted) else { return written };
        let confirmed = request.map(|signature| &*signature.value);
        match signer.sign(&written.0, self.service.clock.now(), confirmed) {
            Ok(signed) => (signed, written.1, written.2),
            Err(error) => {
                peer_event!(self.service.peer_log, ERROR, "cannot sign the response; no answer is given", "unsigned", ();
                    ticket = %self.exchange.ticket, %error);
                let fault =
                    Explained::new(ExchangeFault::Internal.into(), Cause::fixed("the response cannot be signed"));
                self.write_fault(fault, None, addressing)
            }
        }
    }

    fn write_test_reply(self, echo: &str, peer: &Peer, addressing: &Addressing) -> Vec<u8> {
        let reply = soap::TestReply { echo, ssl_certificate: peer.subject() };
        soap::write_test_reply(reply, self.handling(), addressing)
    }

    fn write_unrecorded(self, failure: RecordFailure, customer: Option<Customer>, addressing: &Addressing) -> Written {
        let reason = fault_map::code_of_record_failure(failure);
        peer_event!(self.service.peer_log, ERROR, "cannot write the audit record; no answer is given", reason, ();
            ticket = %self.exchange.ticket, %failure);
        self.write_fault(fault_map::of_record_failure(failure), customer.as_ref(), addressing)
    }

    /// Writes the fault without its cause.
    fn write_fault(self, fault: Explained<Fault>, customer: Option<&Customer>, addressing: &Addressing) -> Written {
        let body = soap::write_fault(fault.reason(), self.operation, self.handling(), customer, addressing);
        (body, fault.reason().outcome(), Some(fault))
    }

    fn handling(self) -> Handling {
        let Exchange { ticket, received, .. } = self.exchange;
        Handling { ticket, received, replied: self.service.clock.now() }
    }
}

/// An envelope, the code in it, and its fault.
type Written = (Vec<u8>, OutcomeCode, Option<Explained<Fault>>);
