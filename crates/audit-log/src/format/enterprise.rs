//! Enterprise numbers in four bytes, as records and encrypted details hold them.

use ehealth_core::model::EnterpriseNumber;

/// Encodes an enterprise number in four bytes. 0 means none: its check digits would be 97.
pub(crate) fn encode_number(number: Option<EnterpriseNumber>) -> [u8; 4] {
    // An enterprise number has ten digits and begins with 0 or 1, so it fits 32 bits.
    number.and_then(|number| u32::try_from(number.as_u64()).ok()).unwrap_or(0).to_be_bytes()
}

/// Decodes an enterprise number. The outer `Option` is `None` for an invalid number, the inner one
/// for 0.
pub(crate) fn parse_number(bytes: [u8; 4]) -> Option<Option<EnterpriseNumber>> {
    match u64::from(u32::from_be_bytes(bytes)) {
        0 => Some(None),
        number => EnterpriseNumber::from_u64(number).ok().map(Some),
    }
}
