//! The log lines of refusals: what the caller was answered, and the value that caused it, which the
//! caller is not answered.

use std::time::Duration;

use ehealth_attributes::server::HttpRefusal;
use ehealth_core::model::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::support::canary;
use crate::support::requests::fixtures;
use crate::support::service::{Answered, CONSULT, TEST, TestService, envelope};

/// Deadline that only a hanging test reaches.
const DEADLINE: Duration = Duration::from_secs(60);
/// Longest line of a refusal, timestamps and numbers included.
const LINE_CHARS: usize = 1_500;

/// The log line with this ticket.
fn line_of(ticket: &str) -> String {
    let logged = canary::logged();
    let of_ticket = format!("ticket={ticket}");
    let mut lines = logged.lines().filter(|line| line.contains(&of_ticket));
    let line = lines.next().unwrap_or_else(|| panic!("no line of {ticket}"));
    assert_eq!(lines.next(), None, "one line for a refusal");
    assert!(line.chars().count() < LINE_CHARS, "{line}");
    assert_eq!(canary::search(line.as_bytes()), [], "a number of a person in {line}");
    line.to_owned()
}

/// A field of a log line whose value is a text.
fn field(line: &str, name: &str) -> String {
    let (_, value) = line.split_once(&format!(" {name}=\"")).unwrap_or_else(|| panic!("no {name}: {line}"));
    let mut text = String::new();
    let mut rest = value.chars();
    loop {
        match rest.next().expect("the end of the value") {
            '"' => return text,
            '\\' => text.push(rest.next().expect("an escaped character")),
            other => text.push(other),
        }
    }
}

