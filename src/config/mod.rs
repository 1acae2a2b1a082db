//! What the operator wrote: the settings of the service, the policy file and the scenarios of simulations, read whole and
//! judged whole.
//!
//! Every mistake is told at once, each with file, line and key; an unknown key is a mistake. Nothing here opens a
//! database, binds a port or reads a certificate: the rooms that use a setting do, and this room hands each of them
//! its own. What is returned is complete; no room above asks for a default.
//!
//! A setting is looked for in this order: `--set` on the command line, the environment, the file, the default
//! ([`KEYS`]). Each value that was read is listed with where it came from ([`Settings::active_config`]).

mod document;
mod duration;
mod feeds;
mod given;
mod keys;
mod origin;
mod policy;
#[cfg(feature = "testkit")]
mod scenario;
mod settings;

pub use given::Given;
pub use keys::{Example, KEYS, Key, Kind, write_example, write_table};
pub use origin::{Origin, Problem, Problems, Setting};
pub use policy::{parse_customer, parse_policy, read_policy};
#[cfg(feature = "testkit")]
pub use scenario::{parse_scenario, read_scenario};
pub use settings::{Fetch, Settings, parse_settings, read_settings, read_settings_with};
