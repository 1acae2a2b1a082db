//! `audit list`: exchanges by what is in the clear, for auditors. No person is shown.

mod args;
mod rows;
mod run;

pub(super) use args::LIST_HELP;
pub use args::ListArguments;
pub(super) use run::run_list;
