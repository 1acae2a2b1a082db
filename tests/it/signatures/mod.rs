//! Signed messages as clients send them: accepted, refused, recorded, explained.

mod attacks;
mod causes;
mod client;
mod clients;
mod command;
mod commands;
mod forge;
mod harness;
mod mutations;
mod policy_check;
mod relays;
mod signer;
mod signing_errors;
mod stacks;
mod stored_message;
