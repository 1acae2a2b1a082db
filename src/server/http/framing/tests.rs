//! The stream of requests, split in every way: what is forwarded does not depend on how it arrives.

use proptest::prelude::*;

use super::{Framing, FramingError, Position, Progress};
use crate::server::http::refusal::HttpRefusal;

/// Why a stream was refused, without the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    Head(HttpRefusal),
    Body(HttpRefusal),
}

/// Passes the stream in pieces of this length, as the wire does; returns what was forwarded, and
/// how it ended.
fn forward(stream: &[u8], piece: usize) -> (Vec<u8>, Result<usize, Refused>) {
    let (mut framing, mut held, mut forwarded) = (Framing::new(), Vec::new(), Vec::new());
    for piece in stream.chunks(piece) {
        held.extend_from_slice(piece);
        loop {
            match framing.advance(&held) {
                Ok(Progress::Forward(count)) => forwarded.extend(held.drain(..count)),
                Ok(Progress::Discard(count)) => drop(held.drain(..count)),
                Ok(Progress::NeedMore) => break,
                Err(FramingError::Head(refusal)) => return (forwarded, Err(Refused::Head(*refusal.reason()))),
                Err(FramingError::Body(refusal)) => return (forwarded, Err(Refused::Body(*refusal.reason()))),
            }
        }
    }
    (forwarded, Ok(held.len()))
}

const SIZED: &str = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /";
const CHUNKED: &str = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nGET /\r\nA\r\n0123456789\r\n0\r\nt: v\r\n\r\n";
const BARE: &str = "GET /a?wsdl HTTP/1.1\r\nhost: [::1]:8443\r\n\r\n";

#[test]
fn requests_are_forwarded_whole_however_they_are_split() {
    let stream = [SIZED, CHUNKED, BARE, SIZED].concat();
    for piece in 1..stream.len() {
        assert_eq!(forward(stream.as_bytes(), piece), (stream.clone().into_bytes(), Ok(0)), "pieces of {piece}");
    }
}

#[test]
fn a_refused_head_is_held_back_and_all_before_it_forwarded() {
    let framing = Refused::Head(HttpRefusal::Length);
    let both = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for piece in [1, 2, 7, 4_096] {
        let (forwarded, ended) = forward(format!("{CHUNKED}{both}").as_bytes(), piece);
        assert_eq!((forwarded.as_slice(), ended), (CHUNKED.as_bytes(), Err(framing)), "pieces of {piece}");
    }
}

#[test]
fn one_empty_line_before_a_request_is_dropped_not_two() {
    assert_eq!(forward(format!("{SIZED}\r\n{BARE}").as_bytes(), 3).0, format!("{SIZED}{BARE}").into_bytes());
    assert_eq!(forward(b"\r\n\r\n", 1), (Vec::new(), Err(Refused::Head(HttpRefusal::RequestLine))));
}

#[test]
fn a_request_of_http_1_0_needs_no_host_and_has_no_chunks() {
    let head = |fields: &str| forward(format!("POST /a HTTP/1.0\r\n{fields}\r\n").as_bytes(), 3).1;
    assert_eq!(head(""), Ok(0));
    assert_eq!(head("Host: x\r\nContent-Length: 0\r\n"), Ok(0));
    assert_eq!(head("Host: x\r\nHost: x\r\n"), Err(Refused::Head(HttpRefusal::Host)));
    assert_eq!(head("Transfer-Encoding: chunked\r\n"), Err(Refused::Head(HttpRefusal::Length)));
}

#[test]
fn a_target_is_a_path_or_an_absolute_url() {
    let line = |line: &str| forward(format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(), 64).1;
    for target in ["/", "/a?b", "http://x", "https://x/a", "HTTPS://[::1]:8443/a?b", "http://x?b"] {
        assert_eq!(line(&format!("GET {target}")), Ok(0), "{target}");
    }
    assert_eq!(line("OPTIONS *"), Ok(0));
    for target in ["*", "x:443", "a", "https://", "https:///a", "ftp://x/a", "https://a@x/a", "//x/a#b"] {
        assert_eq!(line(&format!("GET {target}")), Err(Refused::Head(HttpRefusal::Target)), "{target}");
    }
}

