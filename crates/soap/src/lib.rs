//! The SOAP door: bytes in, a question or a fault out; an answer or a fault in, bytes out.
//!
//! | file | what |
//! |---|---|
//! | [`names`] | every word of the contract |
//! | [`limits`] | how much of everything a message may have |
//! | `content_type` | `Content-Type`: may this be a message, in which encoding |
//! | [`reader`] | the bounded XML reader: well-formed, no DOCTYPE, within bounds |
//! | `envelope` | SOAP 1.1 and WS-Addressing 1.0 |
//! | `content`, `request` | the payload, to the letter of the schema |
//! | `flaw`, `mistake`, `fault` | every way to be wrong, each with its code |
//! | `writer`, `response` | what goes out |
//! | [`wsdl`], `example` | the contract itself, for client generators; a message to begin with |
//!
//! Pure and synchronous: no clock, no network, no file. It knows no HTTP but the two header fields that SOAP gives a
//! meaning to, and does not know who calls. No input makes it panic, and none costs more than its length allows.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        reason = "everything read here comes from a peer: no input may end the process"
    )
)]

mod content;
mod content_type;
mod envelope;
mod example;
mod fault;
mod flaw;
pub mod limits;
mod mistake;
pub mod names;
pub mod reader;
mod request;
mod response;
pub mod writer;
pub mod wsdl;

pub use content_type::{Charset, MediaType};
pub use envelope::Addressing;
pub use example::example;
pub use fault::{Fault, FaultRow};
pub use flaw::XmlError;
pub use mistake::{BadMessage, FaultCode, Location, MessageError, Note};
pub use request::{Payload, RefusedRequest, Request, read_request};
pub use response::{Handling, TestReply, write_answer, write_fault, write_test_reply};
