//! Messages that other implementations signed: .NET, CXF and Spring-WS with WSS4J, zeep, Node and PHP.

use std::fs;

use super::harness::{fixtures, message, service};
use crate::support::service::CONSULT;

/// Every stored message of a client is accepted, or refused by one fault, as its name says.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "shows what was verified")]
async fn messages_of_other_implementations_are_verified() {
    let service = service("message_signature = \"require\"").await;
    let mut names: Vec<_> = fs::read_dir(fixtures().join("clients"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    let (mut accepted, mut refused) = (0, 0);
    for name in names {
        let answered = service.post("fund", CONSULT, message(&format!("clients/{name}"))).await;
        let code = answered.code().unwrap_or_default().to_owned();
        println!("{name}: {} {code}", answered.status);
        if name.starts_with("refuse-") {
            assert_eq!((answered.status, code.as_str()), (500, "SOA-01001"), "{name}: {}", answered.body);
            refused += 1;
        } else {
            assert!(code.starts_with("MSG0") && answered.status == 200, "{name}: {}", answered.body);
            accepted += 1;
        }
    }
    assert!(accepted >= 20 && refused == 4, "{accepted} accepted, {refused} refused");
    service.finish().await;
}
