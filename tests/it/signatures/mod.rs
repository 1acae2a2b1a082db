//! Signed messages as clients send them: accepted, refused, recorded, explained.

mod causes;
mod clients;
mod commands;
mod harness;
mod signer;
mod signing_errors;
