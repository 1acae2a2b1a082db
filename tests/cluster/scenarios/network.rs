//! The network between a node and the database is cut: at each message of a commit, and both ways.

use super::load::assert_recorded;
use super::setup::{SHORT, answer, assert_logs_agree, assert_unrecorded, database, nodes_on, run, wait_until_ready};
use crate::support::message_proxy::{Cut, Message, MessageProxy, Sender, nth_from};
use crate::support::nodes::{Node, Reply};
use crate::support::processes::until;
use crate::support::proxy::{Network, Proxy};

/// The transaction of records, not those of leases.
fn is_begin(message: &Message) -> bool {
    message.text == "begin"
}

#[test]
fn a_commit_that_is_cut_at_any_message_is_reconciled() {
    let Some(cluster) = database(1) else { return };
    let primary = cluster.server(1);
    let proxy = MessageProxy::start(primary.address(), &cluster.tls, "node_a");
    let nodes = nodes_on(&cluster, &[proxy.address()], &["a"], SHORT);
    let node = nodes.node("a");
    let mut consumer = nodes.consumer(node.address());
    let mut tickets = std::collections::BTreeSet::from([answer(&mut consumer)]);
    proxy.watch();
    tickets.insert(answer(&mut consumer));
    let seen = proxy.messages_seen();
    let begin = seen.iter().position(is_begin).expect("a transaction");
    let count = |sender| seen.iter().skip(begin).filter(|message| message.sender == sender).count();
    let (from_client, from_server) = (count(Sender::Client), count(Sender::Server));
    assert!(from_client >= 4 && from_server >= 8, "{seen:?}");
    let (mut refused, mut answered) = (0, 0);
    let points = (1..=from_client).map(|n| (Sender::Client, n)).chain((1..=from_server).map(|n| (Sender::Server, n)));
    for (sender, number) in points {
        for side in [Cut::Before, Cut::After] {
            wait_until_ready(node);
            proxy.cut(side, nth_from(is_begin, sender, number));
            match consumer.ask() {
                Reply::Answered(ticket) => {
                    tickets.insert(ticket);
                    answered += 1;
                }
                reply @ (Reply::Refused(_) | Reply::Lost) => {
                    assert_unrecorded(&reply);
                    refused += 1;
                }
            }
            proxy.disarm();
            tickets.insert(answer(&mut consumer));
        }
    }
    println!(
        "{from_client} + {from_server} messages, {} cuts: {refused} refused, {answered} answered",
        proxy.cuts().len()
    );
    assert!(refused > from_client, "{refused}");
    assert_recorded(primary, &tickets);
    assert_logs_agree(&cluster, 1, &nodes);
}

/// Waits until the database has every record of a node.
fn wait_until_replicated(node: &Node) {
    until("the lag ends", || {
        let status = run(node, &["cluster", "status", "--json"]);
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).ok()?;
        let node = status["nodes"].as_array()?.iter().find(|of| of["name"] == *node.name)?;
        (node["link"] == "confirmed" && node["records"] == node["replicated"]).then_some(())
    });
}

#[test]
fn a_partition_stops_the_answers_or_marks_them() {
    let Some(cluster) = database(1) else { return };
    let primary = cluster.server(1);
    let [strict, lenient] = [(); 2].map(|()| Proxy::start(primary.address()));
    let replicated = nodes_on(&cluster, &[strict.address()], &["a"], SHORT);
    let local = nodes_on(&cluster, &[lenient.address()], &["b"], "timeout = \"2s\"\ndurability = \"local\"\n");
    let mut of_replicated = replicated.consumer(replicated.node("a").address());
    let mut of_local = local.consumer(local.node("b").address());
    let mut tickets = std::collections::BTreeSet::from([answer(&mut of_replicated), answer(&mut of_local)]);
    wait_until_replicated(local.node("b"));
    let marked =
        "select count(*) from ehealth.record where get_byte(frame, 8 + 103) & 32 <> 0 and get_byte(frame, 9) = 2";
    let before: usize = primary.sql(marked).parse().expect("a number");
    for network in [Network::Blackhole, Network::BlackholeToServer, Network::BlackholeToClient, Network::Refuse] {
        strict.set(network);
        lenient.set(network);
        if network == Network::Refuse {
            // Open connections pass, until they are reset.
            strict.reset();
            lenient.reset();
        }
        assert_unrecorded(&of_replicated.ask());
        assert_unrecorded(&of_replicated.ask());
        // The first exchange waited for its commit. The next ones are answered, and say so.
        tickets.insert(answer(&mut of_local));
        tickets.insert(answer(&mut of_local));
        strict.set(Network::Pass);
        lenient.set(Network::Pass);
        tickets.insert(answer(&mut of_replicated));
        wait_until_ready(replicated.node("a"));
        wait_until_replicated(local.node("b"));
        println!("{network:?}: {} records say that they were not replicated", primary.sql(marked));
    }
    assert!(primary.sql(marked).parse::<usize>().expect("a number") >= before + 8);
    assert_recorded(primary, &tickets);
    assert_logs_agree(&cluster, 1, &replicated);
    assert_logs_agree(&cluster, 1, &local);
}
