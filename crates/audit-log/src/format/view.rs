//! Records as they lie in their bytes: texts and the encrypted detail are borrowed, so that reading a
//! record allocates nothing. A log of ten years has millions of them.

use ehealth_core::lookup::{Operation, Relay};
use ehealth_core::model::{
    Application, DatasetStates, Digest, EnterpriseNumber, FieldSet, LegalContext, Ticket, Timestamp, Window,
};
use ehealth_core::policy::Deliberation;

use super::detail::{DecryptError, Detail, DetailKey, EncryptedDetail, EncryptedView};
use super::outcome::{StoredOutcome, StoredRule};
use super::record::{Event, Exchange, Record, RecordHeader};
use super::subject::Tokens;

/// One record of the audit log, in its bytes.
#[derive(Debug)]
pub struct RecordView<'a> {
    /// The header: sequence, time and salt.
    pub header: RecordHeader,
    /// Content of the record.
    pub event: Event<ExchangeView<'a>>,
    /// Leaf hash in the tree (RFC 6962, section 2.1).
    pub leaf: Digest,
    /// Bytes of the record: the leaf data.
    pub bytes: &'a [u8],
}

/// An exchange, in the bytes of its record. The fields are those of [`Exchange`].
#[derive(Debug)]
pub struct ExchangeView<'a> {
    /// When the message had come in.
    pub received: Timestamp,
    /// `ticketCBSS` of the answer or fault.
    pub ticket: Ticket,
    /// SHA-256 of the caller's certificate (DER).
    pub fingerprint: Digest,
    /// Organisation in the caller's certificate.
    pub caller: Option<EnterpriseNumber>,
    /// Application in the caller's certificate.
    pub application: Option<Application>,
    /// Organisation for which the caller asked.
    pub organisation: Option<EnterpriseNumber>,
    /// Operation that was called.
    pub operation: Operation,
    /// Legal context of the question.
    pub context: Option<LegalContext>,
    /// Rule that decided the exchange. Any text: another version may have written it.
    pub rule: Option<&'a str>,
    /// SHA-256 of the policy file under which it was decided.
    pub policy: Option<Digest>,
    /// Fields that were disclosed.
    pub fields: FieldSet,
    /// Days in the question.
    pub window: Option<Window>,
    /// Dataset states that were read.
    pub datasets: DatasetStates,
    /// Code of the status or fault. Any text: another version may have written it.
    pub outcome: &'a str,
    /// Deliberation on which the grant rests; digits, a slash, digits.
    pub deliberation: Option<&'a str>,
    /// The relay that brought the message, if it is not the caller itself.
    pub relay: Option<Relay>,
    /// Whether the detail has the caller's signature of the message.
    pub is_signed: bool,
    /// Whether the answer left before another machine had the record (setting `cluster.durability`).
    pub is_unreplicated: bool,
    pub(crate) tokens: Tokens,
    pub(crate) encrypted: EncryptedView<'a>,
}

impl ExchangeView<'_> {
    /// Whether the question named an end user. Only the detail says which.
    #[must_use]
    pub fn names_end_user(&self) -> bool {
        self.tokens.end_user.is_some()
    }

    /// Whether the SSIN was disclosed that replaces the one in the question.
    #[must_use]
    pub fn discloses_new_ssin(&self) -> bool {
        self.tokens.successor.is_some()
    }

    /// The encrypted detail: ciphertext and tag.
    #[must_use]
    pub fn encrypted_detail(&self) -> &[u8] {
        self.encrypted.ciphertext
    }

    /// Decrypts the detail.
    ///
    /// # Errors
    /// [`DecryptError`] if the key is another one, or the record was changed.
    pub fn decrypt(&self, key: &DetailKey) -> Result<Detail, DecryptError> {
        key.decrypt(self.encrypted)
    }
}

impl From<ExchangeView<'_>> for Exchange {
    fn from(view: ExchangeView<'_>) -> Self {
        let EncryptedView { nonce, associated, ciphertext } = view.encrypted;
        Self {
            received: view.received,
            ticket: view.ticket,
            fingerprint: view.fingerprint,
            caller: view.caller,
            application: view.application,
            organisation: view.organisation,
            operation: view.operation,
            context: view.context,
            rule: view.rule.map(StoredRule::from_text),
            policy: view.policy,
            fields: view.fields,
            window: view.window,
            tokens: view.tokens,
            datasets: view.datasets,
            outcome: StoredOutcome::from_text(view.outcome),
            deliberation: view.deliberation.and_then(|text| Deliberation::parse(text).ok()),
            relay: view.relay,
            is_signed: view.is_signed,
            is_unreplicated: view.is_unreplicated,
            encrypted: EncryptedDetail { nonce, associated: associated.into(), ciphertext: ciphertext.into() },
        }
    }
}

impl From<RecordView<'_>> for Record {
    fn from(view: RecordView<'_>) -> Self {
        let event = match view.event {
            Event::Exchange(exchange) => Event::Exchange(Box::new(exchange.into())),
            Event::SegmentBegun(begun) => Event::SegmentBegun(begun),
            Event::Interruption(interruption) => Event::Interruption(interruption),
            Event::Pruning(pruning) => Event::Pruning(pruning),
            Event::Vouched(vouched) => Event::Vouched(vouched),
            Event::Suppressed(requests) => Event::Suppressed(requests),
        };
        Self { header: view.header, event, leaf: view.leaf }
    }
}
