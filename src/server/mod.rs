//! The service on the wire: mutual TLS, HTTP/1.1, and the walk of each message through the pipeline.
//!
//! Takes a bound listener, a TLS configuration, a [`Service`] and a future that ends it. It opens no database and no
//! trail, and reads no settings of its own.

mod connection;
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
pub mod trust;
mod wire;

pub use door::HttpRefusal;
pub use gate::{Gate, InForce};
pub use limits::Limits;
pub use listen::{Drained, PortUse, listen, serve};
pub use readers::Readers;
pub use service::{Service, Settings};
