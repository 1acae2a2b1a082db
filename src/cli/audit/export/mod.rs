//! `audit export`: every record as a line of JSON, in a file or on standard output, for a SIEM or an
//! archive that cannot be changed.
//!
//! A line is written only when its record is durable, and the state only when the lines are. So a process
//! that is killed at any point is continued without a gap and without a repetition.

mod args;
mod error;
mod line;
mod run;
mod state;
mod target;

pub(super) use args::EXPORT_HELP;
pub use args::ExportArguments;
pub(super) use run::run_export;
