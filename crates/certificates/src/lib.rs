//! Certificates and revocation lists: facts, permitted uses, and the organisation that a subject
//! names.
//!
//! The only module that parses certificates. It builds no chains (the TLS library does) and knows
//! no consumers (the policy does). A name that could be read in two ways is refused, never guessed.

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

// Certificates: who holds one, and what it may be used for.
mod description;
mod facts;
mod identify;
mod key;
mod profile;
mod purposes;
mod subject;
mod text;

// Revocation lists.
mod revocation;

// What both are made of.
mod der;
mod serial;

pub use description::{Description, Names};
pub use facts::{CertificateError, Facts, may_be_server, sha256};
pub use identify::IdentityError;
pub use key::KeyKind;
pub use profile::{Profile, UnfitLeaf};
pub use purposes::Purposes;
pub use revocation::{ListAge, ListError, RevocationList, SignedBytes, read_issuer, read_signed};
pub use serial::Serial;
