//! Public keys and signed notes (C2SP signed-note).
//!
//! Strict: every byte of a note counts, so that no change goes unseen. A note may have signatures
//! of other keys as well (the standard requires that), as long as this key's own signature is
//! present and valid.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use text_file::TextError;

use super::base64::decode;
use super::compact_range::hash;
use super::note::Checkpoint;

/// Signature type of Ed25519 (C2SP signed-note).
const TYPE: u8 = 1;
/// Maximum number of signatures under one note.
const MAX_SIGNATURES: usize = 16;

/// Public key that verifies the checkpoints of an audit log, with the audit log's name.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; 4],
    key: [u8; 32],
}

/// The text is not a public key of signed notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key of signed notes (NAME+ID+BASE64, Ed25519)")]
pub struct VerifyingKeyError;

/// The key cannot be read from its file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read, or is no text.
    #[error("{path}: {error}")]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system, or of the text.
        error: TextError,
    },
    /// The file holds no public key.
    #[error("{path}: {error}")]
    Key {
        /// Path of the file.
        path: PathBuf,
        /// Error of the parser.
        error: VerifyingKeyError,
    },
}

impl VerifyingKey {
    /// Parses `NAME+ID+BASE64`, one line. ID is the first four bytes of a hash of name and key, in
    /// hexadecimal.
    ///
    /// # Errors
    /// [`VerifyingKeyError`] if the text has another form, or the ID does not belong to the name
    /// and the key.
    pub fn parse(text: &str) -> Result<Self, VerifyingKeyError> {
        let read = || {
            let mut parts = text.trim_end().splitn(3, '+');
            let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
            let (kind, key) =
                <[u8; 33]>::try_from(decode(key)?).ok()?.split_first().map(|(k, key)| (*k, key.to_vec()))?;
            let key: [u8; 32] = key.try_into().ok()?;
            let id_of_key = key_id(name, &key);
            let spelled = spell(id_of_key);
            let named = !name.is_empty() && !name.contains(char::is_whitespace);
            (kind == TYPE && named && spelled == id).then(|| Self { name: name.to_owned(), id: id_of_key, key })
        };
        read().ok_or(VerifyingKeyError)
    }

    /// Reads the key from a command-line argument: the text of the key, or the file that holds it.
    ///
    /// # Errors
    /// [`KeyFileError`] if the argument is not a key, and the file cannot be read or holds no key.
    pub fn from_argument(argument: &Path) -> Result<Self, KeyFileError> {
        if let Some(Ok(key)) = argument.to_str().map(Self::parse) {
            return Ok(key);
        }
        let path = || argument.to_owned();
        let text = text_file::read(argument).map_err(|error| KeyFileError::File { path: path(), error })?;
        Self::parse(&text).map_err(|error| KeyFileError::Key { path: path(), error })
    }

    /// Name of the audit log: the origin of its checkpoints.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key id, 8 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        spell(self.id)
    }

    /// Parses a checkpoint; `None` if it is malformed or this key did not sign it.
    pub(super) fn open(&self, bytes: &[u8]) -> Option<Checkpoint> {
        let note = std::str::from_utf8(bytes).ok()?;
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return None;
        }
        let end = note.rfind("\n\n")?.checked_add(1)?;
        let (text, signatures) = note.split_at_checked(end)?;
        let signatures = signatures.strip_prefix('\n')?.strip_suffix('\n')?;
        let (mut signed, mut keys) = (false, Vec::new());
        for (number, line) in signatures.split('\n').enumerate() {
            let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
            let bytes = decode(signature)?;
            let (id, signature) = bytes.split_first_chunk::<4>()?;
            if number >= MAX_SIGNATURES {
                return None;
            }
            keys.push(spell(*id));
            if name == self.name && *id == self.id {
                UnparsedPublicKey::new(&ED25519, self.key).verify(text.as_bytes(), signature).ok()?;
                signed = true;
            }
        }
        let checkpoint = Checkpoint::parse(text)?;
        (signed && checkpoint.origin == self.name).then_some(Checkpoint { keys, ..checkpoint })
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.name)
    }
}

/// A key id in hexadecimal.
fn spell(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

fn key_id(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let mut text = name.as_bytes().to_vec();
    text.extend_from_slice(b"\n\x01");
    hash(None, [&text, key]).as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Example of the documentation of Go's `golang.org/x/mod/sumdb/note`. C2SP signed-note has no
    /// example with its key.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn key_and_signature_of_go_sumdb_verify() {
        let key = VerifyingKey::parse(KEY).expect("a key");
        assert_eq!(key.name(), "PeterNeumann");
        let (text, line) = NOTE.split_once("\n\n").expect("a signature");
        let signature = decode(line.trim_end().rsplit(' ').next().expect("a word")).expect("base64");
        let (id, signature) = signature.split_at(4);
        assert_eq!(id, key.id);
        UnparsedPublicKey::new(&ED25519, key.key).verify(format!("{text}\n").as_bytes(), signature).expect("right");
        assert_eq!(key.open(NOTE.as_bytes()), None, "signed, but not a checkpoint");
    }

    #[test]
    fn text_that_is_not_a_key_is_refused() {
        for text in
            ["", "name", KEY.trim_end_matches('W'), &KEY.replace("c74f", "c74e"), &KEY.replace("Peter", "Pet er")]
        {
            assert_eq!(VerifyingKey::parse(text), Err(VerifyingKeyError), "{text}");
        }
    }
}
