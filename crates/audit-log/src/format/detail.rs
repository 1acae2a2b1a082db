//! The encrypted detail of a record (docs/reference/audit-log-format.md "Encrypted detail").
//!
//! One key per month encrypts it. A key is constructed from 32 bytes and never returned; it lies in
//! locked memory, and aws-lc wipes the context of each use. [`KeyFolder`](crate::KeyFolder) reads keys from files.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use ehealth_core::lookup::{ExchangeRecord, MessageSignature};
use ehealth_core::model::{Digest, EndUser, EnterpriseNumber, Ssin};

use super::enterprise::{encode_number, parse_number};
use super::frame::TooLong;
use super::key_id::{KEY_BYTES, KeyId};
use super::locked_key::LockedKey;

/// The plaintext is padded to a multiple of 32 bytes, so that its length says little about how much
/// was disclosed.
const PADDING: usize = 32;

/// Plaintext of the encrypted detail.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Detail {
    /// SSIN in the question.
    pub subject: Option<Ssin>,
    /// Disclosed enterprise numbers, in the order of the answer.
    pub disclosed: Vec<EnterpriseNumber>,
    /// The caller's own ticket.
    pub customer_ticket: Option<String>,
    /// SSIN that was disclosed as replacement of the one in the question.
    pub replaced_by: Option<Ssin>,
    /// The person at the caller who asked.
    pub end_user: Option<EndUser>,
    /// The caller's signature of the message.
    pub signature: Option<MessageSignature>,
}

impl fmt::Debug for Detail {
    /// Shows the number of enterprise numbers and no content: a caller's ticket can hold an SSIN.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detail").field("disclosed", &self.disclosed.len()).finish_non_exhaustive()
    }
}

/// The ciphertext with its nonce and associated data: all that decryption needs besides the key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EncryptedDetail {
    pub(crate) nonce: [u8; 12],
    pub(crate) associated: Box<[u8]>,
    pub(crate) ciphertext: Box<[u8]>,
}

impl EncryptedDetail {
    /// The same, borrowed.
    pub(crate) fn view(&self) -> EncryptedView<'_> {
        EncryptedView { nonce: self.nonce, associated: &self.associated, ciphertext: &self.ciphertext }
    }
}

impl fmt::Debug for EncryptedDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedDetail({} bytes)", self.ciphertext.len())
    }
}

/// The same, in the bytes of a record.
#[derive(Clone, Copy)]
pub(crate) struct EncryptedView<'a> {
    pub(crate) nonce: [u8; 12],
    pub(crate) associated: &'a [u8],
    pub(crate) ciphertext: &'a [u8],
}

impl fmt::Debug for EncryptedView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedView({} bytes)", self.ciphertext.len())
    }
}

/// Reason why a detail cannot be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DecryptError {
    /// It was encrypted with another key, or changed since.
    #[error("encrypted with another key, or changed since")]
    Authentication,
    /// It can be decrypted, but this version cannot decode the plaintext.
    #[error("the decrypted detail cannot be decoded")]
    Content,
}

/// Key that encrypts the details of one month.
pub struct DetailKey {
    key: LockedKey,
    id: KeyId,
}

impl DetailKey {
    /// Constructs the key from its bytes; `None` if the cryptographic library refuses them.
    #[must_use]
    pub fn from_bytes(bytes: &Zeroizing<[u8; KEY_BYTES]>) -> Option<Self> {
        let key = Self { key: LockedKey::new(bytes), id: KeyId::new(bytes) };
        key.cipher().is_some().then_some(key)
    }

    /// Context of one use.
    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM_SIV, self.key.bytes()).ok().map(LessSafeKey::new)
    }

    /// Name of the key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Encrypts the detail of an exchange; returns ciphertext and tag.
    ///
    /// A nonce that occurred twice would only show that two details are equal: the cipher resists
    /// nonce misuse (RFC 8452).
    pub(crate) fn encrypt(
        &self,
        exchange: &ExchangeRecord,
        nonce: [u8; 12],
        associated: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, TooLong> {
        let mut detail = plaintext(exchange)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let cipher = self.cipher().ok_or(TooLong)?;
        cipher.seal_in_place_append_tag(nonce, Aad::from(associated), &mut *detail).map_err(|_| TooLong)?;
        Ok(detail)
    }

    pub(crate) fn decrypt(&self, encrypted: EncryptedView<'_>) -> Result<Detail, DecryptError> {
        let mut bytes = Zeroizing::new(encrypted.ciphertext.to_vec());
        let nonce = Nonce::assume_unique_for_key(encrypted.nonce);
        let cipher = self.cipher().ok_or(DecryptError::Authentication)?;
        let opened = cipher.open_in_place(nonce, Aad::from(encrypted.associated), &mut bytes);
        parse_detail(opened.map_err(|_| DecryptError::Authentication)?).ok_or(DecryptError::Content)
    }
}

impl fmt::Debug for DetailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DetailKey").field(&self.id).finish()
    }
}

