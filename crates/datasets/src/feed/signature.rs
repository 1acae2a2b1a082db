//! `notification.sig`: the signature of a notification, a C2SP signed note with Ed25519 signatures.
//!
//! The note's text names the document by its hash; it is verified before anything in the document
//! is parsed. Session and serial from the text are returned ([`SignedClaims`]), and the caller
//! compares them with the document. Format: `docs/reference/feeds.md "Signature"`.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use super::content::digest_of;
use super::notification::Session;
use ehealth_core::model::Dataset;

/// First line of the note's text.
const PURPOSE: &str = "ehealth-attributes feed";

/// Algorithm byte of Ed25519 (C2SP signed-note, "Signature types").
const ED25519_TYPE: u8 = 1;

/// Maximum signatures of a note. Each costs a verification, and a key does not need two.
const SIGNATURES_MAX: usize = 16;

/// Name and public key of a publisher that signs notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    name: String,
    id: [u8; 4],
    key: [u8; 32],
}

/// What a verified note claims about its notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedClaims {
    /// Session of the notification.
    pub session: Session,
    /// Serial of the notification.
    pub serial: u64,
}

/// Why a note does not authenticate a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The bytes are not a signed note, or its text is not that of a feed.
    #[error("notification.sig is not a signed note of a feed")]
    Form,
    /// No signature of the feed's key, or an invalid one.
    #[error("notification.sig has no valid signature by the feed's key")]
    Unsigned,
    /// The note belongs to another document or dataset, or its session or serial differs from the
    /// document's.
    #[error("notification.sig belongs to another notification")]
    OtherNotification,
}

impl Signer {
    /// Parses a verifier key: `NAME+HHHHHHHH+BASE64`, with the hash of name and key in the middle
    /// (C2SP signed-note, "Verifier keys"). `None` for any other form, and for any algorithm but
    /// Ed25519.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('+')?;
        let (id, key) = rest.split_once('+')?;
        let is_name = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control());
        let bytes = decode_base64(key)?;
        let (kind, key) = bytes.split_first()?;
        let key: [u8; 32] = key.try_into().ok()?;
        let expected = key_id(name, key);
        let written: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
        let is_valid = is_name && *kind == ED25519_TYPE && id == written;
        is_valid.then(|| Self { name: name.to_owned(), id: expected, key })
    }

    /// Verifies a note for a document. Nothing of the document is parsed.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, note: &[u8], document: &[u8], dataset: Dataset) -> Result<SignedClaims, SignatureError> {
        let note = std::str::from_utf8(note).map_err(|_| SignatureError::Form)?;
        // The text may contain blank lines; the last one ends it.
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(SignatureError::Form)?;
        let signed = format!("{text}\n");
        if !self.has_signed(signed.as_bytes(), signatures)? {
            return Err(SignatureError::Unsigned);
        }
        let lines: Vec<&str> = text.split('\n').collect();
        let [PURPOSE, of, session, serial, hash] = *lines.as_slice() else { return Err(SignatureError::Form) };
        let session = Session::parse(session).ok_or(SignatureError::Form)?;
        let is_number = serial.bytes().all(|b| b.is_ascii_digit());
        let serial = serial.parse().ok().filter(|_| is_number).ok_or(SignatureError::Form)?;
        if of != dataset.code() || !hash.eq_ignore_ascii_case(&digest_of(document).to_string()) {
            return Err(SignatureError::OtherNotification);
        }
        Ok(SignedClaims { session, serial })
    }

    /// Whether one of the signature lines is by this key. An invalid signature in its name is an
    /// error, even beside a valid one.
    fn has_signed(&self, text: &[u8], signatures: &str) -> Result<bool, SignatureError> {
        let lines = signatures.strip_suffix('\n').ok_or(SignatureError::Form)?;
        let mut has_signed = false;
        for (count, line) in lines.split('\n').enumerate() {
            let (name, signature) =
                line.strip_prefix("\u{2014} ").and_then(|line| line.split_once(' ')).ok_or(SignatureError::Form)?;
            let bytes = decode_base64(signature).ok_or(SignatureError::Form)?;
            let (id, signature) = bytes.split_at_checked(4).ok_or(SignatureError::Form)?;
            if count == SIGNATURES_MAX {
                return Err(SignatureError::Form);
            }
            if name == self.name && id == self.id {
                let key = UnparsedPublicKey::new(&ED25519, &self.key);
                key.verify(text, signature).map_err(|_| SignatureError::Unsigned)?;
                has_signed = true;
            }
        }
        Ok(has_signed)
    }
}

/// Key ID: the first four bytes of SHA-256 over the name, a line end, the algorithm and the key.
fn key_id(name: &str, key: [u8; 32]) -> [u8; 4] {
    let mut text = format!("{name}\n").into_bytes();
    text.push(ED25519_TYPE);
    text.extend_from_slice(&key);
    digest_of(&text).as_bytes().first_chunk().copied().unwrap_or_default()
}

