//! Limits on what a peer may use.

// The numbers, and the descriptors that bound them.
mod descriptors;
pub(super) mod settings;

// What each consumer may use, and what is left for all other callers.
pub(super) mod audit_space;
pub(super) mod concurrency;
pub(super) mod consumer_limits;
pub(super) mod holder;
mod lease_exchange;
pub(super) mod quota_counts;
pub(super) mod rate_limits;
pub(super) mod request_rates;
pub(super) mod shared_leases;

// What clients may use before they are identified.
pub(super) mod handshake_scheduler;
pub(super) mod handshakes;

pub use descriptors::raise_descriptor_limit;
pub(crate) use quota_counts::QuotaCounts;
pub use rate_limits::LimitState;
pub use settings::Limits;
