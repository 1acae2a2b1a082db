//! The client's messages, checked by two independent oracles and by the samples of the contract.
//!
//! Both oracles must accept what the client sends. The client must read every message that the
//! contract allows, and write it again as a message that the oracles accept.

use std::fs;
use std::path::PathBuf;

use client::envelope::{self, Reply};
use client::messages::{ConsultRequest, ConsultResponse, Message, TestRequest, TestResponse};
use client::{Echo, FaultCode, Question};
use ehealth_core::lookup::Operation;
use ehealth_core::model::{CbeNumber, CustomerId, Date, EndUser, LegalContext, PairNumber, Ssin, Timestamp, Window};
use proptest::prelude::*;
use yaserde::{YaDeserialize, YaSerialize};

use crate::support::{python, yaserde_messages};

fn fund() -> CustomerId {
    CustomerId::Cbe(CbeNumber::parse("0999010126").expect("ten digits"))
}

fn day(text: &str) -> Date {
    Date::parse(text).expect("a day")
}

/// Every valid sample of the contract whose name has this prefix.
fn samples(begin: &str) -> Vec<(String, String)> {
    let folder = python::project().join("fixtures/contract/valid");
    let mut samples: Vec<_> = fs::read_dir(folder)
        .expect("the samples are there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| name(path).starts_with(begin))
        .map(|path| (name(&path), fs::read_to_string(&path).expect("UTF-8")))
        .collect();
    samples.sort();
    assert!(!samples.is_empty(), "no sample begins with {begin}");
    samples
}

fn name(path: &std::path::Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn in_envelope(payload: &str) -> String {
    format!("<x:Envelope xmlns:x=\"{}\"><x:Body>{payload}</x:Body></x:Envelope>", envelope_namespace())
}

fn envelope_namespace() -> &'static str {
    soap::names::Namespace::Envelope.uri()
}

fn read<M: Message>(name: &str, payload: &str) -> M {
    envelope::read_message(in_envelope(payload).as_bytes()).unwrap_or_else(|reason| panic!("{name}: {reason}"))
}

/// Writes the message, has yaserde read and write it, and reads that: it must be the same message.
fn assert_yaserde_agrees<M: Message + PartialEq, Y: YaSerialize + YaDeserialize>(message: &M) {
    let again = yaserde_messages::reread::<Y>(&envelope::write(message));
    assert!(envelope::read_message::<M>(again.as_bytes()).is_ok_and(|again| again == *message), "{again}");
}

fn validate(envelopes: &[(String, String)]) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, envelope) in envelopes {
        let path: PathBuf = folder.path().join(name);
        fs::write(path, envelope).expect("written");
    }
    assert_eq!(python::validate_envelopes(folder.path()), Ok(()));
}

#[test]
fn every_request_is_valid() {
    let ssin = Ssin::parse("85073099932").expect("valid check digits");
    let plain = || Question::new(fund(), LegalContext::ADVISORY_PHYSICIAN, ssin);
    let window = Window::from_days(day("2026-01-01"), day("2026-01-31")).expect("not reversed");
    let pair = CustomerId::Pair { sector: PairNumber::new(11), institution: PairNumber::new(0) };
    let now = Timestamp::parse("2026-01-15T09:30:00.125Z").expect("a moment");
    let questions = [
        ("today.xml", plain()),
        ("day.xml", plain().on(day("2026-01-15"))),
        ("period.xml", plain().between(window)),
        ("pair.xml", Question::new(pair, LegalContext::PREVENTION_SERVICE, ssin)),
        ("ticket.xml", plain().with_ticket("<é> & \"]]>\r\n'").expect("short").sent_at(now)),
    ];
    let end_user = |id: &str, consent: Option<&str>| {
        EndUser::new(id.to_owned(), "ADVISORY_PHYSICIAN".to_owned(), consent.map(str::to_owned)).expect("short")
    };
    let with_end_user = [
        ("end-user.xml", plain().asked_by(end_user("jdoe", None))),
        ("end-user-with-consent.xml", plain().asked_by(end_user("<é> & \"]]>'", Some("C-1")))),
    ];
    let mut envelopes: Vec<_> = questions
        .into_iter()
        .chain(with_end_user)
        .map(|(name, question)| (name.to_owned(), envelope::write_by(&question.message(), question.end_user())))
        .collect();
    let echo = TestRequest { echo: " <&> ".to_owned() };
    envelopes.push(("echo.xml".to_owned(), envelope::write(&echo)));
    validate(&envelopes);
}

