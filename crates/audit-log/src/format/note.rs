//! Checkpoints: size and root of the tree, signed, so that only the holder of the key can shorten
//! or rewrite the audit log unnoticed (docs/reference/audit-log-format.md "Checkpoint").
//!
//! The text is a C2SP tlog-checkpoint in a C2SP signed note with one Ed25519 signature. Extension
//! lines say when it was made and which dataset states the newest exchange had read.
//!
//! This module does no I/O and reads only notes of its own keys. It recognises them by signing them
//! again: Ed25519 signatures are deterministic.

use std::fmt;

pub(crate) use c2sp_note::encode_base64 as base64;
use c2sp_note::{Note, SignerKey, VerifierKey};
use zeroize::Zeroizing;

use ehealth_core::model::{Dataset, DatasetState, DatasetStates, Digest, Timestamp};

use super::key_id::KEY_BYTES;
use super::locked_key::LockedKey;

/// Tree head: what a checkpoint signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Number of records.
    pub(crate) size: u64,
    /// Root of their tree.
    pub(crate) root: Digest,
    /// When the newest record was written.
    pub(crate) made: Timestamp,
    /// Dataset states that the newest exchange had read.
    pub(crate) datasets: DatasetStates,
}

/// Content of a note that this log's own key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedHead {
    pub(crate) size: u64,
    /// Base64, as in the note.
    pub(crate) root: String,
    /// When the newest record was written.
    pub(crate) made: Timestamp,
    pub(crate) datasets: DatasetStates,
}

/// Key that signs checkpoints, with the origin: the name of the log. Its seed lies in locked memory.
pub(crate) struct CheckpointKey {
    seed: LockedKey,
    verifier: VerifierKey,
}

/// Whether a text can be an origin: 1 to 200 visible ASCII characters, no `+` (C2SP signed note).
pub(crate) fn is_origin(text: &str) -> bool {
    !text.is_empty() && text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+')
}

impl CheckpointKey {
    /// Constructs the key from its seed; `None` if the cryptographic library refuses it.
    pub(crate) fn new(seed: &Zeroizing<[u8; KEY_BYTES]>, origin: &str) -> Option<Self> {
        let verifier = SignerKey::from_seed(seed, origin)?.verifier().clone();
        Some(Self { seed: LockedKey::new(seed), verifier })
    }

    /// Pair of one use.
    fn signer(&self) -> Option<SignerKey> {
        SignerKey::from_seed(self.seed.bytes().first_chunk()?, self.verifier.name())
    }

    /// Public key in the form of signed-note tools: origin, key id, and base64 of type and key.
    pub(crate) fn verifying_key(&self) -> String {
        self.verifier.to_string()
    }

    /// Signs a tree head; returns the note. `None` if the cryptographic library refuses the key, which
    /// it did not when the key was constructed.
    pub(crate) fn sign(&self, head: &Head) -> Option<String> {
        let mut text =
            format!("{}\n{}\n{}\nmade {}\n", self.verifier.name(), head.size, root_text(head.root), head.made);
        for dataset in Dataset::ALL {
            if let Some(DatasetState { serial, created }) = head.datasets.get(dataset) {
                text.push_str(&format!("dataset {} {serial} {created}\n", dataset.code()));
            }
        }
        Some(self.signer()?.sign(&text))
    }

    /// Appends a signature of this key to a note that the previous key signed.
    pub(crate) fn sign_also(&self, note: &str) -> Option<String> {
        let text = Note::parse(note)?.text();
        Some(format!("{note}{}", self.signer()?.signature_line(text)))
    }

