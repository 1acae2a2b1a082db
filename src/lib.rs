//! A SOAP service that tells, from a person's number, the employer, the prevention service and the health-insurance fund:
//! nine fields, and only to who may have them.
//!
//! # The floors
//!
//! A room imports only rooms on floors below it; adapters never see each other. `tests/house.rs` holds this table.
//!
//! | floor | rooms | what is there |
//! |---|---|---|
//! | 0 words | [`model`] | identifiers, days, the nine fields, question and answer: right when they exist |
//! | 1 rules | [`policy`], [`lookup`] | who may ask what; how the answer is found, as a pipeline of types |
//! | 2 adapters | `soap`, [`cert`], `store`, `feed`, `audit` | one library each: the wire, certificates, the data, what brings them, the evidence |
//! | 3 engines | `sync`, `server`, `admin`, `client` | what runs: feeds into the store, the door, the operator's page, our own client |
//! | 4 roof | [`config`], `app`, `cli` | settings, composition, commands |
//!
//! # Reading order
//!
//! [`model`] for the words, [`policy`] for who may ask, then [`lookup`]: the two lines that make "authorised before read"
//! and "recorded before answered" true stand there, and do not compile when they are crossed.

pub mod cert;
pub mod config;
pub mod lookup;
pub mod model;
pub mod policy;
