//! Warnings about the cluster: a node that is silent, nodes that differ, records without a second
//! copy.

use std::fmt;
use std::time::Duration;

use super::super::health::Rounded;
use super::super::report::DatasetReport;
use super::super::warning_code::WarningCode;
use super::comparison::SharedPart;
use super::report::{ClusterReport, LinkReport, NodeReport};
use ehealth_core::model::{Dataset, Timestamp};

/// Twice the default interval of a feed: each node fetches the datasets on its own, so serials differ
/// for one interval.
const SERIAL_WARNING: Duration = Duration::from_secs(30 * 60);

/// A problem of the cluster that needs attention.
#[derive(Debug, Clone, Copy)]
pub(in crate::admin) enum ClusterWarning<'a> {
    /// Requests are answered, and their records have no second copy, for this reason.
    Unreplicated(&'a str),
    /// Number of commits with an unknown outcome since the start.
    UnknownOutcomes(u64),
    /// The states of the nodes cannot be read, for this reason.
    NodesUnreadable(&'a str),
    /// The node is silent for this time.
    Silent(&'a str, Duration),
    /// The node has another policy, or other CRLs.
    Differs(&'a str, SharedPart),
    /// The node has an older serial of the dataset than this node has had for this time.
    Behind {
        /// Name of the node.
        node: &'a str,
        /// The dataset.
        dataset: Dataset,
        /// Its serials: of the node and of this node.
        serials: [u64; 2],
        /// Time since this node loaded its serial.
        since: Duration,
    },
}

impl ClusterWarning<'_> {
    /// Code of the warning.
    pub fn code(&self) -> WarningCode {
        match self {
            Self::Unreplicated(_) => WarningCode::Unreplicated,
            Self::UnknownOutcomes(_) => WarningCode::UnknownOutcomes,
            Self::NodesUnreadable(_) => WarningCode::NodesUnreadable,
            Self::Silent(..) => WarningCode::NodeSilent,
            Self::Differs(..) => WarningCode::NodeDiffers,
            Self::Behind { .. } => WarningCode::NodeBehind,
        }
    }
}

impl fmt::Display for ClusterWarning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreplicated(reason) => {
                write!(f, "Requests are answered before their records are replicated: {reason}.")
            }
            Self::UnknownOutcomes(times) => write!(
                f,
                "The outcome of a commit in the database was unknown {times} times since the start; the exchanges were \
                 not answered."
            ),
            Self::NodesUnreadable(reason) => write!(f, "The states of the nodes cannot be read: {reason}."),
            Self::Silent(node, age) => write!(f, "Node {node} is silent for {}.", Rounded(*age)),
            Self::Differs(node, SharedPart::Policy) => write!(f, "Node {node} has another policy than this node."),
            Self::Differs(node, SharedPart::Crls) => write!(f, "Node {node} has other CRLs than this node."),
            Self::Differs(node, SharedPart::Program) => write!(f, "Node {node} has another version than this node."),
            Self::Behind { node, dataset, serials: [theirs, own], since } => write!(
                f,
                "Node {node} has serial {theirs} of dataset {}; this node loaded serial {own} {} ago.",
                dataset.code(),
                Rounded(*since)
            ),
        }
    }
}

/// Returns all warnings about the cluster, the most serious first.
pub(in crate::admin) fn find_cluster_warnings<'a>(
    cluster: &'a ClusterReport,
    datasets: &[DatasetReport],
    now: Timestamp,
) -> Vec<ClusterWarning<'a>> {
    let mut warnings = Vec::new();
    // Without answers, the reason why the service is not ready says so.
    if cluster.is_answering && cluster.link != LinkReport::Confirmed {
        let reason = cluster.reason.as_deref().unwrap_or("the database is brought up to date");
        warnings.push(ClusterWarning::Unreplicated(reason));
    }
    let unknown = Some(cluster.unknown_outcomes).filter(|times| *times > 0);
    warnings.extend(unknown.map(ClusterWarning::UnknownOutcomes));
    warnings.extend(cluster.nodes_error.as_deref().map(ClusterWarning::NodesUnreadable));
    for node in &cluster.nodes {
        if node.is_silent {
            warnings.push(ClusterWarning::Silent(&node.name, cluster.since_report(node)));
        }
        // Versions differ while the nodes are upgraded one after the other: the table shows it.
        for part in [SharedPart::Policy, SharedPart::Crls] {
            let differs = cluster.differs(node, |node| node.shared(part));
            warnings.extend(differs.then_some(ClusterWarning::Differs(&node.name, part)));
        }
        warnings.extend(datasets.iter().filter_map(|dataset| behind(node, dataset, now)));
    }
    warnings
}

