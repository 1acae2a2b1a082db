//! `notification.sig`: the signature of a notification, a C2SP signed note with Ed25519 signatures.
//!
//! The note's text names the document by its hash; it is verified before anything in the document
//! is parsed. Session and serial from the text are returned ([`SignedClaims`]), and the caller
//! compares them with the document. Format: `docs/reference/feeds.md "Signature"`.

use c2sp_note::{Note, VerifierKey};

use super::content::digest_of;
use super::notification::Session;
use ehealth_core::model::Dataset;

/// First line of the note's text.
const PURPOSE: &str = "ehealth-attributes feed";

/// Verifier key of a publisher that signs notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer(VerifierKey);

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
    /// The feed has no signed note.
    #[error("notification.sig does not exist")]
    Missing,
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
    /// Parses a verifier key: `NAME+HHHHHHHH+BASE64` (C2SP signed-note, "Verifier keys"). `None`
    /// for any other form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        VerifierKey::parse(text).map(Self)
    }

    /// Verifies a note for a document. Nothing of the document is parsed.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, note: &[u8], document: &[u8], dataset: Dataset) -> Result<SignedClaims, SignatureError> {
        let note = std::str::from_utf8(note).map_err(|_| SignatureError::Form)?;
        let note = Note::parse(note).ok_or(SignatureError::Form)?;
        self.0.verify(&note).map_err(|_| SignatureError::Unsigned)?;
        let text = note.text().strip_suffix('\n').unwrap_or_default();
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> c2sp_note::SignerKey {
        c2sp_note::SignerKey::from_seed(&[7; 32], "publisher").expect("a name")
    }

    fn signer() -> Signer {
        Signer(key().verifier().clone())
    }

    fn note(text: &str, name: &str) -> String {
        c2sp_note::SignerKey::from_seed(&[7; 32], name).expect("a name").sign(&format!("{text}\n"))
    }

    fn text(dataset: &str, document: &[u8]) -> String {
        format!("{PURPOSE}\n{dataset}\n9df4b597-af9e-4dca-bdda-719cce2c4e28\n7\n{}", digest_of(document))
    }

    #[test]
    fn a_note_authenticates_one_document_of_one_dataset() {
        let signer = signer();
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
        let signer = signer();
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
        let beside = format!("{}\u{2014} other {}\n", note(&valid, "publisher"), c2sp_note::encode_base64(&[1; 68]));
        assert!(signer.verify(beside.as_bytes(), b"<x/>", Dataset::Dimona).is_ok());
    }

    #[test]
    fn parses_verifier_keys() {
        let text = key().verifier().to_string();
        assert_eq!(Signer::parse(&text), Some(signer()));
        assert_eq!(Signer::parse(&text.replace("publisher", "impostor")), None);
    }
}
