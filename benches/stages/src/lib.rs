//! The stages of one request about a person of the catalogue, for benchmarks of single stages.
//!
//! Everything is open and warm before a stage runs, the clock is fixed, and records go to an audit
//! log that drops them: only the work of the stage remains. The whole request is the same stages in
//! sequence, from bytes to bytes.

use std::sync::{Arc, Mutex};

use datasets::store::Watch;
use datasets::sync;
use ehealth_attributes::config::{Settings, read_policy, read_settings};
use ehealth_attributes::server::tls;
use ehealth_attributes::server::{Bearer, ClientVerifier, Readers, ReplayCache, Replayed, SignatureChecks, Verified};
use ehealth_core::lookup::{
    Answer, AuditSink, Caller, Exchange, FreshnessLimits, Operation, Pending, Permission, Permitted, Presented,
    Resolved, record,
};
use ehealth_core::model::{Clock, Digest, EnterpriseNumber, FixedClock, Question, Ticket, Timestamp};
use ehealth_core::policy::{Certified, Consumer, Register};
use soap::signature::{MessageKind, SigningIdentity, SigningKey, SigningOptions, TimeRule, sign};
use soap::{Payload, Request, read_request, write_answer};
use testkit::Workspace;

ehealth_core::closed_enum! {
    /// A stage of a request, or the whole request.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Stage {
        /// Reading the request.
        Read => "read",
        /// Identifying the caller, and the policy decision.
        Decide => "decide",
        /// Reading the data, and the rules.
        Resolve => "resolve",
        /// Making the record and appending it to the queue, without encrypting and writing it.
        Record => "record",
        /// Writing the answer.
        Write => "write",
        /// Verifying the RSA-2048 signature of a signed request, whose certificate is known.
        Verify => "verify",
        /// All stages, from bytes to bytes.
        Whole => "whole",
    }
}

/// Organisation of the caller. Its request returns an employer and a prevention service.
const CALLER: &str = "0999010126";
const REQUEST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:intf=\"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1\"><soapenv:Body>\
    <intf:consultAttributesRequest><informationCustomer><ticket>c0ffee00-0000-4000-8000-000000000000</ticket>\
    <customerIdentification><cbeNumber>0999010126</cbeNumber></customerIdentification></informationCustomer>\
    <legalContext>BACKTOWORK:ADVISORY_PHYSICIAN</legalContext><criteria><ssin>85073099932</ssin></criteria>\
    </intf:consultAttributesRequest></soapenv:Body></soapenv:Envelope>";
const NOW: &str = "2026-01-15T09:30:00.000Z";

/// The state that the stages need.
pub struct Scene {
    register: Register,
    readers: Readers,
    limits: FreshnessLimits,
    now: Timestamp,
    exchange: Exchange,
    signed: Signed,
    _folder: tempfile::TempDir,
}

/// What the verification of a signed request needs.
struct Signed {
    request: Vec<u8>,
    client_verifier: Arc<ClientVerifier>,
    consumer: Arc<Consumer>,
}

/// A memory that forgets: one request is verified again and again.
struct Forgetful;

impl ReplayCache for Forgetful {
    fn remember(&self, _: EnterpriseNumber, _: Digest, _: Timestamp, _: Timestamp) -> Result<(), Replayed> {
        Ok(())
    }
}

impl Signed {
    fn new(workspace: &Workspace, settings: &Settings, register: &Register, now: Timestamp) -> Self {
        let (certificate, key) = workspace.rsa_client("fund");
        let key = tls_files::read_private_key(&key).expect("a key");
        let key = SigningKey::from_der(key.secret_der()).expect("an RSA key");
        let certificate = tls_files::read_certificates(&certificate).expect("a certificate").remove(0).to_vec();
        let (kind, expires) = (MessageKind::Request, now.plus_millis(300_000));
        let options = SigningOptions { kind, created: now, expires, confirmations: &[] };
        let request = sign(REQUEST.as_bytes(), &SigningIdentity { key, certificate }, options).expect("signed").message;
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::new(now));
        let (_, client_verifier) = tls::load(&settings.tls, &clock).expect("certificates");
        let organisation = EnterpriseNumber::parse(CALLER).expect("a number");
        let consumer = register.consumers().find(|consumer| consumer.organisation == organisation).expect("the fund");
        Self { request, client_verifier, consumer: Arc::clone(consumer) }
    }
}

