//! The request reader of the gateway against the client's bindings, which share no code.
//!
//! Bytes that both sides read, they read the same. A request that the gateway reads is the same
//! after the client wrote it again. A request that the gateway refuses reaches the client as the
//! intended fault, without an SSIN in it.

#![no_main]

use client::envelope::{self, Reply};
use client::messages::{ConsultRequest, ConsultResponse, Criteria, TestRequest, TestResponse};
use client::{FaultCode, Question};
use ehealth_core::lookup::Operation;
use ehealth_core::model::{AskedDates, CustomerId, Date, Ssin, Ticket, Timestamp};
use soap::{Handling, Payload, RefusedRequest, limits, read_request, write_fault};
use libfuzzer_sys::fuzz_target;

/// White space of XML, which may surround a date.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > limits::DOCUMENT_BYTES {
        return;
    }
    for operation in Operation::ALL {
        match read_request(bytes, None, &[], operation) {
            Ok(request) => {
                compare(bytes, &request.payload);
                write_and_read_again(&request.payload);
            }
            Err(refused) => check_fault(&refused, operation),
        }
    }
});

/// Compares with what the client's bindings read from the same bytes, if they can read them.
fn compare(bytes: &[u8], payload: &Payload) {
    match payload {
        Payload::Test { echo } => {
            if let Ok(message) = envelope::read_message::<TestRequest>(bytes) {
                assert_eq!(&message.echo, echo);
            }
        }
        Payload::Consult(request) => {
            let Ok(message) = envelope::read_message::<ConsultRequest>(bytes) else { return };
            let customer = &message.information_customer;
            assert_eq!(request.customer.ticket, customer.ticket);
            assert_eq!(
                request.customer.timestamp_sent.as_deref(),
                customer.timestamp_sent.as_deref().map(|text| text.trim_matches(BLANKS))
            );
            let id = &customer.customer_identification;
            match request.customer.id {
                CustomerId::Cbe(number) => assert_eq!(Some(number.to_string()), id.cbe_number),
                CustomerId::Pair { sector, institution } => {
                    assert_eq!(
                        (Some(i64::from(sector.as_u16())), Some(i64::from(institution.as_u16()))),
                        (number(&id.sector), number(&id.institution))
                    );
                }
            }
            assert_eq!(request.legal_context, message.legal_context);
            let Criteria { ssin, reference_date, period } = &message.criteria;
            assert_eq!(request.criteria.ssin, Ssin::parse(ssin));
            match (request.criteria.dates, reference_date, period) {
                (AskedDates::Today, None, None) => {}
                (AskedDates::ReferenceDate(day), Some(text), None) => compare_date(day.ok(), text),
                (AskedDates::Period { begin, end }, None, Some(period)) => {
                    compare_date(begin.ok(), &period.begin_date);
                    compare_date(end.ok(), &period.end_date);
                }
                other => panic!("{other:?}", other = other.0),
            }
        }
    }
}

fn number(text: &Option<String>) -> Option<i64> {
    text.as_deref()?.trim_matches(BLANKS).parse().ok()
}

/// Compares a date with its text, without a time zone that may follow.
fn compare_date(request: Option<Date>, text: &str) {
    let text = text.trim_matches(BLANKS);
    match request {
        Some(day) => assert!(text.starts_with(&day.to_string()), "{day} from {text:?}"),
        None => assert!(Date::parse(text).is_err(), "{text:?}"),
    }
}

fn digits(ssin: Ssin) -> String {
    ssin.digits().map(char::from).iter().collect()
}

/// Writes the request with the client's writer; the gateway must read the same.
fn write_and_read_again(payload: &Payload) {
    let (body, operation) = match payload {
        Payload::Test { echo } => (envelope::write(&TestRequest { echo: echo.clone() }), Operation::SendTestMessage),
        Payload::Consult(request) => {
            let ssin = request.criteria.ssin.map_or_else(|_| "none".to_owned(), digits);
            let question = Question::from_text(request.customer.id, &request.legal_context, &ssin).expect("read before");
            let text = |date: Result<Date, _>| date.map_or_else(|_| "none".to_owned(), |date: Date| date.to_string());
            let question = match request.criteria.dates {
                AskedDates::Today => question,
                AskedDates::ReferenceDate(day) => question.on_text(&text(day)).expect("short"),
                AskedDates::Period { begin, end } => question.between_text(&text(begin), &text(end)).expect("short"),
            };
            let question = match &request.customer.ticket {
                Some(ticket) => question.with_ticket(ticket).expect("read before"),
                None => question,
            };
            (envelope::write(&question.message()), Operation::ConsultAttributes)
        }
    };
    let again = read_request(body.as_bytes(), None, &[], operation).expect(&body);
    match (payload, again.payload) {
        (Payload::Test { echo }, Payload::Test { echo: again }) => assert_eq!(echo, &again),
        (Payload::Consult(request), Payload::Consult(mut again)) => {
            again.customer.timestamp_sent.clone_from(&request.customer.timestamp_sent);
            assert_eq!(request.customer, again.customer);
            assert_eq!(request.legal_context, again.legal_context);
            assert_eq!(request.criteria.ssin.ok(), again.criteria.ssin.ok());
            assert_eq!(request.criteria.dates, again.criteria.dates);
        }
        _ => panic!("another operation"),
    }
}

fn check_fault(refused: &RefusedRequest, operation: Operation) {
    let time = Timestamp::from_millis(1_700_000_000_000);
    let handling = Handling { ticket: Ticket::new([7; 16]), received: time, replied: time };
    let answer = write_fault(&refused.fault, operation, handling, refused.customer.as_ref(), &refused.addressing);
    let (code, fault) = match operation {
        Operation::ConsultAttributes => match envelope::read::<ConsultResponse>(&answer).expect("understood") {
            Reply::Fault(code, fault) => (code, fault),
            Reply::Response(_) => panic!("a response"),
        },
        Operation::SendTestMessage => match envelope::read::<TestResponse>(&answer).expect("understood") {
            Reply::Fault(code, fault) => (code, fault),
            Reply::Response(_) => panic!("a response"),
        },
    };
    assert_eq!(code.code(), refused.fault.fault_code().name());
    let detail = fault.detail.and_then(|detail| detail.consult.or(detail.test));
    assert_eq!(detail.is_some(), matches!(code, FaultCode::Client | FaultCode::Server));
    for detail in detail.iter().flat_map(|detail| &detail.detail) {
        assert_eq!(detail.reason_code, refused.fault.code());
    }
    // The operator's log has a bounded line with nothing that a terminal or a reader of lines acts on.
    let cause = refused.cause.for_log();
    assert!(!cause.is_empty() && cause.len() < 4_096 && !cause.contains(char::is_control), "{cause:?}");
    let runs = cause.split(|c: char| !c.is_ascii_digit());
    assert_eq!(runs.filter(|run| Ssin::parse(run).is_ok()).count(), 0, "{cause}");
    // The fault repeats the caller's own identification, and nothing else of the request.
    if refused.customer.is_none() && refused.addressing.message_id.is_none() {
        let answer = String::from_utf8(answer).expect("UTF-8");
        let runs = answer.split(|c: char| !c.is_ascii_digit());
        assert_eq!(runs.filter(|run| Ssin::parse(run).is_ok()).count(), 0, "{answer}");
    }
}
