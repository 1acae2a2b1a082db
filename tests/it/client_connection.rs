//! The client's connections: reused, lost, refused, too slow.
//!
//! The service here speaks TLS and just enough HTTP to misbehave on purpose. It counts the requests
//! that reach it, because most tests are about what was *not* sent a second time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::{
    Blame, Client, ClientError, Echo, FaultCode, NotUnderstood, Part, Progress, Repeat, Retry, Settings, SettingsError,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// An authority, and one certificate of it that is good for both ends.
struct Authority {
    pem: String,
    certificate: rcgen::Certificate,
    leaf: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&ca_key).expect("signed");
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let leaf = params.signed_by(&key, &issuer).expect("signed");
        Self { pem: certificate.pem(), certificate, leaf, key }
    }

    fn settings(&self, port: u16, as_client: &Self) -> Settings {
        Settings::new(
            &format!("https://localhost:{port}/"),
            self.pem.clone().into_bytes(),
            as_client.leaf.pem().into_bytes(),
            as_client.key.serialize_pem().into_bytes(),
        )
    }

    fn acceptor(&self) -> TlsAcceptor {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).expect("an authority");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("PKCS #8");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier.build().expect("a verifier"))
            .with_single_cert(vec![self.leaf.der().clone()], key)
            .expect("the key fits the certificate");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Response of the service to a request that it has read.
pub enum Act {
    /// Answers and waits for the next.
    Answer(Vec<u8>),
    /// Answers, and then closes without announcing it.
    AnswerAndClose(Vec<u8>),
    /// Closes without an answer.
    HangUp,
    /// Does nothing, for as long as the client waits.
    Stall,
}

#[derive(Default)]
pub struct Seen {
    acts: Mutex<VecDeque<Act>>,
    connections: Mutex<usize>,
    pub requests: Mutex<Vec<String>>,
    /// Signals that the client has closed its side as well.
    closed: Notify,
}

impl Seen {
    fn counts(&self) -> (usize, usize) {
        (*self.connections.lock().expect("whole"), self.requests.lock().expect("whole").len())
    }
}

pub struct Service {
    pub seen: Arc<Seen>,
    authority: Authority,
    port: u16,
}

impl Service {
    pub async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let authority = Authority::new();
        let listener = TcpListener::bind(("localhost", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let seen = Arc::new(Seen { acts: Mutex::new(acts.into_iter().collect()), ..Seen::default() });
        let (acceptor, shared) = (authority.acceptor(), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                if let Ok(tls) = acceptor.accept(tcp).await {
                    *shared.connections.lock().expect("whole") += 1;
                    tokio::spawn(serve(tls, Arc::clone(&shared)));
                }
            }
        });
        Self { seen, authority, port }
    }

    pub fn settings(&self) -> Settings {
        self.authority.settings(self.port, &self.authority)
    }

    fn client(&self) -> Client {
        Client::new(&self.settings()).expect("right settings")
    }
}

async fn serve(mut tls: TlsStream<TcpStream>, seen: Arc<Seen>) {
    while let Some(request) = read_request(&mut tls).await {
        seen.requests.lock().expect("whole").push(request);
        let act = seen.acts.lock().expect("whole").pop_front();
        match act.expect("the test defines the response to each request") {
            Act::Answer(bytes) => tls.write_all(&bytes).await.expect("the client reads"),
            Act::AnswerAndClose(bytes) => {
                tls.write_all(&bytes).await.expect("the client reads");
                break;
            }
            Act::HangUp => break,
            Act::Stall => std::future::pending().await,
        }
    }
    let _ = tls.shutdown().await;
    let _ = tls.read(&mut [0]).await;
    seen.closed.notify_one();
}

async fn read_request(tls: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.and_then(|length| length.parse().ok()) == Some(body.len()) {
                return Some(text);
            }
        }
        if tls.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn soap(status: &str, payload: &str) -> Vec<u8> {
    let envelope = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{payload}</s:Body></s:Envelope>"
    );
    let headers = "Content-Type: text/xml; charset=utf-8\r\nX-Request-Id: 5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f\r\n";
    http(status, headers, &envelope)
}

pub fn echoed(echo: &str) -> Vec<u8> {
    echoed_to("", echo)
}

