//! `signature check` and `signature sign`: arguments, exit codes, output.

use std::fs;

use serde_json::Value;

use super::harness::{fixtures, message};
use super::signer::{NOW, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn file(name: &str) -> String {
    fixtures().join(name).display().to_string()
}

fn stored(name: &str) -> String {
    text(&message(&format!("clients/{name}.xml")))
}

/// A request without signature.
fn unsigned() -> String {
    let signed = stored("php-rsa");
    let (before, rest) = signed.split_once("<soap:Header>").expect("a header");
    format!("{before}{}", rest.split_once("</soap:Header>").expect("its end").1)
}

#[test]
fn the_exit_code_says_whether_something_is_wrong() {
    let broken = stored("zeep-rsa").replacen("PHYSICIAN<", "PHYSICIANS<", 1);
    for (arguments, message, code) in [
        (&["check", "-", "--at", NOW][..], stored("zeep-rsa"), 0),
        (&["check", "-"], stored("zeep-rsa"), 11),
        (&["check", "-", "--at", NOW], broken, 11),
        (&["check", "-", "--at", NOW], unsigned(), 11),
        (&["check", "-"], "<a>".to_owned(), 1),
        (&["check", "none.xml"], String::new(), 1),
        (&["check", "-", "--ca", "none.pem"], stored("zeep-rsa"), 1),
        (&["check", "-", "--other-cert", "none.pem"], stored("zeep-rsa"), 1),
        (&["check", "-", "--at", "today"], stored("zeep-rsa"), 2),
        (&["check"], String::new(), 2),
        (&["sign", "-"], unsigned(), 2),
    ] {
        let output = run(arguments, &message);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(code == 1, !output.stderr.is_empty() && output.stdout.is_empty() && code != 2, "{arguments:?}");
    }
}

#[test]
fn the_text_names_place_cause_and_remedy() {
    let broken = stored("php-ec").replacen("<criteria", "\n <criteria", 1);
    let printed = text(&run(&["check", "-", "--at", NOW, "--canonical"], &broken).stdout);
    for part in [
        "digests      WRONG",
        "where:      line 2, /soap:Envelope/soap:Header/wsse:Security/ds:Signature/ds:SignedInfo/ds:Reference",
        "[space-added]",
        "what to do: Sign last",
        "signature    fine",
        "signer       not checked",
        "Wrong: digests; not checked: signer, replay.",
        "--- SignedInfo: ",
        "<ds:SignedInfo xmlns:ds=",
    ] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
}

#[test]
fn a_signed_message_is_fine_and_its_steps_are_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("signed.xml").display().to_string();
    for key in ["fund-rsa", "fund-ec"] {
        let (certificate, key) = (file(&format!("{key}.pem")), file(&format!("{key}.key")));
        let identity = ["--cert", &certificate, "--key", &key, "--at", NOW];
        let arguments = [&["sign", "-", "--out", &out, "--explain", "--lifetime", "90s"], &identity[..]].concat();
        let signed = run(&arguments, &unsigned());
        let steps = text(&signed.stdout);
        assert_eq!(signed.status.code(), Some(0), "{}", text(&signed.stderr));
        for step in ["--- Body: ", "--- Timestamp: ", "--- SignedInfo: ", "DigestValue by ", "SignatureValue by "] {
            assert!(steps.contains(step), "{step}\n{steps}");
        }
        let ca = file("ca.pem");
        let written = fs::read_to_string(&out).expect("the message");
        let checked = run(&["check", "-", "--at", NOW, "--ca", &ca], &written);
        let printed = text(&checked.stdout);
        assert_eq!(checked.status.code(), Some(0), "{printed}");
        assert!(printed.contains("Expires 2026-01-15T09:31:30.000Z"), "{printed}");
        let arguments = [&["sign", "-", "--explain"], &identity[..]].concat();
        let signed = run(&arguments, &unsigned());
        assert!(text(&signed.stderr).contains("--- SignedInfo: "), "{}", text(&signed.stderr));
        assert!(text(&signed.stdout).ends_with("</soap:Envelope>\n"), "{}", text(&signed.stdout));
    }
}

#[test]
fn a_message_that_cannot_be_signed_names_the_reason() {
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key").serialize_pem();
    let folder = tempfile::tempdir().expect("a folder");
    let ed25519 = folder.path().join("ed25519.key").display().to_string();
    fs::write(&ed25519, other).expect("written");
    let (rsa, ec, key) = (file("fund-rsa.pem"), file("fund-ec.key"), file("fund-rsa.key"));
    for (certificate, key, message, reason) in [
        (&rsa, &key, stored("php-rsa"), "has a wsse:Security block already"),
        (&rsa, &key, "<a/>".to_owned(), "is no SOAP 1.1 envelope"),
        (&rsa, &key, unsigned().replace("</soap:Body>", ""), "cannot be read"),
        (&rsa, &ec, unsigned(), "not the key of the certificate in"),
        (&rsa, &ed25519, unsigned(), "expected RSA of at least 2048 bits, or EC on P-256 or P-384"),
        (&rsa, &rsa, unsigned(), "expected an unencrypted private key"),
        (&key, &key, unsigned(), "expected certificates"),
    ] {
        let output = run(&["sign", "-", "--cert", certificate, "--key", key], &message);
        let error = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{reason}\n{error}");
        assert!(error.contains(reason), "{reason}\n{error}");
    }
}

#[test]
fn the_json_has_every_check_in_its_order() {
    let output = run(&["check", "-", "--at", NOW, "--json", "--canonical"], &stored("cxf-ec"));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let checks: Vec<_> = report["checks"].as_array().expect("a list").iter().map(|one| &one["check"]).collect();
    let order = ["structure", "algorithms", "timestamp", "certificate", "signer", "digests", "signature", "position"];
    assert_eq!(checks, [&order[..], &["replay"]].concat());
    assert_eq!(
        (&report["kind"], &report["file"], &report["wrong"]),
        (&"request".into(), &"-".into(), &Value::from([""; 0].to_vec()))
    );
    assert_eq!(report["canonical"].as_array().map(Vec::len), Some(4));
    let skipped = &report["checks"][8];
    assert_eq!(skipped["outcome"], "not checked");
    assert!(skipped["notCheckedBecause"].as_str().is_some_and(|reason| reason.contains("remembers")), "{skipped}");
}
