//! Subject tokens: pseudonyms of persons (docs/reference/audit-log-format.md "Subject token").

use std::fmt;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use ehealth_core::model::Ssin;

use super::key_id::{KEY_BYTES, KeyId};
use super::locked_key::LockedKey;

/// Pseudonym of a person: the same within a year, and meaningless without the key of that year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectToken(pub(crate) [u8; 32]);

/// The tokens under which an exchange is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) subject: Option<SubjectToken>,
    pub(crate) successor: Option<SubjectToken>,
    pub(crate) end_user: Option<SubjectToken>,
}

/// Key that makes the subject tokens of one year.
pub struct SubjectKey {
    key: LockedKey,
    id: KeyId,
}

impl SubjectKey {
    /// Constructs the key from its bytes.
    #[must_use]
    pub fn new(bytes: &Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self { key: LockedKey::new(bytes), id: KeyId::new(bytes) }
    }

    /// Context of one use.
    fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.key.bytes())
    }

    /// Name of the key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Authentication code of a part of an index. It is never a token: those are made from eleven
    /// digits, or from a text that begins with `end user`.
    pub(crate) fn index_code(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.hmac());
        parts.iter().for_each(|part| context.update(part));
        context.sign().as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// Returns the person's token: HMAC-SHA-256 over the eleven digits of the SSIN.
    #[must_use]
    pub fn token(&self, subject: Ssin) -> SubjectToken {
        self.sign(&[&subject.digits()])
    }

    /// Returns the token of an end user: HMAC-SHA-256 over `end user`, a NUL and the identifier. It
    /// never equals the token of the same person as subject, even if the identifier is an SSIN.
    #[must_use]
    pub fn end_user_token(&self, id: &str) -> SubjectToken {
        self.sign(&[b"end user\0", id.as_bytes()])
    }

    fn sign(&self, parts: &[&[u8]]) -> SubjectToken {
        let mut context = hmac::Context::with_key(&self.hmac());
        parts.iter().for_each(|part| context.update(part));
        SubjectToken(context.sign().as_ref().first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SubjectKey").field(&self.id).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_hmac_sha256_of_the_digits() {
        let key = |byte| SubjectKey::new(&Zeroizing::new([byte; KEY_BYTES]));
        let subject = Ssin::parse("85073099932").expect("right");
        let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[3; 32]), b"85073099932");
        assert_eq!(key(3).token(subject).0, expected.as_ref());
        assert_ne!(key(4).token(subject), key(3).token(subject));
        let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[3; 32]), b"end user\x0085073099932");
        assert_eq!(key(3).end_user_token("85073099932").0, expected.as_ref());
        assert_ne!(key(4).id(), key(3).id());
    }
}
