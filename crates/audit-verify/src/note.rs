//! Signed notes and checkpoints as a verifier reads them (C2SP signed-note, tlog-checkpoint), and the key for them.
//!
//! Strict: every byte of a note counts, so that no change of one goes unseen. A note with signatures of others as well
//! is fine (the standard wants that), as long as the key's own is there and right.

use std::fmt;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use ehealth_core::model::Digest;

use super::range::hash;

/// The signature type of Ed25519.
const TYPE: u8 = 1;
/// More signatures than this under one note nobody needs.
const MAX_SIGNATURES: usize = 16;

/// The public key of a trail, with the trail's name.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; 4],
    key: [u8; 32],
}

/// The text is no public key of signed notes: `name+number+base64`, Ed25519.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key of signed notes (name+number+base64, Ed25519)")]
pub struct VerifyingKeyError;

impl VerifyingKey {
    /// Reads `name+number+base64`, one line.
    ///
    /// # Errors
    /// [`VerifyingKeyError`], also if the number is not that of the name and the key.
    pub fn parse(text: &str) -> Result<Self, VerifyingKeyError> {
        let read = || {
            let mut parts = text.trim_end().splitn(3, '+');
            let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
            let (kind, key) =
                <[u8; 33]>::try_from(decode(key)?).ok()?.split_first().map(|(k, key)| (*k, key.to_vec()))?;
            let key: [u8; 32] = key.try_into().ok()?;
            let number = key_number(name, &key);
            let spelled = number.map(|byte| format!("{byte:02x}")).concat();
            let named = !name.is_empty() && !name.contains(char::is_whitespace);
            (kind == TYPE && named && spelled == id).then(|| Self { name: name.to_owned(), id: number, key })
        };
        read().ok_or(VerifyingKeyError)
    }

    /// The name of the trail.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The checkpoint that these bytes are, if this key signed it.
    pub(super) fn open(&self, bytes: &[u8]) -> Option<Checkpoint> {
        let note = std::str::from_utf8(bytes).ok()?;
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return None;
        }
        let end = note.rfind("\n\n")?.checked_add(1)?;
        let (text, signatures) = note.split_at_checked(end)?;
        let signatures = signatures.strip_prefix('\n')?.strip_suffix('\n')?;
        let mut signed = false;
        for (number, line) in signatures.split('\n').enumerate() {
            let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
            let bytes = decode(signature)?;
            let (id, signature) = bytes.split_first_chunk::<4>()?;
            if number >= MAX_SIGNATURES {
                return None;
            }
            if name == self.name && *id == self.id {
                UnparsedPublicKey::new(&ED25519, self.key).verify(text.as_bytes(), signature).ok()?;
                signed = true;
            }
        }
        let checkpoint = Checkpoint::parse(text)?;
        (signed && checkpoint.origin == self.name).then_some(checkpoint)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.name)
    }
}

fn key_number(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let mut text = name.as_bytes().to_vec();
    text.extend_from_slice(b"\n\x01");
    hash(None, [&text, key]).as_bytes().first_chunk().copied().unwrap_or_default()
}

/// What a checkpoint signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) root: Digest,
}

impl Checkpoint {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let number: u64 = size.parse().ok()?;
        let root = Digest::new(decode(root)?.try_into().ok()?);
        let sound = !origin.is_empty() && number.to_string() == size && lines.all(|line| !line.is_empty());
        sound.then(|| Self { origin: origin.to_owned(), size: number, root })
    }
}

/// Base64 with padding (RFC 4648, 4), canonical: bits that say nothing are zeros.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let last = groups.len().saturating_sub(1);
    for (number, group) in groups.iter().enumerate() {
        let padding = match group {
            [_, _, b'=', b'='] => 2,
            [_, _, _, b'='] => 1,
            _ => 0,
        };
        if padding > 0 && number != last {
            return None;
        }
        let mut bits = 0_u32;
        for digit in group.iter().take(4_usize.saturating_sub(padding)) {
            bits = bits << 6 | value(*digit)?;
        }
        bits = [bits, bits << 6, bits << 12].get(padding).copied()?;
        let [_, three @ ..] = bits.to_be_bytes();
        let (kept, dropped) = three.split_at_checked(3_usize.saturating_sub(padding))?;
        if dropped.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    let (first, from) = match digit {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' => (b'+', 62),
        b'/' => (b'/', 63),
        _ => return None,
    };
    Some(u32::from(digit.abs_diff(first)).saturating_add(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP signed-note, under a key that was made for it, cannot be had; the one of Go's
    /// `golang.org/x/mod/sumdb/note` can: its documentation shows this key and this note.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn reads_a_key_and_a_signature_that_other_software_made() {
        let key = VerifyingKey::parse(KEY).expect("a key");
        assert_eq!(key.name(), "PeterNeumann");
        let (text, line) = NOTE.split_once("\n\n").expect("signed");
        let signature = decode(line.trim_end().rsplit(' ').next().expect("a word")).expect("base64");
        let (id, signature) = signature.split_at(4);
        assert_eq!(id, key.id);
        UnparsedPublicKey::new(&ED25519, key.key).verify(format!("{text}\n").as_bytes(), signature).expect("right");
        assert_eq!(key.open(NOTE.as_bytes()), None, "signed, but no checkpoint");
    }

    #[test]
    fn refuses_what_is_no_key() {
        for text in
            ["", "name", KEY.trim_end_matches('W'), &KEY.replace("c74f", "c74e"), &KEY.replace("Peter", "Pet er")]
        {
            assert_eq!(VerifyingKey::parse(text), Err(VerifyingKeyError), "{text}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(decode("Zm9vYg=="), Some(b"foob".to_vec()));
        assert_eq!(decode("Zm9vYmE="), Some(b"fooba".to_vec()));
        assert_eq!(decode("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(decode(""), Some(vec![]));
        for text in ["Zm9vYh==", "Zm9vYmF=", "Zg==Zg==", "Zg=", "Z", "Zg=a", "====", "Zm9v Yg=", "Zm-v"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
