//! Subject tokens: what stands for a person in the records of one year.

use std::fmt;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use ehealth_core::model::Ssin;

use super::key_id::{KEY_BYTES, KeyId};

/// Stands for a person: the same for the same person within a year, and nothing without the year's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectToken(pub(crate) [u8; 32]);

/// The key of a year.
pub struct SubjectKey {
    key: hmac::Key,
    id: KeyId,
}

impl SubjectKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: &Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, bytes.as_slice()), id: KeyId::new(bytes) }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The code of a part of an index; never the token of anybody, whose text is eleven digits.
    pub(crate) fn index_code(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.key);
        parts.iter().for_each(|part| context.update(part));
        context.sign().as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// What stands for this person in the records of the year.
    #[must_use]
    pub fn token(&self, subject: Ssin) -> SubjectToken {
        let tag = hmac::sign(&self.key, &subject.digits());
        SubjectToken(tag.as_ref().first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectKey({:?})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_hmac_sha256_of_the_digits() {
        let key = |byte| SubjectKey::new(&Zeroizing::new([byte; KEY_BYTES]));
        let subject = Ssin::parse("85073000160").expect("right");
        let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[3; 32]), b"85073000160");
        assert_eq!(key(3).token(subject).0, expected.as_ref());
        assert_ne!(key(4).token(subject), key(3).token(subject));
        assert_ne!(key(4).id(), key(3).id());
    }
}
