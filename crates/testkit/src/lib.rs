//! The demo world: invented people and organisations, certificates, feeds of any size, scenarios.
//!
//! The commands `demo`, `simulate` and `generate` stand on this crate, and so do tests and
//! benchmarks. It can make certificates and invent people, so the packaged gateway is built without
//! it (`--no-default-features`). It knows nothing of the gateway: it writes the same files that
//! operators and publishers write.

// The folder that a service starts from.
mod authority;
mod organisations;
mod policy;
mod validity;
mod workspace;

// The people of the catalogue and of a scenario, and failures on demand.
mod failure;
mod feeds;
mod scenario;

// An invented country, for feeds of any size.
mod country;
mod data_file;
mod generator;

// What a simulation leaves on disk while it runs.
mod simulation;

pub use authority::{AuthorityError, KeyKind, RefusedClient};
pub use data_file::DataFileSummary;
pub use failure::{
    AnswerFailure, Breakage, ClientProblem, Effect, Failure, FailureKind, FailurePlan, HandshakeFailure, RequestKind,
    Scope, ServerProblem,
};
pub use generator::{CountryFeeds, GenerateError};
pub use organisations::{ORGANISATIONS, Organisation};
pub use scenario::{EmployerAffiliation, InjectedFault, Person, Scenario, SimulatedSignatures};
pub use simulation::{ReadyFile, SimulationFolder};
pub use workspace::{ADMIN_PORT, ClientKeys, PORT, Prepared, Workspace, WorkspaceError};
