//! Signed responses: what is accepted, and what each change of one leads to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use soap::limits::{DOCUMENT_BYTES, REPLY_EVENTS};
use soap::signature::{MessageKind, SignatureError, SigningIdentity, SigningKey, SigningOptions, sign};
use tls_files::{parse_certificates, parse_private_key};

use super::{ResponseContext, ResponseSignatureError, ResponseVerifier};
use crate::error::ClientError;
use crate::not_understood::NotUnderstood;
use crate::retry::{Blame, Retry};
use ehealth_core::model::Timestamp;

const RSA: [&[u8]; 2] =
    [include_bytes!("../../../fixtures/signed/fund-rsa.pem"), include_bytes!("../../../fixtures/signed/fund-rsa.key")];
const EC: [&[u8]; 2] =
    [include_bytes!("../../../fixtures/signed/fund-ec.pem"), include_bytes!("../../../fixtures/signed/fund-ec.key")];
const CA: &[u8] = include_bytes!("../../../fixtures/signed/ca.pem");

fn now() -> Timestamp {
    Timestamp::parse("2026-01-15T09:30:00Z").expect("a time")
}

fn certificate(pem: &[u8]) -> CertificateDer<'static> {
    parse_certificates(pem).expect("PEM").remove(0)
}

fn identity([pem, key]: [&[u8]; 2]) -> SigningIdentity {
    let key = SigningKey::from_der(parse_private_key(key).expect("a key").secret_der()).expect("it signs");
    SigningIdentity { key, certificate: certificate(pem).to_vec() }
}

fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <s:Body>{body}</s:Body></s:Envelope>"
    )
}

fn signed_by(pem: [&[u8]; 2], body: &str, confirmations: &[Vec<u8>]) -> String {
    let options = SigningOptions {
        kind: MessageKind::Response,
        created: now(),
        expires: now().plus_millis(300_000),
        confirmations,
    };
    let signed = sign(envelope(body).as_bytes(), &identity(pem), options).expect("signed");
    String::from_utf8(signed.message).expect("UTF-8")
}

/// A response that confirms the signature `request`.
fn signed(body: &str) -> String {
    signed_by(RSA, body, &[b"request".to_vec()])
}

/// Verifies a response on a connection to a server with the RSA certificate; `signers` may sign too.
fn verify_at(
    response: &str,
    signers: Option<&[u8]>,
    request: Option<&[u8]>,
    now: Timestamp,
) -> Result<(), ClientError> {
    let server = certificate(RSA[0]);
    let context = ResponseContext { server_certificate: Some(&server), request_signature: request, now };
    ResponseVerifier::new(signers).expect("certificates").verify(response.as_bytes(), context)
}

fn verify(response: &str) -> Result<(), ClientError> {
    verify_at(response, None, Some(b"request"), now())
}