fn plaintext(exchange: &ExchangeRecord) -> Result<Zeroizing<Vec<u8>>, TooLong> {
    let ExchangeRecord { subject, disclosed, replaced_by, .. } = exchange;
    let ticket = exchange.customer_ticket.as_deref().map(str::as_bytes);
    let end_user = exchange.end_user.as_ref().map(texts);
    let signature = exchange.signature.as_deref();
    let text_bytes: usize = end_user.iter().flatten().map(|text| text.len()).sum();
    let signed = signature.map_or(0, |signature| signature.value.len().saturating_add(signature.certificate.len()));
    let text_bytes = text_bytes.saturating_add(signed).saturating_add(if signed > 0 { 64 } else { 0 });
    let length = disclosed.len().saturating_mul(4).saturating_add(ticket.map_or(0, <[u8]>::len));
    let length = length.saturating_add(text_bytes).saturating_add(64);
    // Capacity for the padding and the tag: a buffer that grew would leave an unwiped copy behind.
    let mut out = Zeroizing::new(Vec::with_capacity(length.saturating_add(PADDING)));
    out.extend_from_slice(&subject.map_or(u64::MAX, Ssin::as_u64).to_be_bytes());
    out.extend_from_slice(&u32::try_from(disclosed.len()).map_err(|_| TooLong)?.to_be_bytes());
    disclosed.iter().for_each(|number| out.extend_from_slice(&encode_number(Some(*number))));
    let ticket_length = ticket.map_or(Ok(u32::MAX), |text| u32::try_from(text.len()).map_err(|_| TooLong))?;
    out.extend_from_slice(&ticket_length.to_be_bytes());
    out.extend_from_slice(ticket.unwrap_or_default());
    out.extend_from_slice(&replaced_by.map_or(0, Ssin::as_u64).to_be_bytes());
    // Without an end user the padding reads as an empty identifier, and without a signature as an
    // empty certificate.
    let texts = end_user.unwrap_or_default();
    for text in texts.iter().filter(|_| end_user.is_some() || signature.is_some()) {
        put_long(&mut out, text.as_bytes())?;
    }
    if let Some(MessageSignature { message, value, certificate }) = signature {
        put_long(&mut out, certificate)?;
        put_long(&mut out, value)?;
        out.extend_from_slice(message.as_bytes());
    }
    let padded = out.len().next_multiple_of(PADDING);
    out.resize(padded, 0);
    Ok(out)
}

