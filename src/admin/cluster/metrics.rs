//! The metrics of a node of a cluster: a closed list. On one machine they have no samples.
//!
//! The label `node` is the name of a node in the operator's settings.

use super::super::exposition::{Exposition, Labels, MetricType, seconds};
use super::comparison::SharedPart;
use super::report::{ClusterReport, LinkReport, NodeReport};
use ehealth_core::closed_enum;
use ehealth_core::model::Dataset;

closed_enum! {
    /// A metric of a node. Its code is its name without the prefix `ehealth_attributes_`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ClusterMetric {
        /// State of the connection to the database.
        LinkState => "cluster_link_state",
        /// Records that only this node has.
        LagRecords => "cluster_lag_records",
        /// Exchanges that wait for the confirmation of their record.
        WaitingExchanges => "cluster_waiting_exchanges",
        /// Exchanges refused because records were not replicated.
        RefusedExchanges => "cluster_refused_exchanges_total",
        /// Exchanges answered without a second copy of their record.
        UnreplicatedAnswers => "cluster_unreplicated_answers_total",
        /// Commits with an unknown outcome.
        UnknownOutcomes => "cluster_unknown_commit_outcomes_total",
        /// Confirmed transactions.
        Transactions => "cluster_transactions_total",
        /// Records in confirmed transactions.
        TransactionRecords => "cluster_transaction_records_total",
        /// Duration of confirmed transactions.
        TransactionDuration => "cluster_transaction_seconds_total",
        /// Exchanges of quota leases.
        LeaseExchanges => "cluster_lease_exchanges_total",
        /// Questions that were leased.
        LeasedQuestions => "cluster_leased_questions_total",
        /// Leased questions that were returned unused.
        ReturnedQuestions => "cluster_returned_questions_total",
        /// Time since the states of the nodes were read.
        NodesReadAge => "cluster_nodes_read_age_seconds",
        /// Age of the last report by node.
        NodeReportAge => "cluster_node_report_age_seconds",
        /// Lag by node.
        NodeLag => "cluster_node_lag_records",
        /// Signed records by node.
        NodeSignedRecords => "cluster_node_signed_records",
        /// Nodes that differ from this one, by subject.
        DifferingNodes => "cluster_differing_nodes",
        /// Nodes that differ from this one, by dataset.
        DatasetDifferingNodes => "cluster_dataset_differing_nodes",
    }
}

impl ClusterMetric {
    /// Type of the metric.
    #[must_use]
    pub const fn metric_type(self) -> MetricType {
        match self {
            Self::RefusedExchanges
            | Self::UnreplicatedAnswers
            | Self::UnknownOutcomes
            | Self::Transactions
            | Self::TransactionRecords
            | Self::TransactionDuration
            | Self::LeaseExchanges
            | Self::LeasedQuestions
            | Self::ReturnedQuestions => MetricType::Counter,
            Self::LinkState
            | Self::LagRecords
            | Self::WaitingExchanges
            | Self::NodesReadAge
            | Self::NodeReportAge
            | Self::NodeLag
            | Self::NodeSignedRecords
            | Self::DifferingNodes
            | Self::DatasetDifferingNodes => MetricType::Gauge,
        }
    }

    /// Help text of the exposition.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::LinkState => "1 for the state of the connection to the database of the cluster, 0 for all others.",
            Self::LagRecords => "Records in the audit log that the database of the cluster does not have.",
            Self::WaitingExchanges => "Exchanges that wait until their record is replicated.",
            Self::RefusedExchanges => "Exchanges refused because records were not replicated.",
            Self::UnreplicatedAnswers => "Exchanges answered before their record was replicated.",
            Self::UnknownOutcomes => "Commits of records whose outcome was unknown; their exchanges were not answered.",
            Self::Transactions => "Transactions in which records were replicated.",
            Self::TransactionRecords => "Records replicated in transactions.",
            Self::TransactionDuration => "Time from the begin of a transaction of records to its confirmation.",
            Self::LeaseExchanges => "Exchanges of quota leases with the database of the cluster.",
            Self::LeasedQuestions => "Questions of quotas that the database has leased to this node.",
            Self::ReturnedQuestions => "Leased questions that this node returned unused.",
            Self::NodesReadAge => "Time since this node read the states of all nodes.",
            Self::NodeReportAge => "Age of the last report of a node that this node has read.",
            Self::NodeLag => "Records that only the node has, as it last reported.",
            Self::NodeSignedRecords => "Records that the newest checkpoint of the node in the database signs.",
            Self::DifferingNodes => "Nodes whose policy, CRLs or program differ from those of this node.",
            Self::DatasetDifferingNodes => "Nodes with another serial of the dataset than this node.",
        }
    }
}

/// Writes every family; without a cluster they have no samples.
pub(in crate::admin) fn write_cluster_metrics(out: &mut Exposition, cluster: Option<&ClusterReport>) {
    for metric in ClusterMetric::ALL {
        out.family(metric.code(), metric.metric_type(), metric.help());
        cluster.into_iter().for_each(|cluster| write_samples(out, metric, cluster));
    }
}

