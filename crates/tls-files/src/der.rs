//! Tells the kinds of DER apart by their first tags, without a parser of their content.

use super::form::Form;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]` of a certificate: its version (RFC 5280, section 4.1).
const EXPLICIT_0: u8 = 0xa0;

/// Version of a PKCS #12 file (RFC 7292, section 4).
const PKCS_12_VERSION: &[u8] = &[3];
/// The same file where its SEQUENCE has an indefinite length (BER), as some programs write it.
const PKCS_12_BER: &[u8] = &[SEQUENCE, 0x80, INTEGER, 1, 3];
/// First bytes of a Java keystore.
const JAVA_KEYSTORE: &[u8] = b"\xfe\xed\xfe\xed";

/// Returns the form of a binary file; `None` if it is not one SEQUENCE, or of another kind.
///
/// A private key begins with an INTEGER (PKCS #8, PKCS #1, SEC 1: its version), and so does a PKCS
/// #12 file, with another version. An encrypted key and a public key begin with an algorithm. A
/// certificate and a revocation list begin with a SEQUENCE. In a certificate this begins with `[0]`
/// (its version) or with its serial number (version 1), in a list with an INTEGER (its version) or
/// with its algorithm (version 1; RFC 5280, section 5.1).
pub(crate) fn form(bytes: &[u8]) -> Option<Form> {
    if bytes.starts_with(JAVA_KEYSTORE) {
        return Some(Form::JavaKeystore);
    }
    if bytes.starts_with(PKCS_12_BER) {
        return Some(Form::Pkcs12);
    }
    let (SEQUENCE, content, []) = value(bytes)? else { return None };
    match value(content)? {
        (INTEGER, PKCS_12_VERSION, _) => Some(Form::Pkcs12),
        (INTEGER, _, _) => Some(Form::PrivateKey),
        (OBJECT_IDENTIFIER, _, _) => Some(Form::Pkcs7Der),
        (SEQUENCE, signed, rest) => match value(signed)? {
            (EXPLICIT_0, _, _) => Some(Form::Certificate),
            (SEQUENCE, _, _) => Some(Form::RevocationList),
            (INTEGER, _, rest) => form_by_dates(rest),
            (OBJECT_IDENTIFIER, _, _) => match value(rest)? {
                (OCTET_STRING, _, _) => Some(Form::EncryptedKeyDer),
                (BIT_STRING, _, _) => Some(Form::PublicKey),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Tells a certificate of version 1 from a revocation list by what follows the INTEGER (a serial
/// number or a version), the algorithm and the issuer: the two dates of a certificate in a
/// SEQUENCE, or the date of a list itself.
fn form_by_dates(bytes: &[u8]) -> Option<Form> {
    let (SEQUENCE, _, bytes) = value(bytes)? else { return None };
    let (SEQUENCE, _, bytes) = value(bytes)? else { return None };
    match value(bytes)? {
        (SEQUENCE, _, _) => Some(Form::Certificate),
        (UTC_TIME | GENERALIZED_TIME, _, _) => Some(Form::RevocationList),
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
