//! Files that operators and users write: the settings, the policy, profiles of `lookup`, and the
//! scenarios of simulations.
//!
//! Each file is read whole. Every error is reported at once, with file, line and key; an unknown
//! key is an error. Nothing here opens a database, binds a port or reads a certificate: the modules
//! that use a setting do, and each gets its own part of [`Settings`]. The result is complete: no
//! other module supplies a default.
//!
//! A setting is looked up in this order: `--set` on the command line, environment, file, default
//! ([`KEYS`]). Each active value is listed with its origin ([`Settings::active_config`]).

// What a file says, where, and what is wrong with it.
mod document;
mod duration;
mod origin;
mod value;

// The settings: their names, their documentation, their values.
mod acme;
mod acme_keys;
mod acme_section;
mod all_keys;
mod example;
mod feeds;
mod key;
mod key_names;
mod keys;
mod letter;
mod letter_section;
mod overrides;
mod read;
mod readers;
mod renamed;
mod sections;
mod settings;

// Other files.
mod contexts;
mod expectations;
#[cfg(feature = "testkit")]
mod failures;
mod policy;
mod policy_values;
mod profile;
#[cfg(feature = "testkit")]
mod scenario;

pub use acme::{AcmeSettings, ExternalAccountFiles};
pub use all_keys::KEYS;
pub use duration::parse_duration;
pub use example::{write_example, write_table};
pub use expectations::{DescribedQuestion, Expectation, Expectations, Verdict, read_expectations};
#[cfg(feature = "testkit")]
pub use failures::parse_plan;
pub use key::{Example, Key, Kind};
pub use key_names::find as find_key;
pub use letter::LetterSettings;
pub use origin::{Origin, Problem, Problems, Setting};
pub use overrides::Overrides;
pub use policy::{Policy, find_outdated_pins, parse_policy, read_policy};
pub use policy_values::parse_customer;
pub use profile::{Profile, find_profile, parse_legal_context, read_profile};
pub use read::{Unreadable, parse_settings, read_settings, read_settings_with, try_settings};
pub use readers::parse_public_url;
#[cfg(feature = "testkit")]
pub use scenario::{parse_scenario, read_scenario};
pub use settings::{FetchMode, MetricsAccess, MetricsListener, Settings, SigningFiles};
pub use value::write_text;
