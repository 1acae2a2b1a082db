//! The codecs of the client and of the service, checked against each other with random messages.
//!
//! The two codecs were written independently, on two XML libraries, from the same contract: where
//! they disagree, one of them is wrong. The number of cases is small enough for every run;
//! `PROPTEST_CASES=100000` raises it.

mod answers;

use client::envelope::{self, Reply};
use client::messages::{ConsultResponse, TestRequest, TestResponse};
use client::{FaultCode, Question};
use ehealth_core::lookup::Operation;
use ehealth_core::model::{
    AskedDates, CbeNumber, CustomerId, Date, DateError, EndUser, LegalContext, PairNumber, Ssin, SsinError, Ticket,
    Timestamp,
};
use proptest::prelude::*;
use proptest::sample::select;
use soap::{Addressing, Charset, Fault, Handling, Payload, TestReply, read_request, write_fault, write_test_reply};

/// Text that XML can express, with a bias to markup, blanks, line ends and characters beyond the
/// BMP.
const TEXT: &str = "[ -~\\t\\r\\n\u{85}\u{a0}é€\u{2028}\u{fffd}😀]{0,36}";

fn pair_number() -> impl Strategy<Value = PairNumber> {
    (0..1_000_u16, 1..5_usize).prop_map(|(number, digits)| PairNumber::written(number, digits))
}

fn customer() -> impl Strategy<Value = CustomerId> {
    prop_oneof![
        (0..10_000_000_000_u64)
            .prop_map(|number| CustomerId::Cbe(CbeNumber::parse(&format!("{number:010}")).expect("ten digits"))),
        (pair_number(), pair_number()).prop_map(|(sector, institution)| CustomerId::Pair { sector, institution }),
    ]
}

/// Invalid numbers, or numbers valid by construction.
fn ssin() -> impl Strategy<Value = String> {
    // National register, bis and ter numbers. The sequence number 999 is never issued.
    let right = (0..100_u64, select(vec![0, 20, 40]), 1..=12_u64, 1..=31_u64).prop_map(|(year, kind, month, day)| {
        let base = year * 10_000_000 + (kind + month) * 100_000 + day * 1_000 + 999;
        format!("{base:09}{:02}", 97 - base % 97)
    });
    prop_oneof![right, "[0-9]{11}", TEXT]
}

fn date() -> impl Strategy<Value = String> {
    let real = (0..40_000_i64).prop_map(|days| Date::from_days(days).expect("in this century").to_string());
    prop_oneof![real, "20[0-9]{2}-[01][0-9]-[0-3][0-9]", Just(String::new())]
}

fn parse_date(text: &str) -> Result<Date, DateError> {
    Date::parse(text)
}

/// Parses an SSIN as the service does.
fn parse_ssin(text: &str) -> Result<Ssin, SsinError> {
    Ssin::parse(text)
}

/// An end user whose texts have no white space that a reader collapses.
fn end_user() -> impl Strategy<Value = EndUser> {
    const WORDS: &str = "[!-~\u{a1}-\u{d7ff}]{1,31}( [!-~\u{10000}-\u{10ffff}]{1,31})?";
    (WORDS, WORDS, proptest::option::of(WORDS))
        .prop_map(|(id, quality, consent)| EndUser::new(id, quality, consent).expect("1 to 64 characters"))
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_000_i64).prop_map(Timestamp::from_millis)
}

fn handling() -> impl Strategy<Value = Handling> {
    (any::<[u8; 16]>(), moment(), moment()).prop_map(|(random, received, replied)| Handling {
        ticket: Ticket::new(random),
        received,
        replied,
    })
}

fn read(body: &str, operation: Operation) -> Result<Payload, Fault> {
    let request = read_request(body.as_bytes(), Some(Charset::Utf8), &[], operation);
    request.map(|request| request.payload).map_err(|refused| refused.fault)
}

