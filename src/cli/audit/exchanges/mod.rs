//! The exchanges of an audit log, filtered and read one after the other: what `audit list` and
//! `audit stats` have in common. No record is kept, so that a log of ten years takes no more memory than
//! one of a day.

mod args;
mod filter;
mod json;
mod outcome_class;
mod period;
mod walk;

pub use args::FilterArguments;
pub(super) use json::{Object, number_or_dash, put_datasets, put_exchange};
pub(super) use outcome_class::OutcomeClass;
pub(super) use walk::{Row, walk};
