//! ehealth-attributes.
pub mod audit;
pub mod lookup;
pub mod model;
pub mod policy;
