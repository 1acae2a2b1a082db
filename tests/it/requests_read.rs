//! Every request in `fixtures/requests`, read without a server: the parsed request, or its fault.
//!
//! `fixtures/requests/README.md` describes the files; a new file needs no line here. Requests too
//! large for a file are generated below.

use std::collections::{BTreeMap, BTreeSet};

use ehealth_core::explained::VALUE_CHARS;
use ehealth_core::lookup::Operation;
use ehealth_core::model::{AskedDates, CustomerId, Date, Question};
use soap::{
    BadMessage, Fault, MediaType, MessageError, Note, Payload, RefusedRequest, Request, XmlError, read_request,
};

use crate::support::canary;
use crate::support::documents::{bulky, costly};
use crate::support::requests::{Fixture, fixtures};
use crate::support::work::measure;

#[test]
fn the_reader_accepts_every_accepted_request() {
    for fixture in fixtures("accepted") {
        let request = match read(&fixture) {
            Some(Ok(request)) => request,
            Some(Err(refused)) => panic!("{}: {}", fixture.path.display(), refused.fault.diagnostic()),
            None => panic!("{}: not a media type", fixture.path.display()),
        };
        let mut found = BTreeMap::from([("expect", "ok".to_owned()), ("asked", spell(&request.payload))]);
        found.extend(request.addressing.message_id.map(|id| ("relates-to", id)));
        assert_same(&fixture, &found);
    }
}

#[test]
fn the_reader_refuses_every_refused_request_with_its_reason() {
    for fixture in fixtures("refused") {
        let Some(outcome) = read(&fixture) else {
            assert_same(&fixture, &BTreeMap::from([("expect", "415".to_owned())]));
            continue;
        };
        let refused = outcome.expect_err(&fixture.path.display().to_string());
        let fault = &refused.fault;
        let mut found = BTreeMap::from([("expect", format!("{} {}", fault.code(), fault.fault_code().name()))]);
        found.extend(refused.customer.as_ref().map(|_| ("customer", "given".to_owned())));
        found.extend(refused.addressing.message_id.clone().map(|id| ("relates-to", id)));
        if fixture.expected.contains_key("at") {
            let place = bad_message(&refused).location().expect("it is in the message");
            found.insert("at", format!("{} {}", place.line, place.path));
        }
        if fixture.expected.contains_key("log") {
            found.insert("log", refused.cause.for_log().to_owned());
        }
        assert_same(&fixture, &found);
    }
}

#[test]
fn no_fault_quotes_the_request() {
    let fixed: BTreeSet<_> = Fault::table().map(|row| row.sentence).collect();
    for fixture in fixtures("refused") {
        let Some(Err(refused)) = read(&fixture) else { continue };
        let diagnostic = refused.fault.diagnostic();
        assert!(fixed.contains(refused.fault.sentence()), "{diagnostic}");
        assert!(diagnostic.chars().count() <= 256, "{diagnostic}");
        assert_eq!(canary::search(format!("{diagnostic} {:?}", refused.fault).as_bytes()), [], "{diagnostic}");
        for text in [diagnostic, refused.fault.faultstring()] {
            let said = |c: char| c.is_ascii_alphanumeric() || " .,;/*':-#".contains(c);
            assert!(text.starts_with(refused.fault.sentence()) && text.chars().all(said), "{text}");
        }
    }
}

#[test]
fn every_error_has_a_cause_for_the_log_alone() {
    let of_files = fixtures("refused").into_iter().filter_map(|fixture| read(&fixture)?.err());
    let made = bulky().into_iter().filter_map(|(_, body, _)| read_body(&body).err());
    for refused in of_files.chain(made) {
        let cause = refused.cause.for_log();
        assert!(!cause.is_empty() && !cause.contains(char::is_control), "{cause:?}");
        assert!(cause.chars().count() < 3 * (VALUE_CHARS + 40), "{cause}");
        assert_eq!(canary::search(cause.as_bytes()), [], "{cause}");
    }
}

