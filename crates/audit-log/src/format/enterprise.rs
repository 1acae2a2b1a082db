//! Enterprise numbers in four bytes, in the clear part of a record and in its encrypted detail.

use ehealth_core::model::EnterpriseNumber;

/// An enterprise number in four bytes; 0 is none (its check digits would be 97).
pub(crate) fn encode_number(number: Option<EnterpriseNumber>) -> [u8; 4] {
    // Enterprise numbers begin with 0 or 1: ten digits fit.
    number.and_then(|number| u32::try_from(number.as_u64()).ok()).unwrap_or(0).to_be_bytes()
}

/// An enterprise number out of four bytes; the outer `None` if it is a wrong one.
pub(crate) fn parse_number(bytes: [u8; 4]) -> Option<Option<EnterpriseNumber>> {
    match u64::from(u32::from_be_bytes(bytes)) {
        0 => Some(None),
        number => EnterpriseNumber::from_u64(number).ok().map(Some),
    }
}
