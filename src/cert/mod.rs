//! What a caller's certificate says: its facts, and the one organisation that its subject names.
//!
//! The only room that looks inside a certificate. It does not verify chains (the TLS engine does) and knows no
//! consumers (policy does). A name that could be read in two ways is refused, never guessed.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]

mod facts;
mod identify;
mod subject;

pub use facts::{CertificateError, Facts};
pub use identify::IdentityError;
