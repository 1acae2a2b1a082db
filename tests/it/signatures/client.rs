//! The Rust client: it signs each attempt, and verifies the responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use client::{
    Client, ClientError, Echo, Outcome, Part, Question, Repeat, ResponseSignatureError, Settings, SettingsError,
    SigningPem, VerifyResponses,
};
use ehealth_attributes::config::SigningFiles;
use ehealth_attributes::server::tls;
use ehealth_core::model::{CbeNumber, Clock, CustomerId, LegalContext, Ssin};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use soap::Document;
use soap::signature::{MessageKind, SecurityBlock, VerificationKey, read_security, verify};

use super::harness::{message, service};
use crate::client_connection::{Act, Service, ask, echoed};
use crate::support::service::TestService;

/// Policy of a consumer whose requests must be signed, and who gets signed responses.
const SIGNED: &str = "message_signature = \"require\"\nsign_responses = true";

const REQUIRED: VerifyResponses = VerifyResponses::Required { signers_pem: None };

fn pem_of(name: &str) -> SigningPem {
    let file = |ending| message(&format!("{name}.{ending}"));
    SigningPem { certificate_pem: file("pem"), key_pem: file("key") }
}

/// Settings of the fund at this service, without signatures.
fn settings(service: &TestService) -> Settings {
    let (certificate, key) = service.workspace.client("fund");
    let read = |file| std::fs::read(file).expect("a file");
    let url = format!("https://localhost:{}", service.address.port());
    let settings = Settings::new(&url, read(service.workspace.authority()), read(certificate), read(key));
    Settings { time: tls::time_of(Arc::clone(&service.clock) as Arc<dyn Clock>), ..settings }
}

fn question() -> Question {
    let fund = CustomerId::Cbe(CbeNumber::parse("0999010126").expect("ten digits"));
    Question::new(fund, LegalContext::ADVISORY_PHYSICIAN, Ssin::parse("85073099932").expect("right"))
}

/// The client's error for the question.
async fn refusal(settings: Settings) -> ClientError {
    Client::new(&settings).expect("right settings").consult(&question()).await.expect_err("refused")
}

#[tokio::test]
async fn a_signed_question_is_answered_and_the_answer_verified() {
    let service = service(SIGNED).await;
    let own = SigningPem { certificate_pem: settings(&service).certificate_pem, key_pem: settings(&service).key_pem };
    for signing in [pem_of("fund-rsa"), pem_of("fund-ec"), own] {
        let settings = Settings { signing: Some(signing), verify_responses: REQUIRED, ..settings(&service) };
        let client = Client::new(&settings).expect("right settings");
        for _ in 0..2 {
            let answer = client.consult(&question()).await.expect("answered");
            assert_eq!(answer.outcome(), Outcome::DataFound);
        }
        let echo = Echo::parse("hello").expect("short");
        let reply = client.test_message(&echo).await.expect("answered");
        assert_eq!(reply.consumer.as_deref(), Some("De Linde, health-insurance fund"));
    }
    service.finish().await;
}

#[tokio::test]
async fn a_question_without_its_signature_gets_a_signed_fault() {
    let service = service(SIGNED).await;
    for verify_responses in [VerifyResponses::Off, REQUIRED] {
        let error = refusal(Settings { verify_responses, ..settings(&service) }).await;
        let ClientError::Fault(fault) = error else { panic!("{error:?}") };
        assert_eq!(fault.reasons.first().map(|reason| reason.code.as_str()), Some("SOA-01001"));
    }
    service.finish().await;
}

#[tokio::test]
async fn a_response_without_signature_is_refused_if_one_is_required() {
    let service = service("message_signature = \"require\"").await;
    let signed = Settings { signing: Some(pem_of("fund-rsa")), ..settings(&service) };
    Client::new(&signed).expect("right settings").consult(&question()).await.expect("answered without verification");
    for signing in [Some(pem_of("fund-rsa")), None] {
        let error = refusal(Settings { signing, verify_responses: REQUIRED, ..signed.clone() }).await;
        assert!(matches!(error, ClientError::Unverified(ResponseSignatureError::Missing)), "{error:?}");
    }
    service.finish().await;
}

#[tokio::test]
async fn another_response_signer_must_be_configured() {
    let service = service_with_response_signer().await;
    let signed = Settings { signing: Some(pem_of("fund-rsa")), verify_responses: REQUIRED, ..settings(&service) };
    let error = refusal(signed.clone()).await;
    assert!(matches!(error, ClientError::Unverified(ResponseSignatureError::UnknownSigner)), "{error:?}");
    let verify_responses = VerifyResponses::Required { signers_pem: Some(message("fund-ec.pem")) };
    let client = Client::new(&Settings { verify_responses, ..signed }).expect("right settings");
    client.consult(&question()).await.expect("answered");
    service.finish().await;
}

