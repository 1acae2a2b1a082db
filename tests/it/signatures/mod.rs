//! Signed messages as clients send them: accepted, refused, recorded.

mod clients;
mod harness;