/// An audit log that drops every record.
struct DroppingAuditLog;

impl AuditSink for DroppingAuditLog {
    fn append(&self, pending: Pending) {
        pending.durable(0);
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// Loads the catalogue and the demo policy.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let now = Timestamp::parse(NOW).expect("a timestamp");
        let workspace = Workspace::new(folder.path().join("demo"));
        workspace.prepare_rsa(now, "").expect("the workspace can be made");
        let settings = read_settings(&workspace.settings()).expect("valid settings");
        let reports = sync::run_all(&settings.sync, &FixedClock::new(now));
        assert!(reports.iter().all(|report| report.outcome.is_up_to_date()), "{reports:?}");
        let nothing = Digest::new([0; 32]);
        let organisation = EnterpriseNumber::parse(CALLER).expect("a number");
        let certified = Some(Certified::new(organisation, nothing, nothing));
        let caller = Caller { certified, fingerprint: nothing };
        let register = read_policy(&settings.policy).expect("a valid policy").register;
        Self {
            signed: Signed::new(&workspace, &settings, &register, now),
            register,
            readers: Readers::new(Watch::open(&settings.sync.data)),
            limits: settings.server.freshness,
            now,
            exchange: Exchange { ticket: Ticket::new([7; 16]), received: now, caller, relay: None },
            _folder: folder,
        }
    }

    /// Reads the request.
    #[must_use]
    pub fn request(&self) -> Request {
        read_request(REQUEST.as_bytes(), None, &[], Operation::ConsultAttributes).expect("a valid request")
    }

    /// Verifies the signature of the signed request.
    #[must_use]
    pub fn verify(&self) -> Verified {
        let Signed { request, client_verifier, consumer } = &self.signed;
        let checks = SignatureChecks {
            register: &self.register,
            client_verifier,
            replay: &Forgetful,
            times: TimeRule::default(),
            now: self.now,
        };
        let bearer = Bearer { consumer, fingerprint: self.exchange.caller.fingerprint, intermediates: &[] };
        checks.verify(bearer, request, None).expect("a valid signature")
    }

    /// The question of the request.
    #[must_use]
    pub fn question(&self) -> Question {
        match self.request().payload {
            Payload::Consult(question) => question,
            Payload::Test { .. } => unreachable!("it is read as a question"),
        }
    }

    /// Identifies the caller and decides.
    #[must_use]
    pub fn decide(&self, question: Question) -> Permitted {
        let identified =
            Presented::new(self.exchange, question, &self.register).identify(&self.register).expect("registered");
        match identified.permit() {
            Permission::Permitted(permitted) => permitted,
            Permission::Refused(_, refusal) => unreachable!("{refusal}"),
            Permission::EndUser(_, fault) => unreachable!("{fault}"),
        }
    }

    /// Reads the data and applies the rules.
    #[must_use]
    pub fn resolve(&self, permitted: Permitted) -> Resolved {
        self.readers.with_view(|view| permitted.resolve(view, &self.limits)).expect("readable")
    }

    /// Records the outcome.
    #[must_use]
    pub fn record(&self, resolved: Resolved) -> Answer {
        let answer = Arc::new(Mutex::new(None));
        let settled = Arc::clone(&answer);
        record(resolved, &DroppingAuditLog, move |recorded| *settled.lock().expect("one thread") = recorded.ok());
        answer.lock().expect("one thread").take().expect("settled")
    }

    /// Writes the answer.
    #[must_use]
    pub fn write(&self, answer: &Answer) -> Vec<u8> {
        write_answer(answer, self.now, &soap::Addressing::default())
    }

    /// Runs all stages.
    #[must_use]
    pub fn run_all(&self) -> Vec<u8> {
        let Request { payload, addressing, has_security: _ } = self.request();
        let Payload::Consult(question) = payload else { unreachable!("it is read as a question") };
        let answer = self.record(self.resolve(self.decide(question)));
        write_answer(&answer, self.now, &addressing)
    }
}
