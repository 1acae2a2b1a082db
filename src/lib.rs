//! ehealth-attributes.
pub mod cert;
pub mod lookup;
pub mod model;
pub mod policy;
