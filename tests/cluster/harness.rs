//! Tests of the harness: a scenario is worth what its tools are worth.

use std::time::Duration;

use crate::support::balancer::Balancer;
use crate::support::message_proxy::{Cut, Message, MessageProxy, Sender, nth_from};
use crate::support::nodes::{Consumer, Nodes, Reply, cluster_section, count_records, migrate};
use crate::support::postgres::{Cluster, DATABASE};
use crate::support::processes::{until, within};
use crate::support::proxy::{Network, Proxy};
use crate::support::psql;

/// Too short for a commit that no standby confirms, long enough for others.
const PATIENCE: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

const INSERT: &str = "insert into kept values (1)";

fn with_table(standbys: usize) -> Option<Cluster> {
    let cluster = Cluster::start(standbys)?;
    cluster.server(1).sql("create table kept (n integer); grant select, insert on kept to node_a");
    Some(cluster)
}

/// psql as the role `node_a` over TLS through this port.
fn psql_as_node(cluster: &Cluster, port: u16, text: &str) -> Option<Result<String, String>> {
    let (identity, authority) = (cluster.tls.client("node_a"), cluster.tls.authority());
    let connection = format!(
        "host=127.0.0.1 port={port} user=node_a dbname={DATABASE} sslmode=verify-full sslrootcert={} sslcert={} sslkey={}",
        authority.display(),
        identity.certificate.display(),
        identity.key.display(),
    );
    psql::run(psql::client().arg("--dbname").arg(connection), text, LONG)
}

#[test]
fn a_commit_waits_for_the_standby() {
    let Some(cluster) = with_table(1) else { return };
    let (primary, standby) = (cluster.server(1), cluster.server(2));
    assert_eq!(primary.sql("select sync_state from pg_stat_replication"), "quorum");
    assert_eq!(primary.sql("show fsync"), "on");
    primary.sql(INSERT);

    standby.freeze();
    assert_eq!(primary.sql_within(INSERT, PATIENCE), None);
    standby.thaw();
    primary.sql(INSERT);

    // A partition holds it up as well.
    standby.upstream.set(Network::Blackhole);
    assert_eq!(primary.sql_within(INSERT, PATIENCE), None);
    standby.upstream.set(Network::Pass);
    primary.sql(INSERT);

    // Without names no commit waits.
    standby.kill();
    primary.set_synchronous_names("");
    primary.sql(INSERT);
    // The client that gave up did not take back what it had sent.
    assert_eq!(primary.sql("select count(*) from kept"), "6");
}

#[test]
fn a_promoted_standby_has_every_confirmed_row() {
    let Some(cluster) = with_table(2) else { return };
    let primary = cluster.server(1);
    (1..=20).for_each(|n| drop(primary.sql(&format!("insert into kept values ({n})"))));
    primary.kill();
    let promoted = cluster.fail_over();
    assert_eq!(promoted.sql("select count(*), max(n) from kept"), "20|20");
    promoted.sql(INSERT);

    // The other standby confirms alone; then the old primary takes its place.
    primary.rebuild_as_standby_of(promoted);
    cluster.server(if promoted.name == "db2" { 3 } else { 2 }).kill();
    promoted.sql(INSERT);
    assert_eq!(primary.sql("select pg_is_in_recovery()"), "t");
    promoted.restart();
    promoted.wait_for_standby("db1");
    promoted.sql(INSERT);
    assert_eq!(promoted.sql("select count(*) from kept"), "23");
}

#[test]
fn a_connection_is_cut_at_each_message_of_a_commit() {
    let Some(cluster) = with_table(1) else { return };
    let primary = cluster.server(1);
    let proxy = MessageProxy::start(primary.address(), &cluster.tls, "node_a");
    let port = proxy.address().port();
    let text = "begin;\ninsert into kept values (1);\ncommit;";
    proxy.watch();
    assert_eq!(psql_as_node(&cluster, port, text), Some(Ok(String::new())));
    let seen = proxy.messages_seen();
    let begin = seen.iter().position(|message| message.text == "begin;").expect("a transaction");
    let answers = seen[begin..].iter().filter(|message| message.sender == Sender::Server).count();
    // CommandComplete and ReadyForQuery, three times.
    assert_eq!(answers, 6, "{seen:?}");
    assert!(seen.iter().any(Message::is_commit) && seen.iter().any(Message::is_committed));

    for (sender, number, rows) in (1..=4)
        .map(|number| (Sender::Client, number, 0))
        .chain((1..=6).map(|number| (Sender::Server, number, usize::from(number > 4))))
    {
        primary.sql("truncate kept");
        if sender == Sender::Client && number == 4 {
            // Terminate: everything is answered.
            continue;
        }
        proxy.cut(Cut::Before, nth_from(|message| message.text == "begin;", sender, number));
        let ran = psql_as_node(&cluster, port, text).expect("it ends");
        assert!(ran.is_err(), "{sender:?} {number}");
        proxy.wait_for_cut();
        assert_eq!(primary.sql("select count(*) from kept"), rows.to_string(), "{sender:?} {number}");
    }
    assert_eq!(proxy.cuts().len(), 9);

    // The server works on a message that is the last to arrive.
    primary.sql("truncate kept");
    proxy.cut(Cut::After, Message::is_commit);
    assert!(psql_as_node(&cluster, port, text).expect("it ends").is_err());
    until("the commit", || (primary.sql("select count(*) from kept") == "1").then_some(()));
}

