//! The real program, out of descriptors: who is there is answered, who waits is answered later, nothing spins.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use ehealth_attributes::app::SystemClock;
use ehealth_attributes::cli::workspace::Workspace;
use ehealth_attributes::config::read_settings;
use ehealth_attributes::model::Clock;
use ehealth_attributes::server::tls;
use ehealth_attributes::sync;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

const DEADLINE: Duration = Duration::from_secs(120);
const GET: &[u8] = b"GET /eHealthAttributesService/v1/consultAttributes HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The program, and what it says.
struct Instance {
    child: Child,
    said: mpsc::Receiver<String>,
}

impl Instance {
    fn start(workspace: &Workspace) -> (Self, u16) {
        let text = std::fs::read_to_string(workspace.settings()).expect("settings");
        let text = text.replace("127.0.0.1:8443", "127.0.0.1:0").replace("127.0.0.1:9443", "127.0.0.1:0");
        std::fs::write(workspace.settings(), text).expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"))
            .args(["serve", "--config"])
            .arg(workspace.settings())
            .env_remove("EHEALTH_ATTRIBUTES_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = child.stderr.take().expect("piped");
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let instance = Self { child, said };
        let line = instance.wait_for("serving");
        let port = line.split("address=127.0.0.1:").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        (instance, port.unwrap_or_else(|| panic!("no port in {line}")))
    }

    /// The next line that holds this.
    fn wait_for(&self, word: &str) -> String {
        loop {
            let line = self.said.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("never said {word}"));
            if line.contains(word) {
                return line;
            }
        }
    }

    /// Sets how many descriptors it may have; tells how many that were.
    fn limit(&self, current: Option<u64>) -> Option<u64> {
        let pid = Pid::from_child(&self.child);
        let maximum = rustix::process::getrlimit(Resource::Nofile).maximum;
        prlimit(Some(pid), Resource::Nofile, Rlimit { current, maximum }).expect("ours to set").current
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connect(port: u16, tls: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the system's queue takes it");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    let name = "localhost".try_into().expect("a name");
    StreamOwned::new(ClientConnection::new(Arc::clone(tls), name).expect("a client"), stream)
}

/// Asks on an open connection; what the answer begins with.
fn ask(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> String {
    stream.write_all(GET).expect("sent");
    let mut came = [0; 4_096];
    let count = std::io::Read::read(stream, &mut came).expect("an answer");
    String::from_utf8_lossy(&came[..count]).chars().take(12).collect()
}

#[test]
fn a_service_without_descriptors_answers_who_is_there_and_later_who_waits() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be made");
    let settings = read_settings(&workspace.settings()).expect("the demonstration's settings are right");
    sync::run_all(&settings.sync, &SystemClock);
    let (certificate, key) = workspace.client("fund");
    let tls = ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(tls::load_authorities(&workspace.authority()).expect("an authority"))
        .with_client_auth_cert(
            tls::load_certificates(&certificate).expect("a certificate"),
            PrivateKeyDer::from_pem_file(key).expect("a key"),
        );
    let tls = Arc::new(tls.expect("a client identity"));
    let (service, port) = Instance::start(&workspace);
    let mut there = connect(port, &tls);
    assert_eq!(ask(&mut there), "HTTP/1.1 200");

    let before = service.limit(Some(3));
    let mut waits = connect(port, &tls);
    service.wait_for("connections cannot be taken");
    assert_eq!(ask(&mut there), "HTTP/1.1 200", "who is there is answered");
    service.limit(before);
    assert_eq!(ask(&mut waits), "HTTP/1.1 200", "who waited is answered");
    let line = service.wait_for("connections are taken again");
    assert!(line.contains("attempts="), "{line}");
    let said: Vec<_> = service.said.try_iter().filter(|line| line.contains("cannot be taken")).collect();
    assert_eq!(said, [""; 0], "said once");
}
