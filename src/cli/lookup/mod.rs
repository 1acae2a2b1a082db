//! `lookup`: asks a running service over mutual TLS, through the client crate that integrators use
//! too.

// From the arguments to a question.
mod args;
mod caller;
mod connection;
mod error;
mod question;

// One person.
mod single;

// Many persons, and the file of their answers.
mod batch;
mod finished;
mod input;
mod input_line;
mod progress;
mod reorder;
mod results;

// An answer as text and as JSON.
mod json;
mod text;

mod run;

#[cfg(test)]
#[path = "output_tests.rs"]
mod output_tests;

pub use args::{BatchArguments, LookupArguments};
pub(super) use caller::read_password;
#[cfg(feature = "testkit")]
pub(super) use connection::{ClientFiles, SignatureFiles, open_client};
#[cfg(feature = "testkit")]
pub(super) use error::LookupError;
pub(super) use run::run;
#[cfg(feature = "testkit")]
pub(super) use single::{Asked, OutputFormat, ask};
