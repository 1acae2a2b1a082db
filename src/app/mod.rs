//! The application: makes the parts of the service from the settings, connects them, and shuts them
//! down in order.
//!
//! Real clocks, files and sockets enter here. This module has no rule of its own.

// The check of everything that a start needs, and what it finds.
mod bound;
mod check;
mod error;
mod finding;
mod load;
mod nodes;
mod standing;
mod stores;

// The service.
mod clock;
mod operators;
mod service;

// While it runs.
mod audit_space;
mod data_file;
mod follow;
mod follow_files;
mod history_file;
mod notify;
mod observation;
mod observer;
mod quota_file;
mod reload;
pub mod reload_status;
mod report;
mod reporter;
mod traffic;
mod verification_report;

// Confinement of the process; backup and restore.
mod backup;
mod confinement;
mod platform;
mod rehearsal;

// What systemd has to permit.
pub mod installed_units;
pub mod units;

// What operators see of the machine.
mod admin_fetch;
mod bounded_run;
pub mod doctor;
pub mod support;

pub use admin_fetch::{AdminAnswer, fetch};
pub use backup::{BackedUp, BackupError, KeysToo, back_up, restore};
pub use bound::Bound;
pub use check::{CheckedPlace, Prepared, StartedCopy, check, check_feeds, check_unreadable};
pub use clock::SystemClock;
pub use confinement::{Part, confine, confine_existing, confine_to_folder, forbid_memory_dumps};
pub use error::AppError;
pub use finding::{Cause, Finding, Findings, Severity};
pub use nodes::report_node;
pub use notify::Notifier;
pub use platform::{Confined, ProcessFiles};
pub use rehearsal::{Rehearsal, RehearsalError, RestoredDataset, rehearse};
pub use reload::Reloader;
pub use service::App;
pub use verification_report::leave_verification;