#[test]
fn every_message_error_and_xml_error_has_a_request() {
    let (mut errors, mut xml_errors) = (Vec::new(), Vec::new());
    let of_files = fixtures("refused").into_iter().filter_map(|fixture| read(&fixture)?.err());
    let made = bulky().into_iter().filter_map(|(_, body, _)| read_body(&body).err());
    for refused in of_files.chain(made) {
        let bad = bad_message(&refused);
        errors.push(bad.error());
        if let Some(Note::XmlError(error)) = bad.note() {
            xml_errors.push(error);
        }
    }
    let missing: Vec<_> = MessageError::ALL.into_iter().filter(|error| !errors.contains(error)).collect();
    assert_eq!(missing, []);
    let missing: Vec<_> = XmlError::ALL.into_iter().filter(|error| !xml_errors.contains(error)).collect();
    assert_eq!(missing, []);
}

#[test]
fn generated_large_requests_are_refused_at_their_limit() {
    for (name, body, expected) in bulky() {
        let refused = read_body(&body).expect_err(name);
        assert_eq!(bad_message(&refused).error(), expected, "{name}");
    }
}

#[test]
fn no_document_costs_much_more_than_another_of_its_size() {
    let cost = |name: &str, body: &str| {
        let read = |_| measure(|| assert!(read_body(body).is_err(), "{name}")).0;
        // The minimum of several runs: caches that another test emptied are not the cost of the
        // document.
        (0..5).map(read).min().expect("five times")
    };
    let words = "one word after another ".repeat(2_600);
    let plain = format!("<a xmlns='urn:a'>{}", format!("<b>{words}</b>").repeat(4));
    let plain = cost(
        "plain text",
        &format!("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header>{plain}"),
    );
    for (name, body) in costly() {
        let ratio = cost(name, &body).as_secs_f64() / plain.as_secs_f64();
        // Quadratic growth would be thousands of times slower.
        assert!(ratio < 100.0, "{name}: {ratio:.0} times plain text");
    }
}

fn read(fixture: &Fixture) -> Option<Result<Request, Box<RefusedRequest>>> {
    let media_type = MediaType::parse(&fixture.content_type).ok()?;
    let soap_actions: Vec<_> = fixture.soap_actions.iter().map(String::as_bytes).collect();
    Some(read_request(&fixture.body, media_type.charset, &soap_actions, fixture.operation))
}

fn read_body(body: &str) -> Result<Request, Box<RefusedRequest>> {
    read_request(body.as_bytes(), None, &[], Operation::ConsultAttributes)
}

fn bad_message(refused: &RefusedRequest) -> &BadMessage {
    match &refused.fault {
        Fault::BadMessage(bad) => bad,
        other @ (Fault::Exchange(_) | Fault::ExplainedSignature(_)) => panic!("{other:?} is not the message's"),
    }
}

fn assert_same(fixture: &Fixture, found: &BTreeMap<&str, String>) {
    let expected: BTreeMap<_, _> = fixture.expected.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    assert_eq!(*found, expected, "found (left), expected (right): {}", fixture.path.display());
}

/// The parsed request as one line, in the form of `fixtures/requests/README.md`.
fn spell(payload: &Payload) -> String {
    let Question { customer, legal_context, end_user, criteria } = match payload {
        Payload::Test { echo } => return format!("test {echo:?}"),
        Payload::Consult(question) => question,
    };
    let mut parts = vec![match customer.id {
        CustomerId::Cbe(number) => format!("consult cbe {number}"),
        CustomerId::Pair { sector, institution } => format!("consult sector {sector} institution {institution}"),
    }];
    parts.extend(customer.ticket.as_ref().map(|ticket| format!("ticket {ticket:?}")));
    parts.extend(customer.timestamp_sent.as_ref().map(|sent| format!("sent {sent:?}")));
    parts.push(format!("context {legal_context:?}"));
    let ssin = criteria.ssin.map_or("none".to_owned(), |ssin| ssin.digits().map(char::from).iter().collect());
    parts.push(format!("ssin {ssin}"));
    let spell_day = |day: Result<Date, _>| day.map_or("none".to_owned(), |day| day.to_string());
    parts.push(match criteria.dates {
        AskedDates::Today => "today".to_owned(),
        AskedDates::ReferenceDate(day) => format!("on {}", spell_day(day)),
        AskedDates::Period { begin, end } => format!("from {} to {}", spell_day(begin), spell_day(end)),
    });
    if let Some(end_user) = end_user {
        let consent = end_user.consent_reference().map_or(String::new(), |text| format!(" consent {text:?}"));
        parts.push(format!("end user {:?} quality {:?}{consent}", end_user.id(), end_user.quality()));
    }
    parts.join(", ")
}
