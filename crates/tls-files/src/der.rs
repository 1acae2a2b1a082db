//! Tells the kinds of DER apart by their first tags, without a parser of their content.

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]` of a certificate: its version (RFC 5280, section 4.1).
const EXPLICIT_0: u8 = 0xa0;

/// Kind of a DER value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DerKind {
    Certificate,
    RevocationList,
    PrivateKey,
}

/// Returns the kind of a DER value; `None` if it is not one SEQUENCE, or of another kind.
///
/// A private key begins with an INTEGER (PKCS #8, PKCS #1, SEC 1: its version). A certificate and a
/// revocation list begin with a SEQUENCE. In a certificate this begins with `[0]` (its version) or
/// with its serial number (version 1), in a list with an INTEGER (its version) or with its
/// algorithm (version 1; RFC 5280, section 5.1).
pub(crate) fn kind(bytes: &[u8]) -> Option<DerKind> {
    let (SEQUENCE, content, []) = value(bytes)? else { return None };
    match value(content)? {
        (INTEGER, _, _) => Some(DerKind::PrivateKey),
        (SEQUENCE, signed, _) => match value(signed)? {
            (EXPLICIT_0, _, _) => Some(DerKind::Certificate),
            (SEQUENCE, _, _) => Some(DerKind::RevocationList),
            (INTEGER, _, rest) => kind_by_dates(rest),
            _ => None,
        },
        _ => None,
    }
}

/// Tells a certificate of version 1 from a revocation list by what follows the INTEGER (a serial
/// number or a version), the algorithm and the issuer: the two dates of a certificate in a
/// SEQUENCE, or the date of a list itself.
fn kind_by_dates(bytes: &[u8]) -> Option<DerKind> {
    let (SEQUENCE, _, bytes) = value(bytes)? else { return None };
    let (SEQUENCE, _, bytes) = value(bytes)? else { return None };
    match value(bytes)? {
        (SEQUENCE, _, _) => Some(DerKind::Certificate),
        (UTC_TIME | GENERALIZED_TIME, _, _) => Some(DerKind::RevocationList),
        _ => None,
    }
}

/// Tag and content of the first value, and the bytes behind it.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, length, rest @ ..] = bytes else { return None };
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