#[test]
fn a_proxy_refuses_resets_and_holds() {
    let Some(cluster) = with_table(0) else { return };
    let primary = cluster.server(1);
    let proxy = Proxy::start(primary.address());
    let port = proxy.address().port();
    let ask = || psql_as_node(&cluster, port, "select current_user").expect("it ends");
    assert_eq!(ask(), Ok("node_a".into()));
    proxy.set(Network::Refuse);
    assert!(ask().is_err());
    proxy.set(Network::Pass);
    for network in [Network::Blackhole, Network::BlackholeToServer, Network::BlackholeToClient] {
        proxy.set(network);
        std::thread::scope(|scope| {
            let asking = scope.spawn(ask);
            assert!(within(PATIENCE / 2, || asking.is_finished().then_some(())).is_none());
            proxy.set(Network::Pass);
            assert_eq!(asking.join().expect("no panic"), Ok("node_a".into()), "{network:?}");
        });
    }
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| psql_as_node(&cluster, port, "select pg_sleep(600)").expect("it ends"));
        let is_asking = || primary.sql("select count(*) from pg_stat_activity where query like '%sleep(600)'") != "0";
        until("it asks", || is_asking().then_some(()));
        proxy.reset();
        assert!(asking.join().expect("no panic").is_err());
    });
}

#[test]
fn nodes_answer_behind_a_balancer() {
    let nodes = Nodes::start(&["a", "b"], |_| String::new());
    let Some(balancer) = Balancer::start(&nodes.addresses()) else { return };
    let mut consumer = nodes.consumer(balancer.address());
    let first = consumer.ask();
    assert!(first.ticket().is_some(), "{first:?}");
    nodes.node("a").kill();
    let mut replies = std::iter::repeat_with(|| consumer.ask());
    assert!(replies.by_ref().take(10).any(|reply| reply.ticket().is_some()));
    nodes.node("b").kill();
    assert!(replies.by_ref().take(2).any(|reply| reply == Reply::Lost));
    nodes.node("a").start();
    let answered = || replies.next().filter(|reply| reply.ticket().is_some());
    until("the balancer finds the node again", answered);
    let refused = nodes.consumer(nodes.node("a").address()).ask_about("<");
    assert_eq!(refused, Reply::Refused("MSG90001".into()));
    assert_eq!(nodes.node("a").stop().0, Some(0));
}

#[test]
fn nodes_of_a_cluster_answer_and_replicate() {
    let Some(cluster) = Cluster::start(1) else { return };
    migrate(&cluster.tls, &cluster.addresses());
    let nodes = Nodes::start(&["a", "b"], |node| cluster_section(&cluster.tls, &cluster.addresses(), node));
    for node in nodes.iter() {
        let ticket = ask_until_answered(&mut nodes.consumer(node.address()));
        assert_eq!(count_records(cluster.server(1), &ticket), 1);
    }
    assert_eq!(count_records(cluster.server(1), "00000000-0000-4000-8000-000000000000"), 0);
    assert_eq!(cluster.server(1).sql("select count(distinct node) from ehealth.record"), "2");
}

fn ask_until_answered(consumer: &mut Consumer) -> String {
    until("an answer", || consumer.ask().ticket().map(ToOwned::to_owned))
}

#[test]
fn a_node_connects_again_after_a_cut_commit() {
    let Some(cluster) = Cluster::start(1) else { return };
    let primary = cluster.server(1);
    migrate(&cluster.tls, &cluster.addresses());
    let proxy = MessageProxy::start(primary.address(), &cluster.tls, "node_a");
    let nodes = Nodes::start(&["a"], |node| cluster_section(&cluster.tls, &[proxy.address()], node));
    let mut consumer = nodes.consumer(nodes.node("a").address());
    for rule in [Message::is_commit, Message::is_committed] {
        let mut tickets = vec![ask_until_answered(&mut consumer)];
        proxy.cut(Cut::Before, rule);
        until("the cut", || {
            tickets.extend(consumer.ask().ticket().map(ToOwned::to_owned));
            (!proxy.is_armed()).then_some(())
        });
        tickets.push(ask_until_answered(&mut consumer));
        tickets.iter().for_each(|ticket| assert_eq!(count_records(primary, ticket), 1, "{ticket}"));
    }
    assert_eq!(proxy.cuts().len(), 2);
}