#[test]
fn every_valid_sample_is_read_and_written_back_valid() {
    let mut again = Vec::new();
    let mut write = |name: String, written: String| again.push((name, written));
    for (name, payload) in samples("response-") {
        let message: ConsultResponse = read(&name, &payload);
        assert_yaserde_agrees::<_, yaserde_messages::ConsultResponse>(&message);
        write(name, envelope::write(&message));
    }
    for (name, payload) in samples("test-response") {
        let message: TestResponse = read(&name, &payload);
        assert_yaserde_agrees::<_, yaserde_messages::TestResponse>(&message);
        write(name, envelope::write(&message));
    }
    for (name, payload) in samples("test-request") {
        let message: TestRequest = read(&name, &payload);
        assert_yaserde_agrees::<_, yaserde_messages::TestRequest>(&message);
        write(name, envelope::write(&message));
    }
    for (name, payload) in samples("request-") {
        // The one thing of a request that this client never sends.
        if !payload.contains("informationCBSS") {
            let message: ConsultRequest = read(&name, &payload);
            assert_yaserde_agrees::<_, yaserde_messages::ConsultRequest>(&message);
            write(name, envelope::write(&message));
        }
    }
    validate(&again);
}

#[test]
fn every_valid_fault_is_read() {
    let faults = samples("fault-").into_iter().chain(samples("test-fault"));
    for (name, payload) in faults {
        let fault = format!(
            "<x:Fault><faultcode>x:Server</faultcode><faultstring>No.</faultstring><detail>{payload}</detail></x:Fault>"
        );
        match envelope::read::<TestResponse>(in_envelope(&fault).as_bytes()) {
            Ok(Reply::Fault(FaultCode::Server, _)) => {}
            Ok(_) => panic!("{name}: not a fault of the service"),
            Err(reason) => panic!("{name}: {reason}"),
        }
    }
}

#[test]
fn an_echo_is_bounded() {
    for widest in ["&", "\r", "a&", "😀"] {
        let echo = widest.repeat(8_192 / widest.chars().count());
        assert!(Echo::parse(&echo).is_ok());
        let written = envelope::write(&TestRequest { echo: echo.clone() });
        let heard = soap::read_request(written.as_bytes(), None, &[], Operation::SendTestMessage);
        assert_eq!(
            heard.map(|request| request.payload),
            Ok(soap::Payload::Test { echo }),
            "within the service's limits"
        );
    }
    assert!(Echo::parse(&"a".repeat(8_193)).is_err());
    assert!(Echo::parse("\u{8}").is_err());
}

proptest! {
    #[test]
    fn every_question_survives_a_round_trip(
        context in "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\u{fffe}\\u{ffff}]{0,64}",
        ssin in "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\u{fffe}\\u{ffff}]{0,20}",
        ticket in proptest::option::of("[ -~\\r\\n\\t]{0,36}"),
        dates in proptest::option::of(("[ -~]{0,12}", "[ -~]{0,12}")),
    ) {
        let mut question = Question::from_text(fund(), &context, &ssin).expect("text that XML can express");
        if let Some(ticket) = &ticket {
            question = question.with_ticket(ticket).expect("short");
        }
        if let Some((begin, end)) = &dates {
            question = question.between_text(begin, end).expect("short");
        }
        let message = question.message();
        let written = envelope::write(&message);
        let again: ConsultRequest = envelope::read_message(written.as_bytes()).expect("what was written");
        prop_assert!(again == message, "{written}");
        assert_yaserde_agrees::<_, yaserde_messages::ConsultRequest>(&message);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        sample in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let samples = samples("response-");
        let (_, payload) = sample.get(&samples);
        let mut document = in_envelope(payload).into_bytes();
        let at = at.index(document.len());
        let end = (at + bytes.len()).min(document.len());
        document.splice(at..end, bytes);
        let _ = envelope::read::<ConsultResponse>(&document);
    }

    #[test]
    fn no_markup_makes_the_reader_panic(text in "[<>/!?\\[\\]&;:=' a-eA-Z#x0-9-]{0,200}") {
        let _ = envelope::read::<TestResponse>(text.as_bytes());
        let _ = envelope::read::<TestResponse>(in_envelope(&text).as_bytes());
    }
}