/// Writes the samples of one metric.
fn write_samples(out: &mut Exposition, metric: ClusterMetric, cluster: &ClusterReport) {
    let ClusterReport { lag, waiting, refused, unreplicated, unknown_outcomes, transactions, leases, .. } = cluster;
    let mut sample = |labels: Labels<'_>, value: &str| out.sample(metric.code(), labels, value);
    let mut by_node = |value: &dyn Fn(&NodeReport) -> Option<u64>| {
        for node in &cluster.nodes {
            value(node).into_iter().for_each(|value| sample(&[("node", &node.name)], &value.to_string()));
        }
    };
    match metric {
        ClusterMetric::LinkState => {
            for state in LinkReport::ALL {
                sample(&[("state", state.code())], &u8::from(state == cluster.link).to_string());
            }
        }
        ClusterMetric::LagRecords => sample(&[], &lag.to_string()),
        ClusterMetric::WaitingExchanges => sample(&[], &waiting.to_string()),
        ClusterMetric::RefusedExchanges => sample(&[], &refused.to_string()),
        ClusterMetric::UnreplicatedAnswers => sample(&[], &unreplicated.to_string()),
        ClusterMetric::UnknownOutcomes => sample(&[], &unknown_outcomes.to_string()),
        ClusterMetric::Transactions => sample(&[], &transactions.count.to_string()),
        ClusterMetric::TransactionRecords => sample(&[], &transactions.records.to_string()),
        ClusterMetric::TransactionDuration => sample(&[], &seconds(transactions.duration)),
        ClusterMetric::LeaseExchanges => sample(&[], &leases.exchanges.to_string()),
        ClusterMetric::LeasedQuestions => sample(&[], &leases.granted.to_string()),
        ClusterMetric::ReturnedQuestions => sample(&[], &leases.returned.to_string()),
        ClusterMetric::NodesReadAge => {
            cluster.nodes_read.iter().for_each(|age| sample(&[], &age.as_secs().to_string()));
        }
        ClusterMetric::NodeReportAge => by_node(&|node| Some(cluster.since_report(node).as_secs())),
        ClusterMetric::NodeLag => by_node(&NodeReport::lag),
        ClusterMetric::NodeSignedRecords => by_node(&|node| Some(node.signed)),
        ClusterMetric::DifferingNodes => {
            for part in SharedPart::ALL {
                let count = cluster.count_differing(|node| node.shared(part));
                sample(&[("subject", part.code())], &count.to_string());
            }
        }
        ClusterMetric::DatasetDifferingNodes => {
            for dataset in Dataset::ALL {
                let count = cluster.count_differing(|node| node.serial(dataset.code()));
                sample(&[("dataset", dataset.code())], &count.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::comparison::tests::three_nodes;
    use super::*;

    fn samples(cluster: Option<&ClusterReport>) -> Vec<String> {
        let mut out = Exposition::new();
        write_cluster_metrics(&mut out, cluster);
        let text = out.into_text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.trim_start_matches("ehealth_attributes_cluster_").to_owned()).collect()
    }

    #[test]
    fn counters_alone_end_in_total() {
        for metric in ClusterMetric::ALL {
            assert_eq!(metric.metric_type() == MetricType::Counter, metric.code().ends_with("_total"), "{metric:?}");
        }
    }

    #[test]
    fn one_machine_has_families_without_samples() {
        assert_eq!(samples(None), Vec::<String>::new());
        let mut out = Exposition::new();
        write_cluster_metrics(&mut out, None);
        assert_eq!(out.into_text().lines().count(), 2 * ClusterMetric::ALL.len());
    }

    #[test]
    fn each_node_has_its_samples() {
        let shown = samples(Some(&three_nodes()));
        for line in [
            "link_state{state=\"down\"} 0",
            "link_state{state=\"confirmed\"} 1",
            "transactions_total 40",
            "transaction_records_total 1200",
            "transaction_seconds_total 0.260000000",
            "nodes_read_age_seconds 3",
            "node_report_age_seconds{node=\"b\"} 5",
            "node_report_age_seconds{node=\"c\"} 98",
            "node_lag_records{node=\"b\"} 50",
            "node_signed_records{node=\"a\"} 1190",
            "differing_nodes{subject=\"policy\"} 1",
            "differing_nodes{subject=\"crls\"} 0",
            "differing_nodes{subject=\"program\"} 0",
            "dataset_differing_nodes{dataset=\"dimona\"} 1",
            "dataset_differing_nodes{dataset=\"persons\"} 0",
        ] {
            assert!(shown.iter().any(|there| there == line), "{line}: {shown:#?}");
        }
    }

    #[test]
    fn nodes_that_were_never_read_have_no_samples() {
        let cluster = ClusterReport { nodes: Vec::new(), nodes_read: None, ..three_nodes() };
        let shown = samples(Some(&cluster));
        assert!(!shown.iter().any(|line| line.contains("node=") || line.contains("read_age")), "{shown:#?}");
    }
}
