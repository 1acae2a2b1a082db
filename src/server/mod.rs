//! The service on the wire: mutual TLS, HTTP/1.1, and the walk of each message through the pipeline.
//!
//! | file | what |
//! |---|---|
//! | `listen` | the accept loop, the cap on connections, the drain |
//! | `connection` | handshake, caller, requests one after the other |
//! | `wire`, `framing` | every request's frame judged and timed before HTTP reads it |
//! | `respond`, `door`, `plain` | what is asked for; what is refused below SOAP |
//! | `exchange`, `fault_map` | one message through the pipeline |
//! | `trace` | which trace of the caller's it belongs to |
//! | `limits`, `places`, `meters` | how much, how long, of whom |
//! | `gate`, [`trust`], [`tls`] | whom TLS lets in |
//!
//! Takes a bound listener, a TLS configuration, a [`Service`] and a future that ends it. It opens no database and no
//! trail, and reads no settings of its own.

mod connection;
pub mod counters;
mod door;
mod exchange;
mod fault_map;
mod framing;
mod gate;
mod limits;
mod listen;
mod meters;
mod places;
mod plain;
mod readers;
mod respond;
mod service;
pub mod tls;
mod trace;
pub mod trust;
mod wire;

pub use door::HttpRefusal;
pub use gate::{Gate, InForce};
pub use limits::Limits;
pub use listen::{Drained, PortUse, listen, serve};
pub use readers::Readers;
pub use service::{Service, Settings};
