//! The harness: PostgreSQL with standbys, proxies that cut, nodes of the program, a load balancer.

// The database.
pub mod certificates;
mod installation;
pub mod postgres;
pub mod psql;
// The network.
pub mod message_proxy;
pub mod proxy;
// The program.
pub mod balancer;
pub mod nodes;
// The machine.
pub mod processes;
