//! ehealth-attributes.
pub mod audit;
pub mod cert;
pub mod client;
pub mod config;
pub mod lookup;
pub mod model;
pub mod policy;
pub mod soap;
