//! Attacks on signed messages, each as a stored message: all refused, each for its own reason.

use std::fmt::Write as _;
use std::fs;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::forge::{base, between, element, id, redigested, replaced, resigned};
use super::harness::{count_of_signatures, fixtures, message, service};
use crate::support::service::CONSULT;

/// Name, message, and the reason for which it is refused: a code of `message_signatures_total`, or a
/// code of a fault of the message itself.
type Attack = (&'static str, String, &'static str);

const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

const SIGNATURE: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const DIGEST: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const C14N: &str = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";

/// The body asks about another person.
fn other_person(text: &str) -> String {
    replaced(text, "85073099932", "79020199902")
}

fn header(text: &str, block: &str) -> String {
    replaced(text, "</soapenv:Header>", &format!("{block}</soapenv:Header>"))
}

/// Wrapping: what was signed is still there, and is not what the service reads.
fn wrapping() -> Vec<Attack> {
    let base = base();
    let body = element(&base, "soapenv:Body");
    let timestamp = element(&base, "wsu:Timestamp");
    let block = element(&base, "wsse:Security");
    let signature = element(&base, "ds:Signature");
    let evil = other_person(body);
    let unsigned_evil = replaced(&evil, between(&evil, "<soapenv:Body", ">"), "");
    let wrapped =
        |content: &str| format!("<w:W xmlns:w=\"urn:w\" xmlns:wsse=\"{WSSE}\" xmlns:wsu=\"{WSU}\">{content}</w:W>");
    let fresh = replaced(timestamp, &id(&base, "timestamp"), "timestamp-other");
    let with_body = |new: &str| replaced(&base, body, new);
    vec![
        ("body-moved-to-a-header", header(&with_body(&unsigned_evil), &wrapped(body)), "position"),
        ("body-moved-id-kept-on-both", header(&with_body(&evil), &wrapped(body)), "digest"),
        (
            "body-moved-into-the-body",
            with_body(&replaced(&unsigned_evil, "</soapenv:Body>", &format!("{body}</soapenv:Body>"))),
            "MSG90024",
        ),
        ("two-bodies-signed-first", with_body(&format!("{body}{unsigned_evil}")), "MSG90023"),
        ("two-bodies-signed-last", with_body(&format!("{unsigned_evil}{body}")), "MSG90023"),
        ("id-collision", header(&base, &format!("<w:W xmlns:w=\"urn:w\" Id=\"{}\"/>", id(&base, "body"))), "position"),
        (
            "id-collision-elsewhere",
            header(&base, "<w:W xmlns:w=\"urn:w\" Id=\"x\"><w:W Id=\"x\"/></w:W>"),
            "ambiguous-id",
        ),
        (
            "two-ids-on-the-body",
            resigned(&redigested(&replaced(&base, "<soapenv:Body", "<soapenv:Body Id=\"x\""), &id(&base, "body"))),
            "ambiguous-id",
        ),
        ("timestamp-moved-to-a-header", header(&replaced(&base, timestamp, &fresh), &wrapped(timestamp)), "position"),
        (
            "timestamp-wrapped-in-the-block",
            replaced(&base, timestamp, &format!("{fresh}{}", wrapped(timestamp))),
            "unexpected-element",
        ),
        ("two-timestamps", replaced(&base, timestamp, &format!("{timestamp}{fresh}")), "repeated-element"),
        (
            "signature-in-another-header",
            header(&replaced(&base, signature, ""), &wrapped(signature)),
            "missing-element",
        ),
        (
            "block-for-another-actor",
            replaced(&base, "soapenv:mustUnderstand=\"1\"", "soapenv:actor=\"urn:other\""),
            "missing",
        ),
        ("two-blocks", header(&base, block), "repeated-block"),
        ("second-signature", replaced(&base, signature, &format!("{signature}{signature}")), "repeated-element"),
    ]
}

