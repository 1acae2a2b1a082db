//! TLS checked by independent tools: sslyze scans what is offered, and tlslite-ng sends messages
//! with eighty kinds of errors.
//!
//! `fixtures/tls` has the expected results. After all of them the service answers as before.

use std::fs;
use std::path::PathBuf;

use crate::support::python::{Python, project};
use crate::support::service::{CONSULT, TestService, question};

/// Output of a script of `tests/it/support` about the service, with the fund's certificate.
async fn scan(service: &TestService, script: &'static str, more: Vec<PathBuf>) -> Option<String> {
    let python = Python::find()?;
    let (certificate, key) = service.workspace.client("fund");
    let mut arguments = vec![PathBuf::from(service.address.port().to_string()), certificate, key];
    arguments.extend(more);
    let printed = tokio::task::spawn_blocking(move || python.run(script, arguments)).await.expect("no panic");
    Some(printed.unwrap_or_else(|printed| panic!("{script}: {printed}")))
}

async fn assert_answers(service: &TestService) {
    let message = question("0999010126", "BACKTOWORK:ADVISORY_PHYSICIAN", "85073099932", "");
    let answered = service.post("fund", CONSULT, message).await;
    assert_eq!((answered.status, answered.code()), (200, Some("MSG00000")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanner_finds_only_tls_1_2_and_1_3_with_strong_ciphers() {
    let service = TestService::start().await;
    if let Some(found) = scan(&service, "tls_scan.py", Vec::new()).await {
        let expected = fs::read_to_string(project().join("fixtures/tls/scan.txt")).expect("a fixture");
        assert_eq!(found, expected);
    }
    assert_answers(&service).await;
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_tls_is_refused_as_the_standards_say() {
    let service = TestService::start().await;
    let expected = project().join("fixtures/tls/callers.txt");
    let (_, other) = service.workspace.client("service");
    if let Some(found) = scan(&service, "tls_callers.py", vec![other, expected.clone()]).await {
        let expected = fs::read_to_string(expected).expect("a fixture");
        assert_eq!(found.lines().count(), expected.lines().count());
        let mut exact = 0;
        for (found, expected) in found.lines().zip(expected.lines()) {
            if found == expected {
                exact += 1;
                continue;
            }
            // If a caller was still sending, the connection may be reset before it reads the alert.
            let ((case, reaction), (of, wanted)) = (split(found), split(expected));
            let is_end = |printed: &str| printed == "closed" || printed == "close_notify";
            let is_refused = reaction != "answered" && reaction != "silence" && wanted != "answered";
            // An alert under keys that the caller does not have is read as another alert, or not at
            // all.
            let is_unread = is_end(reaction) || is_end(wanted) || wanted == "encrypted";
            assert!(case == of && is_refused && is_unread, "{found} instead of {expected}");
        }
        assert!(exact >= 60, "only {exact} reactions were equal");
    }
    assert_answers(&service).await;
    service.finish().await;
}

fn split(line: &str) -> (&str, &str) {
    line.rsplit_once(": ").unwrap_or_else(|| panic!("no reaction: {line}"))
}
