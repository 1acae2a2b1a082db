//! Nodes die, lose their disks, and come back.

use std::fs;

use super::load::{Load, assert_recorded};
use super::setup::{SHORT, answer, assert_logs_agree, database, nodes, run, text, wait_until_ready};
use crate::support::balancer::Balancer;
use crate::support::nodes::Reply;
use crate::support::processes::until;

#[test]
fn a_node_that_dies_behind_the_balancer_loses_no_answer() {
    let Some(cluster) = database(1) else { return };
    let nodes = nodes(&cluster, &["a", "b", "c"], SHORT);
    let Some(balancer) = Balancer::start(&nodes.addresses()) else { return };
    let load = Load::start(&nodes, &[balancer.address()], 6);
    for name in ["a", "b", "c"] {
        let before = load.answered();
        until("answers", || (load.answered() >= before + 60).then_some(()));
        nodes.node(name).kill();
        // A client repeats a question that got no reply.
        let mut consumer = nodes.consumer(balancer.address());
        let mut attempts = 0;
        until("a retry succeeds", || {
            attempts += 1;
            consumer.ask().ticket().map(drop)
        });
        println!("node {name} killed: a question is answered at attempt {attempts}");
        nodes.node(name).start();
        wait_until_ready(nodes.node(name));
    }
    let outcome = load.stop();
    println!("{} answers, refused {:?}, {} without a reply", outcome.tickets.len(), outcome.refused, outcome.lost);
    assert_recorded(cluster.server(1), &outcome.tickets);
    assert_logs_agree(&cluster, 1, &nodes);
}

#[test]
fn a_rolling_restart_leaves_no_question_recorded_and_unanswered() {
    let Some(cluster) = database(1) else { return };
    let nodes = nodes(&cluster, &["a", "b"], SHORT);
    nodes.iter().for_each(wait_until_ready);
    let Some(balancer) = Balancer::start(&nodes.addresses()) else { return };
    let load = Load::start(&nodes, &[balancer.address()], 4);
    for node in nodes.iter() {
        let before = load.answered();
        until("answers", || (load.answered() >= before + 60).then_some(()));
        assert_eq!(node.stop().0, Some(0), "all requests were finished");
        node.start();
        wait_until_ready(node);
    }
    let before = load.answered();
    until("answers", || (load.answered() >= before + 60).then_some(()));
    let outcome = load.stop();
    println!("{} answers, refused {:?}, {} without a reply", outcome.tickets.len(), outcome.refused, outcome.lost);
    assert_recorded(cluster.server(1), &outcome.tickets);
    // A question that got no reply was not read: repeating it asks once. A refusal may have a record.
    let recorded = cluster.server(1).sql("select count(*) from ehealth.record where ticket is not null");
    let recorded: usize = recorded.parse().expect("a number");
    assert!(recorded <= outcome.tickets.len() + outcome.refused.values().sum::<usize>(), "{recorded}");
    assert!(outcome.refused.keys().all(|code| code == "MSG90053"), "{:?}", outcome.refused);
    assert_logs_agree(&cluster, 1, &nodes);
}

#[test]
fn a_wiped_log_is_rebuilt_and_sound_under_the_old_checkpoint() {
    let Some(cluster) = database(1) else { return };
    let nodes = nodes(&cluster, &["a"], SHORT);
    let node = nodes.node("a");
    let mut consumer = nodes.consumer(node.address());
    let tickets: std::collections::BTreeSet<_> = (0..30).map(|_| answer(&mut consumer)).collect();
    let elsewhere = cluster.folder().join("kept");
    fs::create_dir(&elsewhere).expect("a folder");
    let kept = |name: &str| elsewhere.join(name).display().to_string();
    until("a checkpoint over all records", || {
        let note = text(&run(node, &["audit", "checkpoint"]));
        fs::write(kept("checkpoint"), &note).expect("written");
        (note.lines().nth(1)?.parse::<usize>().ok()? > 30).then_some(())
    });
    fs::write(kept("key"), text(&run(node, &["audit", "checkpoint", "--public-key"]))).expect("written");
    // Records after the checkpoint that was kept.
    let more: Vec<_> = (0..5).map(|_| answer(&mut consumer)).collect();
    node.kill();
    fs::remove_dir_all(node.audit_log()).expect("wiped");

    let rebuilt = run(node, &["audit", "rebuild", "--key", &kept("key"), "--checkpoint", &kept("checkpoint")]);
    println!("{}", text(&rebuilt));
    assert!(rebuilt.status.success(), "{}", text(&rebuilt));
    node.start();
    let again = answer(&mut consumer);
    let all = tickets.into_iter().chain(more).chain([again]).collect();
    assert_recorded(cluster.server(1), &all);

    // An old copy of the log: the start itself brings it up to the database.
    let log = node.audit_log();
    let older = elsewhere.join("older");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        assert!(std::process::Command::new("cp").arg("-R").arg(from).arg(to).status().expect("cp").success());
    };
    node.stop();
    copy(&log, &older);
    node.start();
    answer(&mut consumer);
    node.kill();
    fs::remove_dir_all(&log).expect("removed");
    copy(&older, &log);
    node.start();
    answer(&mut consumer);
    assert_logs_agree(&cluster, 1, &nodes);
}

#[test]
fn a_second_process_with_the_name_does_not_start() {
    let Some(cluster) = database(1) else { return };
    let first = nodes(&cluster, &["a"], SHORT);
    wait_until_ready(first.node("a"));
    let second = crate::support::nodes::Nodes::prepare(&["a"], |node| {
        crate::support::nodes::cluster_section(&cluster.tls, &cluster.addresses(), node) + SHORT
    });
    let refused = run(second.node("a"), &["serve"]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("another process is connected as node \"a\""), "{}", text(&refused));
    // Once the first has died, its name is free.
    first.node("a").kill();
    let other = run(second.node("a"), &["serve"]);
    // Without the keys of the node it cannot go on with its log.
    assert_eq!(other.status.code(), Some(1), "{}", text(&other));
    assert!(text(&other).contains("restore the keys of the node"), "{}", text(&other));
    let reply = first.consumer(first.node("a").address()).ask();
    assert_eq!(reply, Reply::Lost);
}
