//! HTTP/1.1 over TLS: from an accepted socket to the response of each request.

// Connections: accepting them, their state, their requests one after the other.
mod acceptor;
mod connection;
mod connection_context;
mod handshake;
mod listener;
mod proxy_protocol;

// Bytes: framing is checked and timed before the HTTP library sees any of them.
mod backoff;
mod deadline;
mod framing;
mod wire;

// Requests: what is asked for, what is refused, what is answered.
mod page;
mod plain;
pub(super) mod refusal;
mod respond;
mod response;
mod route;
pub(super) mod trace;

pub use listener::{Drained, PortUse, listen, serve};
pub use refusal::HttpRefusal;
pub use trace::TraceId;
