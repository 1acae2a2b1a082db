//! The service on the wire: mutual TLS, HTTP/1.1, and the walk of each message through the pipeline.
//!
//! | file | what |
//! |---|---|
//! | `listen`, `descriptors` | the accept loop, the drain; how much the system lets be open |
//! | `connection` | handshake, caller, requests one after the other |
//! | `wire`, `framing` | every request's frame judged and timed before HTTP reads it |
//! | `respond`, `door`, `plain`, `page` | what is asked for; what is refused below SOAP; what a browser shows |
//! | `exchange`, `fault_map` | one message through the pipeline |
//! | `trace` | which trace of the caller's it belongs to |
//! | `limits`, `places`, `rate_limits` | how much, how long, of whom |
//! | `handshakes`, `turns` | who gives way where more is wanted than there is, and who goes on |
//! | `gate`, [`trust`], [`tls`] | whom TLS lets in |
//!
//! Takes a bound listener, a TLS configuration, a [`Service`] and a future that ends it. It opens no database and no
//! trail, and reads no settings of its own.

mod connection;
pub mod counters;
mod descriptors;
mod door;
mod exchange;
mod fault_map;
mod framing;
mod gate;
mod handshakes;
mod limits;
mod listen;
mod page;
mod places;
mod plain;
mod rate_limits;
mod readers;
mod respond;
mod service;
pub mod tls;
mod trace;
pub mod trust;
mod turns;
mod wire;

pub use descriptors::raise_descriptor_limit;
pub use door::HttpRefusal;
pub use gate::{ActiveConfig, ClientVerifier};
pub use limits::Limits;
pub use listen::{Drained, PortUse, listen, serve};
pub use readers::{Lookups, Readers};
pub use service::{Dependencies, RandomTickets, Service, Settings, Tickets};
