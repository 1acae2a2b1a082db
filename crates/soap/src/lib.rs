//! SOAP: bytes in, a question or a fault out; an answer or a fault in, bytes out.
//!
//! Pure and synchronous: no clock, no network, no file. The crate knows of HTTP only the two header
//! fields to which SOAP gives a meaning, `Content-Type` and `SOAPAction`, and does not know who
//! calls. No input makes it panic, and no input costs more than its length allows.

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

// The contract: its names, its limits, its WSDL and schemas, a message of each operation.
pub mod consumer_header;
mod example;
pub mod limits;
pub mod names;
pub mod wsdl;

// What comes in: the bounded XML reader, SOAP 1.1 and WS-Addressing 1.0, the payload exactly as the
// schema.
mod content;
mod content_type;
mod end_user;
mod envelope;
pub mod reader;
mod request;

// What was signed: the canonical form of an element.
pub mod signature;

// What can be wrong, each with its code.
mod fault;
mod message_error;
mod note;
mod well_known;
mod xml_error;

// What goes out.
mod response;
pub mod writer;

pub use content_type::{Charset, MediaType, MediaTypeError};
pub use envelope::{Addressing, SecurityHeader};
pub use example::example;
pub use fault::{ExchangeFault, Fault, FaultRow};
pub use message_error::{BadMessage, FaultCode, Location, MessageError};
pub use note::{KnownAttribute, Note};
pub use reader::Document;
pub use request::{Payload, RefusedRequest, Request, read_request, read_request_with};
pub use response::{Handling, TestReply, write_answer, write_fault, write_test_reply};
pub use well_known::{FoundNamespace, WellKnown};
pub use xml_error::XmlError;
