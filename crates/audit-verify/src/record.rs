//! Decoder of records (`docs/reference/audit-log-format.md` "Record"). No code here also writes
//! records.
//!
//! It checks the shape of every record and keeps what the chain needs: the sequence, the tree
//! before a segment, and the beginning after a pruning. The content of an exchange is covered by
//! its hash only, and the encrypted detail stays encrypted.

use ehealth_core::model::{Digest, Timestamp};

use super::compact_range::CompactRange;

/// The part of a record that the chain needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) sequence: u64,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Begin {
        year: u16,
        month: u8,
        tree: CompactRange,
    },
    Exchange {
        /// SHA-256 of the policy file under which it was decided.
        policy: Option<Digest>,
    },
    Interruption,
    /// Requests that a rate limit refused before they were read.
    Suppressed,
    /// Sequences at which the audit log may begin after a pruning: at each removed segment, or
    /// behind the last.
    Pruning {
        begins: Vec<u64>,
    },
    /// The operator vouched for this number of records.
    Vouched {
        records: u64,
        recorded: Timestamp,
    },
}

/// Decodes a record; `None` if it does not have the shape of its kind.
pub(super) fn facts(record: &[u8]) -> Option<Facts> {
    let mut rest = Rest(record);
    let (version, kind) = (rest.u8()?, rest.u8()?);
    let sequence = rest.u64()?;
    let unproven = rest.u32()?;
    let recorded = Timestamp::from_millis(rest.u64()?.cast_signed());
    rest.skip(16)?;
    let sound = match kind {
        2 => matches!(version, 1 | 2 | 4),
        5 | 6 => version == 3,
        _ => version == 1,
    };
    if !sound || u64::from(unproven) > sequence {
        return None;
    }
    let kind = match kind {
        1 => {
            let (year, month) = (rest.u16()?, rest.u8()?);
            rest.skip(8 + 8)?;
            let roots = (0..rest.u8()?).map(|_| rest.hash()).collect::<Option<Vec<_>>>()?;
            Kind::Begin { year, month, tree: CompactRange::prefix(sequence, &roots)? }
        }
        2 => Kind::Exchange { policy: exchange(&mut rest, version)? },
        3 => {
            rest.skip(8 + 8)?;
            (1..=3).contains(&rest.u8()?).then_some(Kind::Interruption)?
        }
        4 => {
            let mut begins = vec![rest.u64()?];
            for _ in 0..rest.u16()? {
                begins.push(rest.u64()?);
                rest.skip(2 + 1 + 32)?;
            }
            Kind::Pruning { begins }
        }
        5 => {
            let records = rest.u64().filter(|records| *records <= sequence)?;
            rest.skip(32)?;
            Kind::Vouched { records, recorded }
        }
        6 => {
            rest.skip(8 + 8 + 32 + 4 + 8)?;
            Kind::Suppressed
        }
        _ => return None,
    };
    rest.0.is_empty().then_some(Facts { sequence, kind })
}

/// Decodes an exchange; returns the policy that it names.
fn exchange(rest: &mut Rest<'_>, version: u8) -> Option<Option<Digest>> {
    rest.skip(8 + 16 + 32 + 4 + 4)?;
    let (operation, byte, fields) = (rest.u8()?, rest.u8()?, rest.u16()?);
    let (from, to) = (rest.u32()?.cast_signed(), rest.u32()?.cast_signed());
    let has_subject = rest.u8()?;
    let token = rest.hash()?;
    // The byte is the number of the legal context up to version 2. In version 4 its bits say which
    // parts are present, and the context is the third of five texts.
    let (is_sound_byte, texts) = if version == 4 { (byte < 1 << 5, 5) } else { (byte <= 3, 2) };
    let has = |bit: u8| version == 4 && byte & bit != 0;
    rest.skip(if version == 2 || has(1) { 32 } else { 0 })?;
    rest.skip(if has(2) { 32 } else { 0 })?;
    let policy = if has(4) { Some(rest.hash()?) } else { None };
    rest.skip(if has(8) { 4 + 32 } else { 0 })?;
    rest.skip(5 * (8 + 8))?;
    for _ in 0..texts {
        let length = rest.u8()?;
        std::str::from_utf8(rest.take(usize::from(length))?).ok()?;
    }
    let encrypted_detail = usize::try_from(rest.u32()?).ok()?;
    rest.skip(encrypted_detail)?;
    let is_empty_token = *token.as_bytes() == [0; 32];
    let sound = (1..=2).contains(&operation) && is_sound_byte && fields < 1 << 9 && from <= to;
    (sound && (has_subject == 1 || has_subject == 0 && is_empty_token)).then_some(policy)
}

/// The bytes that are not yet decoded.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.take(length).map(|_| ())
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.bytes().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_be_bytes)
    }

    fn hash(&mut self) -> Option<Digest> {
        self.bytes().map(Digest::new)
    }
}
