//! A message for each operation, to begin with: the demonstration sends it, the service's page shows it.
//!
//! They ask about an invented person of the catalogue, and are kept in `fixtures/examples`, where tests send them.

use ehealth_core::lookup::Operation;

/// An envelope that the operation answers, as a person would write it.
#[must_use]
pub fn example(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => include_str!("../../../fixtures/examples/consultAttributes.xml"),
        Operation::SendTestMessage => include_str!("../../../fixtures/examples/sendTestMessage.xml"),
    }
}
