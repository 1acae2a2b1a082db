//! The JSON of a cluster has the form of its schemas (docs/reference/json.md "Cluster").

use super::setup::{SHORT, answer, database, nodes, run};
use crate::shared::schemas::validate;
use crate::support::nodes::migrate_as_json;

#[test]
fn the_json_of_a_cluster_has_the_form_of_its_schemas() {
    let Some(cluster) = database(1) else { return };
    let nodes = nodes(&cluster, &["a", "b"], SHORT);
    let mut consumer = nodes.consumer(nodes.node("a").address());
    answer(&mut consumer);
    let node = nodes.node("b");
    let key = cluster.folder().join("key");
    std::fs::write(&key, run(nodes.node("a"), &["audit", "checkpoint", "--public-key"]).stdout).expect("written");
    let json = |arguments: &[&str]| String::from_utf8(run(node, arguments).stdout).expect("UTF-8");
    let rebuild = |name: &str, more: &[&str]| {
        let folder = cluster.folder().join(name).display().to_string();
        let of_a = ["audit", "rebuild", "--json", "--without-keys", "--node", "a", "--folder", &folder];
        json(&[&of_a[..], more].concat())
    };
    let rebuilt = rebuild("rebuilt", &[]);
    let verified = rebuild("verified", &["--key", &key.display().to_string()]);
    let (status, check) = (json(&["cluster", "status", "--json"]), json(&["cluster", "check", "--json"]));
    let migrated = migrate_as_json(&cluster.tls, &cluster.addresses());
    validate(&[
        ("audit-rebuild", &rebuilt),
        ("audit-rebuild", &verified),
        ("cluster-status", &status),
        ("cluster-check", &check),
        ("cluster-migrate", &migrated),
    ]);
}
