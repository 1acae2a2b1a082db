//! Signed messages: whatever is changed, the signature is accepted only of the nodes that were signed.
//!
//! The input is a list of edits, two bytes a choice. The messages are signed at the start with the keys
//! of `fixtures/signed`; their ids differ from run to run, and their lengths do not.

#![no_main]

#[path = "../references/mutations.rs"]
mod mutations;
#[path = "../references/signed_nodes.rs"]
mod signed_nodes;

use std::sync::LazyLock;

use ehealth_core::model::Timestamp;
use libfuzzer_sys::fuzz_target;
use soap::signature::{MessageKind, SigningIdentity, SigningKey, SigningOptions, sign};
use tls_files::{parse_certificates, parse_private_key};

use signed_nodes::Signed;

const REQUEST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
    <q:consultAttributesRequest xmlns:q=\"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1\">\
    <criteria><ssin>85073099932</ssin></criteria></q:consultAttributesRequest></soapenv:Body></soapenv:Envelope>";

const KEYS: [[&[u8]; 2]; 2] = [
    [include_bytes!("../../fixtures/signed/fund-rsa.pem"), include_bytes!("../../fixtures/signed/fund-rsa.key")],
    [include_bytes!("../../fixtures/signed/fund-ec.pem"), include_bytes!("../../fixtures/signed/fund-ec.key")],
];

/// A request of each key, and a response.
static ORIGINALS: LazyLock<[Signed; 3]> = LazyLock::new(|| {
    [(KEYS[0], MessageKind::Request), (KEYS[1], MessageKind::Request), (KEYS[0], MessageKind::Response)].map(
        |(key, kind)| {
            let created = Timestamp::parse("2026-01-15T09:30:00Z").expect("a time");
            let confirmations = if kind == MessageKind::Response { vec![b"request".to_vec()] } else { Vec::new() };
            let expires = created.plus_millis(300_000);
            let options = SigningOptions { kind, created, expires, confirmations: &confirmations };
            let signed = sign(REQUEST.as_bytes(), &identity(key), options).expect("signed");
            Signed::new(signed.message, kind, public_key)
        },
    )
});

fn identity([certificate, key]: [&[u8]; 2]) -> SigningIdentity {
    let certificate = parse_certificates(certificate).expect("PEM").remove(0).to_vec();
    let key = parse_private_key(key).expect("PEM");
    SigningIdentity { key: SigningKey::from_der(key.secret_der()).expect("it signs"), certificate }
}

/// `SubjectPublicKeyInfo` of a certificate.
fn public_key(certificate: &[u8]) -> Vec<u8> {
    let certificate = certificate.into();
    webpki::EndEntityCert::try_from(&certificate).expect("a certificate").subject_public_key_info().to_vec()
}

fuzz_target!(|input: &[u8]| {
    let mut choices = input.chunks(2).map(|bytes| bytes.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)));
    let mut choose = |below: usize| choices.next().unwrap_or(0) % below;
    let original = &ORIGINALS[choose(ORIGINALS.len())];
    // An edit takes about four choices.
    let steps = 1 + input.len() / 10;
    original.check(&mutations::mutate(&original.message, steps.min(8), &mut choose));
});
