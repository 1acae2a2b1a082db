//! Tests the search for SSINs: a search that cannot fail shows nothing.

// A process of its own: one test logs a number, which every other test that searches the log would
// find.
#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "it/support/mod.rs"]
mod support;

use std::fs;

use crate::support::canary::{self, search, search_files};
use crate::support::service::{CONSULT, TestService, question};

const ANNA: &str = "85073099932";

fn forms(bytes: &[u8]) -> Vec<&'static str> {
    search(bytes).into_iter().map(|found| found.form).collect()
}

#[test]
fn finds_an_ssin_in_every_encoding() {
    for text in [
        ANNA.to_owned(),
        format!("ssin={ANNA}, "),
        format!("<ssin>{ANNA}</ssin>"),
        format!("NISS{ANNA}"),
        "85.07.30-999.32".into(),
        "850730-999-32".into(),
        "850730 99932".into(),
        // An SSIN of no fixture person.
        "90010199992".into(),
    ] {
        assert_eq!(forms(text.as_bytes()), ["digits"], "{}", text.len());
    }
    let little: Vec<u8> = ANNA.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = ANNA.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(forms(&[b"x\n", little.as_slice()].concat()), ["digits in UTF-16"]);
    assert_eq!(forms(&[b"x", big.as_slice()].concat()), ["digits in UTF-16"]);
    let number: u64 = ANNA.parse().expect("a number");
    assert_eq!(forms(&number.to_be_bytes()), ["the number, big-endian"]);
    assert_eq!(forms(&number.to_le_bytes()), ["the number, little-endian"]);
    // In base64, at each of the three alignments (`A…`, `xA…` and `xyA…`), and in UTF-16.
    for encoded in ["ODUwNzMwOTk5MzI=", "eDg1MDczMDk5OTMy", "eHk4NTA3MzA5OTkzMg==", "OAA1ADAANwAzADAAOQA5ADkAMwAyAA=="]
    {
        assert_eq!(forms(format!("token: {encoded}\n").as_bytes()), ["digits in base64"], "{encoded}");
    }
}

#[test]
fn other_digits_are_not_taken_for_an_ssin() {
    for text in [
        "85073099933",
        "185073099932",
        "850730999320",
        "0999010126",
        "a85073099932",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "2026-01-15T09:30:00.000Z",
        "85.07.30-999",
    ] {
        assert_eq!(forms(text.as_bytes()), [""; 0], "{text}");
    }
}

#[tokio::test]
async fn finds_an_ssin_planted_in_the_audit_log_and_in_the_log() {
    let service = TestService::start().await;
    let answered =
        service.post("fund", CONSULT, question("0999010126", "BACKTOWORK:ADVISORY_PHYSICIAN", ANNA, "")).await;
    assert!(answered.body.contains(ANNA), "answers have numbers");
    let planted = service.settings.audit_log.folder.join("planted");
    for (text, findings) in [("nothing", 0), (ANNA, 1), ("ODUwNzMwOTk5MzI=", 1)] {
        fs::write(&planted, text).expect("ours");
        assert_eq!(search_files(&service.settings.audit_log.folder).len(), findings);
    }
    fs::rename(&planted, planted.with_file_name(ANNA)).expect("ours");
    fs::write(planted.with_file_name(ANNA), "").expect("ours");
    let found = search_files(&service.settings.audit_log.folder);
    assert!(matches!(found.as_slice(), [one] if one.contains("of a name") && !one.contains(ANNA)), "{}", found.len());
    fs::remove_file(planted.with_file_name(ANNA)).expect("ours");
    assert!(canary::logged().contains("answered"), "the log is captured");
    tracing::info!(planted = ANNA, "an error");
    assert_eq!(canary::search_log().len(), 1);
    service.finish().await;
}
