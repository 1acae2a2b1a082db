//! The service on the wire: mutual TLS, HTTP/1.1, and the walk of each message through the pipeline.
//!
//! Takes a bound listener, a TLS configuration, a [`Service`] and a future that ends it. It opens no database and no
//! trail, and reads no settings of its own.

mod connection;
pub mod counters;
mod door;
mod exchange;
mod fault_map;
mod gate;
mod listen;
mod meters;
mod readers;
mod service;
pub mod tls;
pub mod trust;

pub use door::HttpRefusal;
pub use gate::{Gate, InForce};
pub use listen::{Drained, serve};
pub use readers::Readers;
pub use service::{Limits, Service, Settings};
