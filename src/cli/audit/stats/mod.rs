//! `audit stats`: how many exchanges each caller had, by legal context and month, and what was disclosed.

mod args;
mod counts;
mod rows;
mod run;

pub(super) use args::STATS_HELP;
pub use args::StatsArguments;
pub(super) use run::run_stats;
