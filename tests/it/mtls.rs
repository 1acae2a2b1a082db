//! Admission: mutual TLS, and the organisation that a certificate names.

use std::sync::Arc;

use ehealth_attributes::server::tls;
use ehealth_core::model::{Clock, Timestamp};
use http_body_util::Full;
use hyper::Request;
use hyper::header::HeaderValue;
use rustls::ClientConfig;
use soap::consumer_header;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::service::{self, CONSULT, TEST, TestService, envelope, question};

const ANNA: &str = "85073099932";
const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

fn echo(text: &str) -> String {
    envelope(&format!(
        "<t:sendTestMessageRequest xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\"><echo>{text}</echo>\
         </t:sendTestMessageRequest>"
    ))
}

/// Whether a request on a connection with this TLS gets any byte of an answer. In TLS 1.3 a client
/// learns of a refused certificate only when it reads.
async fn is_answered(service: &TestService, config: ClientConfig) -> bool {
    let stream = TcpStream::connect(service.address).await.expect("the service listens");
    let name = "localhost".try_into().expect("a name");
    let Ok(mut tls) = TlsConnector::from(Arc::new(config)).connect(name, stream).await else { return false };
    let request = b"GET /eHealthAttributesService/v1/consult?wsdl HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut byte = [0];
    tls.write_all(request).await.is_ok() && matches!(tls.read(&mut byte).await, Ok(1))
}

#[tokio::test]
async fn only_a_certificate_of_the_authority_is_admitted() {
    let service = TestService::start().await;
    assert!(is_answered(&service, service.tls_of("fund")).await);

    let other = TestService::start().await;
    let roots = tls::load_authorities(&service.workspace.authority()).expect("an authority");
    let clock = Arc::clone(&service.clock) as Arc<dyn Clock>;
    let builder = || {
        ClientConfig::builder_with_details(tls::provider(), tls::time_of(Arc::clone(&clock)))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots.clone())
    };
    let mut foreign = builder().with_no_client_auth();
    foreign.client_auth_cert_resolver = other.tls_of("fund").client_auth_cert_resolver;
    assert!(!is_answered(&service, foreign).await, "a certificate of another authority");
    assert!(!is_answered(&service, builder().with_no_client_auth()).await, "no certificate");
    other.finish().await;
    service.finish().await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let service = TestService::start().await;
    let config = service.tls_of("fund");
    // Beyond a year after whichever clock is ahead, the service's or this machine's.
    service.clock.set(Timestamp::parse("9000-01-01T00:00:00Z").expect("a moment"));
    assert!(!is_answered(&service, config).await);
    service.finish().await;
}

#[tokio::test]
async fn the_test_message_shows_the_caller_identity() {
    let service = TestService::start().await;
    let answered = service.post("fund", TEST, echo("hello &amp; goodbye")).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_eq!(answered.text("echo"), Some("hello &amp; goodbye"));
    assert_eq!(
        answered.text("sslCertificate"),
        Some("CN=CBE=0999010126\\, FUND,OU=CBE=0999010126,O=Federal Government,C=BE")
    );
    let consumer = |answered: &service::Answered| answered.headers.get("x-consumer").cloned();
    assert_eq!(consumer(&answered).as_ref().map(HeaderValue::as_bytes), Some(&b"De Linde, health-insurance fund"[..]));
    assert_eq!(answered.text("consumer"), None);
    assert_eq!(
        answered.headers.get("x-request-id").map(HeaderValue::as_bytes),
        answered.text("ticketCBSS").map(str::as_bytes)
    );

    let answered = service.post("stranger", TEST, echo("hello")).await;
    assert_eq!((answered.status, consumer(&answered)), (200, None));
    // Neither a fault nor a consultation has it, and a caller cannot bring it.
    let refused = service.post("fund", TEST, envelope("<a/>")).await;
    assert_eq!((refused.status, consumer(&refused)), (500, None));
    let answered = service.post("fund", CONSULT, question("0999010126", PHYSICIAN, ANNA, "")).await;
    assert_eq!((answered.status, consumer(&answered)), (200, None));
    let request = Request::post(TEST).header("host", "localhost").header("content-type", "text/xml");
    let request = request.header("x-consumer", "De Linde").body(Full::from(echo("a"))).expect("a request");
    let answered = service.send("stranger", request).await;
    assert_eq!((answered.status, consumer(&answered)), (200, None));
    service.finish().await;
}

#[tokio::test]
async fn any_configured_name_is_a_safe_header() {
    let name = "Mutualité 100 % \u{202e}\u{2028}\"😀";
    let service = TestService::start_with(|settings| {
        let text = std::fs::read_to_string(&settings.policy).expect("a policy");
        let renamed = text.replace("\"De Linde, health-insurance fund\"", &format!("'{name}'"));
        assert_ne!(renamed, text);
        std::fs::write(&settings.policy, renamed).expect("written");
    })
    .await;
    let answered = service.post("fund", TEST, echo("hello")).await;
    let value = answered.headers["x-consumer"].to_str().expect("ASCII");
    assert_eq!(value, "Mutualit%C3%A9 100 %25 %E2%80%AE%E2%80%A8\"%F0%9F%98%80");
    assert_eq!(consumer_header::decode(value).as_deref(), Some(name));
    service.finish().await;
}

#[tokio::test]
async fn only_the_limit_on_texts_bounds_an_echo() {
    let service = TestService::start().await;
    // Escaped in the answer, each becomes four characters.
    let longest = ">".repeat(soap::limits::TEXT_BYTES);
    let answered = service.post("fund", TEST, echo(&longest)).await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.text("echo").map(|echo| echo.replace("&gt;", ">")), Some(longest.clone()));
    let answered = service.post("fund", TEST, echo(&format!("{longest}a"))).await;
    assert_eq!((answered.status, answered.code()), (500, Some("MSG90015")));
    service.finish().await;
}

#[tokio::test]
async fn an_unregistered_caller_gets_a_fault() {
    let service = TestService::start().await;
    let answered = service.post("stranger", CONSULT, question("0999090102", PHYSICIAN, ANNA, "")).await;
    assert_eq!((answered.status, answered.code()), (500, Some("SOA-01001")), "{answered:?}");
    service.finish().await;
}

#[tokio::test]
async fn asking_for_another_organisation_is_refused() {
    let service = TestService::start().await;
    for customer in ["0999010225", "0999010127", "2202239951"] {
        let answered = service.post("fund", CONSULT, question(customer, PHYSICIAN, ANNA, "")).await;
        assert_eq!(answered.status, 500, "{customer}");
        assert_eq!(answered.text("faultcode"), Some("soap:Client"), "{customer}");
    }
    service.finish().await;
}

#[tokio::test]
async fn equal_questions_get_equal_bytes_except_ticket_and_times() {
    let service = TestService::start().await;
    let ask = || service.post("fund", CONSULT, question("0999010126", PHYSICIAN, ANNA, "2026-01-10"));
    let (first, second) = (ask().await, ask().await);
    let ticket = |answered: &service::Answered| answered.text("ticketCBSS").expect("a ticket").to_owned();
    assert_ne!(ticket(&first), ticket(&second));
    assert_eq!(first.body.replace(&ticket(&first), "…"), second.body.replace(&ticket(&second), "…"));
    service.finish().await;
}