/// An echo with these header lines.
fn echoed_to(headers: &str, echo: &str) -> Vec<u8> {
    let reply = soap(
        "200 OK",
        &format!(
            "<t:sendTestMessageResponse xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\"><informationCBSS>\
             <ticketCBSS>5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f</ticketCBSS>\
             <timestampReceive>2026-01-15T09:30:00.125Z</timestampReceive>\
             <timestampReply>2026-01-15T09:30:00.127Z</timestampReply></informationCBSS><echo>{echo}</echo>\
             <sslCertificate>CN=CBE=0999010126, SSIN=85073099932</sslCertificate></t:sendTestMessageResponse>"
        ),
    );
    String::from_utf8(reply).expect("text").replacen("\r\n", &format!("\r\n{headers}"), 1).into_bytes()
}

pub async fn ask(client: &Client) -> Result<(), ClientError> {
    client.test_message(&Echo::parse("hello").expect("short")).await.map(drop)
}

async fn refusal(act: Act) -> ClientError {
    let service = Service::start([act]).await;
    ask(&service.client()).await.expect_err("refused")
}

#[tokio::test]
async fn one_connection_serves_consecutive_calls() {
    let service = Service::start((0..3).map(|_| Act::Answer(echoed("hello")))).await;
    let client = service.client();
    let reply = client.test_message(&Echo::parse("hello").expect("short")).await.expect("answered");
    assert_eq!(reply.ssl_certificate, "CN=CBE=0999010126, SSIN=***********");
    for _ in 0..2 {
        ask(&client).await.expect("answered");
    }
    assert_eq!(service.seen.counts(), (1, 3));
    let requests = service.seen.requests.lock().expect("whole");
    let head = requests[0].to_ascii_lowercase();
    assert!(head.starts_with("post /testconnectionserviceservice/sendtestmessage http/1.1\r\n"), "{head}");
    assert!(
        head.contains("\r\nsoapaction: \"http://kszbcss.fgov.be/testconnectionserviceservice/sendtestmessage\"\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\ncontent-type: text/xml; charset=utf-8\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nhost: localhost:{}\r\n", service.port)), "{head}");
}

#[tokio::test]
async fn the_consumer_is_the_decoded_header() {
    for (header, consumer) in [
        ("", None),
        ("X-Consumer: De Linde, fund\r\n", Some("De Linde, fund")),
        ("x-consumer: %20Mutualit%c3%A9 100 %25\r\n", Some(" Mutualité 100 %")),
        ("X-Consumer: 85073099932%E2%80%AE\r\n", Some("*********** ")),
    ] {
        let service = Service::start([Act::Answer(echoed_to(header, "hello"))]).await;
        let reply = service.client().test_message(&Echo::parse("hello").expect("short")).await.expect("answered");
        assert_eq!(reply.consumer.as_deref(), consumer, "{header}");
    }
    for header in [
        "X-Consumer:\r\n",
        "X-Consumer: a\r\nX-Consumer: b\r\n",
        "X-Consumer: a%\r\n",
        "X-Consumer: %FF\r\n",
        "X-Consumer: %1B[2J\r\n",
        "X-Consumer: é\r\n",
    ] {
        let error = refusal(Act::Answer(echoed_to(header, "hello"))).await;
        let is_named = matches!(error, ClientError::NotUnderstood(NotUnderstood::Value("X-Consumer")));
        assert!(is_named, "{header}: {error:?}");
    }
}

#[tokio::test]
async fn concurrent_calls_have_their_own_connections() {
    let service = Service::start((0..2).map(|_| Act::Answer(echoed("hello")))).await;
    let client = service.client();
    let (one, other) = tokio::join!(ask(&client), ask(&client));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(service.seen.counts(), (2, 2));
}

#[tokio::test]
async fn a_connection_closed_by_the_service_is_reopened() {
    let service = Service::start([Act::AnswerAndClose(echoed("hello")), Act::Answer(echoed("hello"))]).await;
    let client = service.client();
    ask(&client).await.expect("answered");
    service.seen.closed.notified().await;
    ask(&client).await.expect("answered");
    assert_eq!(service.seen.counts(), (2, 2));
}

#[tokio::test]
async fn a_call_that_may_have_been_answered_is_not_repeated() {
    let service = Service::start([Act::Answer(echoed("hello")), Act::HangUp]).await;
    let client = service.client();
    ask(&client).await.expect("answered");
    let lost = ask(&client).await.expect_err("hung up");
    assert!(matches!(lost, ClientError::ConnectionLost { progress: Progress::Sent, .. }), "{lost:?}");
    assert_eq!((lost.retry(), lost.blame()), (Retry::OnlyIfTwiceIsFine, Blame::Network));
    assert_eq!(service.seen.counts(), (1, 2));
}

