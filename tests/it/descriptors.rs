//! The program without free file descriptors: it answers open connections, accepts the others
//! later, and does not spin.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;

use datasets::sync;
use ehealth_attributes::app::SystemClock;
use ehealth_attributes::config::read_settings;
use ehealth_core::model::Clock;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use testkit::Workspace;

use crate::support::program::{DEADLINE, PROGRAM, Program, address_in};
use crate::support::unread::client_tls;

const GET: &[u8] = b"GET /eHealthAttributesService/v1/consult HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Starts the program on a free port, and reads the port from its log.
fn start(workspace: &Workspace) -> (Program, u16) {
    let text = std::fs::read_to_string(workspace.settings()).expect("settings");
    let text = text.replace("127.0.0.1:8443", "127.0.0.1:0").replace("127.0.0.1:9443", "127.0.0.1:0");
    std::fs::write(workspace.settings(), text).expect("written");
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--config"]).arg(workspace.settings()).stdout(Stdio::null());
    let (program, heard) = Program::start(&mut command, "serving");
    let line = heard.last().expect("what was waited for");
    let port = address_in(line).rsplit(':').next().and_then(|port| port.parse().ok());
    (program, port.unwrap_or_else(|| panic!("no port in {line}")))
}

/// Sets the program's limit of descriptors; returns the limit before.
fn limit(program: &Program, current: Option<u64>) -> Option<u64> {
    let pid = Pid::from_raw(program.id().cast_signed()).expect("a process");
    let maximum = rustix::process::getrlimit(Resource::Nofile).maximum;
    prlimit(Some(pid), Resource::Nofile, Rlimit { current, maximum }).expect("ours to set").current
}

fn connect(port: u16, tls: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the system's queue accepts it");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    let name = "localhost".try_into().expect("a name");
    StreamOwned::new(ClientConnection::new(Arc::clone(tls), name).expect("a client"), stream)
}

/// Asks on an open connection; returns the begin of the answer.
fn ask(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> String {
    stream.write_all(GET).expect("sent");
    let mut came = [0; 4_096];
    let count = std::io::Read::read(stream, &mut came).expect("an answer");
    String::from_utf8_lossy(&came[..count]).chars().take(12).collect()
}

#[test]
fn without_descriptors_open_connections_are_answered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    let settings = read_settings(&workspace.settings()).expect("the demonstration's settings are valid");
    sync::run_all(&settings.sync, &SystemClock);
    let tls = client_tls(&workspace, "fund");
    let (service, port) = start(&workspace);
    let mut there = connect(port, &tls);
    assert_eq!(ask(&mut there), "HTTP/1.1 200");

    let before = limit(&service, Some(3));
    let mut waits = connect(port, &tls);
    service.hear("cannot accept connections");
    assert_eq!(ask(&mut there), "HTTP/1.1 200", "the open connection is answered");
    limit(&service, before);
    assert_eq!(ask(&mut waits), "HTTP/1.1 200", "the waiting request is answered");
    let mut said = service.hear("accepting connections again");
    assert!(said.last().is_some_and(|line| line.contains("attempts=")), "{said:#?}");
    said.extend(service.stop().1);
    said.retain(|line| line.contains("cannot accept"));
    assert_eq!(said, [""; 0], "said once");
}
