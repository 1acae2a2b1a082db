//! What the operator wrote: the settings of the service, the policy file and the scenarios of simulations, read whole and
//! judged whole.
//!
//! Every mistake is told at once, each with file, line and key; an unknown key is a mistake. Nothing here opens a
//! database, binds a port or reads a certificate: the rooms that use a setting do, and this room hands each of them
//! its own. What is returned is complete; no room above asks for a default.

mod document;
mod duration;
mod feeds;
mod policy;
mod scenario;
mod settings;

pub use document::{Problem, Problems};
pub use policy::{parse_customer, parse_policy, read_policy};
pub use scenario::{Contract, Person, Scenario, Trouble, parse_scenario, read_scenario};
pub use settings::{Settings, parse_settings, read_settings};
