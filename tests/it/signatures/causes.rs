//! `signature check`: every error of a signer is named, for the messages of each client.

#![allow(clippy::print_stdout, reason = "--nocapture shows the table")]

use std::fs;

use serde_json::Value;

use super::harness::{fixtures, message};
use super::signer::{Keys, base64, is_ec, part, report, sha256, value_again};
use super::signing_errors::{SIGNING_ERRORS, SigningError, plain};

/// Messages of each client.
const CLIENTS: [&str; 10] = [
    "zeep-rsa",
    "zeep-ec",
    "node-soap-rsa",
    "node-soap-ec",
    "php-rsa",
    "php-ec",
    "cxf-rsa",
    "cxf-ec",
    "dotnet-rsa-sha256",
    "dotnet-addressing-to-signed",
];

fn stored(client: &str) -> String {
    String::from_utf8(message(&format!("clients/{client}.xml"))).expect("UTF-8")
}

/// The codes of the checks that found something wrong.
fn wrong(report: &Value) -> Vec<&str> {
    report["wrong"].as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

/// The codes of the causes that a check named.
fn causes<'r>(report: &'r Value, check: &str) -> Vec<&'r str> {
    let checks = report["checks"].as_array().expect("a list").iter();
    let faults = checks.filter(|one| one["check"] == check).flat_map(|one| one["faults"].as_array().expect("a list"));
    faults.map(|fault| fault["cause"]["code"].as_str().unwrap_or("none")).collect()
}

/// Makes a error with every message; returns what was named wrongly.
fn try_signing_error(keys: &Keys, error: &SigningError, messages: &[(&str, String)]) -> Vec<String> {
    let SigningError { name, check, cause, make } = error;
    let (mut cells, mut errors) = (Vec::new(), Vec::new());
    for (client, text) in messages {
        let Some(made) = make(keys, text) else {
            cells.push("-".to_owned());
            continue;
        };
        let report = report(&made, &[]);
        let named = causes(&report, check);
        let is_named = !named.is_empty() && named.iter().all(|code| code == cause) && wrong(&report) == [*check];
        cells.push(if is_named { "named".to_owned() } else { format!("{named:?}") });
        if !is_named {
            errors.push(format!("{client}: {name}: expected {check}: {cause}; found {:?} {named:?}", wrong(&report)));
        }
    }
    println!("{check:<10} {cause:<20} {name:<45} {}", cells.join(" "));
    errors
}

#[test]
fn every_error_of_a_signer_is_named() {
    let keys = Keys::read();
    let messages: Vec<_> = CLIENTS.iter().map(|client| (*client, plain(&keys, &stored(client)))).collect();
    for (client, text) in &messages {
        let report = report(text, &[]);
        assert_eq!(wrong(&report), [""; 0], "{client}: {report:#}");
    }
    println!("columns: {}", CLIENTS.join(" "));
    let errors: Vec<_> = SIGNING_ERRORS.iter().flat_map(|error| try_signing_error(&keys, error, &messages)).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn a_signature_by_another_key_names_its_certificate() {
    let keys = Keys::read();
    let (other, certificates) = Keys::other();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("other.pem");
    fs::write(&file, &certificates).expect("written");
    let file = file.display().to_string();
    for client in CLIENTS {
        let text = plain(&keys, &stored(client));
        let made = value_again(&text, |info| base64(&other.sign(&text, info.as_bytes())));
        let found = report(&made, &["--other-cert", &file]);
        assert_eq!(causes(&found, "signature"), ["other-key"], "{client}: {found:#}");
        let found = report(&made, &[]);
        // The padding of RSA shows that the key is another; ECDSA shows nothing.
        let cause = if is_ec(&text) { "key-or-signed-info" } else { "other-key" };
        assert_eq!(causes(&found, "signature"), [cause], "{client}: {found:#}");
        // The same certificates elsewhere in the message.
        let blocks = certificates.split("-----").filter(|block| block.len() > 100);
        let headers: String = blocks.map(|block| format!("<x:Other xmlns:x=\"urn:x\">{block}</x:Other>")).collect();
        let (before, after) = made.split_once("Header>").expect("a header");
        let found = report(&format!("{before}Header>{headers}{after}"), &[]);
        assert_eq!(causes(&found, "signature"), ["other-key"], "{client}: {found:#}");
    }
}

/// Older versions of Node's `soap` give Body and Timestamp one id.
#[test]
fn an_element_with_the_same_id_is_named() {
    let keys = Keys::read();
    let text = plain(&keys, &stored("node-default"));
    let text = text.replacen("Id=\"_1\"", "Id=\"_0\"", 1);
    let found = report(&text.replacen("\"#_1\"", "\"#_0\"", 1), &[]);
    assert_eq!(wrong(&found), ["structure"], "{found:#}");
    assert!(found.to_string().contains("Node's soap"), "{found:#}");
    let begin = text.find("<Reference URI=\"#_1\"").expect("a reference");
    let end = text.rfind("</SignedInfo>").expect("an end tag");
    let text = format!("{}{}", &text[..begin], &text[end..]);
    let timestamp = {
        let begin = text.find("<Timestamp").expect("it");
        let end = text.find("</Timestamp>").expect("it") + "</Timestamp>".len();
        text[begin..end].to_owned()
    };
    let text = super::signer::sign_body_as(&keys, &text, &base64(&sha256(timestamp.as_bytes())));
    assert!(part(&text, "Body").contains("Body"));
    let found = report(&text, &[]);
    assert_eq!(causes(&found, "digests"), ["same-id"], "{found:#}");
    assert_eq!(wrong(&found), ["digests", "position"], "{found:#}");
}

#[test]
fn stored_messages_are_fine_or_refused_by_the_right_check() {
    let mut names: Vec<_> = fs::read_dir(fixtures().join("clients"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    for name in names {
        let found = report(&stored(name.trim_end_matches(".xml")), &[]);
        let expected: &[&str] = match name.as_str() {
            "refuse-expired.xml" => &["timestamp"],
            "refuse-rsa-sha1.xml" | "refuse-cxf-digest-sha1.xml" => &["algorithms"],
            "refuse-cxf-body-only-sha1.xml" => &["algorithms", "position"],
            _ => &[],
        };
        assert_eq!(wrong(&found), expected, "{name}: {found:#}");
    }
}

/// With algorithms outside the profile, the rest is compared as far as it can be.
#[test]
fn the_rest_of_a_message_with_sha_1_is_compared() {
    for (name, check, reason) in [
        ("refuse-rsa-sha1", "digests", "Body '#body': otherwise right, the digest is SHA-1."),
        ("refuse-rsa-sha1", "signature", "Otherwise right: the signature is RSA PKCS #1 v1.5 with SHA-1."),
        ("refuse-cxf-digest-sha1", "signature", "The signature is right."),
    ] {
        let found = report(&stored(name), &[]);
        let mut checks = found["checks"].as_array().expect("a list").iter();
        let skipped = checks.find(|one| one["check"] == check).expect("the check");
        let because = skipped["notCheckedBecause"].as_str().expect("text");
        assert!(because.starts_with("Set the algorithms first.") && because.contains(reason), "{name}: {because}");
    }
}
