//! Comparison of the nodes: what should be the same on all of them, and what differs.

use std::time::Duration;

use super::report::{ClusterReport, NodeReport};
use ehealth_core::closed_enum;

closed_enum! {
    /// What is the same on all nodes, apart from the datasets. A policy and CRLs are files on each
    /// node: the operator distributes them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum SharedPart {
        /// The policy file.
        Policy => "policy",
        /// The CRLs.
        Crls => "crls",
        /// The program: its version.
        Program => "program",
    }
}

impl NodeReport {
    /// Records that only the node has; `None` if it did not say.
    #[must_use]
    pub fn lag(&self) -> Option<u64> {
        Some(self.records?.saturating_sub(self.replicated?))
    }

    /// Digest or version of what is the same on all nodes; `None` if it did not say.
    #[must_use]
    pub fn shared(&self, part: SharedPart) -> Option<&str> {
        match part {
            SharedPart::Policy => self.policy.as_deref(),
            SharedPart::Crls => self.revocation.as_deref(),
            SharedPart::Program => self.version.as_deref(),
        }
    }

    /// Loaded serial of the dataset with this code; `None` if it did not say.
    #[must_use]
    pub fn serial(&self, dataset: &str) -> Option<u64> {
        self.serials.iter().find(|(code, _)| code == dataset).map(|(_, serial)| *serial)
    }
}

impl ClusterReport {
    /// What this node last said of itself; `None` if that was never read.
    #[must_use]
    pub fn own(&self) -> Option<&NodeReport> {
        self.nodes.iter().find(|node| node.name == self.node)
    }

    /// Time since the node said something that this node has read.
    #[must_use]
    pub fn since_report(&self, node: &NodeReport) -> Duration {
        node.age.saturating_add(self.nodes_read.unwrap_or_default())
    }

    /// Whether the node has another value than this node. A silent node and a value that is not
    /// known do not differ.
    #[must_use]
    pub fn differs<'a, T: PartialEq>(
        &'a self,
        node: &'a NodeReport,
        value: impl Fn(&'a NodeReport) -> Option<T>,
    ) -> bool {
        let own = self.own().and_then(&value);
        !node.is_silent && own.zip(value(node)).is_some_and(|(own, other)| own != other)
    }

    /// Number of nodes that have another value than this node.
    #[must_use]
    pub fn count_differing<'a, T: PartialEq>(&'a self, value: impl Fn(&'a NodeReport) -> Option<T>) -> usize {
        self.nodes.iter().filter(|node| self.differs(node, &value)).count()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::report::{LeaseReport, LinkReport, TransactionReport};
    use super::*;

    /// Three nodes, seen by `a`: `b` has another policy and another serial, `c` is silent.
    pub(in crate::admin) fn three_nodes() -> ClusterReport {
        let node = |name: &str, seconds| NodeReport {
            name: name.to_owned(),
            age: Duration::from_secs(seconds),
            is_silent: seconds > 20,
            version: Some("0.3.0".to_owned()),
            link: Some("confirmed".to_owned()),
            reason: None,
            records: Some(1_200),
            replicated: Some(1_200),
            first: Some(0),
            signed: 1_190,
            serials: vec![("dimona".to_owned(), 7), ("persons".to_owned(), 3)],
            policy: Some("aa".to_owned()),
            revocation: Some("cc".to_owned()),
        };
        let other = NodeReport {
            policy: Some("bb".to_owned()),
            serials: vec![("dimona".to_owned(), 6), ("persons".to_owned(), 3)],
            replicated: Some(1_150),
            ..node("b", 2)
        };
        let silent = NodeReport { policy: Some("bb".to_owned()), revocation: None, ..node("c", 95) };
        ClusterReport {
            node: "a".to_owned(),
            link: LinkReport::Confirmed,
            reason: None,
            is_answering: true,
            lag: 0,
            waiting: 0,
            refused: 0,
            unreplicated: 0,
            unknown_outcomes: 0,
            transactions: TransactionReport { count: 40, records: 1_200, duration: Duration::from_millis(260) },
            leases: LeaseReport { exchanges: 50, granted: 600, returned: 45 },
            nodes: vec![node("a", 1), other, silent],
            nodes_read: Some(Duration::from_secs(3)),
            nodes_error: None,
        }
    }

    #[test]
    fn a_silent_node_and_an_unknown_value_do_not_differ() {
        let mut cluster = three_nodes();
        let count = |cluster: &ClusterReport| {
            let of_part = SharedPart::ALL.map(|part| cluster.count_differing(|node| node.shared(part)));
            let of_dataset =
                ["dimona", "persons", "none"].map(|code| cluster.count_differing(|node| node.serial(code)));
            (of_part, of_dataset)
        };
        assert_eq!(count(&cluster), ([1, 0, 0], [1, 0, 0]));
        cluster.nodes[2].is_silent = false;
        assert_eq!(count(&cluster), ([2, 0, 0], [1, 0, 0]));
        // Without what it says of itself there is nothing to compare.
        cluster.nodes.remove(0);
        assert_eq!(count(&cluster), ([0, 0, 0], [0, 0, 0]));
    }

    #[test]
    fn reports_age_while_the_nodes_cannot_be_read() {
        let cluster = three_nodes();
        assert_eq!(cluster.since_report(&cluster.nodes[1]), Duration::from_secs(5));
        assert_eq!(cluster.nodes[1].lag(), Some(50));
        let unknown = NodeReport { replicated: None, ..cluster.nodes[1].clone() };
        assert_eq!(unknown.lag(), None);
    }
}
