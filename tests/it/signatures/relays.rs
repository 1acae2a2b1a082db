//! Messages that a relay brings, signed end to end by another consumer; their records; signed
//! responses.

use ehealth_core::model::Timestamp;
use soap::Document;
use soap::signature::{MessageKind, SecurityBlock, SigningOptions, VerificationKey, read_security, sign, verify};

use super::harness::{count_of_signatures, identity, message, service_where};
use crate::support::service::{Answered, CONSULT, NOW, TEST, TestService, envelope, question};

const FUND: &str = "0999010126";
const PLATFORM: &str = "0999000129";

/// A service to which the platform may bring messages of the fund.
async fn with_relay() -> TestService {
    let relay = format!("message_signature = \"accept\"\nsigners = [\"{FUND}\"]\nsign_responses = true");
    service_where(&[(FUND, "message_signature = \"require\"\nquota_per_minute = 2"), (PLATFORM, &relay)]).await
}

/// A question of the fund, signed.
fn signed(ssin: &str) -> Vec<u8> {
    let plain = question(FUND, "BACKTOWORK:ADVISORY_PHYSICIAN", ssin, "");
    sign_request(plain.as_bytes())
}

fn sign_request(plain: &[u8]) -> Vec<u8> {
    let created = Timestamp::parse(NOW).expect("a time");
    let (kind, expires) = (MessageKind::Request, created.plus_millis(300_000));
    let options = SigningOptions { kind, created, expires, confirmations: &[] };
    sign(plain, &identity("ec"), options).expect("signed").message
}

/// The block of a message.
fn block(message: &[u8], kind: MessageKind) -> SecurityBlock {
    let document = Document::from_bytes(message, None).expect("characters");
    read_security(&document, kind).expect("of the profile").expect("a block")
}

#[tokio::test]
async fn a_relayed_question_is_its_signers() {
    let service = with_relay().await;
    let answered = service.post("platform", CONSULT, signed("85073099932")).await;
    assert_eq!(answered.code(), Some("MSG00000"), "{}", answered.body);
    // The same question without a signature: the platform asks for itself.
    let own = question(PLATFORM, "BACKTOWORK:EHEALTH_PLATFORM", "85073099932", "");
    assert_eq!(service.post("platform", CONSULT, own).await.code(), Some("MSG00000"));
    // The quota is the signer's, also for messages that it sends itself.
    assert_eq!(service.post("fund", CONSULT, signed("85073099932")).await.code(), Some("MSG00000"));
    let exhausted = service.post("platform", CONSULT, signed("85073099932")).await;
    assert_eq!(exhausted.code(), Some("MSG90052"), "{}", exhausted.body);
    assert!(exhausted.headers.contains_key("retry-after"));
    // A consumer whose signatures are off: the block must be understood, and is not.
    let off = service.post("other-fund", CONSULT, signed("85073099932")).await;
    assert!(off.status == 500 && off.body.contains("soap:MustUnderstand"), "{}", off.body);
    // A relayed message whose token is not signed.
    let unsigned_token = message("clients/zeep-rsa.xml");
    assert_eq!(service.post("platform", CONSULT, unsigned_token).await.code(), Some("SOA-01001"));
    assert_eq!(count_of_signatures(&service, "token-not-signed").await, 1);
    service.finish().await;
}

#[tokio::test]
async fn a_stranger_to_the_relay_is_refused() {
    let service = service_where(&[(PLATFORM, "message_signature = \"accept\"")]).await;
    let answered = service.post("platform", CONSULT, signed("85073099932")).await;
    assert_eq!((answered.status, answered.code()), (500, Some("SOA-01001")));
    assert_eq!(count_of_signatures(&service, "foreign-signer").await, 1);
    service.finish().await;
}

