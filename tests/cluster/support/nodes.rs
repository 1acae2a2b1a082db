//! Nodes: processes of the real program, each with its own data and audit log, with one policy, one
//! set of certificates and one set of keys.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use datasets::sync;
use ehealth_attributes::app::SystemClock;
use ehealth_attributes::config::read_settings;
use ehealth_core::model::Clock;
use parking_lot::Mutex;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tempfile::TempDir;
use testkit::Workspace;

use super::certificates::DatabaseTls;
use super::installation::run;
use super::postgres::{DATABASE, Server};
use super::processes::free_port;
use crate::shared::program::{PROGRAM, Program};
use crate::shared::service::{CONSULT, question};
use crate::shared::unread::client_tls;

/// Longest wait of a consumer for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Section `[cluster]` of a node with the role `node_NAME`, on these servers.
pub fn cluster_section(tls: &DatabaseTls, servers: &[SocketAddr], node: &str) -> String {
    section(tls, servers, node, &format!("node_{node}"))
}

fn section(tls: &DatabaseTls, servers: &[SocketAddr], node: &str, role: &str) -> String {
    let identity = tls.client(role);
    let servers: Vec<_> = servers.iter().map(ToString::to_string).collect();
    format!(
        "\n[cluster]\ndatabase = \"postgresql://{role}@{}/{DATABASE}\"\nnode = \"{node}\"\n\
         certificate = \"{}\"\nkey = \"{}\"\nauthorities = \"{}\"\n",
        servers.join(","),
        identity.certificate.display(),
        identity.key.display(),
        tls.authority().display(),
    )
}

/// Makes the schema, as an operator does: `cluster migrate` as the role `ehealth_owner`.
pub fn migrate(tls: &DatabaseTls, servers: &[SocketAddr]) {
    let nodes = Nodes::prepare(&["owner"], |node| section(tls, servers, node, "ehealth_owner"));
    run(Command::new(PROGRAM).args(["cluster", "migrate", "--config"]).arg(&nodes.all[0].settings));
}

/// What `cluster migrate --json` prints.
pub fn migrate_as_json(tls: &DatabaseTls, servers: &[SocketAddr]) -> String {
    let nodes = Nodes::prepare(&["owner"], |node| section(tls, servers, node, "ehealth_owner"));
    let mut command = Command::new(PROGRAM);
    let output = command.args(["cluster", "migrate", "--json", "--config"]).arg(&nodes.all[0].settings).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Number of records in the database that have this ticket. 0 for a ticket that was answered is a
/// lost record, 2 a duplicate.
pub fn count_records(server: &Server, ticket: &str) -> u64 {
    let digits: String = ticket.chars().filter(|digit| *digit != '-').take(16).collect();
    let query = format!("select count(*) from ehealth.record where ticket = ('x' || '{digits}')::bit(64)::bigint");
    server.sql(&query).parse().expect("a number")
}

/// The nodes of a test. They end with it.
pub struct Nodes {
    // Processes end before their folder.
    all: Vec<Node>,
    /// Certificates of consumers, policy, feeds.
    pub workspace: Workspace,
    _folder: TempDir,
}

/// One node.
pub struct Node {
    pub name: String,
    /// Its settings file.
    pub settings: PathBuf,
    /// Folder of its data and its audit log.
    pub folder: PathBuf,
    port: u16,
    admin: u16,
    process: Mutex<Option<Program>>,
}

impl Nodes {
    /// Prepares nodes with these names and starts them one after the other. `section` returns further
    /// settings of a node, see [`cluster_section`].
    pub fn start(names: &[&str], section: impl Fn(&str) -> String) -> Self {
        let nodes = Self::prepare(names, section);
        nodes.all.iter().for_each(Node::start);
        nodes
    }

    /// Prepares nodes without starting them: a test may edit their files before.
    pub fn prepare(names: &[&str], section: impl Fn(&str) -> String) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::new(folder.path().join("demo"));
        workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
        let all: Vec<_> = names.iter().map(|name| Node::prepare(&workspace, name, &section(name))).collect();
        // The datasets are read once and copied.
        if let [first, others @ ..] = &all[..] {
            let settings = read_settings(&first.settings).unwrap_or_else(|error| panic!("{error}"));
            sync::run_all(&settings.sync, &SystemClock);
            for other in others {
                run(Command::new("cp").arg("-R").arg(first.folder.join("data")).arg(&other.folder));
            }
        }
        Self { all, workspace, _folder: folder }
    }

    /// The node with this name.
    pub fn node(&self, name: &str) -> &Node {
        self.all.iter().find(|node| node.name == name).expect("a node")
    }

    /// All nodes.
    pub fn iter(&self) -> impl Iterator<Item = &Node> {
        self.all.iter()
    }

    /// Addresses for consumers of all nodes.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.all.iter().map(Node::address).collect()
    }

    /// A consumer of a node, or of a load balancer before the nodes.
    pub fn consumer(&self, address: SocketAddr) -> Consumer {
        Consumer { address, tls: client_tls(&self.workspace, "fund"), connection: None }
    }
}

