//! `audit`: verifies, searches and maintains the audit log, for auditors, data-protection officers
//! and operators.
//!
//! `verify` and `verify-proof` need no settings and no secret: only a folder or a file, the public
//! key, and a checkpoint that was kept elsewhere. The other commands need the settings, for the
//! folders of the audit log and of its keys. An SSIN may be given as `-` to read it from standard
//! input: it then appears neither in the shell's history nor in the process list.

mod args;
mod events;
mod exchanges;
mod export;
mod inputs;
mod keys_of;
mod list;
mod names;
mod nodes;
mod person;
mod record;
mod report;
mod rotate_key;
mod run;
mod scope;
mod stats;
mod verify_proof;
mod words;

pub use args::{AuditCommand, PruneArguments};
pub(super) use run::run;
