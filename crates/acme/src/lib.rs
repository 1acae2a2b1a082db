//! Certificates from an ACME server (RFC 8555), with the challenge `http-01`.
//!
//! The protocol is that of `instant-acme`. This crate adds what an unattended command needs: connections that are
//! limited in time and size, a listener or a folder that answers the challenge, and errors that say what to do.
//!
//! The ACME server is a peer: its texts are bounded, a token is validated before it becomes the name of a file, and
//! only HTTPS is used.
//!
//! | to | call |
//! |---|---|
//! | make an account | [`Directory::register`] |
//! | use an account | [`Directory::open`] |
//! | get a certificate | [`Account::order`] |
//! | make a key, or a request for a key | [`make_key`], [`make_request`] |

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)
)]

// The ACME server: connections, accounts, orders.
mod account;
mod order;
mod transport;

// The challenge: who answers it.
mod listener;
mod token;
mod webroot;

// Keys and certificate requests.
mod request;

mod error;

pub use account::{Account, Directory, ExternalAccount, parse_external_key};
pub use error::AcmeError;
pub use order::{Challenge, ORDER_TIMEOUT};
pub use request::{make_key, make_request};
