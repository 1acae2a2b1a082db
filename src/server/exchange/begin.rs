//! The first half of an exchange: a message is read, its signature verified, the question decided and
//! looked up, and its outcome handed to the audit log.

use std::sync::Arc;
use std::time::Duration;

use super::context::ExchangeContext;
use super::pending::{PendingExchange, PendingRecord, RefusedExchange, Signed, TestEcho};
use crate::peer_event;
use crate::server::counters::Stage;
use crate::server::fault_map;
use crate::server::limits::consumer_limits::{NotTaken, TakenQuestion};
use crate::server::peer::Peer;
use crate::server::signatures::{self, Bearer, RelayedSigner, SignatureChecks, Signer, Verified};
use ehealth_core::explained::{Cause, Explained};
use ehealth_core::lookup::{Exchange, ExchangeRecord, Identified, Permission, Permitted, Presented, Resolved};
use ehealth_core::model::{Question, Status};
use ehealth_core::policy::{Consumer, EndUserFault, Refusal, Rule, SignatureRule};
use soap::{Addressing, Charset, ExchangeFault, Fault, Payload, RefusedRequest, Request, SecurityHeader};

/// A message as HTTP delivered it.
#[derive(Debug)]
pub(in crate::server) struct Message<'a> {
    pub body: &'a [u8],
    pub charset: Option<Charset>,
    pub soap_actions: &'a [&'a [u8]],
    /// A question of the caller's quota, or why it was not taken; `None` if the caller has no quota.
    pub question: Option<Result<TakenQuestion, NotTaken>>,
}

/// An exchange whose message was read.
pub(in crate::server) enum Begun {
    /// Its outcome is known.
    Pending(PendingExchange),
    /// A relay brought the question of another consumer, whose quota it takes.
    Relayed(Relayed),
}

/// The question of a message that a relay brought.
pub(in crate::server) struct Relayed {
    question: Question,
    /// The signer.
    pub consumer: Arc<Consumer>,
    details: Signed,
}

/// A question that the policy refuses.
enum RefusedQuestion {
    /// It is answered with a status.
    Status(Box<Resolved>, Refusal),
    /// It is answered with a fault.
    EndUser(Box<Presented>, EndUserFault),
}

