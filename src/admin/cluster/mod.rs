//! The cluster of which the service is a node, as operators see it: its part of the report, its
//! metrics, and its warnings.

mod comparison;
pub(super) mod metrics;
mod report;
pub(super) mod warnings;

pub use comparison::SharedPart;
#[cfg(test)]
pub(super) use comparison::tests::three_nodes;
pub use metrics::ClusterMetric;
pub use report::{ClusterReport, LeaseReport, LinkReport, NodeReport, TransactionReport};