/// Changes of what was signed, of the digests, of the value, and of the token.
fn substitution() -> Vec<Attack> {
    let base = base();
    let body = id(&base, "body");
    let value = between(&base, "<ds:SignatureValue>", "</ds:SignatureValue>");
    let token = between(&base, "token-", "</wsse:BinarySecurityToken>");
    let token = token.split_once('>').expect("the token").1;
    let flipped = format!("{}{}", if value.starts_with('A') { "B" } else { "A" }, &value[1..]);
    let evil = other_person(&base);
    let der = |name: &str| STANDARD.encode(super::harness::certificate(name));
    let to_other = replaced(&base, &format!("URI=\"#{body}\""), "URI=\"#other\"");
    let other_block = header(&to_other, "<w:W xmlns:w=\"urn:w\" Id=\"other\"/>");
    let reference = base.split("<ds:Reference").nth(1).expect("the body's").to_owned();
    let without_body = replaced(&base, &format!("<ds:Reference{reference}"), "");
    let digest = between(&base, "<ds:DigestValue>", "</ds:DigestValue>");
    let short = STANDARD.encode(&STANDARD.decode(digest).expect("base64")[..16]);
    vec![
        ("body-changed", evil.clone(), "digest"),
        ("digest-right-signature-wrong", redigested(&evil, &body), "signature-value"),
        ("digest-wrong-signature-right", resigned(&replaced(&base, digest, &STANDARD.encode([7; 32]))), "digest"),
        ("digest-cut-signature-right", resigned(&replaced(&base, digest, &short)), "digest"),
        ("signature-value-changed", replaced(&base, value, &flipped), "signature-value"),
        ("signature-value-cut", replaced(&base, value, &value[..4]), "signature-value"),
        ("signature-value-empty", replaced(&base, value, ""), "value"),
        ("reference-substituted", other_block.clone(), "signature-value"),
        ("reference-substituted-and-signed", resigned(&other_block), "position"),
        ("reference-to-nothing", resigned(&to_other), "unknown-id"),
        ("body-not-signed", resigned(&without_body), "not-signed"),
        ("token-exchanged", replaced(&base, token, &der("fund-ec.pem")), "key-type"),
        ("token-of-a-stranger", replaced(&base, token, &der("ca.pem")), "certificate"),
        ("token-no-certificate", replaced(&base, token, "AAAA"), "certificate"),
        ("created-changed", replaced(&base, "09:30:00.000Z</wsu:Created>", "09:30:01.000Z</wsu:Created>"), "digest"),
    ]
}

/// Algorithms and references outside the profile.
fn algorithms() -> Vec<Attack> {
    let base = base();
    let transform = |new: &str| resigned(&replaced(&base, C14N, new));
    let algorithm = |uri: &str| format!("<ds:Transform Algorithm=\"{uri}\"/>");
    let with_list = |list: &str| {
        format!(
            "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces \
             xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{list}\"/></ds:Transform>"
        )
    };
    let hmac_message = replaced(&base, SIGNATURE, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256");
    vec![
        (
            "sha1-signature",
            resigned(&replaced(&base, SIGNATURE, "http://www.w3.org/2000/09/xmldsig#rsa-sha1")),
            "signature-method",
        ),
        ("sha1-digest", resigned(&replaced(&base, DIGEST, "http://www.w3.org/2000/09/xmldsig#sha1")), "digest-method"),
        ("hmac-with-the-public-key", with_hmac(&hmac_message), "signature-method"),
        (
            "inclusive-c14n",
            resigned(&replaced(
                &base,
                "CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
                "CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"",
            )),
            "canonicalization-method",
        ),
        (
            "c14n-with-comments",
            transform(&algorithm("http://www.w3.org/2001/10/xml-exc-c14n#WithComments")),
            "transform",
        ),
        (
            "xpath",
            transform(
                "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>//*</ds:XPath></ds:Transform>",
            ),
            "transform",
        ),
        (
            "xslt",
            transform(
                "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><x:stylesheet xmlns:x=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"/></ds:Transform>",
            ),
            "transform",
        ),
        ("base64-transform", transform(&algorithm("http://www.w3.org/2000/09/xmldsig#base64")), "transform"),
        (
            "str-transform",
            transform(&algorithm(
                "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
            )),
            "transform",
        ),
        (
            "enveloped-signature-alone",
            transform(&algorithm("http://www.w3.org/2000/09/xmldsig#enveloped-signature")),
            "transform",
        ),
        ("a-hundred-transforms", transform(&C14N.repeat(100)), "transform"),
        ("huge-prefix-list", transform(&with_list(&"p ".repeat(10_000))), "prefix-list"),
        (
            "no-transform",
            resigned(&replaced(&base, &format!("<ds:Transforms>{C14N}</ds:Transforms>"), "")),
            "transform",
        ),
    ]
}

/// References and keys outside the profile.
fn references() -> Vec<Attack> {
    let base = base();
    let body = id(&base, "body");
    let uri = format!("URI=\"#{body}\"");
    let reference = format!("<ds:Reference{}", base.split("<ds:Reference").nth(1).expect("the body's"));
    let mut many = String::new();
    for number in 0..1_000 {
        write!(
            many,
            "<ds:Reference URI=\"#r{number}\"><ds:DigestMethod Algorithm=\"{DIGEST}\"/><ds:DigestValue>AAAA\
             </ds:DigestValue></ds:Reference>"
        )
        .expect("a text");
    }
    let key_info = between(&base, "<ds:KeyInfo>", "</ds:KeyInfo>");
    let key = |new: &str| replaced(&base, key_info, new);
    vec![
        ("a-thousand-references", resigned(&replaced(&base, &reference, &format!("{reference}{many}"))), "references"),
        ("one-reference-twice", resigned(&replaced(&base, &reference, &reference.repeat(2))), "references"),
        ("empty-uri", resigned(&replaced(&base, &uri, "URI=\"\"")), "reference-uri"),
        ("external-uri", resigned(&replaced(&base, &uri, "URI=\"http://localhost/x\"")), "reference-uri"),
        ("xpointer", resigned(&replaced(&base, &uri, "URI=\"#xpointer(/)\"")), "reference-uri"),
        ("key-value", key("<ds:KeyValue/>"), "key-reference"),
        ("x509-data", key("<ds:X509Data/>"), "key-reference"),
        (
            "key-identifier",
            key(
                "<wsse:SecurityTokenReference><wsse:KeyIdentifier>AA==</wsse:KeyIdentifier></wsse:SecurityTokenReference>",
            ),
            "key-reference",
        ),
        (
            "key-of-another-element",
            replaced(&base, &format!("URI=\"#{}\" ValueType", id(&base, "token")), "URI=\"#elsewhere\" ValueType"),
            "key-reference",
        ),
        (
            "object-in-the-signature",
            replaced(&base, "</ds:Signature>", "<ds:Object/></ds:Signature>"),
            "unexpected-element",
        ),
        ("canonical-form-of-many-mebibytes", expanding(&base), "canonicalization"),
    ]
}

/// Times that are not now.
fn times() -> Vec<Attack> {
    let base = base();
    let (created, expires) = ("2026-01-15T09:30:00.000Z</wsu:Created>", "2026-01-15T09:35:00.000Z</wsu:Expires>");
    let at = |from: &str, to: &str| {
        let text = replaced(&base, created, &format!("{from}</wsu:Created>"));
        let text = replaced(&text, expires, &format!("{to}</wsu:Expires>"));
        resigned(&redigested(&text, &id(&base, "timestamp")))
    };
    vec![
        ("expired", at("2026-01-15T09:20:00Z", "2026-01-15T09:28:59Z"), "expired"),
        ("from-the-future", at("2026-01-15T09:31:01Z", "2026-01-15T09:36:00Z"), "created-in-future"),
        ("valid-for-an-hour", at("2026-01-15T09:30:00Z", "2026-01-15T10:30:00Z"), "lifetime"),
        ("ends-before-it-begins", at("2026-01-15T09:30:30Z", "2026-01-15T09:30:00Z"), "lifetime"),
        ("without-zone", at("2026-01-15T09:30:00", "2026-01-15T09:35:00Z"), "value"),
    ]
}

/// The value is an HMAC under the public key, which everybody has.
fn with_hmac(text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &super::harness::certificate("fund-rsa.pem"));
    let info = element(text, "ds:SignedInfo");
    let value = STANDARD.encode(hmac::sign(&key, info.as_bytes()));
    replaced(text, between(text, "<ds:SignatureValue>", "</ds:SignatureValue>"), &value)
}

