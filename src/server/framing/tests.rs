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
