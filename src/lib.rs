//! ehealth-attributes.
