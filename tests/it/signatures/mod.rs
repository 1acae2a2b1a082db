//! Signed messages as clients send them: accepted, refused, recorded, explained.

mod attacks;
mod base;
mod causes;
mod client;
mod clients;
mod command;
mod commands;
mod forge;
mod harness;
mod mistakes;
mod mutations;
mod relays;
mod signer;
mod stacks;
