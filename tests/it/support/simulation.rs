//! `simulate` as its users run it: start the program, read its ready file, send requests as any
//! stack does.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ehealth_attributes::server::tls;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Path and content type of questions.
pub const CONSULT: &str = "/eHealthAttributesService/v1/consult";
const XML: (&str, &str) = ("content-type", "text/xml; charset=utf-8");

/// Starts the program with these arguments.
pub fn simulate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"));
    command.env_remove("EHEALTH_ATTRIBUTES_LOG").arg("simulate").args(arguments).stdin(Stdio::null());
    command
}

/// A running simulator.
pub struct Simulation {
    child: Child,
    folder: TempDir,
    /// Content of the ready file.
    pub ready: Value,
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    pub request_id: Option<String>,
    pub media_type: Option<String>,
    pub body: Vec<u8>,
}

impl Answered {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("answers are UTF-8")
    }

    /// Text of the first element with this local name.
    pub fn element(&self, name: &str) -> Option<String> {
        let text = self.text();
        let (_, after) = text.split_once(&format!("<{name}>"))?;
        Some(after.split("</").next()?.to_owned())
    }

    /// Code of the status or of the fault's detail.
    pub fn code(&self) -> Option<String> {
        self.element("reasonCode").or_else(|| self.element("code"))
    }
}

impl Simulation {
    /// Starts a simulator with this scenario, and waits for its ready file.
    pub fn start(scenario: &str) -> Self {
        Self::start_with(scenario, &[])
    }

    /// Starts a simulator with more arguments.
    pub fn start_with(scenario: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, ready) = (folder.path().join("scenario.toml"), folder.path().join("ready.json"));
        fs::write(&file, scenario).expect("a scenario");
        let mut child = simulate(&["--port", "0", "--ready-file"])
            .arg(&ready)
            .arg("--scenario")
            .arg(&file)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let output = child.stdout.take().expect("piped");
        super::program::read_until(output, "to end the simulation", Duration::from_secs(120));
        let ready = serde_json::from_slice(&fs::read(&ready).expect("the ready file")).expect("JSON");
        Self { child, folder, ready }
    }

    pub fn ready_file(&self) -> PathBuf {
        self.folder.path().join("ready.json")
    }

    pub fn url(&self) -> &str {
        self.ready["url"].as_str().expect("a text")
    }

    /// File that the ready file names, for example `/clients/fund/key`.
    pub fn file(&self, pointer: &str) -> PathBuf {
        PathBuf::from(self.ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}")))
    }

    /// TLS configuration of this caller.
    fn tls_of(&self, caller: &str) -> ClientConfig {
        let chain =
            tls::read_certificates(&self.file(&format!("/clients/{caller}/certificate"))).expect("certificates");
        let key = PrivateKeyDer::from_pem_file(self.file(&format!("/clients/{caller}/key"))).expect("a key");
        ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(tls::load_authorities(&self.file("/ca")).expect("an authority"))
            .with_client_auth_cert(chain, key)
            .expect("a client identity")
    }

    /// Opens a connection for bytes.
    pub async fn connect_bytes(&self, caller: &str) -> TlsStream<TcpStream> {
        let port = self.ready["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.expect("it listens");
        let name = "localhost".try_into().expect("a name");
        TlsConnector::from(Arc::new(self.tls_of(caller))).connect(name, stream).await.expect("a handshake")
    }

    /// Opens a connection.
    pub async fn connect(&self, caller: &str) -> SendRequest<Full<Bytes>> {
        let stream = self.connect_bytes(caller).await;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        sender
    }

    /// Sends one request on a new connection.
    pub async fn send(&self, caller: &str, request: Request<Full<Bytes>>) -> Answered {
        Self::send_on(&mut self.connect(caller).await, request).await
    }

    async fn send_on(sender: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Answered {
        sender.ready().await.expect("the connection is open");
        let (head, body) = sender.send_request(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a complete body").to_bytes().to_vec();
        let field = |name| head.headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned());
        Answered {
            status: head.status.as_u16(),
            request_id: field("x-request-id"),
            media_type: field("content-type"),
            body,
        }
    }

    /// Posts a message with these header fields.
    pub async fn post(&self, caller: &str, path: &str, body: impl Into<Bytes>, fields: &[(&str, &str)]) -> Answered {
        self.send(caller, message(path, body.into(), fields)).await
    }

    /// Asks the same question this number of times on one connection.
    pub async fn ask_often(&self, caller: &str, body: &str, times: usize) -> Vec<Answered> {
        let mut sender = self.connect(caller).await;
        let mut answers = Vec::new();
        for _ in 0..times {
            answers.push(Self::send_on(&mut sender, message(CONSULT, body.to_owned().into(), &[XML])).await);
        }
        answers
    }

    /// Sends a question as most stacks do.
    pub async fn ask(&self, caller: &str, body: impl Into<Bytes>) -> Answered {
        self.post(caller, CONSULT, body, &[XML]).await
    }

    /// Sends a signal, and waits for the process to end.
    pub fn stop(mut self, signal: &str) -> (ExitStatus, PathBuf) {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        let ended = self.child.wait().expect("it ends");
        (ended, self.ready_file())
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        // Ends it as its users do, so that it removes its folder. It may have ended already.
        if let Ok(None) = self.child.try_wait() {
            let _ = Command::new("kill").arg(self.child.id().to_string()).status();
            let _ = self.child.wait();
        }
    }
}

fn message(path: &str, body: Bytes, fields: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::post(path).header("host", "localhost").header("content-length", body.len());
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body)).expect("a request")
}

/// Builds a question; `dates` is empty, `YYYY-MM-DD` or `YYYY-MM-DD/YYYY-MM-DD`.
pub fn question(organisation: &str, context: &str, ssin: &str, dates: &str) -> String {
    let dates = match dates.split_once('/') {
        Some((begin, end)) => format!(
            "\n        <period>\n          <beginDate>{begin}</beginDate>\n          <endDate>{end}</endDate>\n        \
             </period>"
        ),
        None if dates.is_empty() => String::new(),
        None => format!("\n        <referenceDate>{dates}</referenceDate>"),
    };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:intf="http://kszbcss.fgov.be/intf/eHealthAttributesService/v1">
  <soapenv:Body>
    <intf:consultAttributesRequest>
      <informationCustomer>
        <customerIdentification>
          <cbeNumber>{organisation}</cbeNumber>
        </customerIdentification>
      </informationCustomer>
      <legalContext>{context}</legalContext>
      <criteria>
        <ssin>{ssin}</ssin>{dates}
      </criteria>
    </intf:consultAttributesRequest>
  </soapenv:Body>
</soapenv:Envelope>
"#
    )
}

/// Folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