fn ticket(answered: &Answered) -> &str {
    answered.headers["x-request-id"].to_str().expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_diagnostic_and_cause_of_each_fault() {
    let service = TestService::start().await;
    let mut with_cause = 0;
    for fixture in fixtures("refused") {
        if !fixture.expected["expect"].contains(' ') {
            continue;
        }
        let mut fields = vec![("content-type", fixture.content_type.as_str())];
        fields.extend(fixture.soap_actions.iter().map(|action| ("soapaction", action.as_str())));
        let path = soap::names::path(fixture.operation);
        let answered = service.post_with("fund", path, fixture.body.clone(), &fields).await;
        let (line, name) = (line_of(ticket(&answered)), fixture.path.display());
        let (diagnostic, cause) = (field(&line, "diagnostic"), field(&line, "cause"));
        let faultstring = answered.text("faultstring").expect("a fault");
        match answered.text("diagnostic") {
            Some(expected) => assert_eq!(diagnostic, expected, "{name}"),
            None => assert!(diagnostic.starts_with(faultstring), "{name}: {faultstring} {line}"),
        }
        assert!(!cause.is_empty() && !answered.body.contains(&cause), "{name}: {line}");
        if let Some(expected) = fixture.expected.get("log") {
            assert_eq!(&cause, expected, "{name}");
            with_cause += 1;
        }
    }
    assert!(with_cause > 10, "{with_cause}");
    service.finish().await;
}

/// Sends bytes on a new connection; returns the log line of the first response.
async fn line_of_bytes(service: &TestService, caller: &str, bytes: &[u8]) -> String {
    let mut stream = service.connect(caller).await;
    stream.write_all(bytes).await.expect("sent");
    stream.shutdown().await.expect("the sending side is closed");
    let mut came = Vec::new();
    let _ = timeout(DEADLINE, stream.read_to_end(&mut came)).await.expect("the service closes the connection");
    let came = String::from_utf8(came).expect("text");
    let (_, ticket) = came.split_once("x-request-id: ").unwrap_or_else(|| panic!("no ticket: {came}"));
    let line = line_of(ticket.split("\r\n").next().expect("a line"));
    let (_, body) = came.split_once("\r\n\r\n").expect("a body");
    assert_eq!(field(&line, "diagnostic"), body.trim_end(), "{line}");
    line
}

fn post(fields: &str, body: &str) -> String {
    format!("POST {CONSULT} HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}")
}

/// Each refusal that one request causes: the request, and the cause in the log.
fn refusals() -> Vec<(HttpRefusal, String, &'static str)> {
    let line = |line: &str| format!("{line}\r\nHost: a\r\n\r\n");
    let typed = |fields: &str| post(&format!("Content-Length: 0\r\n{fields}"), "");
    vec![
        (HttpRefusal::RequestLine, line("GET  / HTTP/1.1"), "request line 'GET  / HTTP/1.1'"),
        (HttpRefusal::Target, line("GET a HTTP/1.1"), "method 'GET', target 'a'"),
        (HttpRefusal::LineEnd, "GET / HTTP/1.1\nHost: a".to_owned(), "request line 'GET / HTTP/1.1'"),
        (HttpRefusal::Field, post("Cookie : secret\r\n", ""), "field 'Cookie '"),
        (HttpRefusal::Host, post("Host: b\r\n", ""), "Host 'a', Host 'b'"),
        (HttpRefusal::Length, post("Content-Length: 1x\r\n", ""), "Content-Length '1x'"),
        (
            HttpRefusal::Chunk,
            post("Content-Type: text/xml\r\nTransfer-Encoding: chunked\r\n", "x\r\n"),
            "byte 'x', part 'chunk size'",
        ),
        (HttpRefusal::BodyEnd, post("Content-Type: text/xml\r\nContent-Length: 9\r\n", "a"), "connection '"),
        (HttpRefusal::NotFound, line("GET /a?b HTTP/1.1"), "method 'GET', target '/a?b'"),
        (
            HttpRefusal::NearConsult,
            line(&format!("GET {CONSULT}/ HTTP/1.1")),
            "method 'GET', target '/eHealthAttributesService/v1/consult/'",
        ),
        (
            HttpRefusal::NearTest,
            line(&format!("POST {TEST}?a HTTP/1.1")),
            "method 'POST', target '/TestConnectionServiceService/sendTestMessage?a'",
        ),
        (HttpRefusal::Method, line("PUT / HTTP/1.1"), "method 'PUT', target '/'"),
        (HttpRefusal::LengthRequired, post("", ""), "method 'POST', target '/eHealthAttributesService/v1/consult'"),
        (
            HttpRefusal::TooLarge,
            post("Content-Type: text/xml\r\nContent-Length: 262145\r\n", ""),
            "Content-Length '262145'",
        ),
        (
            HttpRefusal::TargetTooLong,
            line(&format!("GET /{} HTTP/1.1", "a".repeat(2_000))),
            "request line 'GET /aaaaaaaaa",
        ),
        (HttpRefusal::NoMediaType, typed(""), "no Content-Type"),
        (HttpRefusal::BadMediaType, typed("Content-Type: text\r\n"), "Content-Type 'text'"),
        (HttpRefusal::Soap12, typed("Content-Type: application/soap+xml\r\n"), "Content-Type 'application/soap+xml'"),
        (HttpRefusal::Multipart, typed("Content-Type: multipart/mixed\r\n"), "Content-Type 'multipart/mixed'"),
        (HttpRefusal::MediaType, typed("Content-Type: text/plain\r\n"), "Content-Type 'text/plain'"),
        (
            HttpRefusal::Charset,
            typed("Content-Type: text/xml; charset=\"latin1\"\r\n"),
            "Content-Type 'text/xml; charset=\"latin1\"'",
        ),
        (HttpRefusal::ContentEncoding, typed("Content-Encoding: gzip\r\n"), "Content-Encoding 'gzip'"),
        (HttpRefusal::HeadTooLarge, post(&"a: b\r\n".repeat(64), ""), "fields '65'"),
        (HttpRefusal::TransferCoding, post("Transfer-Encoding: gzip\r\n", ""), "Transfer-Encoding 'gzip'"),
        (HttpRefusal::Version, line("GET / HTTP/2.0"), "version 'HTTP/2.0'"),
    ]
}

/// Refusals that need more than one request: their tests are below.
const OTHERS: [HttpRefusal; 3] = [HttpRefusal::NotAdmitted, HttpRefusal::TooSlow, HttpRefusal::Overloaded];

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_the_cause_of_each_refusal_below_soap() {
    let service = TestService::start().await;
    let mut tested = OTHERS.to_vec();
    for (refusal, bytes, cause) in refusals() {
        let line = line_of_bytes(&service, "fund", bytes.as_bytes()).await;
        assert!(line.contains(&format!("reason=\"{}\"", refusal.code())), "{line}");
        assert!(field(&line, "cause").starts_with(cause), "{cause}: {line}");
        assert!(!line.contains("secret"), "{line}");
        tested.push(refusal);
    }
    let missing: Vec<_> = HttpRefusal::ALL.into_iter().filter(|refusal| !tested.contains(refusal)).collect();
    assert_eq!(missing, [], "each refusal has a case");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_the_cause_of_limits_and_expiry() {
    let service = TestService::start_with(|settings| {
        let limits = &mut settings.server.limits;
        (limits.unregistered_per_minute, limits.unregistered_burst) = (1, 1);
        limits.head = Duration::from_millis(200);
    })
    .await;
    let mut stream = service.connect("fund").await;
    stream.write_all(b"GET /a HTTP/1.1\r\nHost").await.expect("sent");
    let mut came = Vec::new();
    let _ = timeout(DEADLINE, stream.read_to_end(&mut came)).await.expect("the service closes the connection");
    let came = String::from_utf8(came).expect("text");
    let ticket_of = |came: &str| came.split_once("x-request-id: ").map(|(_, rest)| rest[..36].to_owned());
    let line = line_of(&ticket_of(&came).expect("a ticket"));
    assert_eq!(field(&line, "cause"), "request line 'GET /a HTTP/1.1'", "{line}");

    let message = envelope("");
    service.post("stranger", CONSULT, message.clone()).await;
    let answered = service.post("stranger", CONSULT, message).await;
    assert_eq!(answered.status, 503);
    let line = line_of(ticket(&answered));
    assert!(field(&line, "cause").starts_with("limit '"), "{line}");

    let mut stream = service.connect("fund").await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    assert!(stream.read(&mut [0; 4_096]).await.expect("it is admitted") > 0);
    service.clock.set(Timestamp::parse("2060-01-15T09:30:00Z").expect("a moment"));
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    let mut came = Vec::new();
    let _ = timeout(DEADLINE, stream.read_to_end(&mut came)).await.expect("the service closes the connection");
    let came = String::from_utf8(came).expect("text");
    let line = line_of(&ticket_of(&came).expect("a ticket"));
    assert!(line.contains("status=403"), "{line}");
    assert_eq!(field(&line, "cause"), "method 'GET', target '/a'", "{line}");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_values_are_bounded_escaped_and_masked() {
    let service = TestService::start().await;
    let long = "x".repeat(10_000);
    let callers = ["fund", "platform", "service"];
    for (number, caller) in ["85073099932", "85.07.30-999.32", "%38%35073099932"].into_iter().zip(callers) {
        // Below SOAP: header fields and targets.
        let fields = format!("Content-Length: 0\r\nContent-Type: text/{number}{long}\r\n");
        let cause = field(&line_of_bytes(&service, caller, post(&fields, "").as_bytes()).await, "cause");
        assert!(cause.starts_with("Content-Type 'text/*") && cause.ends_with("xx...'"), "{cause}");
        let target = format!("GET /{number}\u{b}\u{1b}[31m'\" HTTP/1.1\r\nHost: a\r\n\r\n");
        let cause = field(&line_of_bytes(&service, caller, target.as_bytes()).await, "cause");
        assert!(cause.contains("target '/*") && cause.ends_with("*\\u{b}\\u{1b}[31m\\'\"'"), "{cause}");
        // In the message: attribute values, namespaces and text.
        let hostile = format!("{number}&#10;INFO forged='&#x9;\u{202e}\\{long}");
        for (what, body) in [
            ("value", request(&format!(" b=\"{hostile}\""), "")),
            ("namespace", format!("<a xmlns=\"{hostile}\"/>")),
            ("text", request("", &hostile.replace('&', "&amp;"))),
        ] {
            let answered = service.post(caller, CONSULT, envelope(&body)).await;
            assert_eq!(answered.status, 500, "{what}");
            assert!(!answered.body.contains("forged") && !answered.body.contains(number), "{answered:?}");
            let line = line_of(ticket(&answered));
            let cause = field(&line, "cause");
            assert!(cause.contains(&format!("{what} '*")), "{what}: {cause}");
            let escaped = if what == "text" { "*'" } else { "*\\nINFO forged=\\'\\t\\u{202e}\\\\xx" };
            assert!(cause.contains(escaped) && !line.contains(['\u{202e}', '\t']), "{what}: {cause}");
        }
    }
    service.finish().await;
}

/// A request with these attributes, and this text before its first element.
fn request(attributes: &str, text: &str) -> String {
    let name = "consultAttributesRequest";
    let namespace = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1";
    format!("<i:{name} xmlns:i=\"{namespace}\"{attributes}>{text}</i:{name}>")
}