#[test]
fn a_broken_chunk_stops_the_body() {
    let head = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let broken = Err(Refused::Body(HttpRefusal::Chunk));
    for body in [
        "5 \r\n",
        "\r\n",
        ";a\r\n",
        "5\n",
        "x\r\n",
        "-1\r\n",
        "0x5\r\n",
        "000000000\r\n",
        "1\r\nab",
        "1\r\na\n",
        "5;\n",
        "0\r\n a: b\r\n",
        "0\r\na b: c\r\n",
        "0\r\na: b\n",
        "0\r\n\rx",
        "5\rx",
        "5;a\0\r\n",
    ] {
        assert_eq!(forward(format!("{head}{body}").as_bytes(), 64).1, broken, "{body:?}");
    }
    let drip = format!("{head}{}", "1\r\na\r\n".repeat(4_000));
    assert_eq!(forward(drip.as_bytes(), 64).1, broken, "more framing than content");
}

#[test]
fn a_chunk_size_over_the_limit_is_refused_before_its_bytes() {
    let head = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("3ff00\r\n{}\r\n", "a".repeat(0x3ff00));
    for body in [
        "40001",
        "ffffffff",
        "fffffffffffffffff",
        &format!("{chunk}101"),
        &format!("{chunk}100\r\n{}\r\n1", "a".repeat(0x100)),
    ] {
        let refused = forward(format!("{head}{body}").as_bytes(), 64).1;
        assert_eq!(refused, Err(Refused::Body(HttpRefusal::TooLarge)), "{}", body.len());
    }
    for body in ["40000\r\n", "00040000\r\n", &format!("{chunk}100\r\n")] {
        assert!(forward(format!("{head}{body}").as_bytes(), 64).1.is_ok(), "{}", body.len());
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_and_the_split_makes_no_difference(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "GET", " ", "/", "HTTP/1.1", "\r\n", "\n", "\r", "Host: x", "Content-Length: ", "Transfer-Encoding: chunked",
            "5", "0", ":", "\0", "é", SIZED, CHUNKED, BARE,
        ]), 0..24),
        piece in 1_usize..40,
    ) {
        let stream = pieces.concat();
        prop_assert_eq!(forward(stream.as_bytes(), piece), forward(stream.as_bytes(), usize::MAX));
    }
}

/// Reads bytes with the HTTP library; returns how many complete requests it saw, and its responses.
async fn read_as_hyper(stream: Vec<u8>) -> (usize, String) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Method, Request, Response};
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let whole = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&whole);
    let (mut peer, served) = tokio::io::duplex(1 << 20);
    peer.write_all(&stream).await.expect("the buffer holds all");
    peer.shutdown().await.expect("closed");
    let answer = service_fn(move |request: Request<Incoming>| {
        let counted = Arc::clone(&counted);
        async move {
            // As the service does: after a successful CONNECT the library would read no more
            // requests.
            let status = if request.method() == Method::CONNECT { 405 } else { 200 };
            if request.into_body().collect().await.is_ok() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            Response::builder().status(status).body(Full::new(Bytes::new()))
        }
    });
    // An error means that the stream ended within a request.
    let _ = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(served), answer).await;
    let mut answered = String::new();
    peer.read_to_string(&mut answered).await.expect("responses are text");
    (whole.load(Ordering::Relaxed), answered)
}

