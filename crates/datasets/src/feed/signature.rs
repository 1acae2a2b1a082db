//! `notification.sig`: a publisher's word for its notification, as a C2SP signed note with Ed25519 signatures.
//!
//! The note's text says which document it is about; it is checked before anything in that document is read. What the
//! text says of session and serial is handed out, to be held against what the document says ([`Vouched`]).

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use super::{Session, digest_of};
use ehealth_core::model::Dataset;

/// The first line of the text.
const PURPOSE: &str = "ehealth-attributes feed";

/// The algorithm byte of Ed25519 (C2SP signed-note, "Signature types").
const ED25519_TYPE: u8 = 1;

/// More signatures than these are not looked at: each costs a verification, and a key has no use for two.
const SIGNATURES_MAX: usize = 16;

/// The key that a publisher signs with, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    name: String,
    id: [u8; 4],
    key: [u8; 32],
}

/// What a note that is rightly signed says of the notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// Its session.
    pub session: Session,
    /// Its serial.
    pub serial: u64,
}

/// Why a note vouches for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is no signed note, or its text is not that of a feed.
    #[error("the signature is not a signed note of a feed")]
    Form,
    /// The key has not signed it.
    #[error("the note is not signed with the feed's key")]
    Unsigned,
    /// It is about another document, another dataset, or a document that says something else of itself.
    #[error("the note is about another notification")]
    Elsewhere,
}

impl Signer {
    /// Reads a verifier key: `NAME+HHHHHHHH+BASE64`, the hash of name and key in the middle (C2SP signed-note,
    /// "Verifier keys"). `None` if it is not such a one, or not of Ed25519.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('+')?;
        let (id, key) = rest.split_once('+')?;
        let is_name = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control());
        let bytes = decode_base64(key)?;
        let (kind, key) = bytes.split_first()?;
        let key: [u8; 32] = key.try_into().ok()?;
        let of_key = key_id(name, key);
        let written: String = of_key.iter().map(|byte| format!("{byte:02x}")).collect();
        let right = is_name && *kind == ED25519_TYPE && id == written;
        right.then(|| Self { name: name.to_owned(), id: of_key, key })
    }

    /// Holds a note against a document, of which nothing was read yet.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, note: &[u8], document: &[u8], dataset: Dataset) -> Result<Vouched, SignatureError> {
        let note = std::str::from_utf8(note).map_err(|_| SignatureError::Form)?;
        // A text may hold blank lines; the last one ends it.
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
            return Err(SignatureError::Elsewhere);
        }
        Ok(Vouched { session, serial })
    }

    /// Whether one of the signature lines is this key's. A wrong one in its name spoils the note, whatever else is there.
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

/// The first four bytes of SHA-256 over the name, a line end, the algorithm and the key.
fn key_id(name: &str, key: [u8; 32]) -> [u8; 4] {
    let mut text = format!("{name}\n").into_bytes();
    text.push(ED25519_TYPE);
    text.extend_from_slice(&key);
    digest_of(&text).as_bytes().first_chunk().copied().unwrap_or_default()
}

/// Standard base64 with padding (RFC 4648, 4), the unused bits zero.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() || groups.is_empty() {
        return None;
    }
    let mut bytes = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let is_last = at.saturating_add(1) == groups.len();
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
    alphabet.iter().position(|letter| *letter == b).and_then(|at| u8::try_from(at).ok())
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
            for place in 0..4 {
                let index = (bits >> (18 - 6 * place)) as usize & 63;
                text.push(if place > chunk.len() { '=' } else { alphabet[index] });
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
    fn a_note_vouches_for_one_document_of_one_dataset() {
        let (signer, _) = signer();
        let note = note(&text("dimona", b"<x/>"), "publisher");
        let vouched = signer.verify(note.as_bytes(), b"<x/>", Dataset::Dimona).expect("rightly signed");
        assert_eq!(vouched.serial, 7);
        let verify = |note: &str, document: &[u8], dataset| signer.verify(note.as_bytes(), document, dataset);
        assert_eq!(verify(&note, b"<y/>", Dataset::Dimona), Err(SignatureError::Elsewhere));
        assert_eq!(verify(&note, b"<x/>", Dataset::Coprev), Err(SignatureError::Elsewhere));
        let changed = note.replacen("\n7\n", "\n8\n", 1);
        assert_eq!(verify(&changed, b"<x/>", Dataset::Dimona), Err(SignatureError::Unsigned));
    }

    #[test]
    fn another_name_key_or_form_vouches_for_nothing() {
        let (signer, _) = signer();
        let right = text("dimona", b"<x/>");
        for (note, error) in [
            (note(&right, "somebody"), SignatureError::Unsigned),
            (note(&right, "publisher").trim_end().to_owned(), SignatureError::Form),
            (format!("{right}\n"), SignatureError::Form),
            (note(&format!("{right}\nmore"), "publisher"), SignatureError::Form),
            (note(&right.replace(PURPOSE, "ehealth-attributes trail"), "publisher"), SignatureError::Form),
            (note(&right, "publisher").replace("\u{2014}", "-"), SignatureError::Form),
            (format!("{}\u{2014} other x\n", note(&right, "publisher")), SignatureError::Form),
            (String::new(), SignatureError::Form),
        ] {
            assert_eq!(signer.verify(note.as_bytes(), b"<x/>", Dataset::Dimona), Err(error), "{note}");
        }
        let beside = format!("{}\u{2014} other {}\n", note(&right, "publisher"), encode(&[1; 68]));
        assert!(signer.verify(beside.as_bytes(), b"<x/>", Dataset::Dimona).is_ok());
    }

    #[test]
    fn reads_verifier_keys() {
        let (signer, _) = signer();
        let id: String = signer.id.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = encode(&[&[ED25519_TYPE][..], &signer.key].concat());
        assert_eq!(Signer::parse(&format!("publisher+{id}+{key}")), Some(signer));
        for wrong in [
            format!("somebody+{id}+{key}"),
            format!("publisher+00000000+{key}"),
            format!("publisher+{id}"),
            format!("publisher+{id}+{key}="),
            format!("pub lisher+{id}+{key}"),
        ] {
            assert_eq!(Signer::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn base64_is_read_to_the_letter() {
        for length in 1..8_u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(83)).collect();
            assert_eq!(decode_base64(&encode(&bytes)), Some(bytes));
        }
        for wrong in ["", "A", "AA", "AAA", "====", "A===", "AB==", "AAB=", "AA==AAAA", "AA\n=", "AA-_"] {
            assert_eq!(decode_base64(wrong), None, "{wrong}");
        }
    }
}
