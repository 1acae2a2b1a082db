//! ehealth-attributes.
pub mod lookup;
pub mod model;
pub mod policy;
