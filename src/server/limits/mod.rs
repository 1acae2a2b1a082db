//! Limits on what a peer may use.

// The numbers, and the descriptors that bound them.
mod descriptors;
pub(super) mod settings;

// What each consumer may use.
pub(super) mod concurrency;
pub(super) mod rate_limits;

// What clients may use before they are identified.
pub(super) mod handshake_scheduler;
pub(super) mod handshakes;

pub use descriptors::raise_descriptor_limit;
pub use settings::Limits;
