//! The stream of requests, cut in every way: what passes does not depend on how it arrives.

use proptest::prelude::*;

use super::{Framing, Stop, Verdict};
use crate::server::door::HttpRefusal;

/// Shows the stream in pieces of this length, as the wire does: what passed, and how it ended.
fn pass(stream: &[u8], piece: usize) -> (Vec<u8>, Result<usize, Stop>) {
    let (mut framing, mut held, mut passed) = (Framing::new(), Vec::new(), Vec::new());
    for piece in stream.chunks(piece) {
        held.extend_from_slice(piece);
        loop {
            match framing.advance(&held) {
                Ok(Verdict::Pass(count)) => passed.extend(held.drain(..count)),
                Ok(Verdict::Drop(count)) => drop(held.drain(..count)),
                Ok(Verdict::Wait) => break,
                Err(stop) => return (passed, Err(stop)),
            }
        }
    }
    (passed, Ok(held.len()))
}

const SIZED: &str = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /";
const CHUNKED: &str = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nGET /\r\nA\r\n0123456789\r\n0\r\nt: v\r\n\r\n";
const BARE: &str = "GET /a?wsdl HTTP/1.1\r\nhost: [::1]:8443\r\n\r\n";

#[test]
fn requests_pass_whole_however_they_are_cut() {
    let stream = [SIZED, CHUNKED, BARE, SIZED].concat();
    for piece in 1..stream.len() {
        assert_eq!(pass(stream.as_bytes(), piece), (stream.clone().into_bytes(), Ok(0)), "pieces of {piece}");
    }
}

#[test]
fn nothing_of_a_refused_head_passes_and_everything_before_it_does() {
    let framing = Stop::Head(HttpRefusal::Framing);
    let both = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for piece in [1, 2, 7, 4_096] {
        let (passed, ended) = pass(format!("{CHUNKED}{both}").as_bytes(), piece);
        assert_eq!((passed.as_slice(), ended), (CHUNKED.as_bytes(), Err(framing)), "pieces of {piece}");
    }
}

#[test]
fn one_empty_line_before_a_request_is_dropped_and_a_second_refused() {
    assert_eq!(pass(format!("{SIZED}\r\n{BARE}").as_bytes(), 3).0, format!("{SIZED}{BARE}").into_bytes());
    assert_eq!(pass(b"\r\n\r\n", 1), (Vec::new(), Err(Stop::Head(HttpRefusal::Framing))));
}

#[test]
fn a_broken_chunk_stops_the_body() {
    let head = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in [
        "5 \r\n",
        "\r\n",
        ";a\r\n",
        "5\n",
        "x\r\n",
        "-1\r\n",
        "0x5\r\n",
        "123456789\r\n",
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
        assert_eq!(pass(format!("{head}{body}").as_bytes(), 64).1, Err(Stop::Body), "{body:?}");
    }
    let drip = format!("{head}{}", "1\r\na\r\n".repeat(4_000));
    assert_eq!(pass(drip.as_bytes(), 64).1, Err(Stop::Body), "more frame than content");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_the_cut_makes_no_difference(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "GET", " ", "/", "HTTP/1.1", "\r\n", "\n", "\r", "Host: x", "Content-Length: ", "Transfer-Encoding: chunked",
            "5", "0", ":", "\0", "é", SIZED, CHUNKED, BARE,
        ]), 0..24),
        piece in 1_usize..40,
    ) {
        let stream = pieces.concat();
        prop_assert_eq!(pass(stream.as_bytes(), piece), pass(stream.as_bytes(), usize::MAX));
    }
}

/// What the HTTP library makes of bytes: how many requests it was given whole, and all that it answered.
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
    peer.write_all(&stream).await.expect("there is room for all");
    peer.shutdown().await.expect("the end is said");
    let answer = service_fn(move |request: Request<Incoming>| {
        let counted = Arc::clone(&counted);
        async move {
            // As the service does: after a CONNECT that is granted, the library would read no more requests.
            let status = if request.method() == Method::CONNECT { 405 } else { 200 };
            if request.into_body().collect().await.is_ok() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            Response::builder().status(status).body(Full::new(Bytes::new()))
        }
    });
    // An error is the library's way to say that the stream broke off.
    let _ = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(served), answer).await;
    let mut answered = String::new();
    peer.read_to_string(&mut answered).await.expect("answers are text");
    (whole.load(Ordering::Relaxed), answered)
}

/// Heads and bodies out of right and wrong pieces: most are refused, and it is the others that matter.
fn request() -> impl Strategy<Value = String> {
    let line_end = || prop_oneof![9 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r")];
    let start = prop_oneof![
        8 => Just("POST /a HTTP/1.1"), 3 => Just("GET /a?b HTTP/1.1"), 1 => Just("CONNECT /a HTTP/1.1"),
        1 => Just("HEAD /a HTTP/1.1"), 1 => Just("get /a HTTP/1.1"), 1 => Just("GET /a HTTP/1.0"),
        1 => Just("GET  /a HTTP/1.1"), 1 => Just("OPTIONS * HTTP/1.1"),
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
    fn what_passes_the_http_library_takes_apart_as_framing_does(requests in proptest::collection::vec(request(), 1..4)) {
        let stream = requests.concat();
        let (mut framing, mut held, mut passed, mut whole) = (Framing::new(), stream.into_bytes(), Vec::new(), 0);
        while let Ok(verdict) = framing.advance(&held) {
            match verdict {
                Verdict::Pass(count) => {
                    passed.extend(held.drain(..count));
                    whole += usize::from(framing.is_between_requests());
                }
                Verdict::Drop(count) => drop(held.drain(..count)),
                Verdict::Wait => break,
            }
        }
        // The library ends a connection where it is asked to; what would follow is nobody's request.
        let asks_to_close = String::from_utf8_lossy(&passed).contains("Connection: close");
        let shown = String::from_utf8_lossy(&passed).into_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (read, answered) = runtime.block_on(read_as_hyper(passed));
        prop_assert!(!answered.contains("HTTP/1.1 400"), "{shown:?} was refused: {answered}");
        if asks_to_close {
            prop_assert!(read <= whole, "{shown:?}: {read} instead of at most {whole}");
        } else {
            // One that broke off was given to the library as far as its head, and had no whole body.
            prop_assert_eq!(read, whole, "{:?}", shown);
        }
    }
}
