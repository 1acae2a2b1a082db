//! A whole service for a test: on a free port, in its own folder, with the fixture persons and a
//! fixed clock.
//!
//! Every SOAP answer that passes through [`TestService::post`] is stored. [`TestService::finish`]
//! passes all of them to independent oracles, and searches faults, refusals, metrics, the audit
//! log and the log for SSINs (`canary.rs`). A service that is dropped without it has validated
//! nothing, so every test that asks ends with `finish`.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use datasets::sync;
use ehealth_attributes::admin;
use ehealth_attributes::app::{App, Reloader};
use ehealth_attributes::config::{Settings, read_settings};
use ehealth_attributes::server::Drained;
use ehealth_attributes::server::tls::{self, OperatorFiles};
use ehealth_core::model::{Clock, FixedClock, Timestamp};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use rustls::ClientConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;
use testkit::{Workspace, WorkspaceError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{canary, ksz};

/// Fixed time of every test service.
pub const NOW: &str = "2026-01-15T09:30:00.000Z";

/// Paths of the two operations.
pub const CONSULT: &str = "/eHealthAttributesService/v1/consult";
pub const TEST: &str = "/TestConnectionServiceService/sendTestMessage";

/// Asks a service at an address a question as the fund, with curl and in a trace.
pub fn ask_with_curl(workspace: &Workspace, address: &str, question: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("question"), question).expect("written");
    let (certificate, key) = workspace.client("fund");
    Command::new("curl")
        .args(["-sS", "--noproxy", "*", "-H", "Content-Type: text/xml", "-H"])
        .arg("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .args(["--data-binary", "@question", "--cacert"])
        .args([workspace.authority(), "--cert".into(), certificate, "--key".into(), key])
        .arg(format!("https://localhost:{}{CONSULT}", address.rsplit(':').next().expect("a port")))
        .current_dir(folder.path())
        .output()
        .expect("curl")
}

/// A running service.
pub struct TestService {
    pub address: SocketAddr,
    /// Address of the operators' port.
    pub admin: Option<SocketAddr>,
    /// Address of the scrapers' port.
    pub metrics: Option<SocketAddr>,
    pub clock: Arc<FixedClock>,
    pub settings: Settings,
    pub workspace: Workspace,
    pub reloader: Reloader,
    folder: TempDir,
    responses: PathBuf,
    answered: AtomicUsize,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Drained>,
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: hyper::HeaderMap,
    pub body: String,
}

impl Answered {
    /// Text of the first element with this local name.
    pub fn text(&self, element: &str) -> Option<&str> {
        let start = self.body.find(&format!("<{element}>"))? + element.len() + 2;
        let end = start + self.body[start..].find("</")?;
        Some(&self.body[start..end])
    }

    /// Code of the status or of the fault's detail.
    pub fn code(&self) -> Option<&str> {
        self.text("reasonCode").or_else(|| self.text("code"))
    }
}

impl TestService {
    /// Starts a service with the fixture persons, as the demo has it.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a service with the settings that `change` has edited.
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_made_by(|workspace, now| workspace.prepare(now, "").map(drop), change).await
    }

    async fn start_made_by(
        make: impl FnOnce(&Workspace, Timestamp) -> Result<(), WorkspaceError>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        canary::catch_log();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(FixedClock::new(Timestamp::parse(NOW).expect("a moment")));
        let workspace = Workspace::new(folder.path().join("demo"));
        make(&workspace, clock.now()).expect("the workspace can be created");
        let mut settings = read_settings(&workspace.settings()).expect("the demonstration's settings are valid");
        settings.listen = "127.0.0.1:0".parse().expect("an address");
        settings.admin = Some(admin::Settings { listen: settings.listen });
        // A test that ends has no caller to close gracefully.
        settings.server.limits.last_request = Duration::ZERO;
        change(&mut settings);
        let reports = sync::run_all(&settings.sync, clock.as_ref());
        assert!(reports.iter().all(|report| report.outcome.code() == "snapshot/first"), "{reports:?}");
        Self::run(folder, workspace, clock, settings).await
    }

    /// Starts a service in the folder of an earlier one.
    pub async fn start_again(folder: TempDir, settings: Settings) -> Self {
        let clock = Arc::new(FixedClock::new(Timestamp::parse(NOW).expect("a moment")));
        let workspace = Workspace::new(folder.path().join("demo"));
        Self::run(folder, workspace, clock, settings).await
    }

    async fn run(folder: TempDir, workspace: Workspace, clock: Arc<FixedClock>, mut settings: Settings) -> Self {
        let bound = App::bind(&settings).await.expect("a free port");
        let (address, admin, metrics) = (bound.address(), bound.admin_address(), bound.metrics_address());
        // Generators take the address from the contract, so the contract must say where this
        // service listens.
        settings.server.public_url = format!("https://localhost:{}", address.port());
        let app = App::open_on(bound, &settings, Arc::clone(&clock) as Arc<dyn Clock>).expect("the service starts");
        let reloader = app.reloader();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(app.run(async move {
            let _ = stopped.await;
        }));
        let responses = folder.path().join("responses");
        fs::create_dir_all(&responses).expect("a folder");
        let answered = AtomicUsize::new(0);
        Self {
            address,
            admin,
            metrics,
            clock,
            settings,
            workspace,
            reloader,
            folder,
            responses,
            answered,
            stop,
            running,
        }
    }

    /// Folder of the service.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stores an answer that did not pass through this harness, to be validated with the others.
    pub fn keep_text(&self, body: &str) {
        let number = self.answered.fetch_add(1, Ordering::Relaxed);
        fs::write(self.responses.join(format!("{number:05}.xml")), body).expect("a file");
    }

    /// TLS configuration of this caller.
    pub fn tls_of(&self, caller: &str) -> ClientConfig {
        self.tls_by(Arc::clone(&self.clock) as Arc<dyn Clock>, caller)
    }

    /// TLS configuration of a caller whose own clock is fixed at this time.
    pub fn tls_at(&self, moment: &str, caller: &str) -> ClientConfig {
        self.tls_by(Arc::new(FixedClock::new(Timestamp::parse(moment).expect("a moment"))), caller)
    }

    fn tls_by(&self, clock: Arc<dyn Clock>, caller: &str) -> ClientConfig {
        tls_between(&self.workspace.authority(), clock, self.workspace.client(caller))
    }

    /// Connects as this caller.
    pub async fn connect(&self, caller: &str) -> TlsStream<TcpStream> {
        self.try_connect(caller).await.expect("a handshake")
    }

    /// Connects as this caller; the service may refuse.
    pub async fn try_connect(&self, caller: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        let name = "localhost".try_into().expect("a name");
        TlsConnector::from(Arc::new(self.tls_of(caller))).connect(name, stream).await
    }

    /// Sends one request on a new connection.
    pub async fn send(&self, caller: &str, request: Request<Full<Bytes>>) -> Answered {
        let stream = self.connect(caller).await;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        let connection = tokio::spawn(connection);
        let response: Response<_> = sender.send_request(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a complete body").to_bytes();
        drop(sender);
        let _ = connection.await;
        let body = String::from_utf8(body.to_vec()).expect("answers are UTF-8");
        let answered = Answered { status: head.status.as_u16(), headers: head.headers, body };
        if answered.status != 200 {
            assert_eq!(canary::search(format!("{answered:?}").as_bytes()), [], "a number of a person in a refusal");
        }
        answered
    }

    /// Posts a message as SOAP stacks do, and keeps a SOAP answer for validation.
    pub async fn post(&self, caller: &str, path: &str, body: impl Into<Bytes>) -> Answered {
        self.post_with(caller, path, body, &[("content-type", "text/xml; charset=utf-8")]).await
    }

    /// Posts a message with exactly these header fields.
    pub async fn post_with(
        &self,
        caller: &str,
        path: &str,
        body: impl Into<Bytes>,
        fields: &[(&str, &str)],
    ) -> Answered {
        let body = body.into();
        let mut request = Request::post(path).header("host", "localhost").header("content-length", body.len());
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).expect("a request");
        let answered = self.send(caller, request).await;
        self.keep(&answered);
        answered
    }

    /// Gets a document.
    pub async fn get(&self, caller: &str, target: &str) -> Answered {
        let request = Request::get(target).header("host", "localhost").body(Full::default()).expect("a request");
        self.send(caller, request).await
    }

    fn keep(&self, answered: &Answered) {
        if answered.body.starts_with("<?xml") {
            self.keep_text(&answered.body);
        }
    }

    /// Stops the service without validating its answers; its folder stays.
    pub async fn stop(self) -> TempDir {
        let _ = self.stop.send(());
        assert_eq!(self.running.await.expect("the service ends without a panic"), Drained::Whole);
        self.folder
    }

    /// Reads this path of the operators' port: head and body. If operators need a certificate, it
    /// presents one of [`ask_operators_for_certificates`].
    pub async fn read_admin(&self, path: &str) -> Vec<u8> {
        self.read_admin_by(Arc::clone(&self.clock) as Arc<dyn Clock>, path).await
    }

    /// Reads this path as an operator with another clock.
    pub async fn read_admin_by(&self, clock: Arc<dyn Clock>, path: &str) -> Vec<u8> {
        let address = self.admin.expect("a test service has operators");
        let stream = TcpStream::connect(address).await.expect("it listens");
        match &self.settings.admin_tls {
            None => read_at(stream, path).await,
            Some(files) => {
                // It is self-signed.
                let shown = &files.certificate;
                let connector = TlsConnector::from(Arc::new(tls_between(shown, clock, self.workspace.client("fund"))));
                let stream = connector.connect("localhost".try_into().expect("a name"), stream).await;
                read_at(stream.expect("an operator is admitted"), path).await
            }
        }
    }

    /// Stops the service, validates every answer, and searches for SSINs where they are forbidden.
    pub async fn finish(self) {
        for path in ["/metrics", "/"] {
            let page = without_free_space(&self.read_admin(path).await);
            assert_eq!(canary::search(&page), [], "a number of a person at {path}");
        }
        let _ = self.stop.send(());
        let drained = self.running.await.expect("the service ends without a panic");
        assert_eq!(drained, Drained::Whole);
        assert_eq!(
            canary::search_files(&self.settings.audit_log.folder),
            [""; 0],
            "a number of a person in the audit log"
        );
        assert_eq!(canary::search_log(), [], "a number of a person in the log");
        if self.answered.load(Ordering::Relaxed) > 0 {
            ksz::validate_envelopes(&self.responses).expect("every answer is valid against schemas/");
        }
    }
}

