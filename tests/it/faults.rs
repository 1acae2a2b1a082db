//! The caller's view of an internal failure: a fault with its code, no data, and answers again
//! after the repair.

use std::fs;
use std::time::{Duration, Instant};

use audit_log::{KeyFolder, KeyName, MissingKeys, Month};
use ehealth_core::model::{Clock, Timestamp};

use crate::support::service::{self, CONSULT, TEST, TestService, envelope, question};

const ANNA: &str = "85073099932";
const FUND: &str = "0999010126";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

async fn ask(service: &TestService) -> service::Answered {
    service.post("fund", CONSULT, question(FUND, PHYSICIAN, ANNA, "2026-01-10")).await
}

/// Asks until the answer has this code.
async fn ask_until(service: &TestService, code: &str) -> service::Answered {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answered = ask(service).await;
        if answered.code() == Some(code) {
            return answered;
        }
        assert!(Instant::now() < deadline, "still {:?}", answered.code());
    }
}

fn tells_nothing(answered: &service::Answered) -> bool {
    let inside = ["sqlite", "rusqlite", "/", "src", ".rs", "dataset"];
    let (_, detail) = answered.body.split_once("<faultstring>").expect("a fault");
    let words = detail.replace("http://", "").replace("</", "").replace("/>", "").to_lowercase();
    let urls = words.replace("kszbcss.fgov.be/intf/ehealthattributesservice/v1", "");
    !answered.body.contains(ANNA) && inside.iter().all(|word| !urls.contains(word))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_dataset_is_an_internal_error() {
    let service = TestService::start().await;
    assert_eq!(ask(&service).await.code(), Some("MSG00000"));
    let pointer = service.settings.sync.data.join("dimona.current");
    let right = fs::read(&pointer).expect("a pointer");
    fs::write(&pointer, "../../etc/passwd\n").expect("written");
    let answered = ask_until(&service, "MSG00003").await;
    assert_eq!((answered.status, answered.text("faultcode")), (500, Some("soap:Server")));
    assert!(tells_nothing(&answered), "{}", answered.body);
    assert_eq!(answered.text("ticket"), Some("a-test"), "the customer is returned");
    fs::write(&pointer, right).expect("written");
    ask_until(&service, "MSG00000").await;
    service.finish().await;
}

#[tokio::test]
async fn no_answer_is_sent_without_a_record() {
    let month = |text: &str| Month::new(Timestamp::parse(text).expect("a moment"));
    let service = TestService::start_with(|settings| {
        // Only the keys of January are there: in February no detail can be encrypted.
        let keys = KeyFolder::open(&settings.audit_log.keys, MissingKeys::Make).expect("a folder");
        for name in [KeyName::Detail(month(service::NOW)), KeyName::Subject(2026), KeyName::Checkpoint] {
            keys.provide(name).expect("a key");
        }
        settings.audit_log.missing_keys = MissingKeys::Refuse;
        settings.audit_log.retry = Duration::from_millis(1);
    })
    .await;
    assert_eq!(ask(&service).await.code(), Some("MSG00000"));
    service.clock.set(Timestamp::parse("2026-02-10T09:30:00Z").expect("a moment"));
    let answered = ask(&service).await;
    assert_eq!((answered.code(), answered.text("faultcode")), (Some("MSG90053"), Some("soap:Server")));
    assert!(tells_nothing(&answered) && !answered.body.contains("0999100196"), "{}", answered.body);
    let echo = envelope(
        "<t:sendTestMessageRequest xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\"><echo>hello</echo>\
         </t:sendTestMessageRequest>",
    );
    assert_eq!(service.post("fund", TEST, echo).await.code(), Some("MSG90053"), "not even an echo");
    assert_eq!(service.post("fund", CONSULT, "no XML").await.code(), Some("MSG90053"), "not even a fault");

    let keys = KeyFolder::open(&service.settings.audit_log.keys, MissingKeys::Make).expect("a folder");
    keys.provide(KeyName::Detail(month("2026-02-10T09:30:00Z"))).expect("a key");
    ask_until(&service, "MSG00000").await;
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_dataset_is_missing_until_it_is_back() {
    let service = TestService::start().await;
    assert_eq!(ask(&service).await.code(), Some("MSG00000"));
    let pointer = service.settings.sync.data.join("dimona.current");
    let aside = service.folder().join("aside");
    fs::rename(&pointer, &aside).expect("moved");
    let answered = ask_until(&service, "HAN20200").await;
    assert!(answered.body.contains("DIMONA") || answered.body.contains("dimona"), "{}", answered.body);
    assert!(!answered.body.contains("0999100196"), "an employer without the dataset of employers: {}", answered.body);
    fs::rename(&aside, &pointer).expect("moved back");
    ask_until(&service, "MSG00000").await;
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_jump_leaves_no_trace_once_corrected() {
    let service = TestService::start().await;
    let moment = |text: &str| Timestamp::parse(text).expect("a moment");
    assert_eq!(ask(&service).await.code(), Some("MSG00000"));
    // Thirty years ahead, thirty years back: no certificate is valid, and no caller gets an answer.
    for far in ["2056-01-15T09:30:00Z", "1996-01-15T09:30:00Z"] {
        service.clock.set(moment(far));
        assert_eq!(first_bytes(&service).await, "", "{far}");
        service.clock.set(moment(service::NOW));
        assert_eq!(first_bytes(&service).await, "HTTP/1.1 200", "{far}, and valid again");
        assert_eq!(ask(&service).await.code(), Some("MSG00000"));
    }
    service.finish().await;
}

/// Begin of the answer to a GET; empty if the connection is refused. The caller considers its
/// certificates valid.
async fn first_bytes(service: &TestService) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let now = service.clock.now();
    // The caller's own clock is right.
    let tls = service.tls_at(service::NOW, "fund");
    let stream = tokio::net::TcpStream::connect(service.address).await.expect("it listens");
    let name = "localhost".try_into().expect("a name");
    let connected = tokio_rustls::TlsConnector::from(std::sync::Arc::new(tls)).connect(name, stream).await;
    assert_eq!(service.clock.now(), now);
    let Ok(mut stream) = connected else { return String::new() };
    let asked = format!("GET {CONSULT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(asked.as_bytes()).await;
    let mut came = Vec::new();
    let _ = stream.read_to_end(&mut came).await;
    String::from_utf8_lossy(&came).chars().take(12).collect()
}
