//! Stop and restart of the real program, under callers that keep asking.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use audit_log::{KeyFolder, MissingKeys};
use audit_verify::{VerifyingKey, verify};
use bytes::Bytes;
use datasets::sync;
use ehealth_attributes::app::SystemClock;
use ehealth_attributes::config::read_settings;
use ehealth_core::model::Clock;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use testkit::Workspace;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use crate::support::canary;
use crate::support::program::{DEADLINE, PROGRAM, Program};
use crate::support::unread::client_tls;

const MESSAGE: &[u8] = include_bytes!("../../fixtures/requests/accepted/test_message.xml");

/// One instance of the program.
struct Instance(Program);

impl Instance {
    /// Starts an instance, and waits until it serves.
    fn start(settings: &Path) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--config"]).arg(settings).stdout(Stdio::null());
        Self(Program::start(&mut command, "serving").0)
    }

    /// Sends SIGTERM; returns the exit code.
    fn stop(self) -> (Option<i32>, Vec<String>) {
        let (code, said) = self.0.stop();
        assert_eq!(canary::search(said.join("\n").as_bytes()), [], "a number of a person in the log");
        (code, said)
    }
}

/// A client that keeps asking, on one connection as long as the service keeps it.
struct Asker {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Asker {
    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let stream = TcpStream::connect(self.address).await.map_err(|error| format!("connecting: {error}"))?;
        let name = "localhost".try_into().expect("a name");
        let tls = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        let tls = tls.map_err(|error| format!("handshake: {error}"))?;
        let (sender, connection) = http1::handshake(TokioIo::new(tls)).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Asks once and does not retry: a failure is a lost request.
    async fn ask(&mut self) -> Result<(), String> {
        let mut sender = match self.open.take() {
            Some(open) => open,
            None => self.connect().await?,
        };
        sender.ready().await.map_err(|error| format!("not ready: {error}"))?;
        let request = Request::post("/TestConnectionServiceService/sendTestMessage")
            .header("host", "localhost")
            .header("content-type", "text/xml; charset=utf-8")
            .body(Full::new(Bytes::from_static(MESSAGE)))
            .expect("a request");
        let response = sender.send_request(request).await.map_err(|error| format!("asking: {error}"))?;
        let (head, body) = response.into_parts();
        body.collect().await.map_err(|error| format!("reading: {error}"))?;
        if head.headers.get("connection").is_none_or(|value| value != "close") {
            self.open = Some(sender);
        }
        if head.status == 200 { Ok(()) } else { Err(head.status.to_string()) }
    }
}

/// A settings file for one of several instances on this address, each with its own audit log.
fn write_settings(workspace: &Workspace, address: SocketAddr, number: usize) -> PathBuf {
    let text = std::fs::read_to_string(workspace.settings()).expect("settings");
    let text = text
        .replace("listen = \"127.0.0.1:8443\"", &format!("listen = \"{address}\"\nlisten_mode = \"shared\""))
        .replace("folder = \"audit-log\"", &format!("folder = \"audit-log-{number}\""))
        .replace("keys = \"keys\"", &format!("keys = \"keys-{number}\""))
        .replace("127.0.0.1:9443", "127.0.0.1:0");
    let file = workspace.settings().with_file_name(format!("instance-{number}.toml"));
    std::fs::write(&file, text).expect("written");
    file
}

/// Number of exchanges in an instance's audit log, which must be complete and signed.
fn recorded(workspace: &Workspace, number: usize) -> u64 {
    let file = workspace.settings().with_file_name(format!("instance-{number}.toml"));
    let audit_log = read_settings(&file).expect("settings").audit_log;
    let keys = KeyFolder::open(&audit_log.keys, MissingKeys::Refuse).expect("its keys");
    let key = keys.verifying_key(&audit_log.checkpoints.origin).expect("a key");
    let verdict = verify(&audit_log.folder, &VerifyingKey::parse(&key).expect("a key"), None).expect("readable");
    assert!(verdict.is_sound() && verdict.unsigned == 0, "{verdict:?}");
    // The first record of a segment is the segment's own.
    verdict.size - u64::try_from(verdict.segments).expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_loses_no_request_and_exits_with_0() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    let settings = read_settings(&workspace.settings()).expect("the demonstration's settings are valid");
    sync::run_all(&settings.sync, &SystemClock);
    // Bound, but not listening: it reserves the port for the instances, and gets no connection.
    let kept = TcpSocket::new_v4().expect("a socket");
    kept.set_reuseport(true).expect("set");
    kept.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let address = kept.local_addr().expect("an address");

    let tls = client_tls(&workspace, "fund");

    let start = |number| {
        let file = write_settings(&workspace, address, number);
        tokio::task::spawn_blocking(move || Instance::start(&file))
    };
    let mut serving = start(0).await.expect("it starts");
    let (answered, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let askers: Vec<_> = (0..4)
        .map(|number| {
            let (answered, is_over) = (Arc::clone(&answered), Arc::clone(&is_over));
            let mut asker = Asker { address, tls: Arc::clone(&tls), open: None };
            tokio::spawn(async move {
                let mut lost = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    match asker.ask().await {
                        Ok(()) => drop(answered.fetch_add(1, Ordering::Relaxed)),
                        Err(why) => lost.push(why),
                    }
                    if number % 2 == 0 {
                        // Every other client has a new connection for each question.
                        asker.open = None;
                    }
                }
                lost
            })
        })
        .collect();
    let more = async |count: usize| {
        let (goal, deadline) = (answered.load(Ordering::Relaxed) + count, Instant::now() + DEADLINE);
        while answered.load(Ordering::Relaxed) < goal {
            assert!(Instant::now() < deadline, "nothing is answered afterwards");
            tokio::task::yield_now().await;
        }
    };
    for number in 1..=3 {
        more(50).await;
        let next = start(number).await.expect("it starts");
        more(50).await;
        let old = std::mem::replace(&mut serving, next);
        let (code, said) = tokio::task::spawn_blocking(move || old.stop()).await.expect("it ends");
        assert_eq!(code, Some(0), "{said:#?}");
    }
    more(50).await;
    is_over.store(true, Ordering::Relaxed);
    for asker in askers {
        assert_eq!(asker.await.expect("no panic"), [""; 0]);
    }
    let (code, said) = tokio::task::spawn_blocking(move || serving.stop()).await.expect("it ends");
    assert_eq!(code, Some(0), "{said:#?}");
    let recorded: u64 = (0..=3).map(|number| recorded(&workspace, number)).sum();
    assert_eq!(recorded, u64::try_from(answered.load(Ordering::Relaxed)).expect("a number"), "each answer, once");
}
