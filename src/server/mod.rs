//! The gateway's server: mutual TLS, HTTP/1.1, and the exchange of each SOAP message through the
//! pipeline.
//!
//! Takes a bound listener, a TLS configuration, a [`Service`] and a future that stops it. It opens
//! no database and no audit log, and reads no settings of its own.

// What all connections share, and the configuration that a reload replaces.
mod active_config;
mod service;

// Who connects: TLS, certificate paths, revocation lists, the identified peer.
mod peer;
pub mod tls;

// How requests arrive and leave: connections, framing, routing, refusals below SOAP.
mod http;

// How much a peer may use: sizes, times, concurrency, rates, handshakes.
mod limits;

// What happens to one SOAP message.
mod equal_time;
mod exchange;
mod fault_map;
mod readers;
mod signatures;

// Where a simulation injects faults.
mod fault_injection;

// What operators see of all this.
pub mod counters;

pub use active_config::ActiveConfig;
pub use fault_injection::{FaultInjection, Handshake, NoFaults};
pub use http::{Drained, HttpRefusal, PortUse, TraceId, listen, serve};
pub(crate) use limits::QuotaCounts;
pub use limits::{LimitState, Limits, raise_descriptor_limit};
pub use readers::{Lookups, Readers};
pub use service::{Dependencies, RandomTickets, Service, Settings, Tickets};
pub use signatures::{
    Bearer, Refused, RelayedSigner, ReplayCache, ReplayMemory, Replayed, ResponseSigner, SignatureChecks,
    SignatureExplainer, Signer, Verified,
};
pub use tls::{ClientVerifier, trust};
