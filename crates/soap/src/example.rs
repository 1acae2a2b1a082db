//! An example message of each operation. The demonstration sends it, and the page of the service
//! shows it.
//!
//! The examples ask about an invented person of the catalogue. They are files in
//! `fixtures/examples`; tests send them.

use ehealth_core::lookup::Operation;

/// Returns a request envelope of the operation, formatted for people.
#[must_use]
pub fn example(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => include_str!("../../../fixtures/examples/consultAttributes.xml"),
        Operation::SendTestMessage => include_str!("../../../fixtures/examples/sendTestMessage.xml"),
    }
}
