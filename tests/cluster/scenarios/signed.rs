//! A signed message is accepted once, by all nodes together.

use std::process::Command;

use super::setup::{SHORT, assert_logs_agree, database, set_quota, text, wait_until_ready};
use crate::shared::program::PROGRAM;
use crate::shared::service::question;
use crate::support::nodes::{Node, Nodes, Reply, cluster_section};

#[test]
fn a_signed_message_is_accepted_once_by_all_nodes() {
    let Some(cluster) = database(1) else { return };
    let nodes = Nodes::prepare(&["a", "b"], |node| cluster_section(&cluster.tls, &cluster.addresses(), node) + SHORT);
    set_quota(&nodes, 1_000_000);
    let policy = nodes.workspace.settings().with_file_name("policy.toml");
    let accepting = std::fs::read_to_string(&policy).expect("a policy");
    let accepting = accepting.replace("[[consumer]]", "[[consumer]]\nmessage_signature = \"accept\"");
    std::fs::write(&policy, accepting).expect("written");
    nodes.iter().for_each(Node::start);
    nodes.iter().for_each(wait_until_ready);
    let clients = policy.with_file_name("clients");
    let message = cluster.folder().join("message.xml");
    std::fs::write(&message, question("0999010126", "BACKTOWORK:ADVISORY_PHYSICIAN", "85073099932", ""))
        .expect("written");
    let sign = || {
        let mut command = Command::new(PROGRAM);
        command.args(["signature", "sign"]).arg(&message);
        command.arg("--cert").arg(clients.join("fund.pem")).arg("--key").arg(clients.join("fund.key"));
        let signed = command.output().expect("it runs");
        assert!(signed.status.success(), "{}", text(&signed));
        String::from_utf8(signed.stdout).expect("UTF-8")
    };
    let [mut one, mut other] = ["a", "b"].map(|name| nodes.consumer(nodes.node(name).address()));
    for _ in 0..3 {
        let signed = sign();
        assert!(one.send(&signed).ticket().is_some());
        // The other node knows it from the database, the same node from its own memory.
        let refused = Reply::Refused("SOA-01001".into());
        assert_eq!(other.send(&signed), refused);
        assert_eq!(one.send(&signed), refused);
        assert!(other.send(&sign()).ticket().is_some());
    }
    // At the same moment: one of them.
    for _ in 0..5 {
        let signed = sign();
        let replies = std::thread::scope(|scope| {
            let asking = [&mut one, &mut other].map(|consumer| scope.spawn(|| consumer.send(&signed)));
            asking.map(|asking| asking.join().expect("no panic"))
        });
        let answered = replies.iter().filter(|reply| reply.ticket().is_some()).count();
        assert_eq!(answered, 1, "{replies:?}");
    }
    // What was refused is on record as such.
    let searched = super::setup::run_with(nodes.node("a"), &["audit", "search", "--ssin", "-"], "85073099932");
    assert!(text(&searched).contains("message-signature"), "{}", text(&searched));
    assert_logs_agree(&cluster, 1, &nodes);
}
