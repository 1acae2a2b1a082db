//! Servers of the database die or stop: no answer without a second copy, none lost.

use std::time::{Duration, Instant};

use super::load::{Load, assert_recorded};
use super::setup::{
    SHORT, answer, assert_logs_agree, assert_unrecorded, database, nodes, wait_until_not_ready, wait_until_ready,
};
use crate::support::processes::until;
use crate::support::proxy::Network;

/// Rounds of the first test: two, or as many as `CLUSTER_ROUNDS` says.
fn rounds() -> usize {
    std::env::var("CLUSTER_ROUNDS").ok().map_or(2, |rounds| rounds.parse().expect("CLUSTER_ROUNDS: a number"))
}

#[test]
fn killed_primaries_lose_no_acknowledged_record() {
    let Some(cluster) = database(2) else { return };
    let nodes = nodes(&cluster, &["a", "b"], SHORT);
    let load = Load::start(&nodes, &nodes.addresses(), 2);
    let (mut primary, mut longest) = (1, Duration::ZERO);
    for round in 1..=rounds() {
        let before = load.answered();
        until("answers", || (load.answered() >= before + 40).then_some(()));
        cluster.server(primary).kill();
        let promoted = cluster.fail_over();
        let (killed, at) = (cluster.server(primary), Instant::now());
        let before = load.answered();
        // Every question in progress ended with a fault or none: each node answers again.
        until("answers after the promotion", || (load.answered() >= before + 8).then_some(()));
        longest = longest.max(at.elapsed());
        primary = promoted.name.trim_start_matches("db").parse().expect("a number");
        killed.rebuild_as_standby_of(promoted);
        println!("round {round}: {} answers, again {:?} after the promotion", load.answered(), at.elapsed());
    }
    let outcome = load.stop();
    let (answers, refused, lost) = (outcome.tickets.len(), &outcome.refused, outcome.lost);
    println!("{} kills: {answers} answers, refused {refused:?}, {lost} without a reply; longest {longest:?}", rounds());
    assert_recorded(cluster.server(primary), &outcome.tickets);
    assert_eq!(lost, 0, "the nodes answer every question, with a fault if need be");
    assert!(refused.keys().all(|code| code == "MSG90053"), "{refused:?}");
    nodes.iter().for_each(wait_until_ready);
    assert_logs_agree(&cluster, primary, &nodes);
}

#[test]
fn a_standby_that_stops_ends_the_answers() {
    let Some(cluster) = database(1) else { return };
    let nodes = nodes(&cluster, &["a"], SHORT);
    let (node, standby) = (nodes.node("a"), cluster.server(2));
    let mut consumer = nodes.consumer(node.address());
    answer(&mut consumer);

    standby.freeze();
    assert_unrecorded(&consumer.ask());
    wait_until_not_ready(node, "the standby does not respond");
    assert_unrecorded(&consumer.ask());
    standby.thaw();
    answer(&mut consumer);

    standby.upstream.set(Network::Blackhole);
    assert_unrecorded(&consumer.ask());
    wait_until_not_ready(node, "the standby does not respond");
    standby.upstream.set(Network::Pass);
    answer(&mut consumer);

    // An idle node finds out as well.
    standby.freeze();
    wait_until_not_ready(node, "the standby does not respond");
    standby.thaw();
    wait_until_ready(node);
    assert_logs_agree(&cluster, 1, &nodes);
}

#[test]
fn the_name_of_the_standby_is_removed_behind_our_back() {
    let Some(cluster) = database(1) else { return };
    let nodes = nodes(&cluster, &["a"], "timeout = \"20s\"\n");
    let (node, primary, standby) = (nodes.node("a"), cluster.server(1), cluster.server(2));
    let mut consumer = nodes.consumer(node.address());
    answer(&mut consumer);
    let names = primary.sql("show synchronous_standby_names");

    // While no commit waits.
    primary.set_synchronous_names("");
    assert_unrecorded(&consumer.ask());
    wait_until_not_ready(node, "synchronous_standby_names is empty");
    primary.set_synchronous_names(&names);
    answer(&mut consumer);

    // While one waits: PostgreSQL lets it return as if a standby had it.
    standby.freeze();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| nodes.consumer(node.address()).ask());
        let waits = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'";
        until("the commit waits", || (primary.sql(waits) != "0").then_some(()));
        primary.set_synchronous_names("");
        assert_unrecorded(&asking.join().expect("no panic"));
    });
    primary.set_synchronous_names(&names);
    standby.thaw();
    answer(&mut consumer);

    // A wait that is cancelled: the commit is told to be done, with a warning.
    standby.freeze();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| nodes.consumer(node.address()).ask());
        let cancel = "select count(pg_cancel_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep'";
        until("the commit waits", || (primary.sql(cancel) != "0").then_some(()));
        assert_unrecorded(&asking.join().expect("no panic"));
    });
    standby.thaw();
    answer(&mut consumer);
    assert_logs_agree(&cluster, 1, &nodes);
}

#[test]
fn a_primary_that_hangs_keeps_no_node_from_the_promoted_standby() {
    let Some(cluster) = database(2) else { return };
    let nodes = nodes(&cluster, &["a"], SHORT);
    let mut consumer = nodes.consumer(nodes.node("a").address());
    let before = answer(&mut consumer);
    // It accepts connections, as the system does for it, and answers nothing.
    cluster.server(1).freeze();
    assert_unrecorded(&consumer.ask());
    let promoted = cluster.server(2);
    promoted.promote();
    cluster.server(3).follow(promoted);
    let after = answer(&mut consumer);
    assert_recorded(promoted, &[before, after].into());
    cluster.server(1).kill();
}