/// Requires client certificates of operators, as in the demo; the server's own is valid until the
/// start of this day.
pub fn ask_operators_for_certificates(settings: &mut Settings, (year, month, day): (i32, u8, u8)) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "for-operators");
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(year, month, day);
    let own = KeyPair::generate().expect("a key");
    let issued = params.self_signed(&own).expect("a certificate");
    let file = |name| settings.policy.with_file_name(name);
    let (certificate, key) = (file("for-operators.pem"), file("for-operators.key"));
    fs::write(&certificate, issued.pem()).expect("written");
    fs::write(&key, own.serialize_pem()).expect("written");
    settings.admin_tls = Some(OperatorFiles { certificate, key, client_ca: settings.tls.client_ca[0].clone() });
}

/// TLS configuration with these authorities, a client certificate and its key.
pub fn tls_between(authorities: &Path, clock: Arc<dyn Clock>, (certificate, key): (PathBuf, PathBuf)) -> ClientConfig {
    let chain = tls::read_certificates(&certificate).expect("a client certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a client key");
    let roots = tls::load_authorities(authorities).expect("an authority");
    ClientConfig::builder_with_details(tls::provider(), tls::time_of(clock))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .expect("a client identity")
}

/// What is answered for this path, head and body.
pub async fn read_at(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> Vec<u8> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    answer
}

