//! Signed messages as clients send them: accepted, refused, recorded.

mod attacks;
mod base;
mod client;
mod clients;
mod command;
mod forge;
mod harness;
mod mutations;
mod relays;
