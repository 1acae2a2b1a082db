//! ehealth-attributes.
pub mod model;
pub mod policy;
