//! The requests of `fixtures/requests/http`: HTTP as real clients send it, byte for byte.
//!
//! Each is sent to the simulator, which must return the stored answer, byte for byte, and the status
//! and the text of the table here (docs/reference/contract.md "Transport", "Refusals below SOAP",
//! "Faults"). `UPDATE_GOLDENS=1 cargo test --test it http_requests::` writes the answers.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::support::environment::is_set;
use crate::support::simulation::{Simulation, project};

const SCENARIO: &str = include_str!("../../fixtures/scenario.toml");

/// Deadline that only a hanging test reaches.
const DEADLINE: Duration = Duration::from_secs(60);

/// Each request, the status of its answer, and a text in it. `fund` asks.
const EXPECTED: [(&str, u16, &str); 11] = [
    ("axis_1", 200, "<code>MSG00000</code>"),
    ("axis_1_as_generated", 500, "<reasonCode>MSG90041</reasonCode>"),
    ("gzip_body", 415, "Compressed messages are not read"),
    ("mtom_package", 415, "MTOM"),
    ("options_asterisk", 405, "\r\nallow: GET, HEAD, POST\r\n"),
    ("post_to_the_wsdl_address", 404, "/eHealthAttributesService/v1/consult, without a query"),
    ("soap_1_2_with_an_action", 415, "SOAP 1.2"),
    ("wcf_addressing", 200, ">urn:uuid:7f748cd4-29dd-4b78-837a-4c6764bb8cdd</wsa:RelatesTo>"),
    ("wcf_basic", 200, "<code>MSG00000</code>"),
    ("wcf_chunked", 200, "<code>MSG00000</code>"),
    ("wcf_message_credential", 500, "<faultcode>soap:MustUnderstand</faultcode>"),
];

fn folder() -> PathBuf {
    project().join("fixtures/requests/http")
}

/// Sends the bytes; returns the final answer without its `Date`.
async fn exchange(simulation: &Simulation, request: &[u8]) -> String {
    let mut stream = simulation.connect_bytes("fund").await;
    stream.write_all(request).await.expect("sent");
    let mut came = Vec::new();
    let answered = async {
        loop {
            // What comes before the answer of a request with `Expect`.
            let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
            if came.starts_with(interim) {
                came.drain(..interim.len());
            }
            if is_whole(&came) || stream.read_buf(&mut came).await.expect("an answer") == 0 {
                break;
            }
        }
    };
    timeout(DEADLINE, answered).await.expect("in time");
    assert!(is_whole(&came), "{}", String::from_utf8_lossy(&came));
    let (head, body) = came.split_at(came.windows(4).position(|end| end == b"\r\n\r\n").expect("a head"));
    let head = String::from_utf8_lossy(head);
    let head: Vec<_> = head.split("\r\n").filter(|line| !line.starts_with("date: ")).collect();
    head.join("\r\n") + str::from_utf8(body).expect("answers are UTF-8")
}

/// Whether the bytes have a head and the content that it announces.
fn is_whole(came: &[u8]) -> bool {
    let text = String::from_utf8_lossy(came).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("\r\ncontent-length: ").nth(1).and_then(|rest| rest.lines().next());
    let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
    assert!(body.len() <= length, "more than one answer: {text}");
    body.len() == length
}

#[tokio::test]
async fn http_as_clients_send_it_gets_its_stored_answer() {
    let simulation = Simulation::start(SCENARIO);
    for (name, status, text) in EXPECTED {
        let request = fs::read(folder().join(format!("{name}.http"))).expect("a request");
        let answer = exchange(&simulation, &request).await;
        assert_eq!(answer.split(' ').nth(1), Some(status.to_string().as_str()), "{name}: {answer}");
        assert!(answer.contains(text), "{name}: {answer}");
        let path = folder().join(format!("{name}.answer.http"));
        if is_set("UPDATE_GOLDENS") {
            fs::write(&path, &answer).expect("written");
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == answer, "{name}: UPDATE_GOLDENS=1 writes it; answered:\n{answer}\nstored:\n{kept}");
    }
}

#[test]
fn every_http_request_has_an_expected_answer() {
    let stored = fs::read_dir(folder()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let stored: BTreeSet<_> = stored.map(|name| name.into_string().expect("UTF-8")).collect();
    let expected = EXPECTED.iter().flat_map(|(name, ..)| [format!("{name}.http"), format!("{name}.answer.http")]);
    assert_eq!(stored, expected.collect());
}
