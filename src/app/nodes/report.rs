//! The cluster in the report for operators.

use serde_json::Value;

use crate::admin::{ClusterReport, LeaseReport, LinkReport, NodeReport, TransactionReport};
use audit_log::replication::Link;
use cluster::{LeaseCounters, Node, NodeStatus, SILENT, TransactionCounters};

/// The state of the link as a word, and why it is down.
pub(super) fn link_words(link: &Link) -> (&'static str, Option<String>) {
    match link {
        Link::Down(reason) => (LinkReport::Down.code(), Some(reason.to_string())),
        Link::Joining => (LinkReport::Joining.code(), None),
        Link::Confirmed => (LinkReport::Confirmed.code(), None),
    }
}

/// The cluster as this node sees it.
pub(in crate::app) fn report_cluster(name: &str, node: &Node) -> ClusterReport {
    let (replication, view) = (node.replication().status(), node.view());
    let link = match replication.link {
        Link::Down(_) => LinkReport::Down,
        Link::Joining => LinkReport::Joining,
        Link::Confirmed => LinkReport::Confirmed,
    };
    ClusterReport {
        node: name.to_owned(),
        link,
        reason: link_words(&replication.link).1,
        is_answering: replication.is_answering(),
        lag: replication.lag(),
        waiting: replication.waiting,
        refused: replication.refused,
        unreplicated: replication.unreplicated,
        unknown_outcomes: replication.unknown_outcomes,
        transactions: report_transactions(node.counters()),
        leases: report_leases(node.lease_counters()),
        nodes: view.nodes.iter().map(report_node).collect(),
        nodes_read: view.read.map(|read| read.elapsed()),
        nodes_error: view.error,
    }
}

/// What a node said of itself. A part that it did not say, or said in another form, is absent.
#[must_use]
pub fn report_node(status: &NodeStatus) -> NodeReport {
    let said: Value = serde_json::from_str(&status.report).unwrap_or_default();
    let text = |key: &str| said.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| said.get(key).and_then(Value::as_u64);
    let serials = said.get("serials").and_then(Value::as_object).into_iter().flatten();
    NodeReport {
        name: status.name.clone(),
        age: status.age,
        is_silent: status.age > SILENT,
        version: text("version"),
        link: text("link"),
        reason: text("reason"),
        records: number("records"),
        replicated: number("replicated"),
        first: number("first"),
        signed: status.signed,
        serials: serials.filter_map(|(dataset, serial)| Some((dataset.clone(), serial.as_u64()?))).collect(),
        policy: text("policy"),
        revocation: text("revocation"),
    }
}

fn report_transactions(TransactionCounters { count, records, duration }: TransactionCounters) -> TransactionReport {
    TransactionReport { count, records, duration }
}

fn report_leases(LeaseCounters { exchanges, granted, returned }: LeaseCounters) -> LeaseReport {
    LeaseReport { exchanges, granted, returned }
}
