//! What a caller sees when something inside fails: a fault with its code, no data, and an answer again once it is mended.

#[path = "support/python.rs"]
mod python;
#[path = "support/service.rs"]
mod service;

use std::fs;
use std::time::{Duration, Instant};

use ehealth_attributes::audit::{KeyFolder, KeyName, MissingKeys, Month};
use ehealth_attributes::model::Timestamp;
use service::{CONSULT, TEST, TestService, envelope, question};

const ANNA: &str = "85073000160";
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
async fn a_dataset_that_cannot_be_read_is_an_internal_error_until_it_can_be() {
    let service = TestService::start().await;
    assert_eq!(ask(&service).await.code(), Some("MSG00000"));
    let pointer = service.settings.sync.data.join("dimona.current");
    let right = fs::read(&pointer).expect("a pointer");
    fs::write(&pointer, "../../etc/passwd\n").expect("written");
    let answered = ask_until(&service, "MSG00003").await;
    assert_eq!((answered.status, answered.text("faultcode")), (500, Some("soap:Server")));
    assert!(tells_nothing(&answered), "{}", answered.body);
    assert_eq!(answered.text("ticket"), Some("a-test"), "the customer is given back");
    fs::write(&pointer, right).expect("written");
    ask_until(&service, "MSG00000").await;
    service.finish().await;
}

#[tokio::test]
async fn without_evidence_there_is_no_answer_and_with_it_there_is_one_again() {
    let month = |text: &str| Month::new(Timestamp::parse(text).expect("a moment"));
    let service = TestService::start_with(|settings| {
        // The keys of January alone were brought: in February nothing can be sealed.
        let keys = KeyFolder::open(&settings.trail.keys, MissingKeys::Make).expect("a folder");
        for name in [KeyName::Detail(month(service::NOW)), KeyName::Subject(2026), KeyName::Checkpoint] {
            keys.provide(name).expect("a key");
        }
        settings.trail.missing_keys = MissingKeys::Refuse;
        settings.trail.retry = Duration::from_millis(1);
    })
    .await;
    assert_eq!(ask(&service).await.code(), Some("MSG00000"));
    service.clock.set(Timestamp::parse("2026-02-10T09:30:00Z").expect("a moment"));
    let answered = ask(&service).await;
    assert_eq!((answered.code(), answered.text("faultcode")), (Some("MSG90053"), Some("soap:Server")));
    assert!(tells_nothing(&answered) && !answered.body.contains("0999100196"), "{}", answered.body);
    let echo = envelope(
        "<t:sendTestMessageRequest xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionService/v1\"><echo>hello</echo>\
         </t:sendTestMessageRequest>",
    );
    assert_eq!(service.post("fund", TEST, echo).await.code(), Some("MSG90053"), "not even an echo");
    assert_eq!(service.post("fund", CONSULT, "no XML").await.code(), Some("MSG90053"), "not even a fault");

    let keys = KeyFolder::open(&service.settings.trail.keys, MissingKeys::Make).expect("a folder");
    keys.provide(KeyName::Detail(month("2026-02-10T09:30:00Z"))).expect("a key");
    ask_until(&service, "MSG00000").await;
    service.finish().await;
}