    /// Reads a note; `None` unless this key signed it, alone or together with the previous or the
    /// next key, and nothing was changed.
    pub(crate) fn read(&self, note: &str) -> Option<SignedHead> {
        let (text, signatures) = note.split_once("\n\n")?;
        let text = format!("{text}\n");
        let own = self.signer()?.signature_line(&text);
        let lines: Vec<&str> = signatures.split_inclusive('\n').collect();
        if lines.len() > 2 || !lines.contains(&own.as_str()) {
            return None;
        }
        let mut lines = text.lines().skip(1);
        let size = lines.next()?.parse().ok()?;
        let root = lines.next()?.to_owned();
        let made = Timestamp::parse(lines.next()?.strip_prefix("made ")?).ok()?;
        let datasets =
            lines.filter_map(dataset).fold(DatasetStates::default(), |all, (dataset, state)| all.with(dataset, state));
        Some(SignedHead { size, root, made, datasets })
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointKey({})", self.verifying_key())
    }
}

/// Number of records that the text of a checkpoint names: its second line (C2SP tlog-checkpoint).
/// The signature is not checked. `None` if there is no such number.
#[must_use]
pub fn checkpoint_size(note: &str) -> Option<u64> {
    note.lines().nth(1)?.parse().ok()
}

/// Encodes a root as in a checkpoint.
#[must_use]
pub fn root_text(root: Digest) -> String {
    base64(root.as_bytes())
}

fn dataset(line: &str) -> Option<(Dataset, DatasetState)> {
    let mut words = line.strip_prefix("dataset ")?.split(' ');
    let dataset = Dataset::parse(words.next()?)?;
    let serial = words.next()?.parse().ok()?;
    Some((dataset, DatasetState { serial, created: Timestamp::parse(words.next()?).ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> CheckpointKey {
        CheckpointKey::new(&Zeroizing::new([7; KEY_BYTES]), "example.org/audit-log").expect("32 bytes")
    }

    fn head() -> Head {
        let moment = Timestamp::parse("2026-11-22T05:19:00.123Z").expect("a moment");
        let datasets = DatasetStates::default().with(Dataset::Dimona, DatasetState { serial: 41, created: moment });
        Head { size: 7, root: Digest::new([0xfb; 32]), made: moment, datasets }
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        let text = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, text) in text.into_iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..length]), text);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn a_note_has_the_lines_of_a_checkpoint() {
        let note = key().sign(&head()).expect("a note");
        let text = "example.org/audit-log\n7\n+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=\n\
                    made 2026-11-22T05:19:00.123Z\ndataset dimona 41 2026-11-22T05:19:00.123Z\n\n\u{2014} example.org/audit-log ";
        assert!(note.starts_with(text), "{note}");
        assert_eq!(note.lines().count(), 7);
    }

    #[test]
    fn reads_its_own_notes_and_no_others() {
        let note = key().sign(&head()).expect("a note");
        let Head { root, made, datasets, .. } = head();
        let known = SignedHead { size: 7, root: root_text(root), made, datasets };
        assert_eq!(key().read(&note), Some(known));
        for at in 0..note.len() {
            let mut changed = note.clone().into_bytes();
            changed[at] ^= 1;
            assert_eq!(String::from_utf8(changed).ok().and_then(|note| key().read(&note)), None, "{at}");
        }
        let other = CheckpointKey::new(&Zeroizing::new([8; KEY_BYTES]), "example.org/audit-log").expect("32 bytes");
        assert_eq!(other.read(&note), None);
    }

    #[test]
    fn both_keys_read_a_note_that_both_signed() {
        let next = CheckpointKey::new(&Zeroizing::new([8; KEY_BYTES]), "example.org/audit-log").expect("32 bytes");
        let note = next.sign_also(&key().sign(&head()).expect("a note")).expect("a note");
        assert_eq!((note.lines().count(), key().read(&note)), (8, next.read(&note)));
        assert_eq!(next.read(&note).map(|known| known.size), Some(7));
        let third = CheckpointKey::new(&Zeroizing::new([9; KEY_BYTES]), "example.org/audit-log").expect("32 bytes");
        assert_eq!(third.read(&note), None);
        assert_eq!(key().read(&third.sign_also(&note).expect("a note")), None, "signed by more than two");
    }

    #[test]
    fn an_origin_is_one_visible_word_without_plus() {
        assert!(is_origin("example.org/audit-log"));
        for text in ["", "two words", "a+b", "é", "a\nb"] {
            assert!(!is_origin(text), "{text}");
        }
    }
}