/// Every element of the body uses a namespace of 60 000 characters, which each repeats.
fn expanding(base: &str) -> String {
    let uri = format!("urn:{}", "x".repeat(60_000));
    let header = format!(
        "<a:To xmlns:a=\"http://www.w3.org/2005/08/addressing\" xmlns:l=\"{uri}\" Id=\"long\">{}</a:To>",
        "<l:x/>".repeat(200)
    );
    let reference = format!("<ds:Reference{}", base.split("<ds:Reference").nth(1).expect("the body's"));
    let added = replaced(&reference, &id(base, "body"), "long");
    let text = replaced(base, &reference, &format!("{reference}{added}"));
    resigned(&self::header(&text, &header))
}

fn attacks() -> Vec<Attack> {
    [wrapping(), substitution(), algorithms(), references(), times()].concat()
}

/// The stored messages are what the table makes. `WRITE_FIXTURES=1` writes them.
#[test]
fn stored_attacks_are_those_of_the_table() {
    let folder = fixtures().join("attacks");
    for (name, text, _) in attacks() {
        let file = folder.join(format!("{name}.xml"));
        if std::env::var_os("WRITE_FIXTURES").is_some() {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(&file, &text).expect("written");
        }
        assert!(fs::read_to_string(&file).is_ok_and(|stored| stored == text), "{name} differs from its file");
    }
    assert_eq!(fs::read_dir(folder).expect("a folder").count(), attacks().len());
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "shows what was refused, and why")]
async fn every_attack_is_refused_for_its_reason() {
    let service = service("message_signature = \"require\"").await;
    let mut wrong = Vec::new();
    for (name, _, reason) in attacks() {
        let before = count_of_signatures(&service, reason).await;
        let answered = service.post("fund", CONSULT, message(&format!("attacks/{name}.xml"))).await;
        let counted = count_of_signatures(&service, reason).await - before;
        let code = answered.code().unwrap_or("none");
        println!("{name}: {} {code}, {reason}", answered.status);
        let is_refused = if reason.starts_with("MSG9") {
            (answered.status, code) == (500, reason)
        } else {
            (answered.status, code, counted) == (500, "SOA-01001", 1)
        };
        if !is_refused {
            wrong.push(format!("{name}: {} {code}, not as {reason}", answered.status));
        }
    }
    assert_eq!(wrong, [""; 0]);
    // The message itself is accepted, once.
    let first = service.post("fund", CONSULT, message("base.xml")).await;
    assert_eq!(first.code(), Some("MSG00000"), "{}", first.body);
    let again = service.post("fund", CONSULT, message("base.xml")).await;
    assert_eq!((again.code(), count_of_signatures(&service, "replayed").await), (Some("SOA-01001"), 1));
    service.finish().await;
}
