//! Bytes on a connection: invalid requests, slow requests, and requests over a limit.
//!
//! After the bytes of each case follows a valid request that closes the connection. If the case is
//! refused and the connection closed, that request is never answered; nor if it is smuggled into a
//! body. So the list of statuses is sufficient.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::environment::say;
use crate::support::service::{CONSULT, TEST, TestService, question};

const FUND: &str = "0999010126";
/// Deadline that only a hanging test reaches.
const DEADLINE: Duration = Duration::from_secs(60);
const PATIENT: Duration = Duration::from_secs(600);
/// Words that would reveal the implementation to a stranger.
const INSIDE: [&str; 12] = [
    "hyper",
    "rustls",
    "tokio",
    "quick",
    "sqlite",
    "serde",
    "ehealth_attributes",
    "server/",
    ".rs:",
    "panick",
    "/tmp",
    "unwrap",
];

struct Response {
    status: u16,
    head: String,
    body: String,
}

/// Splits bytes into responses; every byte must belong to one.
fn read_responses(mut text: &str) -> Vec<Response> {
    let mut responses = Vec::new();
    while !text.is_empty() {
        let (head, rest) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no complete head: {text:?}"));
        let head = head.to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length = if status == 100 { 0 } else { length.and_then(|length| length.parse().ok()).expect("a length") };
        responses.push(Response { status, head, body: rest[..length].to_owned() });
        text = &rest[length..];
    }
    responses
}

async fn read_to_end(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut came = Vec::new();
    // An end without close_notify is an end.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut came)).await.expect("the service closes the connection");
    came
}

/// Sends the bytes on a new connection, and reads until the service closes it.
async fn exchange(service: &TestService, bytes: &[u8]) -> Vec<Response> {
    let mut stream = service.connect("fund").await;
    // The service may refuse while bytes are still sent: some cases test that.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    let came = String::from_utf8(read_to_end(&mut stream).await).expect("answers are UTF-8");
    for word in INSIDE {
        assert!(!came.to_lowercase().contains(word), "{word} in {came}");
    }
    let responses = read_responses(&came);
    for response in &responses {
        assert!(response.status == 100 || response.head.contains("\r\nx-request-id: "), "{}", response.head);
        if response.body.contains("Envelope") {
            service.keep_text(&response.body);
        }
    }
    responses
}

fn statuses(responses: &[Response]) -> Vec<u16> {
    responses.iter().map(|response| response.status).collect()
}

