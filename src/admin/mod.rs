//! The admin listener: health, metrics, and one page for operators.
//!
//! This module formats and checks a [`Report`]. The caller makes one for every request, so that
//! nothing shown is older than the request. A loopback address needs no authentication; any
//! other address needs mutual TLS. A report contains no data about a person and no secret: settings
//! name the files of keys, never their content.
//!
//! | path | content |
//! |---|---|
//! | `/` | the admin page: readable without scripts; as JSON with `Accept: application/json` |
//! | `/guide/`, `/guide/NAME` | the operations guide |
//! | `/health/live` | 200 while the process answers |
//! | `/health/ready` | 200, or 503 with every [`Reason`] as JSON |
//! | `/metrics` | the Prometheus text exposition format, version 0.0.4 |

// What is shown, and what it means.
mod attention;
mod cluster;
mod guide;
mod health;
mod history;
mod report;
mod warning_code;
mod warnings;

// Its forms.
mod exposition;
mod json;
mod metrics;
mod page;
mod samples;

// The listener.
mod listen;
mod places;
mod respond;
mod write_timeout;

pub use cluster::{ClusterMetric, ClusterReport, LeaseReport, LinkReport, NodeReport, SharedPart, TransactionReport};
pub use exposition::MetricType;
pub use health::{Reason, ReasonCode, not_ready_reasons};
pub use history::{BUCKETS, FILE_BYTES, History, HistoryError, Reading, SharedHistory};
pub use listen::{AdminAccess, AdminError, Listener, Settings, serve};
pub use metrics::Metric;
pub use report::{
    AuditLogReport, AuthorityReport, CertificateReport, CertificateRole, ConsumerReport, ContextReport, CrlReport,
    DatasetReport, GrantEnd, GrantReport, GrantsReport, OutcomeReport, Phase, PolicyReport, RefusalReport,
    ReloadReport, Report, Setting, StageReport, Traffic, Verification,
};
pub use respond::Source;
#[cfg(feature = "testkit")]
pub(crate) use respond::names_loopback;
pub use samples::write_metrics;
