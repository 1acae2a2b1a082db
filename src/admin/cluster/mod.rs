//! The cluster of which the service is a node, as operators see it: its part of the report, its
//! metrics, and its warnings.

pub(super) mod metrics;
mod report;
pub(super) mod warnings;

pub use metrics::ClusterMetric;
#[cfg(test)]
pub(super) use report::tests::three_nodes;
pub use report::{ClusterReport, LinkReport, NodeReport, SharedPart, TransactionReport};