/// Heads and bodies made of valid and invalid pieces. Most are refused; the others are what
/// matters.
fn request() -> impl Strategy<Value = String> {
    let line_end = || prop_oneof![9 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r")];
    let start = prop_oneof![
        8 => Just("POST /a HTTP/1.1"), 3 => Just("GET /a?b HTTP/1.1"), 1 => Just("CONNECT /a HTTP/1.1"),
        1 => Just("HEAD /a HTTP/1.1"), 1 => Just("get /a HTTP/1.1"), 1 => Just("GET /a HTTP/1.0"),
        1 => Just("GET  /a HTTP/1.1"), 1 => Just("OPTIONS * HTTP/1.1"), 1 => Just("GET http://x:1/a?b HTTP/1.1"),
    ];
    let field = prop_oneof![
        4 => Just("Content-Length: 5"), 4 => Just("Transfer-Encoding: chunked"), 2 => Just("Content-Length: 0"),
        2 => Just("a: b"), 1 => Just("Content-Length: 05"), 1 => Just("Content-Length:5 \t"),
        1 => Just("content-length: 5, 5"), 1 => Just("Content-Length: +5"), 1 => Just("Transfer-Encoding:\tchunked"),
        1 => Just("transfer-encoding: Chunked"), 1 => Just("Transfer-Encoding: gzip, chunked"),
        1 => Just("Transfer-Encoding: chunked;q=1"), 1 => Just(" folded"), 1 => Just("Host: b"), 1 => Just("b:\x0bc"),
        1 => Just("Connection: close"), 1 => Just("Connection: keep-alive, Transfer-Encoding"), 1 => Just("TE: trailers"),
        1 => Just("Expect: 100-continue"), 1 => Just("Trailer: Content-Length"), 1 => Just("Upgrade: h2c"), 1 => Just(": c"),
    ];
    let body = prop_oneof![
        3 => Just("hello"), 3 => Just(""), 3 => Just("5\r\nhello\r\n0\r\n\r\n"), 1 => Just("0\r\n\r\n"),
        1 => Just("05;a=\"\r\\n\"\r\nhello\r\n0\r\nt: v\r\n\r\n"), 1 => Just("5;a\r\nhello\r\n0\r\n\r\n"),
        1 => Just("5\r\nhello\r\n00\r\n\r\n"), 1 => Just("5 \r\nhello\r\n0\r\n\r\n"), 1 => Just("5\nhello\r\n0\r\n\r\n"),
        1 => Just("2\r\nhe\r\n3\r\nllo\r\n0\r\nContent-Length: 9\r\n\r\n"), 1 => Just("-1\r\n"), 1 => Just("hell"),
    ];
    let fields = proptest::collection::vec((field, line_end()), 0..4);
    (start, line_end(), fields, body).prop_map(|(start, end, fields, body)| {
        let fields: String = fields.into_iter().map(|(field, end)| format!("{field}{end}")).collect();
        format!("{start}{end}Host: x\r\n{fields}\r\n{body}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_http_library_splits_forwarded_bytes_the_same_way(requests in proptest::collection::vec(request(), 1..4)) {
        let stream = requests.concat();
        let (mut framing, mut held, mut forwarded, mut whole) = (Framing::new(), stream.into_bytes(), Vec::new(), 0);
        while let Ok(verdict) = framing.advance(&held) {
            match verdict {
                Progress::Forward(count) => {
                    forwarded.extend(held.drain(..count));
                    whole += usize::from(matches!(framing.position, Position::Head | Position::Ended));
                }
                Progress::Discard(count) => drop(held.drain(..count)),
                Progress::NeedMore => break,
            }
        }
        // The library closes a connection when asked to, and reads no request after that.
        let asks_to_close = String::from_utf8_lossy(&forwarded).contains("Connection: close");
        let shown = String::from_utf8_lossy(&forwarded).into_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (read, answered) = runtime.block_on(read_as_hyper(forwarded));
        prop_assert!(!answered.contains("HTTP/1.1 400"), "{shown:?} was refused: {answered}");
        if asks_to_close {
            prop_assert!(read <= whole, "{shown:?}: {read} instead of at most {whole}");
        } else {
            // Of an incomplete request the library got only the head, and no complete body.
            prop_assert_eq!(read, whole, "{:?}", shown);
        }
    }
}
