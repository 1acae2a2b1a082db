//! What operators see: health, metrics, and one page for people, on a listener of its own.
//!
//! This room shows and judges; it looks nothing up. What it shows is a [`Report`], made anew by the roof for every
//! request, so that it is never older than the request. On a loopback address it asks nobody who they are; elsewhere it
//! listens behind mutual TLS alone. Nothing in a report is of a person, and nothing is secret: settings name files of
//! keys, never what is in them.
//!
//! | path | what is there |
//! |---|---|
//! | `/` | the page: readable without scripts, refreshing itself |
//! | `/health/live` | 200 as long as the process answers |
//! | `/health/ready` | 200, or 503 with every [`Reason`] as JSON |
//! | `/metrics` | the Prometheus text exposition format, version 0.0.4 |

mod caution;
mod chart;
mod health;
mod listen;
mod metrics;
mod page;
mod report;

pub use health::{Reason, judge};
pub use listen::{AdminAccess, AdminError, Listener, Settings, Source, serve};
pub use metrics::write_metrics;
pub use report::{
    AuthorityReport, CertificateReport, CertificateRole, ConsumerReport, DatasetReport, ListReport, OutcomeReport,
    Phase, Report, Setting, StageReport, Traffic, TrailReport, Verification,
};
