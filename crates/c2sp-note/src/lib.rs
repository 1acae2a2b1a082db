//! Signed notes (C2SP signed-note v1.0.0) with Ed25519 keys: text, a blank line, and one line a
//! signature.
//!
//! The checkpoints of the audit log and the signatures of dataset feeds are such notes. This crate
//! knows the form and the cryptography; what a text means is up to its caller. `audit-verify` has
//! its own implementation: it must not share code with what it verifies.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Signature type of Ed25519 (C2SP signed-note, "Signature types").
const ED25519_TYPE: u8 = 1;

/// Bytes of an Ed25519 public key and of a seed.
pub const KEY_BYTES: usize = 32;

/// Maximum signature lines of a note. Each costs a verification, and no key needs two.
const MAX_SIGNATURES: usize = 16;

/// Key ID: the first four bytes of SHA-256 over name, line feed, signature type and public key.
type KeyId = [u8; 4];

/// Name and public key that verify a note, in text `NAME+HHHHHHHH+BASE64` (C2SP signed-note,
/// "Verifier keys").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    key: [u8; KEY_BYTES],
}

impl VerifierKey {
    /// Constructs the verifier key of a name and an Ed25519 public key; `None` if the name is not
    /// valid in a note.
    #[must_use]
    pub fn new(name: &str, key: [u8; KEY_BYTES]) -> Option<Self> {
        is_name(name).then(|| Self { name: name.to_owned(), id: key_id(name, key), key })
    }

    /// Parses the text form. `None` for any other form, for a wrong key ID, and for an algorithm
    /// other than Ed25519.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('+')?;
        let (id, key) = rest.split_once('+')?;
        let bytes = decode_base64(key)?;
        let (&ED25519_TYPE, key) = bytes.split_first()? else { return None };
        let parsed = Self::new(name, key.try_into().ok()?)?;
        (id == hex(parsed.id)).then_some(parsed)
    }

    /// Name of the key: the name that its signature lines carry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Verifies a note: at least one of its signatures is by this key, and none in its name is
    /// invalid.
    ///
    /// # Errors
    /// [`NotSigned`] otherwise.
    pub fn verify(&self, note: &Note<'_>) -> Result<(), NotSigned> {
        let mut is_signed = false;
        for (name, id, signature) in &note.signatures {
            if *name == self.name && *id == self.id {
                let key = UnparsedPublicKey::new(&ED25519, &self.key);
                key.verify(note.text.as_bytes(), signature).map_err(|_| NotSigned)?;
                is_signed = true;
            }
        }
        if is_signed { Ok(()) } else { Err(NotSigned) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed_key = [&[ED25519_TYPE][..], &self.key].concat();
        write!(f, "{}+{}+{}", self.name, hex(self.id), encode_base64(&typed_key))
    }
}

/// The note has no valid signature of the key, or an invalid one in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSigned;

/// Ed25519 key that signs notes under its name. `Debug` shows the public key alone.
pub struct SignerKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl SignerKey {
    /// Constructs the key from its seed; `None` if the name is not valid in a note.
    #[must_use]
    pub fn from_seed(seed: &[u8; KEY_BYTES], name: &str) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let key = pair.public_key().as_ref().try_into().ok()?;
        Some(Self { verifier: VerifierKey::new(name, key)?, pair })
    }

    /// Verifier key for this signer.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signature line of a text, with its line feed. Ed25519 is deterministic: the same text gives
    /// the same line.
    #[must_use]
    pub fn signature_line(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let bytes = [self.verifier.id.as_slice(), signature.as_ref()].concat();
        format!("\u{2014} {} {}\n", self.verifier.name, encode_base64(&bytes))
    }

    /// Note of a text, which must end with a line feed, with one signature.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        format!("{text}\n{}", self.signature_line(text))
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier)
    }
}

/// A note, taken apart and not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<(&'a str, KeyId, Vec<u8>)>,
}

impl<'a> Note<'a> {
    /// Parses a note: text, blank line, 1 to 16 signature lines. `None` for any other form.
    #[must_use]
    pub fn parse(note: &'a str) -> Option<Self> {
        // The text may contain blank lines; the last one ends it.
        let end = note.rfind("\n\n")?;
        let (text, rest) = note.split_at_checked(end.checked_add(1)?)?;
        let lines = rest.strip_prefix('\n')?.strip_suffix('\n')?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return None;
        }
        let signatures = lines.split('\n').map(parse_line).collect::<Option<_>>()?;
        Some(Self { text, signatures })
    }

    /// Text that is signed, with its last line feed.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }
}