impl ExchangeContext<'_> {
    /// Reads a message, verifies its signature, and finds its outcome. Returns the context under which
    /// it continues: the caller of a relayed message is its signer.
    pub(in crate::server) fn begin(self, message: Message<'_>, peer: &Peer) -> (Self, Begun) {
        let Message { body, charset, soap_actions, question: taken } = message;
        let read = soap::read_request_with(body, charset, soap_actions, self.operation, self.security());
        let request = match read {
            Ok(request) => request,
            Err(refused) => {
                self.stopwatch.lap(Stage::Read);
                return (self, Begun::Pending(self.refuse_request(*refused)));
            }
        };
        let verified = self.verify_signature(peer, (body, charset), request.has_security);
        self.stopwatch.lap(Stage::Read);
        let Request { payload, addressing, has_security: _ } = request;
        let Verified { signer, signature } = match verified {
            Ok(None) => {
                return (self, Begun::Pending(self.proceed(payload, taken, Signed { addressing, signature: None })));
            }
            Ok(Some(verified)) => verified,
            Err(refused) => {
                let refused = self.refuse_signature(refused, (body, charset), payload, addressing);
                return (self, Begun::Pending(refused));
            }
        };
        self.service.counters.count_verified_signature();
        let details = Signed { addressing, signature: Some(signature) };
        match signer {
            Signer::Caller => (self, Begun::Pending(self.proceed(payload, taken, details))),
            Signer::Relayed(signer) => {
                let RelayedSigner { caller, relay, consumer } = *signer;
                let context = Self { exchange: Exchange { caller, relay: Some(relay), ..self.exchange }, ..self };
                match payload {
                    Payload::Test { .. } => (context, Begun::Pending(context.proceed(payload, None, details))),
                    Payload::Consult(question) => (context, Begun::Relayed(Relayed { question, consumer, details })),
                }
            }
        }
    }

    /// Continues a message that a relay brought, with a question of its signer's quota.
    pub(in crate::server) fn continue_relayed(
        self,
        relayed: Relayed,
        taken: Option<Result<TakenQuestion, NotTaken>>,
    ) -> PendingExchange {
        self.proceed(Payload::Consult(relayed.question), taken, relayed.details)
    }

    /// Verifies the signature of a message, which was read without error. `None`: it is not signed, and
    /// need not be.
    fn verify_signature(
        self,
        peer: &Peer,
        (bytes, charset): (&[u8], Option<Charset>),
        has_security: bool,
    ) -> Result<Option<Verified>, signatures::Refused> {
        let Some(consumer) = self.consumer else { return Ok(None) };
        match (consumer.signatures.rule, has_security) {
            (SignatureRule::Off, _) | (SignatureRule::Accept, false) => return Ok(None),
            (SignatureRule::Require, false) => return Err(signatures::missing()),
            (SignatureRule::Accept | SignatureRule::Require, true) => {}
        }
        let Self { service, active_config, exchange, .. } = self;
        let checks = SignatureChecks {
            register: &active_config.register,
            client_verifier: &active_config.client_verifier,
            replay: service.replay.as_ref(),
            times: service.settings.signatures,
            now: exchange.received,
        };
        let fingerprint = exchange.caller.fingerprint;
        checks.verify(Bearer { consumer, fingerprint, intermediates: peer.intermediates() }, bytes, charset).map(Some)
    }

    fn security(self) -> SecurityHeader {
        match self.consumer.map(|consumer| consumer.signatures.rule) {
            Some(SignatureRule::Accept | SignatureRule::Require) => SecurityHeader::Understood,
            Some(SignatureRule::Off) | None => SecurityHeader::NotUnderstood,
        }
    }

    fn proceed(
        self,
        payload: Payload,
        taken: Option<Result<TakenQuestion, NotTaken>>,
        details: Signed,
    ) -> PendingExchange {
        match payload {
            Payload::Test { echo } => {
                let mut entry = self.exchange.to_record(self.operation, Status::DataFound.outcome());
                entry.signature.clone_from(&details.signature);
                let pending = PendingRecord::Echo(self.start_recording(TestEcho { entry, echo }));
                PendingExchange::new(pending, details)
            }
            Payload::Consult(question) => self.consult(question, taken, details),
        }
    }

    /// Refuses a message that cannot be read.
    fn refuse_request(self, refused: RefusedRequest) -> PendingExchange {
        let entry = self.exchange.to_record(self.operation, refused.fault.outcome());
        let RefusedRequest { fault, cause, customer, addressing } = refused;
        let refused = RefusedExchange { entry, fault: Explained::new(fault, cause), customer };
        self.refuse(refused, Signed { addressing, signature: None })
    }

    /// Refuses a message whose signature is missing or not accepted.
    fn refuse_signature(
        self,
        refused: signatures::Refused,
        (body, charset): (&[u8], Option<Charset>),
        payload: Payload,
        addressing: Addressing,
    ) -> PendingExchange {
        let fault = match refused {
            signatures::Refused::Problem(problem) => {
                self.service.counters.count_refused_signature(problem.error);
                let explainer = self.service.explainer.as_ref();
                let explanation = explainer.map(|explainer| explainer.explain(body, charset, &problem));
                fault_map::of_signature(&problem, explanation)
            }
            signatures::Refused::Document(bad) => bad.map(Fault::BadMessage),
        };
        let details = Signed { addressing, signature: None };
        let rule = Rule::MessageSignature;
        match payload {
            Payload::Consult(question) => {
                let presented = Presented::new(self.exchange, question, &self.active_config.register);
                self.refuse_question(presented, fault, rule, details)
            }
            Payload::Test { .. } => {
                let entry = self.exchange.to_record(self.operation, fault.reason().outcome());
                let entry = ExchangeRecord { rule: Some(rule), ..entry };
                self.refuse(RefusedExchange { entry, fault, customer: None }, details)
            }
        }
    }

    /// Refuses a caller whose certificate is no longer valid, before its message is read.
    pub(in crate::server) fn refuse_caller(self) -> PendingExchange {
        let fault = Fault::from(ExchangeFault::UnknownCaller);
        let entry = self.exchange.to_record(self.operation, fault.outcome());
        let fault = Explained::new(fault, Cause::fixed("the certificate is no longer valid"));
        let details = Signed { addressing: Addressing::default(), signature: None };
        self.refuse(RefusedExchange { entry, fault, customer: None }, details)
    }

    fn consult(
        self,
        question: Question,
        taken: Option<Result<TakenQuestion, NotTaken>>,
        details: Signed,
    ) -> PendingExchange {
        let register = &self.active_config.register;
        let presented = Presented::new(self.exchange, question, register).signed(details.signature.clone());
        let identified = match presented.identify(register) {
            Ok(identified) => identified,
            Err(refused) => {
                self.stopwatch.lap(Stage::Decide);
                let (reason, presented) = *refused;
                self.service.counters.count_not_identified(reason);
                let fault = fault_map::of_not_identified(reason, presented.customer().id);
                return self.refuse_question(presented, fault, reason.into(), details);
            }
        };
        match taken {
            Some(Ok(taken)) => taken.spend(),
            Some(Err(reason)) => return self.refuse_untaken(identified, reason, details),
            // An identified caller has a quota: this does not occur.
            None => return self.refuse_untaken(identified, NotTaken::Spent(Duration::ZERO), details),
        }
        let permitted = match self.permit(identified) {
            Ok(permitted) => permitted,
            Err(refused) => return self.refuse_permission(refused, details),
        };
        let limits = &self.service.settings.freshness;
        let resolved = self.service.lookups.resolve(permitted, limits);
        self.stopwatch.lap(Stage::Resolve);
        match resolved {
            Ok(resolved) => self.answer(resolved, details),
            Err(error) => {
                let dataset = error.reason.dataset.code();
                peer_event!(self.service.peer_log, ERROR, "lookup failed", dataset, ();
                    ticket = %self.exchange.ticket, error = %error.reason);
                let fault = fault_map::of_lookup_error(&error);
                self.refuse_question(error.presented, fault, Rule::Granted, details)
            }
        }
    }

    /// Refuses a question that the quota does not allow, or that it may not allow.
    fn refuse_untaken(self, identified: Identified, reason: NotTaken, details: Signed) -> PendingExchange {
        self.stopwatch.lap(Stage::Decide);
        let (fault, wait) = match reason {
            NotTaken::Spent(wait) => {
                let cause = Cause::number("retry after seconds", wait.as_secs());
                (Explained::new(ExchangeFault::QuotaSpent.into(), cause), Some(wait))
            }
            NotTaken::Unknown => (fault_map::of_unknown_quota(), None),
        };
        let mut pending = self.refuse_question(identified.into_presented(), fault, Rule::Quota, details);
        pending.details.retry_after = wait;
        pending
    }

    fn refuse_permission(self, refused: RefusedQuestion, details: Signed) -> PendingExchange {
        match refused {
            RefusedQuestion::Status(resolved, refusal) => {
                let mut pending = self.answer(*resolved, details);
                pending.details.refusal = Some(refusal);
                pending
            }
            RefusedQuestion::EndUser(presented, fault) => {
                self.refuse_question(*presented, fault_map::of_end_user(fault), fault.into(), details)
            }
        }
    }

    /// Decides whether the policy permits the question, and counts its days.
    fn permit(self, identified: Identified) -> Result<Permitted, RefusedQuestion> {
        let permission = identified.permit();
        self.stopwatch.lap(Stage::Decide);
        match permission {
            Permission::Permitted(permitted) => {
                match self.service.rate_limits.count_dates(&permitted, &self.service.peer_log) {
                    Ok(()) => Ok(permitted),
                    Err(dates) => {
                        let (resolved, refusal) = permitted.refuse_dates(dates);
                        Err(RefusedQuestion::Status(Box::new(resolved), refusal))
                    }
                }
            }
            Permission::Refused(resolved, refusal) => Err(RefusedQuestion::Status(Box::new(resolved), refusal)),
            Permission::EndUser(presented, fault) => Err(RefusedQuestion::EndUser(Box::new(presented), fault)),
        }
    }

    fn answer(self, resolved: Resolved, details: Signed) -> PendingExchange {
        let rule = resolved.rule();
        let pending = match self.service.rate_limits.note(&resolved, &self.service.peer_log) {
            None => PendingRecord::Answer(self.start_recording(resolved)),
            Some(at) => PendingRecord::Delayed(Box::new(resolved), at),
        };
        let mut pending = PendingExchange::new(pending, details);
        pending.details.rule = Some(rule);
        pending
    }

    /// Ends an exchange with a fault, by this rule.
    fn refuse_question(
        self,
        presented: Presented,
        fault: Explained<Fault>,
        rule: Rule,
        details: Signed,
    ) -> PendingExchange {
        let entry = presented.to_record(fault.reason().outcome(), rule);
        let mut pending =
            self.refuse(RefusedExchange { entry, fault, customer: Some(presented.into_customer()) }, details);
        pending.details.rule = Some(rule);
        pending
    }

    fn refuse(self, refused: RefusedExchange, details: Signed) -> PendingExchange {
        let pending = PendingRecord::Fault(self.start_recording(refused));
        PendingExchange::new(pending, details)
    }
}