#[tokio::test]
async fn a_signed_test_message_is_verified() {
    let service = service_where(&[(FUND, "message_signature = \"require\"")]).await;
    let plain = envelope(
        "<t:sendTestMessageRequest xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\">\
         <echo>Hello</echo></t:sendTestMessageRequest>",
    );
    assert_eq!(service.post("fund", TEST, plain.clone()).await.code(), Some("SOA-01001"));
    let answered = service.post("fund", TEST, sign_request(plain.as_bytes())).await;
    assert_eq!((answered.status, answered.text("echo")), (200, Some("Hello")), "{}", answered.body);
    assert_eq!(count_of_signatures(&service, "missing").await, 1);
    service.finish().await;
}

/// Verifies a response, and returns its block.
fn verified_response(service: &TestService, answered: &Answered) -> SecurityBlock {
    let block = block(answered.body.as_bytes(), MessageKind::Response);
    let own = ehealth_attributes::server::tls::read_certificates(&service.settings.tls.certificate).expect("its own");
    assert_eq!(block.certificate, own[0].to_vec());
    let facts = certificates::Facts::from_der(&block.certificate).expect("a certificate");
    let key = VerificationKey::parse(block.method, &facts.public_key).expect("its key");
    let document = Document::from_bytes(answered.body.as_bytes(), None).expect("characters");
    let digests = verify(&document, &block, &key).expect("a valid signature");
    assert!(digests.signs_confirmations(&block));
    block
}

#[tokio::test]
async fn responses_and_faults_are_signed_and_confirm_the_request() {
    let service = with_relay().await;
    let request = signed("85073099932");
    let value = block(&request, MessageKind::Request).value;
    let answered = service.post("platform", CONSULT, request.clone()).await;
    assert_eq!(verified_response(&service, &answered).confirmations, [value]);
    // A fault, to a request whose signature is not accepted: there is nothing to confirm.
    let fault = service.post("platform", CONSULT, request).await;
    assert_eq!((fault.status, fault.code()), (500, Some("SOA-01001")));
    assert_eq!(verified_response(&service, &fault).confirmations, [[0_u8; 0]; 0]);
    service.finish().await;
}

#[tokio::test]
async fn the_signature_is_recorded_and_handed_over() {
    let service = with_relay().await;
    let request = signed("85073099932");
    let answered = service.post("platform", CONSULT, request.clone()).await;
    let ticket = answered.text("ticketCBSS").expect("a ticket").to_owned();
    let expected = block(&request, MessageKind::Request);
    let settings = service.workspace.settings().display().to_string();
    let folder = service.stop().await;
    let file = folder.path().join("signature.json");
    let printed = std::process::Command::new(crate::support::program::PROGRAM)
        .args(["audit", "prove", "--config", &settings, "--ticket", &ticket, "--signature"])
        .arg(&file)
        .output()
        .expect("it runs");
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let proof = String::from_utf8(printed.stdout).expect("a proof");
    assert!(proof.starts_with("c2sp.org/tlog-proof@v1\n"), "{proof}");
    let signature = std::fs::read_to_string(&file).expect("written");
    crate::support::schemas::validate(&[("audit-prove-signature", &signature)]);
    let signature: serde_json::Value = serde_json::from_str(&signature).expect("JSON");
    let encode = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    assert_eq!(signature["signatureValue"], encode(&expected.value));
    assert_eq!(signature["certificate"], encode(&expected.certificate));
    assert_eq!(signature["messageSha256"], certificates::sha256(&request).to_string());
    let search = std::process::Command::new(crate::support::program::PROGRAM)
        .args(["audit", "search", "--config", &settings, "--json", "--ssin", "85073099932"])
        .output()
        .expect("it runs");
    let found: serde_json::Value = serde_json::from_slice(&search.stdout).expect("one exchange");
    assert_eq!((&found["caller"]["cbeNumber"], &found["relay"]["cbeNumber"]), (&FUND.into(), &PLATFORM.into()));
    assert_eq!((&found["signed"], &found["organisation"]["cbeNumber"]), (&true.into(), &FUND.into()));
}
