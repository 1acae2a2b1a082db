//! What certificates and revocation lists say: facts, uses, and the one organisation that a subject names.
//!
//! The only room that looks inside a certificate. It builds no chains (the TLS engine does) and knows no consumers
//! (policy does). A name that could be read in two ways is refused, never guessed.

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

mod der;
mod facts;
mod identify;
mod profile;
mod revocation;
mod serial;
mod subject;

pub use facts::{CertificateError, Facts};
pub use identify::IdentityError;
pub use profile::{Profile, UnfitLeaf};
pub use revocation::{ListAge, ListError, RevocationList, SignedBytes, read_issuer};
pub use serial::Serial;
