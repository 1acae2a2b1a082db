//! Random mutations of signed messages: none is accepted in which a signed node has changed.
//!
//! `SIGNED_MUTATIONS` is the number of mutations.

#[path = "../../../fuzz/references/mutations.rs"]
mod mutate;
#[path = "../../../fuzz/references/signed_nodes.rs"]
mod signed_nodes;

use std::fs;

use ehealth_core::model::Timestamp;
use rustls::pki_types::CertificateDer;
use soap::signature::{MessageKind, SigningIdentity, SigningKey, SigningOptions, sign};
use tls_files::{parse_certificates, parse_private_key};

use self::signed_nodes::Signed;
use super::harness::{fixtures, message};
use crate::support::environment::{number, say};
use crate::support::random::Random;
use crate::support::service::{NOW, question};

/// Mutations, without `SIGNED_MUTATIONS`.
const MUTATIONS: u64 = 20_000;

/// `SubjectPublicKeyInfo` of a certificate.
fn public_key(certificate: &[u8]) -> Vec<u8> {
    let certificate = CertificateDer::from(certificate);
    let certificate = webpki::EndEntityCert::try_from(&certificate).expect("a certificate");
    certificate.subject_public_key_info().to_vec()
}

/// A question that the key with this name signs.
fn signed(name: &str, kind: MessageKind) -> Signed {
    let certificate = parse_certificates(&message(&format!("{name}.pem"))).expect("PEM").remove(0).to_vec();
    let key = parse_private_key(&message(&format!("{name}.key"))).expect("PEM");
    let identity = SigningIdentity { key: SigningKey::from_der(key.secret_der()).expect("it signs"), certificate };
    let created = Timestamp::parse(NOW).expect("a time");
    let confirmations = match kind {
        MessageKind::Request => Vec::new(),
        MessageKind::Response => vec![b"request".to_vec()],
    };
    let options =
        SigningOptions { kind, created, expires: created.plus_millis(300_000), confirmations: &confirmations };
    let question = question("0999010126", "BACKTOWORK:ADVISORY_PHYSICIAN", "85073099932", "2026-01-15");
    let signed = sign(question.as_bytes(), &identity, options).expect("signed");
    Signed::new(signed.message, kind, public_key)
}

/// Messages that are mutated: our own, and those of other implementations.
fn originals() -> Vec<Signed> {
    let mut originals = vec![
        signed("fund-rsa", MessageKind::Request),
        signed("fund-ec", MessageKind::Request),
        signed("fund-rsa", MessageKind::Response),
    ];
    let mut names: Vec<_> = fs::read_dir(fixtures().join("clients"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|name| !name.starts_with("refuse-"))
        .collect();
    names.sort();
    let stored = names.iter().map(|name| message(&format!("clients/{name}")));
    originals.extend(stored.map(|message| Signed::new(message, MessageKind::Request, public_key)));
    originals
}

#[test]
fn no_mutation_of_a_signed_node_is_accepted() {
    let originals = originals();
    let mut random = Random::new(34);
    let (mut accepted, mutations) = (0, number("SIGNED_MUTATIONS", MUTATIONS));
    for _ in 0..mutations {
        let original = &originals[random.index(originals.len())];
        let steps = 1 + random.index(3);
        let mutated = mutate::mutate(&original.message, steps, &mut |below| random.index(below));
        accepted += usize::from(original.check(&mutated) && mutated != original.message);
    }
    let messages = originals.len();
    say(&format!("{mutations} mutations of {messages} messages: {accepted} accepted, each with its signed nodes"));
    assert!(accepted > 0, "mutations outside the signed nodes are accepted");
}