/// Number of cases.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases.unwrap_or(2_000)) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_service_reads_every_question_of_the_client(
        customer in customer(),
        context in TEXT,
        ssin in ssin(),
        dates in proptest::option::of((date(), proptest::option::of(date()))),
        ticket in proptest::option::of(TEXT),
        sent in proptest::option::of(moment()),
        end_user in proptest::option::of(end_user()),
    ) {
        let mut question = Question::from_text(customer, &context, &ssin).expect("text that XML can express");
        let mut wanted_dates = AskedDates::Today;
        match &dates {
            Some((begin, Some(end))) => {
                question = question.between_text(begin, end).expect("short");
                wanted_dates = AskedDates::Period { begin: parse_date(begin), end: parse_date(end) };
            }
            Some((day, None)) => {
                question = question.on_text(day).expect("short");
                wanted_dates = AskedDates::ReferenceDate(parse_date(day));
            }
            None => {}
        }
        if let Some(ticket) = &ticket {
            question = question.with_ticket(ticket).expect("short");
        }
        if let Some(sent) = sent {
            question = question.sent_at(sent);
        }
        if let Some(end_user) = &end_user {
            question = question.asked_by(end_user.clone());
        }
        let body = envelope::write_by(&question.message(), question.end_user());
        let Payload::Consult(heard) = read(&body, Operation::ConsultAttributes).expect(&body) else {
            panic!("another operation")
        };
        prop_assert_eq!(heard.customer.id, customer);
        prop_assert_eq!(heard.customer.ticket, ticket);
        prop_assert_eq!(heard.customer.timestamp_sent, sent.map(|sent| sent.to_string()));
        prop_assert_eq!(heard.legal_context, context);
        prop_assert_eq!(heard.end_user, end_user);
        prop_assert_eq!(heard.criteria.ssin, parse_ssin(&ssin));
        prop_assert_eq!(heard.criteria.dates, wanted_dates);
    }

    #[test]
    fn the_service_reads_every_echo_of_the_client(echo in TEXT) {
        let body = envelope::write(&TestRequest { echo: echo.clone() });
        prop_assert_eq!(read(&body, Operation::SendTestMessage), Ok(Payload::Test { echo }));
    }

    #[test]
    fn the_client_reads_every_echo_of_the_service(
        echo in TEXT,
        certificate in TEXT,
        handling in handling(),
    ) {
        let reply = TestReply { echo: &echo, ssl_certificate: &certificate };
        let body = write_test_reply(reply, handling, &Addressing::default());
        let heard: TestResponse = envelope::read_message(&body).expect("what the service wrote");
        prop_assert_eq!(heard.echo, echo);
        prop_assert_eq!(heard.ssl_certificate, certificate);
        prop_assert_eq!(heard.information_cbss.ticket_cbss, handling.ticket.to_string());
        prop_assert_eq!(heard.information_cbss.timestamp_receive, handling.received.to_string());
        prop_assert_eq!(heard.information_cbss.timestamp_reply, handling.replied.to_string());
    }

    #[test]
    fn the_client_reads_the_fault_of_every_broken_request(
        handling in handling(),
        at in any::<prop::sample::Index>(),
        piece in "[<>&\"'/:;=!a-z0-9 -]{0,6}",
    ) {
        let fund = CustomerId::Cbe(CbeNumber::parse("0999010126").expect("ten digits"));
        let question = Question::new(fund, LegalContext::ADVISORY_PHYSICIAN, Ssin::parse("85073099932").expect("right"));
        let mut body = envelope::write(&question.message());
        let at = at.index(body.len());
        body.replace_range(at..=at, &piece);
        let operation = Operation::ConsultAttributes;
        let Err(refused) = read_request(body.as_bytes(), Some(Charset::Utf8), &[], operation) else { return Ok(()) };
        let answer = write_fault(&refused.fault, operation, handling, refused.customer.as_ref(), &refused.addressing);
        match envelope::read::<ConsultResponse>(&answer) {
            Ok(Reply::Fault(code, fault)) => {
                prop_assert_eq!(code.code(), refused.fault.fault_code().name());
                let detail = fault.detail.and_then(|detail| detail.consult);
                prop_assert_eq!(detail.is_some(), matches!(code, FaultCode::Client | FaultCode::Server));
                for detail in detail.iter().flat_map(|detail| &detail.detail) {
                    prop_assert_eq!(detail.reason_code.as_str(), refused.fault.code());
                }
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