/// Wraps a payload in an envelope.
pub fn envelope(payload: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <soapenv:Body>{payload}</soapenv:Body></soapenv:Envelope>"
    )
}

/// Builds a question; `dates` is empty, `YYYY-MM-DD` or `YYYY-MM-DD/YYYY-MM-DD`.
pub fn question(organisation: &str, context: &str, ssin: &str, dates: &str) -> String {
    let dates = match dates.split_once('/') {
        Some((begin, end)) => format!("<period><beginDate>{begin}</beginDate><endDate>{end}</endDate></period>"),
        None if dates.is_empty() => String::new(),
        None => format!("<referenceDate>{dates}</referenceDate>"),
    };
    envelope(&format!(
        "<q:consultAttributesRequest xmlns:q=\"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1\">\
         <informationCustomer><ticket>a-test</ticket><customerIdentification><cbeNumber>{organisation}</cbeNumber>\
         </customerIdentification></informationCustomer><legalContext>{context}</legalContext>\
         <criteria><ssin>{ssin}</ssin>{dates}</criteria></q:consultAttributesRequest>"
    ))
}

/// Page and metrics of the operators, without the free bytes of a disk, whose digits may happen to
/// be an SSIN.
fn without_free_space(page: &[u8]) -> Vec<u8> {
    let is_other = |line: &&[u8]| !line.starts_with(b"ehealth_attributes_audit_log_free_bytes ");
    page.split(|byte| *byte == b'\n').filter(is_other).collect::<Vec<_>>().join(&b'\n')
}