#[tokio::test]
async fn a_call_is_repeated_once_if_the_caller_allows_it() {
    let acts = [Act::Answer(echoed("hello")), Act::HangUp, Act::Answer(echoed("hello")), Act::HangUp, Act::HangUp];
    let service = Service::start(acts).await;
    let client = Client::new(&Settings { repeat: Repeat::EvenIfAnswered, ..service.settings() }).expect("right");
    ask(&client).await.expect("answered");
    ask(&client).await.expect("answered at the second attempt");
    assert_eq!(service.seen.counts(), (2, 3));
    ask(&client).await.expect_err("lost twice");
    assert_eq!(service.seen.counts(), (3, 5));
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_and_says_in_which_phase() {
    let service = Service::start([Act::Stall]).await;
    let deadline = Duration::from_millis(500);
    let client = Client::new(&Settings { deadline, ..service.settings() }).expect("right settings");
    let late = ask(&client).await.expect_err("no answer");
    assert!(matches!(late, ClientError::Deadline { progress: Progress::Sent, after } if after == deadline), "{late:?}");
    assert_eq!(late.retry(), Retry::OnlyIfTwiceIsFine);

    // A listener without a server: the kernel accepts the connection, and no TLS follows.
    let mute = TcpListener::bind(("localhost", 0)).await.expect("a free port");
    let mute_port = mute.local_addr().expect("bound").port();
    let settings = service.authority.settings(mute_port, &service.authority);
    let timeout = Duration::from_millis(50);
    let client = Client::new(&Settings { connect_timeout: timeout, ..settings.clone() }).expect("right settings");
    assert!(matches!(ask(&client).await, Err(ClientError::ConnectTimeout(after)) if after == timeout));
    let client = Client::new(&Settings { deadline: timeout, ..settings }).expect("right settings");
    let late = ask(&client).await.expect_err("no connection");
    assert!(matches!(late, ClientError::Deadline { progress: Progress::NotSent, .. }), "{late:?}");
    assert_eq!((late.retry(), late.blame()), (Retry::Later { after: None }, Blame::Network));
}

#[tokio::test]
async fn a_port_without_a_listener_is_a_network_error() {
    let authority = Authority::new();
    let listener = TcpListener::bind(("localhost", 0)).await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let client = Client::new(&authority.settings(port, &authority)).expect("right settings");
    let error = ask(&client).await.expect_err("nothing listens");
    assert!(matches!(error, ClientError::Connect(_)), "{error:?}");
    assert_eq!((error.retry(), error.blame()), (Retry::Later { after: None }, Blame::Network));
}

#[tokio::test]
async fn a_refused_certificate_is_a_certificate_error() {
    let service = Service::start([]).await;
    let stranger = Authority::new();
    let ours = Client::new(&service.authority.settings(service.port, &stranger)).expect("right settings");
    let theirs = Client::new(&stranger.settings(service.port, &service.authority)).expect("right settings");
    let error = ask(&theirs).await.expect_err("an authority that is not trusted");
    assert!(matches!(error, ClientError::Tls(_)), "{error:?}");
    assert_eq!((error.blame(), error.retry()), (Blame::Service, Retry::Never));
    let error = ask(&ours).await.expect_err("an authority that the service does not know");
    assert!(matches!(error, ClientError::Tls(rustls::Error::AlertReceived(_))), "{error:?}");
    assert_eq!((error.blame(), error.retry()), (Blame::Caller, Retry::Never));
    assert_eq!(service.seen.counts().1, 0);
}

#[tokio::test]
async fn an_http_refusal_is_reported_with_its_status() {
    let busy = "Retry-After: 7\r\nX-Request-Id: 5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f\r\nContent-Type: text/plain\r\n";
    let error = refusal(Act::Answer(http("503 Service Unavailable", busy, "overloaded"))).await;
    assert_eq!(error.retry(), Retry::Later { after: Some(Duration::from_secs(7)) });
    assert_eq!(error.blame(), Blame::Service);
    assert_eq!(
        error.to_string(),
        "the service refused the request with HTTP status 503 (request 5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f)"
    );
    let error = refusal(Act::Answer(http("404 Not Found", "", ""))).await;
    assert_eq!((error.retry(), error.blame()), (Retry::Never, Blame::Caller));
    let error = refusal(Act::Answer(http("500 Internal Server Error", "Content-Type: text/html\r\n", "<p>"))).await;
    assert!(matches!(error, ClientError::Refused { status: 500, .. }), "{error:?}");
}

#[tokio::test]
async fn a_fault_is_reported_with_its_code_and_ticket() {
    let bare = "<s:Fault><faultcode>s:MustUnderstand</faultcode><faultstring>A header.</faultstring></s:Fault>";
    let ClientError::Fault(fault) = refusal(Act::Answer(soap("500 Internal Server Error", bare))).await else {
        panic!("no fault");
    };
    assert_eq!((fault.code, fault.retry(), fault.blame()), (FaultCode::MustUnderstand, Retry::Never, Blame::Caller));
    assert_eq!(fault.to_string(), "MustUnderstand fault: A header. (ticket 5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f)");

    let whole = "<s:Fault><faultcode>s:Server</faultcode><faultstring>No.</faultstring><detail>\
        <t:sendTestMessageFault xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\"><informationCBSS>\
        <ticketCBSS>00000000-1c1e-4b5e-9d0a-6d7a3c2b1e0f</ticketCBSS>\
        <timestampReceive>2026-01-15T09:30:00.125Z</timestampReceive>\
        <timestampReply>2026-01-15T09:30:00.127Z</timestampReply></informationCBSS><detail><severity>FATAL</severity>\
        <reasonCode>MSG00003</reasonCode><diagnostic>About 85073099932.</diagnostic><authorCode>us</authorCode>\
        <information><fieldName>line</fieldName><fieldValue>3</fieldValue></information></detail>\
        </t:sendTestMessageFault></detail></s:Fault>";
    let error = refusal(Act::Answer(soap("500 Internal Server Error", whole))).await;
    assert_eq!((error.retry(), error.blame()), (Retry::Later { after: None }, Blame::Service));
    assert_eq!(
        error.to_string(),
        "Server fault: MSG00003 About ***********. [line 3] (ticket 00000000-1c1e-4b5e-9d0a-6d7a3c2b1e0f)"
    );
}

#[tokio::test]
async fn a_reply_outside_the_contract_is_an_error() {
    let not_understood = |error: ClientError| {
        let ClientError::NotUnderstood(reason) = error else { panic!("{error:?}") };
        reason
    };
    let xml = "Content-Type: text/xml\r\n";
    let large = format!("<a>{}</a>", " ".repeat(5 << 20));
    for (act, wanted) in [
        (Act::Answer(http("200 OK", "Content-Type: text/html\r\n", "<p>")), NotUnderstood::MediaType),
        (Act::Answer(http("200 OK", "Content-Type: text/xml; charset=latin1\r\n", "<a/>")), NotUnderstood::MediaType),
        (Act::Answer(http("200 OK", "", "<a/>")), NotUnderstood::MediaType),
        (Act::Answer(http("200 OK", xml, "<a/>")), NotUnderstood::NotAnEnvelope),
        (Act::Answer(echoed("other")), NotUnderstood::AnotherQuestion("echo")),
        (Act::AnswerAndClose(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()), NotUnderstood::NotHttp),
    ] {
        assert_eq!(not_understood(refusal(act).await), wanted);
    }
    // The client disconnects in the middle: the service's own write may fail, which this test
    // ignores.
    let service = Service::start([Act::Answer(http("200 OK", xml, &large))]).await;
    let error = ask(&service.client()).await.expect_err("refused");
    assert_eq!(not_understood(error), NotUnderstood::TooLarge);
}

#[test]
fn wrong_client_settings_are_refused_with_the_wrong_part() {
    let (authority, other) = (Authority::new(), Authority::new());
    let right = authority.settings(8443, &authority);
    for url in [
        "",
        "localhost:8443",
        "http://localhost",
        "https://",
        "https://a@localhost",
        "https://localhost/?wsdl",
        "https://a/#b",
    ] {
        let refused = Client::new(&Settings { url: url.to_owned(), ..right.clone() });
        assert!(matches!(refused, Err(SettingsError::Url)), "{url}");
    }
    for url in ["https://127.0.0.1:8443", "https://[::1]:8443/prefix/", "https://service.example"] {
        assert!(Client::new(&Settings { url: url.to_owned(), ..right.clone() }).is_ok(), "{url}");
    }
    let refusal = |settings: Settings| Client::new(&settings).expect_err("refused");
    let none = refusal(Settings { server_ca_pem: Vec::new(), ..right.clone() });
    assert!(matches!(none, SettingsError::Content { part: Part::ServerCa, .. }), "{none}");
    let none = refusal(Settings { key_pem: right.certificate_pem.clone(), ..right.clone() });
    assert!(matches!(none, SettingsError::Content { part: Part::Key, .. }), "{none}");
    let apart = refusal(Settings { key_pem: other.key.serialize_pem().into_bytes(), ..right.clone() });
    assert!(matches!(apart, SettingsError::Tls { part: Part::Key, .. }), "{apart}");
    assert!(!format!("{right:?}").contains("PRIVATE"));
}