async fn service_with_response_signer() -> TestService {
    super::harness::service_with(SIGNED, |settings| {
        let file = |name| super::harness::fixtures().join(name);
        settings.response_signer = Some(SigningFiles { certificate: file("fund-ec.pem"), key: file("fund-ec.key") });
    })
    .await
}

/// A clock that advances by one second each time that it is read.
#[derive(Debug, Default)]
struct Ticking(AtomicU64);

impl TimeProvider for Ticking {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = self.0.fetch_add(1, Ordering::Relaxed);
        UnixTime::now().as_secs().checked_add(seconds).map(Duration::from_secs).map(UnixTime::since_unix_epoch)
    }
}

/// Verifies the signature of a request as it was sent, with its head.
fn verified(request: &str) -> SecurityBlock {
    let (_, body) = request.split_once("\r\n\r\n").expect("a head");
    let document = Document::from_bytes(body.as_bytes(), None).expect("UTF-8");
    let block = read_security(&document, MessageKind::Request).expect("of the profile").expect("signed");
    let certificate = CertificateDer::from(block.certificate.as_slice());
    let certificate = webpki::EndEntityCert::try_from(&certificate).expect("a certificate");
    let key = VerificationKey::parse(block.method, &certificate.subject_public_key_info()).expect("its key");
    verify(&document, &block, &key).expect("verified");
    block
}

#[tokio::test]
async fn each_attempt_has_a_signature_of_its_own() {
    let acts = [Act::Answer(echoed("hello")), Act::HangUp, Act::AnswerAndClose(echoed("hello"))];
    let service = Service::start(acts.into_iter().chain([Act::Answer(echoed("hello"))])).await;
    let settings = Settings {
        repeat: Repeat::EvenIfAnswered,
        signing: Some(pem_of("fund-rsa")),
        time: Arc::new(Ticking::default()),
        ..service.settings()
    };
    let client = Client::new(&settings).expect("right settings");
    // The second call is sent twice, because its reused connection is lost; the third finds its
    // connection closed.
    for _ in 0..3 {
        ask(&client).await.expect("answered");
    }
    let requests = service.seen.requests.lock().expect("whole");
    let blocks: Vec<_> = requests.iter().map(|request| verified(request)).collect();
    assert_eq!(blocks.len(), 4);
    for (index, block) in blocks.iter().enumerate() {
        assert_eq!(block.expires.as_millis() - block.created.as_millis(), 300_000);
        for other in &blocks[..index] {
            assert!(other.created < block.created && other.value != block.value, "attempt {index}");
        }
    }
}

#[test]
fn unusable_signing_settings_are_refused_with_their_part() {
    let settings =
        Settings::new("https://localhost", message("ca.pem"), message("fund-ec.pem"), message("fund-ec.key"));
    let refused = |signing: SigningPem| {
        Client::new(&Settings { signing: Some(signing), ..settings.clone() }).expect_err("refused")
    };
    let pem = |certificate, key| SigningPem { certificate_pem: message(certificate), key_pem: message(key) };
    let apart = refused(pem("fund-rsa.pem", "fund-ec.key"));
    assert!(matches!(apart, SettingsError::SigningKeyOfAnother), "{apart}");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
    let other_kind = SigningPem { key_pem: key.serialize_pem().into_bytes(), ..pem("fund-rsa.pem", "fund-rsa.key") };
    let other_kind = refused(other_kind);
    assert!(matches!(other_kind, SettingsError::SigningKeyType), "{other_kind}");
    for (signing, wrong) in [
        (pem("fund-rsa.key", "fund-rsa.key"), Part::SigningCertificate),
        (pem("fund-rsa.pem", "fund-rsa.pem"), Part::SigningKey),
    ] {
        let refused = refused(signing);
        assert!(matches!(refused, SettingsError::Content { part, .. } if part == wrong), "{refused}");
    }
    let verify_responses = VerifyResponses::Required { signers_pem: Some(message("fund-rsa.key")) };
    let refused = Client::new(&Settings { verify_responses, ..settings.clone() }).expect_err("refused");
    assert!(matches!(refused, SettingsError::Content { part: Part::ResponseSigners, .. }), "{refused}");
    let signing = Settings { signing: Some(pem_of("fund-rsa")), ..settings };
    assert!(!format!("{signing:?}").contains("PRIVATE"));
}