fn parse_line(line: &str) -> Option<(&str, KeyId, Vec<u8>)> {
    let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = decode_base64(signature)?;
    let (id, signature) = bytes.split_first_chunk()?;
    Some((name, *id, signature.to_vec()))
}

/// Whether a text is a key name: not empty, without white space, `+` and control characters.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

fn key_id(name: &str, key: [u8; KEY_BYTES]) -> KeyId {
    let text = [name.as_bytes(), b"\n", &[ED25519_TYPE], &key].concat();
    digest(&SHA256, &text).as_ref().first_chunk().copied().unwrap_or_default()
}

fn hex(id: KeyId) -> String {
    id.map(|byte| format!("{byte:02x}")).concat()
}

/// Encodes standard base64 with padding (RFC 4648, section 4).
#[must_use]
pub fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes standard base64 with padding (RFC 4648, section 4). Unused bits must be zero, and there
/// must be a byte.
#[must_use]
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> SignerKey {
        SignerKey::from_seed(&[7; KEY_BYTES], "example.org/log").expect("a name")
    }

    #[test]
    fn base64_is_decoded_strictly() {
        for length in 1..8_u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(83)).collect();
            assert_eq!(decode_base64(&encode_base64(&bytes)), Some(bytes));
        }
        for wrong in ["", "A", "AA", "AAA", "====", "A===", "AB==", "AAB=", "AA==AAAA", "AA\n=", "AA-_"] {
            assert_eq!(decode_base64(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_note_verifies_with_the_key_that_signed_it() {
        let note = signer().sign("a\n\nb\n");
        let parsed = Note::parse(&note).expect("a note");
        assert_eq!(parsed.text(), "a\n\nb\n");
        assert_eq!(signer().verifier().verify(&parsed), Ok(()));
        let other = SignerKey::from_seed(&[8; KEY_BYTES], "example.org/log").expect("a name");
        assert_eq!(other.verifier().verify(&parsed), Err(NotSigned));
        let both = format!("{note}{}", other.signature_line("a\n\nb\n"));
        let both = Note::parse(&both).expect("a note");
        assert_eq!(signer().verifier().verify(&both), Ok(()));
        assert_eq!(other.verifier().verify(&both), Ok(()));
    }

    #[test]
    fn a_change_of_any_byte_is_refused() {
        let note = signer().sign("text\n");
        for at in 0..note.len() {
            let mut changed = note.clone().into_bytes();
            changed[at] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let verified = Note::parse(&changed).map(|note| signer().verifier().verify(&note));
            assert_ne!(verified, Some(Ok(())), "{at}");
        }
    }

    #[test]
    fn an_invalid_signature_in_the_name_of_the_key_is_refused() {
        let wrong = signer().signature_line("other\n");
        let note = format!("{}{wrong}", signer().sign("text\n"));
        assert_eq!(signer().verifier().verify(&Note::parse(&note).expect("a note")), Err(NotSigned));
    }

    #[test]
    fn only_notes_are_parsed() {
        let note = signer().sign("text\n");
        let many = format!("text\n\n{}", signer().signature_line("text\n").repeat(MAX_SIGNATURES + 1));
        for wrong in ["", "text\n", "text\n\n", "text\n\n\n", note.trim_end(), &note.replace('\u{2014}', "-"), &many] {
            assert_eq!(Note::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn parses_verifier_keys() {
        let text = signer().verifier().to_string();
        assert_eq!(VerifierKey::parse(&text).as_ref(), Some(signer().verifier()));
        let (name, rest) = text.split_once('+').expect("a key");
        let (id, key) = rest.split_once('+').expect("a key");
        for wrong in [
            format!("impostor+{id}+{key}"),
            format!("{name}+00000000+{key}"),
            format!("{name}+{id}"),
            format!("{name}+{id}+{key}="),
            format!("two words+{id}+{key}"),
        ] {
            assert_eq!(VerifierKey::parse(&wrong), None, "{wrong}");
        }
    }
}
