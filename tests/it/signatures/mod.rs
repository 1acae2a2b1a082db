//! Signed messages as clients send them: accepted, refused, recorded.

mod client;
mod clients;
mod command;
mod harness;
mod mutations;
