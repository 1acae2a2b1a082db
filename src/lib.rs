//! ehealth-attributes.
pub mod feed;
pub mod lookup;
pub mod model;
pub mod policy;
pub mod store;
pub mod sync;
