//! The metrics of a node of a cluster: a closed list. On one machine they have no samples.
//!
//! The label `node` is the name of a node in the operator's settings.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use super::super::exposition::{Description, Family, Value};
use super::comparison::SharedPart;
use super::report::{ClusterReport, LinkReport, NodeReport};
use ehealth_core::closed_enum;
use ehealth_core::model::{Dataset, Timestamp};

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
        /// Time at which the states of the nodes were read.
        NodesReadTime => "cluster_nodes_read_timestamp_seconds",
        /// Time of the last report by node.
        NodeReportTime => "cluster_node_report_timestamp_seconds",
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
    /// What the metric is announced with.
    fn description(self) -> Description {
        Description { name: self.code(), metric_type: self.metric_type(), help: self.help() }
    }

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
            | Self::NodesReadTime
            | Self::NodeReportTime
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
            Self::NodesReadTime => "Time at which this node read the states of all nodes, in seconds since 1970.",
            Self::NodeReportTime => "Time of the last report of a node that this node has read, in seconds since 1970.",
            Self::NodeLag => "Records that only the node has, as it last reported.",
            Self::NodeSignedRecords => "Records that the newest checkpoint of the node in the database signs.",
            Self::DifferingNodes => "Nodes whose policy, CRLs or program differ from those of this node.",
            Self::DatasetDifferingNodes => "Nodes with another serial of the dataset than this node.",
        }
    }
}

/// Writes every family; without a cluster they have no samples.
pub(in crate::admin) fn write_cluster_metrics(
    encoder: &mut DescriptorEncoder<'_>,
    cluster: Option<&ClusterReport>,
    now: Timestamp,
) -> fmt::Result {
    for metric in ClusterMetric::ALL {
        let mut family = Family::begin(encoder, metric.description())?;
        cluster.into_iter().for_each(|cluster| write_samples(&mut family, metric, cluster, now));
        family.end()?;
    }
    Ok(())
}

/// Writes the samples of one metric.
fn write_samples(family: &mut Family<'_>, metric: ClusterMetric, cluster: &ClusterReport, now: Timestamp) {
    let ClusterReport { lag, waiting, refused, unreplicated, unknown_outcomes, transactions, leases, .. } = cluster;
    match metric {
        ClusterMetric::LinkState => {
            for state in LinkReport::ALL {
                family.sample(&[("state", state.code())], state == cluster.link);
            }
        }
        ClusterMetric::LagRecords => family.single(*lag),
        ClusterMetric::WaitingExchanges => family.single(*waiting),
        ClusterMetric::RefusedExchanges => family.single(*refused),
        ClusterMetric::UnreplicatedAnswers => family.single(*unreplicated),
        ClusterMetric::UnknownOutcomes => family.single(*unknown_outcomes),
        ClusterMetric::Transactions => family.single(transactions.count),
        ClusterMetric::TransactionRecords => family.single(transactions.records),
        ClusterMetric::TransactionDuration => family.single(transactions.duration),
        ClusterMetric::LeaseExchanges => family.single(leases.exchanges),
        ClusterMetric::LeasedQuestions => family.single(leases.granted),
        ClusterMetric::ReturnedQuestions => family.single(leases.returned),
        ClusterMetric::NodesReadTime => family.optional(cluster.nodes_read.map(|age| now.before(age))),
        ClusterMetric::NodeReportTime => {
            write_nodes(family, cluster, |node| Some(now.before(cluster.since_report(node)).into()));
        }
        ClusterMetric::NodeLag => write_nodes(family, cluster, |node| node.lag().map(Value::from)),
        ClusterMetric::NodeSignedRecords => write_nodes(family, cluster, |node| Some(node.signed.into())),
        ClusterMetric::DifferingNodes => {
            for part in SharedPart::ALL {
                family.sample(&[("subject", part.code())], cluster.count_differing(|node| node.shared(part)));
            }
        }
        ClusterMetric::DatasetDifferingNodes => {
            for dataset in Dataset::ALL {
                let count = cluster.count_differing(|node| node.serial(dataset.code()));
                family.sample(&[("dataset", dataset.code())], count);
            }
        }
    }
}

/// A sample for each node that has a value.
fn write_nodes(family: &mut Family<'_>, cluster: &ClusterReport, value: impl Fn(&NodeReport) -> Option<Value>) {
    for node in &cluster.nodes {
        value(node).into_iter().for_each(|value| family.sample(&[("node", &node.name)], value));
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::prometheus_text;
    use prometheus_client::registry::Registry;

    use super::super::comparison::tests::three_nodes;
    use super::*;

    /// The cluster's part of an exposition.
    #[derive(Debug)]
    struct Written(Option<ClusterReport>);

    impl Collector for Written {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            write_cluster_metrics(&mut encoder, self.0.as_ref(), Timestamp::from_millis(1_000_000))
        }
    }

    fn written(cluster: Option<ClusterReport>) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        registry.register_collector(Box::new(Written(cluster)));
        prometheus_text::encode(&mut text, &registry).expect("valid values");
        text
    }

    fn samples(cluster: Option<ClusterReport>) -> Vec<String> {
        let text = written(cluster);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.trim_start_matches("cluster_").to_owned()).collect()
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
        assert_eq!(written(None).lines().count(), 2 * ClusterMetric::ALL.len());
    }

    #[test]
    fn each_node_has_its_samples() {
        let shown = samples(Some(three_nodes()));
        for line in [
            "link_state{state=\"down\"} 0",
            "link_state{state=\"confirmed\"} 1",
            "transactions_total 40",
            "transaction_records_total 1200",
            "transaction_seconds_total 0.26",
            "nodes_read_timestamp_seconds 997",
            "node_report_timestamp_seconds{node=\"b\"} 995",
            "node_report_timestamp_seconds{node=\"c\"} 902",
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
        let shown = samples(Some(cluster));
        assert!(!shown.iter().any(|line| line.contains("node=") || line.contains("read_time")), "{shown:#?}");
    }
}
