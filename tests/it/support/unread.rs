//! The real program with a log that is read only as far as a test reads it.

use std::fs;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Instant;

use datasets::sync;
use ehealth_attributes::app::SystemClock;
use ehealth_attributes::config::read_settings;
use ehealth_attributes::server::tls;
use ehealth_core::model::Clock;
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tempfile::TempDir;
use testkit::Workspace;

use super::program::{DEADLINE, PROGRAM, Program, address_in};

const MESSAGE: &[u8] = include_bytes!("../../../fixtures/requests/accepted/test_message.xml");
const TEST_PATH: &str = "/TestConnectionServiceService/sendTestMessage";

/// A demo folder with loaded datasets; the system chooses the ports.
pub fn workspace() -> (TempDir, Workspace) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    let written = fs::read_to_string(workspace.settings()).expect("settings");
    let written = written.replace("127.0.0.1:8443", "127.0.0.1:0").replace("127.0.0.1:9443", "127.0.0.1:0");
    fs::write(workspace.settings(), written).expect("written");
    let settings = read_settings(&workspace.settings()).expect("the demonstration's settings are valid");
    sync::run_all(&settings.sync, &SystemClock);
    (folder, workspace)
}

/// Starts the program; returns it with its addresses for consumers and for operators.
pub fn serve(workspace: &Workspace) -> (Program, SocketAddr, SocketAddr) {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--config"]).arg(workspace.settings()).stdout(Stdio::null());
    let (program, lines) = Program::start(&mut command, "admin listener ready");
    let address = |word: &str| {
        let line = lines.iter().find(|line| line.contains(word)).expect("a line");
        address_in(line).parse().expect("an address")
    };
    let (gateway, admin) = (address(" serving "), address("admin listener ready"));
    (program, gateway, admin)
}

/// TLS of this caller.
pub fn client_tls(workspace: &Workspace, caller: &str) -> Arc<ClientConfig> {
    let (certificate, key) = workspace.client(caller);
    let config = ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(tls::load_authorities(&workspace.authority()).expect("an authority"))
        .with_client_auth_cert(
            tls::read_certificates(&certificate).expect("a certificate"),
            PrivateKeyDer::from_pem_file(key).expect("a key"),
        );
    Arc::new(config.expect("a client identity"))
}

/// Reads one HTTP response; returns its first line and its body.
fn read_response(stream: &mut impl BufRead) -> (String, String) {
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).expect("an answer");
        line.trim_end().to_owned()
    };
    let (first, mut length) = (line(), 0);
    loop {
        let field = line().to_lowercase();
        if field.is_empty() {
            break;
        }
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a whole body");
    (first, String::from_utf8(body).expect("UTF-8"))
}

pub fn read_admin(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
    read_response(&mut BufReader::new(stream))
}

/// Value of a metric of the admin listener.
pub fn metric(admin: SocketAddr, series: &str) -> u64 {
    let (_, text) = read_admin(admin, "/metrics");
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().expect("a number")
}

pub const DROPPED: &str = "ehealth_attributes_log_lines_dropped_total";

/// A caller on one connection.
pub struct Caller(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Caller {
    pub fn connect(address: SocketAddr, tls: Arc<ClientConfig>) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("set");
        let client = ClientConnection::new(tls, "localhost".try_into().expect("a name")).expect("a client");
        Self(BufReader::new(StreamOwned::new(client, stream)))
    }

    /// Sends a test message; it is recorded and answered.
    pub fn ask(&mut self) {
        let head = format!(
            "POST {TEST_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            MESSAGE.len()
        );
        let stream = self.0.get_mut();
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(MESSAGE)).expect("sent");
        let (first, body) = read_response(&mut self.0);
        assert_eq!(first, "HTTP/1.1 200 OK", "{body}");
    }
}

/// The program, whose log is read only as far as a test reads it.
pub struct Unread {
    child: Child,
    pub log: BufReader<PipeReader>,
    pub gateway: SocketAddr,
    pub admin: SocketAddr,
}

impl Unread {
    /// Starts the program with a verbose log, and reads the log until it serves.
    pub fn start(settings: &Path) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let child = Command::new(PROGRAM)
            .args(["serve", "--log", "trace", "--config"])
            .arg(settings)
            .env_remove("EHEALTH_ATTRIBUTES_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(writer)
            .spawn()
            .expect("the program starts");
        let mut log = BufReader::new(reader);
        let mut address = |word: &str| -> SocketAddr {
            let mut line = String::new();
            while !line.contains(word) {
                line.clear();
                assert!(log.read_line(&mut line).expect("a line") > 0, "it ended");
            }
            address_in(&line).parse().expect("an address")
        };
        let (gateway, admin) = (address("serving"), address("admin listener ready"));
        Self { child, log, gateway, admin }
    }

    /// Asks until log lines are dropped: the pipe and the queue are full.
    pub fn fill_log(&self, tls: &Arc<ClientConfig>) {
        let deadline = Instant::now() + DEADLINE;
        let mut caller = Caller::connect(self.gateway, Arc::clone(tls));
        while metric(self.admin, DROPPED) == 0 {
            assert!(Instant::now() < deadline, "no log line is ever dropped");
            (0..100).for_each(|_| caller.ask());
            // A verbose log has a line for each of them.
            (0..1_000).for_each(|_| drop(TcpStream::connect(self.gateway).expect("it listens")));
        }
    }

    /// Sends SIGTERM; returns how the program ended.
    pub fn stop(mut self) -> ExitStatus {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process");
        kill_process(pid, Signal::TERM).expect("it runs");
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "SIGTERM does not end it");
            std::thread::yield_now();
        }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        // Already ended, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
