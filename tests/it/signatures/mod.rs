//! Signed messages as clients send them: accepted, refused, recorded.

mod attacks;
mod base;
mod clients;
mod forge;
mod harness;
mod relays;
