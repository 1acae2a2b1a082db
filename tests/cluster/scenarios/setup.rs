//! A database with its standbys, and nodes on it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Output};

use crate::shared::program::PROGRAM;
use crate::support::nodes::{Consumer, Node, Nodes, Reply, cluster_section, migrate};
use crate::support::postgres::Cluster;
use crate::support::processes::until;

/// Settings of the cluster besides those that every node has.
pub const SHORT: &str = "timeout = \"2s\"\n";

/// Starts a database with this number of standbys and makes its schema; `None` after a message if
/// PostgreSQL is not installed.
pub fn database(standbys: usize) -> Option<Cluster> {
    let cluster = Cluster::start(standbys)?;
    migrate(&cluster.tls, &cluster.addresses());
    Some(cluster)
}

/// Starts nodes on a database. `more`: further settings of the section.
pub fn nodes(cluster: &Cluster, names: &[&str], more: &str) -> Nodes {
    nodes_on(cluster, &cluster.addresses(), names, more)
}

/// Starts nodes that reach the database at these addresses.
pub fn nodes_on(cluster: &Cluster, servers: &[SocketAddr], names: &[&str], more: &str) -> Nodes {
    let nodes = Nodes::prepare(names, |node| cluster_section(&cluster.tls, servers, node) + more);
    without_quota(&nodes);
    nodes.iter().for_each(Node::start);
    nodes
}

/// Allows every consumer any number of questions.
pub fn without_quota(nodes: &Nodes) {
    set_quota(nodes, 1_000_000);
}

/// Sets the quota of every consumer, and leaves the other limits out.
pub fn set_quota(nodes: &Nodes, per_minute: u32) {
    let file = nodes.workspace.settings().with_file_name("policy.toml");
    let policy = std::fs::read_to_string(&file).expect("a policy");
    let limits = format!(
        "[[consumer]]\nquota_per_minute = {per_minute}\nquota_per_day = 1000000000\nrequests_per_minute = 1000000\n\
         empty_answers_percent = 100"
    );
    std::fs::write(&file, policy.replace("[[consumer]]", &limits)).expect("written");
}

/// Asks until there is an answer; returns its ticket.
pub fn answer(consumer: &mut Consumer) -> String {
    until("an answer", || consumer.ask().ticket().map(str::to_owned))
}

/// What the node says of its readiness.
pub fn readiness(node: &Node) -> String {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(node.admin())?;
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().expect("the admin listener answers")
}

/// Waits until the node says that it is not ready, with this text.
pub fn wait_until_not_ready(node: &Node, text: &str) {
    until(text, || {
        let said = readiness(node);
        (said.contains("not-replicated") && said.contains(text)).then_some(())
    });
}

/// Waits until a node is ready.
pub fn wait_until_ready(node: &Node) {
    until("readiness", || readiness(node).contains("\"ready\":true").then_some(()));
}

/// Runs the program with the settings of a node.
pub fn run(node: &Node, arguments: &[&str]) -> Output {
    run_with(node, arguments, "")
}

/// Runs the program with the settings of a node, and with this standard input.
pub fn run_with(node: &Node, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).arg("--config").arg(&node.settings).stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

/// Standard output and standard error.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Stops all nodes, and checks that the log of each is sound, and that the database has the same
/// records.
pub fn assert_logs_agree(cluster: &Cluster, server: usize, nodes: &Nodes) {
    for node in nodes.iter() {
        node.stop();
    }
    for node in nodes.iter() {
        let records: Vec<_> = audit_log::Records::open(&node.audit_log())
            .expect("a log")
            .map(|record| record.expect("sound").leaf.to_string())
            .collect();
        let name = &node.name;
        let rows = cluster.server(server).sql(&format!(
            "select encode(substring(frame from length(frame) - 31), 'hex') from ehealth.record \
             where node = (select id from ehealth.node where name = '{name}') order by sequence"
        ));
        let rows: Vec<_> = rows.lines().map(str::to_owned).collect();
        assert_eq!(rows.len(), records.len(), "records of node {name}");
        assert_eq!(rows, records, "node {name}");
    }
}

/// Checks that a reply is the fault of an exchange without a record.
pub fn assert_unrecorded(reply: &Reply) {
    assert_eq!(*reply, Reply::Refused("MSG90053".into()));
}