/// Decodes standard base64 with padding (RFC 4648, section 4). The unused bits must be zero.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() || groups.is_empty() {
        return None;
    }
    let mut bytes = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let is_last = index.saturating_add(1) == groups.len();
        let padding = group.iter().rev().take_while(|b| **b == b'=').count();
        if padding > 2 || (padding > 0 && !is_last) {
            return None;
        }
        let mut bits = 0_u32;
        for b in group.iter().take(4_usize.saturating_sub(padding)) {
            bits = bits << 6 | u32::from(sextet(*b)?);
        }
        bits <<= match padding {
            0 => 0,
            1 => 6,
            _ => 12,
        };
        let [_, a, b, c] = bits.to_be_bytes();
        let kept = 3_usize.saturating_sub(padding);
        if [a, b, c].iter().skip(kept).any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend([a, b, c].into_iter().take(kept));
    }
    Some(bytes)
}

fn sextet(b: u8) -> Option<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    alphabet.iter().position(|letter| *letter == b).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> (Signer, aws_lc_rs::signature::Ed25519KeyPair) {
        use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
        let key: [u8; 32] = pair.public_key().as_ref().try_into().expect("32 bytes");
        (Signer { name: "publisher".into(), id: key_id("publisher", key), key }, pair)
    }

    fn encode(bytes: &[u8]) -> String {
        let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let mut group = [0; 4];
            group[1..=chunk.len()].copy_from_slice(chunk);
            let bits = u32::from_be_bytes(group);
            for position in 0..4 {
                let index = (bits >> (18 - 6 * position)) as usize & 63;
                text.push(if position > chunk.len() { '=' } else { alphabet[index] });
            }
        }
        text
    }

    fn note(text: &str, name: &str) -> String {
        let (signer, pair) = signer();
        let signature = pair.sign(format!("{text}\n").as_bytes());
        format!("{text}\n\n\u{2014} {name} {}\n", encode(&[&signer.id, signature.as_ref()].concat()))
    }

    fn text(dataset: &str, document: &[u8]) -> String {
        format!("{PURPOSE}\n{dataset}\n9df4b597-af9e-4dca-bdda-719cce2c4e28\n7\n{}", digest_of(document))
    }

    #[test]
    fn a_note_authenticates_one_document_of_one_dataset() {
        let (signer, _) = signer();
        let note = note(&text("dimona", b"<x/>"), "publisher");
        let claims = signer.verify(note.as_bytes(), b"<x/>", Dataset::Dimona).expect("validly signed");
        assert_eq!(claims.serial, 7);
        let verify = |note: &str, document: &[u8], dataset| signer.verify(note.as_bytes(), document, dataset);
        assert_eq!(verify(&note, b"<y/>", Dataset::Dimona), Err(SignatureError::OtherNotification));
        assert_eq!(verify(&note, b"<x/>", Dataset::Coprev), Err(SignatureError::OtherNotification));
        let changed = note.replacen("\n7\n", "\n8\n", 1);
        assert_eq!(verify(&changed, b"<x/>", Dataset::Dimona), Err(SignatureError::Unsigned));
    }

    #[test]
    fn refuses_another_name_key_or_form() {
        let (signer, _) = signer();
        let valid = text("dimona", b"<x/>");
        for (note, error) in [
            (note(&valid, "impostor"), SignatureError::Unsigned),
            (note(&valid, "publisher").trim_end().to_owned(), SignatureError::Form),
            (format!("{valid}\n"), SignatureError::Form),
            (note(&format!("{valid}\nmore"), "publisher"), SignatureError::Form),
            (note(&valid.replace(PURPOSE, "ehealth-attributes trail"), "publisher"), SignatureError::Form),
            (note(&valid, "publisher").replace("\u{2014}", "-"), SignatureError::Form),
            (format!("{}\u{2014} other x\n", note(&valid, "publisher")), SignatureError::Form),
            (String::new(), SignatureError::Form),
        ] {
            assert_eq!(signer.verify(note.as_bytes(), b"<x/>", Dataset::Dimona), Err(error), "{note}");
        }
        let beside = format!("{}\u{2014} other {}\n", note(&valid, "publisher"), encode(&[1; 68]));
        assert!(signer.verify(beside.as_bytes(), b"<x/>", Dataset::Dimona).is_ok());
    }

    #[test]
    fn parses_verifier_keys() {
        let (signer, _) = signer();
        let id: String = signer.id.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = encode(&[&[ED25519_TYPE][..], &signer.key].concat());
        assert_eq!(Signer::parse(&format!("publisher+{id}+{key}")), Some(signer));
        for wrong in [
            format!("impostor+{id}+{key}"),
            format!("publisher+00000000+{key}"),
            format!("publisher+{id}"),
            format!("publisher+{id}+{key}="),
            format!("pub lisher+{id}+{key}"),
        ] {
            assert_eq!(Signer::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn base64_is_decoded_strictly() {
        for length in 1..8_u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(83)).collect();
            assert_eq!(decode_base64(&encode(&bytes)), Some(bytes));
        }
        for wrong in ["", "A", "AA", "AAA", "====", "A===", "AB==", "AAB=", "AA==AAAA", "AA\n=", "AA-_"] {
            assert_eq!(decode_base64(wrong), None, "{wrong}");
        }
    }
}
