//! What a start refuses, and what `cluster check` says of it.

use super::setup::{SHORT, database, run, text};
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