/// Writes bytes after their length.
fn put_long(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), TooLong> {
    out.extend_from_slice(&u16::try_from(bytes.len()).map_err(|_| TooLong)?.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// The texts of an end user; empty: absent.
fn texts(end_user: &EndUser) -> [&str; 3] {
    [end_user.id(), end_user.quality(), end_user.consent_reference().unwrap_or_default()]
}

fn parse_detail(bytes: &[u8]) -> Option<Detail> {
    let (subject, bytes) = bytes.split_first_chunk()?;
    let subject = match u64::from_be_bytes(*subject) {
        u64::MAX => None,
        number => Some(Ssin::from_u64(number).ok()?),
    };
    let (count, bytes) = bytes.split_first_chunk()?;
    let number_bytes = usize::try_from(u32::from_be_bytes(*count)).ok()?.checked_mul(4)?;
    let (disclosed, bytes) = bytes.split_at_checked(number_bytes)?;
    let disclosed = disclosed.as_chunks().0.iter().map(|number| parse_number(*number)?).collect::<Option<Vec<_>>>()?;
    let (length, bytes) = bytes.split_first_chunk()?;
    let (customer_ticket, bytes) = match u32::from_be_bytes(*length) {
        u32::MAX => (None, bytes),
        length => {
            let (ticket, bytes) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
            (Some(String::from_utf8(ticket.to_vec()).ok()?), bytes)
        }
    };
    // Absent in the oldest records, where the padding reads as 0. 0 is no SSIN.
    let (replaced_by, bytes) = bytes.split_first_chunk().unwrap_or((&[0; 8], &[]));
    let replaced_by = match u64::from_be_bytes(*replaced_by) {
        0 => None,
        number => Some(Ssin::from_u64(number).ok()?),
    };
    let mut rest = bytes;
    let [id, quality, consent_reference] = [take_text(&mut rest)?, take_text(&mut rest)?, take_text(&mut rest)?];
    let end_user = match id {
        None => None,
        Some(id) => Some(EndUser::new(id, quality?, consent_reference).ok()?),
    };
    let signature = take_signature(&mut rest)?;
    Some(Detail { subject, disclosed, customer_ticket, replaced_by, end_user, signature })
}

/// Takes a message signature. The outer `Option` is `None` for an invalid one, the inner one
/// without one.
fn take_signature(bytes: &mut &[u8]) -> Option<Option<MessageSignature>> {
    let certificate = take_long(bytes)?.filter(|certificate| !certificate.is_empty());
    let Some(certificate) = certificate else { return Some(None) };
    let value = take_long(bytes)??;
    let (message, _) = bytes.split_first_chunk()?;
    Some(Some(MessageSignature {
        message: Digest::new(*message),
        value: value.into(),
        certificate: certificate.into(),
    }))
}

/// Takes a text of an end user. The outer `Option` is `None` for an invalid one, the inner one for an
/// empty one, and where the bytes end.
fn take_text(bytes: &mut &[u8]) -> Option<Option<String>> {
    let Some(text) = take_long(bytes)? else { return Some(None) };
    let text = String::from_utf8(text.to_vec()).ok()?;
    Some(Some(text).filter(|text| !text.is_empty()))
}

/// Takes bytes after their length. The outer `Option` is `None` if they are cut, the inner one where
/// the bytes end.
fn take_long<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let Some((length, rest)) = bytes.split_first_chunk() else { return Some(None) };
    let (taken, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *bytes = rest;
    Some(Some(taken))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ehealth_core::lookup::{Caller, Exchange, Operation};
    use ehealth_core::model::{OutcomeCode, Ticket, Timestamp};

    use super::*;

    fn key(byte: u8) -> DetailKey {
        DetailKey::from_bytes(&Zeroizing::new([byte; KEY_BYTES])).expect("32 bytes")
    }

    fn detail() -> Detail {
        Detail {
            subject: Some(Ssin::parse("85073099932").expect("right")),
            disclosed: vec![EnterpriseNumber::parse("0202239951").expect("right"); 3],
            customer_ticket: Some("85.07.30-999.32".into()),
            replaced_by: None,
            end_user: None,
            signature: None,
        }
    }

    fn signature() -> MessageSignature {
        let (value, certificate) = (vec![8; 256].into(), vec![9; 1_000].into());
        MessageSignature { message: Digest::new([7; 32]), value, certificate }
    }

    fn end_user(consent_reference: Option<&str>) -> Option<EndUser> {
        let consent_reference = consent_reference.map(str::to_owned);
        EndUser::new("é".repeat(EndUser::MAX_CHARS), "ADVISORY_PHYSICIAN".into(), consent_reference).ok()
    }

    fn encrypt(detail: &Detail, key: &DetailKey) -> EncryptedDetail {
        let Detail { subject, disclosed, customer_ticket, replaced_by, end_user, signature } = detail.clone();
        let exchange = Exchange {
            ticket: Ticket::new([0; 16]),
            received: Timestamp::from_millis(0),
            caller: Caller { certified: None, fingerprint: Digest::new([0; 32]) },
            relay: None,
        };
        let signature = signature.map(Arc::new);
        let record = exchange.to_record(Operation::ConsultAttributes, OutcomeCode::DataFound);
        let record = ExchangeRecord { subject, disclosed, customer_ticket, replaced_by, end_user, signature, ..record };
        let encrypted = key.encrypt(&record, [7; 12], b"record").expect("short");
        EncryptedDetail {
            nonce: [7; 12],
            associated: b"record".as_slice().into(),
            ciphertext: encrypted.as_slice().into(),
        }
    }

    #[test]
    fn decrypts_only_with_its_own_key_and_record() {
        for detail in [
            detail(),
            Detail::default(),
            Detail { customer_ticket: Some(String::new()), replaced_by: detail().subject, ..detail() },
            Detail { end_user: end_user(None), ..detail() },
            Detail { end_user: end_user(Some("C-1")), ..Detail::default() },
            Detail { signature: Some(signature()), ..detail() },
            Detail { signature: Some(signature()), end_user: end_user(Some("C-1")), ..Detail::default() },
        ] {
            let encrypted = encrypt(&detail, &key(1));
            assert_eq!(key(1).decrypt(encrypted.view()), Ok(detail));
            assert_eq!(key(2).decrypt(encrypted.view()), Err(DecryptError::Authentication));
            let moved = EncryptedDetail { associated: b"other".as_slice().into(), ..encrypted };
            assert_eq!(key(1).decrypt(moved.view()), Err(DecryptError::Authentication));
        }
    }

    #[test]
    fn length_says_little_and_debug_shows_no_content() {
        let length = |disclosed: usize| {
            encrypt(&Detail { disclosed: vec![detail().disclosed[0]; disclosed], ..detail() }, &key(1)).ciphertext
        };
        assert_eq!(length(0).len(), length(0).len().next_multiple_of(16));
        assert_eq!(length(1).len(), length(6).len());
        assert_eq!(format!("{:?}", detail()), "Detail { disclosed: 3, .. }");
    }

    #[test]
    fn undecodable_plaintext_differs_from_a_wrong_key() {
        let key = key(1);
        let mut nonsense = vec![0xff; PADDING];
        let nonce = Nonce::assume_unique_for_key([7; 12]);
        key.cipher()
            .expect("a cipher")
            .seal_in_place_append_tag(nonce, Aad::from(b"record"), &mut nonsense)
            .expect("short");
        let encrypted = EncryptedDetail {
            nonce: [7; 12],
            associated: b"record".as_slice().into(),
            ciphertext: nonsense.as_slice().into(),
        };
        assert_eq!(key.decrypt(encrypted.view()), Err(DecryptError::Content));
    }
}