fn refusal(verified: Result<(), ClientError>) -> ResponseSignatureError {
    match verified {
        Err(ClientError::Unverified(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The error in the signature block.
fn problem(verified: Result<(), ClientError>) -> SignatureError {
    let refused = refusal(verified);
    let ResponseSignatureError::Refused { error, .. } = refused else { panic!("{refused:?}") };
    error
}

/// Replaces text that the response has.
fn changed(response: &str, from: &str, to: &str) -> String {
    assert!(response.contains(from), "{from}");
    response.replacen(from, to, 1)
}

/// The first element with this name, whole.
fn element<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_at(text.find(start).expect("its start"));
    rest.split_at(rest.find(end).expect("its end") + end.len()).0
}

#[test]
fn responses_of_the_server_and_of_a_signer_are_accepted() {
    let fault = "<s:Fault><faultcode>s:Server</faultcode><faultstring>No.</faultstring></s:Fault>";
    for body in ["<a>b</a>", fault] {
        verify(&signed(body)).expect("accepted");
    }
    let by_ec = signed_by(EC, "<a>b</a>", &[b"request".to_vec()]);
    assert_eq!(refusal(verify(&by_ec)), ResponseSignatureError::UnknownSigner);
    verify_at(&by_ec, Some(EC[0]), Some(b"request"), now()).expect("a configured signer");
    let unknown = verify_at(&by_ec, Some(CA), Some(b"request"), now());
    assert_eq!(refusal(unknown), ResponseSignatureError::UnknownSigner, "its issuer is no signer");
    for other in [&b""[..], b"no certificates"] {
        assert!(ResponseVerifier::new(Some(other)).is_err());
    }
}

#[test]
fn an_unsigned_response_is_refused() {
    let error = verify(&envelope("<a>b</a>")).expect_err("not signed");
    assert_eq!(error.to_string(), "the response is not accepted: it is not signed");
    assert_eq!((error.blame(), error.retry()), (Blame::Service, Retry::Never));
    let malformed = verify("<a>").expect_err("no XML");
    assert!(matches!(malformed, ClientError::NotUnderstood(NotUnderstood::NotXml { .. })), "{malformed:?}");
}

#[test]
fn a_changed_body_timestamp_or_token_is_refused() {
    let response = signed("<a>85073099932</a>");
    let body = changed(&response, "85073099932", "85073099933");
    assert_eq!(problem(verify(&body)), SignatureError::Digest);
    assert!(!verify(&body).expect_err("refused").to_string().contains("850730"), "no data of the body");
    let added = changed(&response, "<a>", "<a/><a>");
    assert_eq!(problem(verify(&added)), SignatureError::Digest);
    let later = changed(&response, "09:35:00.000Z</wsu:Expires>", "09:36:00.000Z</wsu:Expires>");
    assert_eq!(problem(verify(&later)), SignatureError::Digest);
    let unsigned = changed(&response, element(&response, "<ds:Signature ", "</ds:Signature>"), "");
    assert_eq!(problem(verify(&unsigned)), SignatureError::MissingElement);

    let [rsa, ec] = [RSA, EC].map(|[pem, _]| STANDARD.encode(certificate(pem)));
    let exchanged = changed(&response, &rsa, &ec);
    assert_eq!(refusal(verify(&exchanged)), ResponseSignatureError::UnknownSigner);
    let trusted = verify_at(&exchanged, Some(EC[0]), Some(b"request"), now());
    assert_eq!(problem(trusted), SignatureError::KeyType);
    let with_another_name = changed(&response, "EncodingType=", "a=\"b\" EncodingType=");
    assert_eq!(problem(verify(&with_another_name)), SignatureError::Digest, "the token is signed too");
}

#[test]
fn a_moved_body_is_refused() {
    let response = signed("<a>b</a>");
    let body = element(&response, "<s:Body", "</s:Body>").to_owned();
    let other = "<s:Body><a>c</a></s:Body>";
    let wrapped = changed(&response, &body, other);
    let wrapped = changed(&wrapped, "</wsse:Security>", &format!("</wsse:Security><w xmlns=\"urn:w\">{body}</w>"));
    assert_eq!(problem(verify(&wrapped)), SignatureError::Position);
}

#[test]
fn a_response_confirms_the_request_that_it_answers() {
    let response = signed("<a>b</a>");
    let of = |request: Option<&[u8]>, response: &str| verify_at(response, None, request, now());
    assert_eq!(refusal(of(Some(b"another"), &response)), ResponseSignatureError::AnotherRequest);
    assert_eq!(refusal(of(None, &response)), ResponseSignatureError::AnotherRequest);

    let confirmation = element(&response, "<wsse11:SignatureConfirmation", "/>").to_owned();
    let changed_value = changed(&response, &STANDARD.encode(b"request"), &STANDARD.encode(b"another"));
    assert_eq!(problem(of(Some(b"another"), &changed_value)), SignatureError::Digest);
    let removed = changed(&response, &confirmation, "");
    assert_eq!(problem(of(Some(b"request"), &removed)), SignatureError::UnknownId);

    let without = signed_by(RSA, "<a>b</a>", &[]);
    of(None, &without).expect("an unsigned request needs no confirmation");
    assert_eq!(refusal(of(Some(b"request"), &without)), ResponseSignatureError::NotConfirmed);
    let added = changed(&without, "<ds:Signature ", &format!("{confirmation}<ds:Signature "));
    assert_eq!(refusal(of(Some(b"request"), &added)), ResponseSignatureError::ConfirmationNotSigned);
}

#[test]
fn an_old_response_is_refused() {
    let response = signed("<a>b</a>");
    for (millis, expected) in [
        (-60_001, Some(SignatureError::CreatedInFuture)),
        (-60_000, None),
        (360_000, None),
        (360_001, Some(SignatureError::Expired)),
    ] {
        let verified = verify_at(&response, None, Some(b"request"), now().plus_millis(millis));
        assert_eq!(verified.is_err().then(|| problem(verified)), expected, "{millis}");
    }
}

#[test]
fn a_response_of_the_maximum_size_is_verified() {
    // Each element is three events; a signed message has about a hundred more.
    let text = "é".repeat(100);
    let body = format!("<a>{}</a>", format!("<b>{text}</b>").repeat(16_384));
    assert!(body.len() > 12 * DOCUMENT_BYTES && 16_384 * 3 < REPLY_EVENTS);
    let response = signed(&body);
    verify(&response).expect("accepted");
    assert_eq!(problem(verify(&changed(&response, "éé</b></a>", "éà</b></a>"))), SignatureError::Digest);
    let events = "<b>c</b>".repeat(12_000);
    let body = format!("<a><d>{events}</d><d>{}</d></a>", "<b>c</b>".repeat(9_700));
    verify(&signed(&body)).expect("accepted");
}