/// A node that still has an older serial. Which node is right if it is this one that is behind, the
/// other one says.
fn behind<'a>(node: &'a NodeReport, report: &DatasetReport, now: Timestamp) -> Option<ClusterWarning<'a>> {
    let dataset = report.dataset;
    let status = report.status.as_ref()?;
    let own = status.state?.serial;
    let theirs = node.serial(dataset.code()).filter(|theirs| !node.is_silent && *theirs < own)?;
    let runs = status.history.iter().filter(|run| run.serial == Some(own));
    let since = now.since(runs.map(|run| run.first).min()?);
    let warning = ClusterWarning::Behind { node: &node.name, dataset, serials: [theirs, own], since };
    (since > SERIAL_WARNING).then_some(warning)
}

#[cfg(test)]
mod tests {
    use super::super::comparison::tests::three_nodes;
    use super::*;
    use datasets::store::{DatasetStatus, HistoryEntry};
    use ehealth_core::model::DatasetState;

    fn minutes(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    /// Serial 7, loaded at minute 0.
    fn dimona() -> DatasetReport {
        let at = minutes(0);
        let run = HistoryEntry {
            outcome: None,
            serial: Some(7),
            first: at,
            last: minutes(20),
            times: 2,
            records: 1,
            rejected: 0,
        };
        let state = Some(DatasetState { serial: 7, created: at });
        let status = Some(DatasetStatus { state, records: 1, history: vec![run] });
        DatasetReport { dataset: Dataset::Dimona, limit: Duration::from_secs(86_400), status }
    }

    fn texts(cluster: &ClusterReport, now: Timestamp) -> Vec<String> {
        find_cluster_warnings(cluster, &[dimona()], now).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_silent_node_and_another_policy_are_warnings() {
        let expected = ["Node b has another policy than this node.", "Node c is silent for 1 min."];
        assert_eq!(texts(&three_nodes(), minutes(30)), expected);
    }

    #[test]
    fn an_older_serial_is_a_warning_after_two_intervals() {
        let behind = "Node b has serial 6 of dataset dimona; this node loaded serial 7 31 min ago.";
        assert!(!texts(&three_nodes(), minutes(30)).iter().any(|text| text == behind));
        assert!(texts(&three_nodes(), minutes(31)).iter().any(|text| text == behind));
    }

    #[test]
    fn records_without_a_second_copy_are_a_warning() {
        let mut cluster = three_nodes();
        cluster.nodes.clear();
        assert_eq!(texts(&cluster, minutes(0)), Vec::<String>::new());
        cluster.link = LinkReport::Down;
        cluster.reason = Some("the standby does not respond".to_owned());
        cluster.unknown_outcomes = 2;
        cluster.nodes_error = Some("connection closed".to_owned());
        assert_eq!(
            texts(&cluster, minutes(0)),
            [
                "Requests are answered before their records are replicated: the standby does not respond.",
                "The outcome of a commit in the database was unknown 2 times since the start; the exchanges were not \
                 answered.",
                "The states of the nodes cannot be read: connection closed.",
            ]
        );
        // Then it is not ready, which is more than a warning.
        cluster.is_answering = false;
        assert_eq!(texts(&cluster, minutes(0)).len(), 2);
    }
}