/// The request that follows every case.
fn probe() -> String {
    format!("GET {CONSULT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

fn message() -> String {
    question(FUND, "BACKTOWORK:ADVISORY_PHYSICIAN", "85073099932", "")
}

fn get(fields: &str) -> String {
    format!("GET {CONSULT} HTTP/1.1\r\n{fields}\r\n")
}

/// A POST with only these header fields.
fn post(fields: &str, body: &str) -> String {
    format!("POST {CONSULT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n{fields}\r\n{body}")
}

fn sized(body: &str) -> String {
    post(&format!("Content-Length: {}\r\n", body.len()), body)
}

fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}

fn line(line: &str) -> String {
    format!("{line}\r\nHost: localhost\r\n\r\n")
}

/// The bytes, and the statuses of their answers and of the request behind them.
#[expect(clippy::too_many_lines, reason = "a table has the length of its entries")]
fn cases() -> Vec<(&'static str, String, &'static [u16])> {
    let body = message();
    let length = body.len();
    let one = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let many: String = body
        .as_bytes()
        .chunks(100)
        .map(|chunk| format!("{:X};n=\"v\"\r\n{}\r\n", chunk.len(), str::from_utf8(chunk).expect("ASCII")))
        .collect();
    let fields = |count: usize| (1..count).map(|number| format!("f{number}: v\r\n")).collect::<String>();
    let host = "Host: localhost\r\n";
    vec![
        ("a right question", sized(&body), &[200, 200]),
        ("a chunked question", chunked(&one), &[200, 200]),
        ("many chunks with extensions", chunked(&format!("{many}0\r\n\r\n")), &[200, 200]),
        ("a trailer", chunked(&format!("{many}0\r\nt: v\r\n\r\n")), &[200, 200]),
        ("chunked in capitals", post("TRANSFER-ENCODING: Chunked\r\n", &one), &[200, 200]),
        ("three at once", sized(&body).repeat(3), &[200, 200, 200, 200]),
        (
            "a fault between two answers",
            format!("{}{}{}", sized(&body), sized("<a/>"), chunked(&one)),
            &[200, 500, 200, 200],
        ),
        ("an empty line between requests", format!("{}\r\n", sized(&body)), &[200, 200]),
        ("two empty lines between requests", format!("{}\r\n\r\n", sized(&body)), &[200, 400]),
        (
            "Content-Length and Transfer-Encoding",
            post(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), &one),
            &[400],
        ),
        (
            "Transfer-Encoding and Content-Length",
            post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", &one),
            &[400],
        ),
        ("Transfer-Encoding twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", &one), &[400]),
        ("Transfer-Encoding identity", post("Transfer-Encoding: identity\r\n", &one), &[501]),
        ("Transfer-Encoding gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", &one), &[501]),
        ("Transfer-Encoding chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", &one), &[501]),
        ("Transfer-Encoding xchunked", post("Transfer-Encoding: xchunked\r\n", &one), &[501]),
        ("Transfer-Encoding with a vertical tab", post("Transfer-Encoding: \x0bchunked\r\n", &one), &[400]),
        (
            "Content-Length twice the same",
            post(&format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"), &body),
            &[400],
        ),
        ("Content-Length twice", post(&format!("Content-Length: 0\r\nContent-Length: {length}\r\n"), &body), &[400]),
        ("Content-Length as a list", post(&format!("Content-Length: {length}, {length}\r\n"), &body), &[400]),
        ("Content-Length with a sign", post(&format!("Content-Length: +{length}\r\n"), &body), &[400]),
        ("Content-Length negative", post("Content-Length: -1\r\n", &body), &[400]),
        ("Content-Length in hexadecimal", post("Content-Length: 0x10\r\n", &body), &[400]),
        ("Content-Length empty", post("Content-Length:\r\n", &body), &[400]),
        ("Content-Length over any number", post("Content-Length: 99999999999999999999\r\n", &body), &[400]),
        ("Content-Length over the limit", post("Content-Length: 9999999999\r\n", &body), &[413]),
        ("no length at all", post("", ""), &[411]),
        ("bare line feeds", get(host).replace("\r\n", "\n"), &[400]),
        ("one bare line feed", get("Host: localhost\nf: v\r\n"), &[400]),
        ("a bare carriage return", get("Host: localhost\rf: v\r\n"), &[400]),
        ("a line feed ends the head", format!("GET {CONSULT} HTTP/1.1\r\nHost: localhost\r\n\n"), &[400]),
        ("a folded field", get("Host: localhost\r\nf: v\r\n w\r\n"), &[400]),
        ("a blank before the first field", get(" Host: localhost\r\n"), &[400]),
        ("a blank before the colon", get("Host : localhost\r\n"), &[400]),
        ("a tab before the colon of a length", post(&format!("Content-Length\t: {length}\r\n"), &body), &[400]),
        ("a field without a colon", get("Host: localhost\r\nf\r\n"), &[400]),
        ("a field without a name", get("Host: localhost\r\n: v\r\n"), &[400]),
        ("a NUL in a value", get("Host: localhost\r\nf: a\0b\r\n"), &[400]),
        ("a DEL in a value", get("Host: localhost\r\nf: a\x7fb\r\n"), &[400]),
        ("a name that is no token", get("Host: localhost\r\nf(: v\r\n"), &[400]),
        ("no Host", get(""), &[400]),
        ("two Hosts", get("Host: localhost\r\nHost: localhost\r\n"), &[400]),
        ("an empty Host", get("Host:\r\n"), &[400]),
        ("two hosts in one field", get("Host: a, b\r\n"), &[400]),
        ("a Host with a path", get("Host: a/b\r\n"), &[400]),
        ("an absolute target", line(&format!("GET https://localhost{CONSULT} HTTP/1.1")), &[200, 200]),
        ("an absolute target elsewhere", line(&format!("GET http://a.example:80{CONSULT}?wsdl HTTP/1.1")), &[200, 200]),
        ("an absolute target without a path", line("GET https://localhost HTTP/1.1"), &[200, 200]),
        ("an absolute target with a user", line(&format!("GET https://a@localhost{CONSULT} HTTP/1.1")), &[400]),
        ("an authority as target", line("CONNECT localhost:443 HTTP/1.1"), &[400]),
        ("an asterisk as target", line("OPTIONS * HTTP/1.1"), &[405, 200]),
        ("an asterisk as target in HTTP/1.0", line("OPTIONS * HTTP/1.0"), &[405]),
        ("an asterisk and a query", line("OPTIONS *?wsdl HTTP/1.1"), &[400]),
        ("an asterisk as target of a GET", line("GET * HTTP/1.1"), &[400]),
        ("a fragment", line(&format!("GET {CONSULT}#a HTTP/1.1")), &[400]),
        ("a blank in the target", line(&format!("GET {CONSULT} a HTTP/1.1")), &[400]),
        ("two blanks", line(&format!("GET  {CONSULT} HTTP/1.1")), &[400]),
        ("a tab instead of a blank", line(&format!("GET\t{CONSULT} HTTP/1.1")), &[400]),
        ("a control byte in the target", line(&format!("GET {CONSULT}\x01 HTTP/1.1")), &[400]),
        ("a byte over 127 in the target", line(&format!("GET {CONSULT}é HTTP/1.1")), &[400]),
        ("a backslash in the target", line("GET /\\a HTTP/1.1"), &[400]),
        ("an encoded path", line("GET /%65HealthAttributesService/v1/consult HTTP/1.1"), &[404, 200]),
        ("a path upwards", line(&format!("GET /..{CONSULT} HTTP/1.1")), &[404, 200]),
        ("a target too long", line(&format!("GET /{} HTTP/1.1", "a".repeat(1_024))), &[414]),
        ("a target without end", "a".repeat(4_000), &[414]),
        ("a method that is no token", line(&format!("G(T {CONSULT} HTTP/1.1")), &[400]),
        ("an unknown method", line(&format!("BREW {CONSULT} HTTP/1.1")), &[405, 200]),
        ("a method in small letters", line(&format!("get {CONSULT} HTTP/1.1")), &[405, 200]),
        ("CONNECT to a path", line(&format!("CONNECT {CONSULT} HTTP/1.1")), &[405, 200]),
        ("HTTP/1.0", line(&format!("GET {CONSULT} HTTP/1.0")), &[200]),
        ("HTTP/1.0 without a Host", format!("GET {CONSULT}?wsdl HTTP/1.0\r\n\r\n"), &[200]),
        (
            "HTTP/1.0 that would stay open",
            format!("GET {CONSULT} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"),
            &[200],
        ),
        (
            "a message in HTTP/1.0",
            format!("POST {CONSULT} HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n{body}"),
            &[200],
        ),
        (
            "chunks in HTTP/1.0",
            format!("POST {CONSULT} HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            &[400],
        ),
        ("HTTP/1.2", line(&format!("GET {CONSULT} HTTP/1.2")), &[505]),
        ("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[505]),
        ("HTTP/0.9", format!("GET {CONSULT}\r\n"), &[400]),
        ("http/1.1", line(&format!("GET {CONSULT} http/1.1")), &[400]),
        ("TLS inside TLS", "\x16\x03\x01\x02\n".to_owned(), &[400]),
        ("64 fields", get(&format!("{host}{}", fields(64))), &[200, 200]),
        ("65 fields", get(&format!("{host}{}", fields(65))), &[431]),
        ("a head of 16 KiB and more", get(&format!("{host}f: {}\r\n", "a".repeat(16 * 1_024))), &[431]),
        ("a value of 300 KiB", get(&format!("{host}f: {}\r\n", "a".repeat(300 * 1_024))), &[431]),
        ("a blank behind a chunk's size", chunked(&one.replacen("\r\n", " \r\n", 1)), &[400]),
        ("a chunk's size with 0x", chunked(&format!("0x{one}")), &[400]),
        ("a chunk's size over any number", chunked("fffffffffffffffff\r\n"), &[413]),
        ("a chunk's size over the limit", chunked("40001\r\n"), &[413]),
        ("chunks over the limit together", chunked(&format!("1\r\na\r\n{:x}\r\n", 256 * 1_024)), &[413]),
        ("a chunk longer than its size", chunked("1\r\nab\r\n0\r\n\r\n"), &[400]),
        ("a bare line feed behind a chunk's size", chunked(&one.replacen("\r\n", "\n", 1)), &[400]),
        ("extensions of 20 KiB", chunked(&format!("1;{}\r\na\r\n0\r\n\r\n", "a".repeat(20_000))), &[400]),
        ("a body of one-byte chunks", chunked(&"1\r\na\r\n".repeat(10_000)), &[400]),
        ("an invalid trailer", chunked("0\r\nt\r\n\r\n"), &[400]),
        ("a request inside a body", sized(&probe()), &[500, 200]),
        (
            "a request inside a GET's body",
            get(&format!("{host}Content-Length: {}\r\n", probe().len())) + &probe(),
            &[200, 200],
        ),
        (
            "a request behind a false end",
            post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", &format!("0\r\n\r\n{}", probe())),
            &[400],
        ),
        (
            "an upgrade",
            get(&format!(
                "{host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
            )),
            &[200, 200],
        ),
        ("an unknown Expect", post(&format!("Expect: a-miracle\r\nContent-Length: {length}\r\n"), &body), &[200, 200]),
        (
            "an Expect that is honoured",
            post(&format!("Expect: 100-continue\r\nContent-Length: {length}\r\n"), &body),
            &[200, 200],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_stream_gets_its_answers_and_no_more() {
    let service = TestService::start().await;
    let mut wrong = Vec::new();
    for (name, bytes, expected) in cases() {
        let responses = exchange(&service, format!("{bytes}{}", probe()).as_bytes()).await;
        let mut received = statuses(&responses);
        received.retain(|status| *status != 100);
        if received != expected {
            wrong.push(format!("{name}: {received:?} instead of {expected:?}"));
            continue;
        }
        let last = responses.last().expect("an answer");
        assert!(last.head.contains("\r\nconnection: close"), "{name}: {}", last.head);
        if last.status != 200 {
            assert!(last.head.contains("\r\ncontent-type: text/plain; charset=utf-8"), "{name}: {}", last.head);
            assert!(last.body.ends_with(".\n") && last.body.len() < 200, "{name}: {}", last.body);
        }
    }
    assert_eq!(wrong, [""; 0]);
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_connection_is_closed() {
    let moment = Duration::from_millis(200);
    let service = TestService::start_with(|settings| {
        let limits = &mut settings.server.limits;
        (limits.handshake, limits.head, limits.idle) = (moment, moment, moment);
        (limits.body_start, limits.body_rate) = (moment, 1_000_000);
    })
    .await;
    let mut silent = TcpStream::connect(service.address).await.expect("the service listens");
    assert_eq!(read_to_end(&mut silent).await, b"", "no handshake");
    for (name, bytes, expected) in [
        ("no request", String::new(), vec![]),
        ("half a head", format!("GET {CONSULT} HTTP/1.1\r\nHost: loc"), vec![408]),
        ("half a head behind a request", format!("{}GET", get("Host: a\r\n")), vec![200, 408]),
        ("no second request", get("Host: a\r\n"), vec![200]),
        ("half a body", post("Content-Length: 100\r\n", "half"), vec![408]),
        ("half a chunk", chunked("10\r\nhalf"), vec![408]),
        (
            "half a body of an unknown path",
            format!("POST {TEST}/a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"),
            vec![404],
        ),
    ] {
        assert_eq!(statuses(&exchange(&service, bytes.as_bytes()).await), expected, "{name}");
    }
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_over_the_limit_get_503_in_time() {
    let service = TestService::start_with(|settings| {
        let limits = &mut settings.server.limits;
        (limits.messages, limits.messages_per_consumer, limits.connections_per_consumer) = (2, 1, 2);
        (limits.body, limits.body_start, limits.idle) = (PATIENT, PATIENT, PATIENT);
        (limits.retry_after, limits.wait) = (Duration::from_millis(1), Duration::from_millis(1));
    })
    .await;
    // Holds its consumer's only slot: it waits for its body.
    let mut slow = service.connect("fund").await;
    let body = message();
    let head = post(&format!("Expect: 100-continue\r\nContent-Length: {}\r\n", body.len()), "");
    slow.write_all(head.as_bytes()).await.expect("sent");
    let mut asked = [0; 25];
    timeout(DEADLINE, slow.read_exact(&mut asked)).await.expect("in time").expect("asked to continue");
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");

    let responses = exchange(&service, format!("{}{}", sized(&body), probe()).as_bytes()).await;
    assert_eq!(statuses(&responses), [503, 200], "the connection stays open, and requests without cost are answered");
    assert!(responses[0].head.contains("\r\nretry-after: 1"), "{}", responses[0].head);
    let other = service
        .post("other-fund", CONSULT, question("0999010225", "BACKTOWORK:ADVISORY_PHYSICIAN", "85073099932", ""))
        .await;
    assert_eq!(other.status, 200, "another consumer has its own slots");

    let rest = format!("{body}{}", probe());
    slow.write_all(rest.as_bytes()).await.expect("sent");
    let came = String::from_utf8(read_to_end(&mut slow).await).expect("text");
    assert_eq!(statuses(&read_responses(&came)), [200, 200], "the requests in progress are finished");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_over_the_limit_gets_503_or_is_closed() {
    let service = TestService::start_with(|settings| {
        let limits = &mut settings.server.limits;
        (limits.connections, limits.connections_per_consumer, limits.requests) = (2, 1, 2);
        (limits.excess_connections, limits.excess_connections_per_consumer, limits.head) = (1, 1, PATIENT);
    })
    .await;
    let mut first = service.connect("fund").await;
    // Answered once, so that its slot is taken for certain.
    first.write_all(get("Host: a\r\n").as_bytes()).await.expect("sent");
    let mut answered = [0; 15];
    timeout(DEADLINE, first.read_exact(&mut answered)).await.expect("in time").expect("an answer");
    assert_eq!(&answered, b"HTTP/1.1 200 OK");
    let responses = exchange(&service, probe().as_bytes()).await;
    assert_eq!(statuses(&responses), [503]);
    assert!(responses[0].head.contains("\r\nretry-after: 1") && responses[0].head.contains("\r\nconnection: close"));
    // Another consumer has its own slot; with it all are taken, and a third consumer gets 503.
    let mut second = service.connect("other-fund").await;
    second.write_all(get("Host: a\r\n").as_bytes()).await.expect("sent");
    timeout(DEADLINE, second.read_exact(&mut answered)).await.expect("in time").expect("an answer");
    assert_eq!(&answered, b"HTTP/1.1 200 OK");
    // A connection that waits for its refusal holds a slot too: without a free one, it is closed
    // unread.
    let waits = service.connect("service").await;
    let unread = timeout(DEADLINE, async {
        loop {
            let mut stream = service.connect("other-service").await;
            let _ = stream.write_all(probe().as_bytes()).await;
            let came = read_to_end(&mut stream).await;
            if came.is_empty() {
                break;
            }
            // The slot was not yet taken, or not yet released by the connection before.
            assert!(came.starts_with(b"HTTP/1.1 503 "));
        }
    });
    unread.await.expect("in time");
    drop((waits, second));
    first.write_all(get("Host: a\r\n").repeat(2).as_bytes()).await.expect("sent");
    let came = String::from_utf8(read_to_end(&mut first).await).expect("text");
    assert_eq!(came.matches("HTTP/1.1 200 OK").count(), 1, "only one more request is answered: {came}");
    assert!(came.to_lowercase().contains("connection: close"), "{came}");
    service.finish().await;
}

/// Metrics, as operators read them.
async fn metrics(service: &TestService) -> String {
    let operators = service.admin.expect("operators are answered");
    let mut stream = TcpStream::connect(operators).await.expect("listens");
    let asked = format!("GET /metrics HTTP/1.1\r\nHost: {operators}\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.expect("sent");
    String::from_utf8(read_to_end(&mut stream).await).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_handshake_is_dropped_for_a_new_caller() {
    let service = TestService::start_with(|settings| {
        let limits = &mut settings.server.limits;
        (limits.handshakes, limits.handshakes_per_address, limits.handshake) = (8, 4, PATIENT);
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(service.address).await.expect("the service listens");
        stream.write_all(b"\x16\x03\x01\x02\x00\x01").await.expect("half of a ClientHello");
        silent.push(stream);
    }
    let responses = exchange(&service, probe().as_bytes()).await;
    assert_eq!(statuses(&responses), [200]);
    assert_eq!(read_to_end(&mut silent[0]).await, b"", "the oldest is closed");
    let newest = silent[3].try_read(&mut [0; 1]).expect_err("nothing was printed");
    assert_eq!(newest.kind(), std::io::ErrorKind::WouldBlock, "the newest checkpoint is kept");
    // Counted when its task ends, which the peer does not wait for.
    let counted = async { while !metrics(&service).await.contains("handshakes_total{outcome=\"crowded\"} 1\n") {} };
    timeout(DEADLINE, counted).await.expect("in time");
    drop(silent);
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_is_closed_after_its_next_request() {
    let service = TestService::start_with(|settings| settings.server.limits.age = Duration::ZERO).await;
    let responses = exchange(&service, get("Host: a\r\n").repeat(3).as_bytes()).await;
    assert_eq!(statuses(&responses), [200]);
    assert!(responses[0].head.contains("\r\nconnection: close"), "{}", responses[0].head);
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_does_not_read_its_answers_is_cut() {
    let service = TestService::start_with(|settings| settings.server.limits.write = Duration::from_millis(200)).await;
    let mut stream = service.connect("fund").await;
    let asked = format!("GET {CONSULT}?wsdl HTTP/1.1\r\nHost: a\r\n\r\n").repeat(100);
    // The answers fill both socket buffers; then nothing is accepted until the connection is
    // closed.
    let cut = async { while stream.write_all(asked.as_bytes()).await.is_ok() {} };
    timeout(DEADLINE, cut).await.expect("the service closes the connection");
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_get_answers_over_ipv6() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        say("*** SKIPPED: this machine has no IPv6");
        return;
    }
    let service = TestService::start_with(|settings| settings.listen = "[::1]:0".parse().expect("an address")).await;
    assert!(service.address.is_ipv6());
    let answered = service.post("fund", CONSULT, message()).await;
    assert_eq!((answered.status, answered.code()), (200, Some("MSG00000")));
    service.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_head_does_not_delay_the_stop() {
    let service = TestService::start_with(|settings| {
        let limits = &mut settings.server.limits;
        (limits.last_request, limits.head, limits.idle) = (Duration::from_millis(200), PATIENT, PATIENT);
    })
    .await;
    let mut stream = service.connect("fund").await;
    stream.write_all(get("Host: a\r\n").as_bytes()).await.expect("sent");
    let mut answered = [0; 15];
    timeout(DEADLINE, stream.read_exact(&mut answered)).await.expect("in time").expect("an answer");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.expect("sent");
    let came = tokio::spawn(async move { read_to_end(&mut stream).await });
    // The service drains completely: it does not wait for an incomplete request.
    service.finish().await;
    let came = String::from_utf8(came.await.expect("no panic")).expect("text");
    assert_eq!(came.matches("HTTP/1.1").count(), 0, "the half is not answered: {came}");
}
