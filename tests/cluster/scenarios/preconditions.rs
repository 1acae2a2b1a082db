//! What a start refuses, and what `cluster check` says of it.

use std::time::Duration;

use super::setup::{SHORT, answer, database, nodes, run, text};
use crate::support::nodes::{Nodes, cluster_section};

#[test]
fn a_start_refuses_a_database_that_could_lose_records() {
    let Some(cluster) = database(1) else { return };
    let primary = cluster.server(1);
    let nodes = Nodes::prepare(&["a"], |node| cluster_section(&cluster.tls, &cluster.addresses(), node) + SHORT);
    let node = nodes.node("a");
    let checked = run(node, &["cluster", "check"]);
    assert!(checked.status.success(), "{}", text(&checked));
    for (change, back, said) in [
        ("alter system set fsync = off", "alter system reset fsync", "fsync is off"),
        ("alter system set full_page_writes = off", "alter system reset full_page_writes", "full_page_writes is off"),
        (
            "insert into ehealth.migration values (1000, 'newer')",
            "delete from ehealth.migration where number = 1000",
            "the schema has version 1000",
        ),
        (
            "create table kept as select * from ehealth.migration where number > 1; delete from ehealth.migration where number > 1",
            "insert into ehealth.migration select * from kept; drop table kept",
            "this program needs 2",
        ),
        ("revoke ehealth_node from node_a", "grant ehealth_node to node_a", "deploy/cluster/roles.sql"),
    ] {
        for statement in change.split("; ") {
            primary.sql(statement);
        }
        primary.sql("select pg_reload_conf()");
        let wanted = |arguments: &[&str]| {
            crate::support::processes::until(said, || {
                let output = run(node, arguments);
                (output.status.code() == Some(1) && text(&output).contains(said)).then_some(())
            });
        };
        wanted(&["cluster", "check"]);
        if !change.contains("revoke") {
            wanted(&["serve"]);
        }
        for statement in back.split("; ") {
            primary.sql(statement);
        }
        primary.sql("select pg_reload_conf()");
    }
    let names = primary.sql("show synchronous_standby_names");
    primary.set_synchronous_names("");
    let refused = run(node, &["serve"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("synchronous_standby_names is empty"), "{}", text(&refused));
    primary.set_synchronous_names(&names);
    // Beside the checks of the database: no database at all.
    primary.kill();
    let refused = run(node, &["serve"]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("cluster.database"), "{}", text(&refused));
}

#[test]
fn a_node_changes_no_record_and_writes_as_itself_alone() {
    let Some(cluster) = database(1) else { return };
    let nodes = nodes(&cluster, &["a", "b"], SHORT);
    nodes.iter().for_each(|node| drop(answer(&mut nodes.consumer(node.address()))));
    let primary = cluster.server(1);
    let run = |statement: &str| {
        let text = format!("set role node_b;\n{statement}");
        primary.sql_within(&text, Duration::from_secs(60)).expect("it ends")
    };
    let of = |name: &str| primary.sql(&format!("select id from ehealth.node where name = '{name}'"));
    let month = primary.sql("select max(month) from ehealth.record");
    let insert = |node: &str| run(&format!("insert into ehealth.record values ({month}, {node}, 1000000, '', '')"));
    assert!(insert(&of("a")).expect_err("refused").contains("row-level security"));
    for statement in [
        "update ehealth.record set frame = ''",
        "delete from ehealth.record",
        "truncate ehealth.record",
        "drop table ehealth.record",
        "delete from ehealth.checkpoint",
        "update ehealth.person_index set sums = ''",
        "select ehealth.prune_month(202601)",
    ] {
        let said = run(statement).expect_err(statement);
        assert!(said.contains("permission denied") || said.contains("must be owner"), "{statement}: {said}");
    }
    let status = format!("update ehealth.node_status set report = 'forged' where node = {}", of("a"));
    assert!(run(&status).is_ok());
    assert_eq!(primary.sql("select count(*) from ehealth.node_status where report = 'forged'"), "0");
    assert!(insert(&of("b")).is_ok(), "as itself");
}