impl Node {
    fn prepare(workspace: &Workspace, name: &str, section: &str) -> Self {
        let (port, admin) = (free_port(), free_port());
        let listen = SocketAddr::from(([127, 0, 0, 1], port));
        workspace.write_addresses(listen, &format!("https://localhost:{port}"), Some(admin)).expect("written");
        let demo = fs::read_to_string(workspace.settings()).expect("settings");
        let mut settings = demo;
        for own in ["data", "rejected", "audit-log"] {
            let (from, to) = (format!("folder = \"{own}\""), format!("folder = \"{name}/{own}\""));
            settings = settings.replace(&from, &to);
        }
        settings = settings.replace("rejected = \"rejected\"", &format!("rejected = \"{name}/rejected\""));
        let origin = format!("[audit_log]\norigin = \"{name}.example/audit-log\"");
        settings = settings.replace("[audit_log]", &origin) + section;
        let demo = workspace.settings().with_file_name("");
        let (file, folder) = (demo.join(format!("{name}.toml")), demo.join(name));
        fs::create_dir(&folder).expect("a folder");
        fs::write(&file, settings).expect("written");
        Self { name: name.to_owned(), settings: file, folder, port, admin, process: Mutex::new(None) }
    }

    /// Starts the program, and waits until it serves.
    pub fn start(&self) {
        let mut process = self.process.lock();
        assert!(process.is_none(), "{} runs already", self.name);
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--config"]).arg(&self.settings).stdout(Stdio::null());
        *process = Some(Program::start(&mut command, "admin listener ready").0);
    }

    /// Ends the program with SIGKILL.
    pub fn kill(&self) {
        drop(self.process.lock().take());
    }

    /// Ends the program with SIGTERM; returns its exit code and the lines of its log.
    pub fn stop(&self) -> (Option<i32>, Vec<String>) {
        let program = self.process.lock().take();
        program.expect("the node runs").stop()
    }

    /// Stops the program in an orderly way, and starts it again.
    pub fn restart(&self) {
        self.stop();
        self.start();
    }

    /// Reads the log until a line with this word.
    pub fn hear(&self, word: &str) -> Vec<String> {
        self.process.lock().as_ref().expect("the node runs").hear(word)
    }

    /// Process of the node.
    pub fn process_id(&self) -> u32 {
        self.process.lock().as_ref().expect("the node runs").id()
    }

    /// Address for consumers. It stays the same over restarts.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Address for operators.
    pub fn admin(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.admin).into()
    }

    /// Folder of the audit log.
    pub fn audit_log(&self) -> PathBuf {
        self.folder.join("audit-log")
    }

    /// Keys of the audit logs of all nodes.
    pub fn keys(&self) -> PathBuf {
        self.settings.parent().unwrap_or(Path::new("/")).join("keys")
    }
}

/// What a consumer gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer: `ticketCBSS`.
    Answered(String),
    /// A fault: its code, or the HTTP status where there is no SOAP message.
    Refused(String),
    /// No reply: the connection could not be made, or ended.
    Lost,
}

impl Reply {
    /// Ticket of an answer.
    pub fn ticket(&self) -> Option<&str> {
        match self {
            Self::Answered(ticket) => Some(ticket),
            Self::Refused(_) | Self::Lost => None,
        }
    }
}

/// A consumer with one connection at a time, which is made again after a loss.
pub struct Consumer {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    connection: Option<BufReader<StreamOwned<ClientConnection, TcpStream>>>,
}

impl Consumer {
    /// Asks about a person of the fixtures.
    pub fn ask(&mut self) -> Reply {
        self.ask_about("85073099932")
    }

    /// Asks about the person with this SSIN. It asks once: a lost question is not repeated.
    pub fn ask_about(&mut self, ssin: &str) -> Reply {
        self.send(&question("0999010126", "BACKTOWORK:ADVISORY_PHYSICIAN", ssin, ""))
    }

    /// Sends this message.
    pub fn send(&mut self, message: &str) -> Reply {
        let exchanged = self.exchange(message);
        let Ok((status, body)) = exchanged else {
            self.connection = None;
            return Reply::Lost;
        };
        let code = text_of(&body, "code").or_else(|| text_of(&body, "reasonCode"));
        match (status, text_of(&body, "ticketCBSS")) {
            (200, Some(ticket)) => Reply::Answered(ticket.to_owned()),
            (_, _) => Reply::Refused(code.map_or_else(|| status.to_string(), ToOwned::to_owned)),
        }
    }

    fn exchange(&mut self, body: &str) -> io::Result<(u16, String)> {
        if self.connection.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            let name = "localhost".try_into().map_err(io::Error::other)?;
            let client = ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
            self.connection = Some(BufReader::new(StreamOwned::new(client, stream)));
        }
        let Some(connection) = &mut self.connection else { return Err(io::ErrorKind::NotConnected.into()) };
        let length = body.len();
        let head = format!(
            "POST {CONSULT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
        );
        connection.get_mut().write_all(format!("{head}{body}").as_bytes())?;
        let (status, body, stays_open) = read_response(connection)?;
        if !stays_open {
            self.connection = None;
        }
        Ok((status, body))
    }
}

/// Reads one response: status, body, and whether the connection stays open.
fn read_response(connection: &mut impl BufRead) -> io::Result<(u16, String, bool)> {
    let mut line = || {
        let mut line = String::new();
        match connection.read_line(&mut line)? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            _ => Ok(line.trim_end().to_lowercase()),
        }
    };
    let first = line()?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let (mut length, mut stays_open) = (0, true);
    loop {
        let field = line()?;
        match field.split_once(':') {
            None => break,
            Some(("content-length", value)) => length = value.trim().parse().map_err(io::Error::other)?,
            Some(("connection", value)) => stays_open = value.trim() != "close",
            Some((_, _)) => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    let body = String::from_utf8(body).map_err(io::Error::other)?;
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, body, stays_open))
}

/// Text of the first element with this local name.
fn text_of<'a>(body: &'a str, element: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{element}>"))?;
    rest.split_once("</").map(|(text, _)| text)
}
