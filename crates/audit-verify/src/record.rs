//! Decoder of records (`docs/reference/audit-log-format.md` "Record"). No code here also writes
//! records.
//!
//! It checks the shape and the values of every record, also behind the last checkpoint, where no
//! signature covers them. It keeps what the chain needs: the sequence, the tree before a segment, and
//! the beginning after a pruning. The encrypted detail stays encrypted.

use ehealth_core::model::{Application, Date, Digest, EnterpriseNumber, LegalContext, Ticket, Timestamp, Window};
use ehealth_core::policy::Deliberation;

use super::compact_range::CompactRange;

/// The part of a record that the chain needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) sequence: u64,
    /// When it was written.
    pub(super) recorded: Timestamp,
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
        /// Year and month of each removed segment.
        months: Vec<(u16, u8)>,
    },
    /// The operator vouched for this number of records.
    Vouched {
        records: u64,
    },
}

/// Decodes a record; `None` if it does not have the shape of its kind.
pub(super) fn facts(record: &[u8]) -> Option<Facts> {
    let mut rest = Rest(record);
    let (version, kind) = (rest.u8()?, rest.u8()?);
    let sequence = rest.u64()?;
    let unproven = rest.u32()?;
    let recorded = rest.moment()?;
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
            let (year, month) = rest.month()?;
            rest.skip(8 + 8)?;
            let roots = (0..rest.u8()?).map(|_| rest.hash()).collect::<Option<Vec<_>>>()?;
            Kind::Begin { year, month, tree: CompactRange::prefix(sequence, &roots)? }
        }
        2 => Kind::Exchange { policy: exchange(&mut rest, version)? },
        3 => {
            rest.moment()?;
            rest.skip(8)?;
            (1..=4).contains(&rest.u8()?).then_some(Kind::Interruption)?
        }
        4 => {
            let (mut begins, mut months) = (vec![rest.u64()?], Vec::new());
            for _ in 0..rest.u16()? {
                begins.push(rest.u64()?);
                months.push(rest.month()?);
                rest.skip(32)?;
            }
            Kind::Pruning { begins, months }
        }
        5 => {
            let records = rest.u64().filter(|records| *records <= sequence)?;
            rest.skip(32)?;
            Kind::Vouched { records }
        }
        6 => {
            rest.moment()?;
            rest.moment()?;
            rest.skip(32)?;
            rest.enterprise()?;
            rest.skip(8)?;
            Kind::Suppressed
        }
        _ => return None,
    };
    rest.0.is_empty().then_some(Facts { sequence, recorded, kind })
}

/// Decodes an exchange; returns the policy that it names.
fn exchange(rest: &mut Rest<'_>, version: u8) -> Option<Option<Digest>> {
    rest.moment()?;
    let ticket = rest.bytes()?;
    let is_ticket = *Ticket::new(ticket).as_bytes() == ticket;
    rest.skip(32)?;
    // The caller, and the organisation for which it asked.
    rest.enterprise()?;
    rest.enterprise()?;
    let (operation, byte, fields) = (rest.u8()?, rest.u8()?, rest.u16()?);
    let has_days = are_days(rest.u32()?.cast_signed(), rest.u32()?.cast_signed());
    let has_subject = rest.u8()?;
    let token = rest.hash()?;
    // The byte is the number of the legal context up to version 2. In version 4 its bits say which
    // parts are present, and the context is the third of five texts.
    let (is_sound_byte, texts) = if version == 4 { (byte < 1 << 6, 5) } else { (byte <= 3, 2) };
    let has = |bit: u8| version == 4 && byte & bit != 0;
    rest.skip(if version == 2 || has(1) { 32 } else { 0 })?;
    rest.skip(if has(2) { 32 } else { 0 })?;
    let policy = if has(4) { Some(rest.hash()?) } else { None };
    if has(8) {
        // A relay is an organisation.
        rest.enterprise()??;
        rest.skip(32)?;
    }
    for _ in 0..5 {
        rest.skip(8)?;
        rest.moment()?;
    }
    let written = (0..texts).map(|_| rest.text()).collect::<Option<Vec<_>>>()?;
    let encrypted_detail = usize::try_from(rest.u32()?).ok()?;
    rest.skip(encrypted_detail)?;
    let is_empty_token = *token.as_bytes() == [0; 32];
    let sound = (1..=2).contains(&operation) && is_sound_byte && fields < 1 << 9 && is_ticket && has_days;
    let sound = sound && are_texts(&written);
    (sound && (has_subject == 1 || has_subject == 0 && is_empty_token)).then_some(policy)
}

/// Whether two numbers are the days of a question: both absent, or a first and a last day.
fn are_days(from: i32, to: i32) -> bool {
    let day = |days: i32| Date::from_days(i64::from(days)).ok();
    (from, to) == (i32::MIN, i32::MIN)
        || day(from).zip(day(to)).is_some_and(|(from, to)| Window::from_days(from, to).is_ok())
}

/// Whether the texts of an exchange are an outcome, a deliberation and, in version 4, a legal context,
/// an application and a rule. All but the first may be empty. An outcome and a rule may be of a newer
/// version.
fn are_texts(texts: &[&str]) -> bool {
    texts.iter().enumerate().all(|(index, text)| match index {
        _ if text.is_empty() => true,
        1 => Deliberation::parse(text).is_ok(),
        2 => LegalContext::parse(text).is_ok(),
        3 => Application::parse(text).is_ok(),
        _ => true,
    })
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

    /// A moment that a timestamp can be.
    fn moment(&mut self) -> Option<Timestamp> {
        let millis = self.u64()?.cast_signed();
        Some(Timestamp::from_millis(millis)).filter(|moment| moment.as_millis() == millis)
    }

    fn month(&mut self) -> Option<(u16, u8)> {
        let (year, month) = (self.u16()?, self.u8()?);
        ((1..=9_999).contains(&year) && (1..=12).contains(&month)).then_some((year, month))
    }

    /// An enterprise number; the inner `Option` is `None` for 0.
    fn enterprise(&mut self) -> Option<Option<EnterpriseNumber>> {
        match self.u32()? {
            0 => Some(None),
            number => EnterpriseNumber::from_u64(u64::from(number)).ok().map(Some),
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.u8()?;
        std::str::from_utf8(self.take(usize::from(length))?).ok()
    }

    fn hash(&mut self) -> Option<Digest> {
        self.bytes().map(Digest::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Place of each value in the record below.
    const RECEIVED: usize = 38;
    const TICKET_VERSION: usize = 46 + 6;
    const CALLER: usize = 94;
    const DAYS: usize = 106;

    /// An exchange of version 4, with these parts and their bytes.
    fn exchange_with(parts: u8, part_bytes: &[u8], texts: [&str; 5]) -> Vec<u8> {
        let mut record = vec![4, 2];
        record.extend_from_slice(&[0; 8 + 4 + 8 + 16]);
        record.extend_from_slice(&[0; 8]);
        record.extend_from_slice(Ticket::new([7; 16]).as_bytes());
        record.extend_from_slice(&[0; 32]);
        record.extend_from_slice(&999_010_126_u32.to_be_bytes());
        record.extend_from_slice(&[0; 4]);
        record.extend_from_slice(&[1, parts, 0, 0]);
        record.extend_from_slice(&[i32::MIN.to_be_bytes(); 2].concat());
        record.extend_from_slice(&[0; 1 + 32]);
        record.extend_from_slice(part_bytes);
        record.extend_from_slice(&[0; 5 * 16]);
        for text in texts {
            record.push(u8::try_from(text.len()).expect("short"));
            record.extend_from_slice(text.as_bytes());
        }
        record.extend_from_slice(&[0; 4]);
        record
    }

    fn relay(number: u32) -> Vec<u8> {
        [&number.to_be_bytes()[..], &[9; 32]].concat()
    }

    #[test]
    fn every_value_of_an_exchange_is_checked() {
        const TEXTS: [&str; 5] = ["MSG00000", "16/108", "TRIO:PLATFORM", "ROUTER", "granted"];
        let sound = exchange_with(0, &[], TEXTS);
        assert!(facts(&sound).is_some());
        assert!(facts(&exchange_with(16, &[], ["", "", "", "", ""])).is_some());
        assert!(facts(&exchange_with(8 | 16, &relay(999_010_126), TEXTS)).is_some());
        for number in [0, 999_010_127] {
            assert!(facts(&exchange_with(8, &relay(number), TEXTS)).is_none(), "relay {number}");
        }
        for (at, bytes) in [
            (RECEIVED, &i64::MAX.to_be_bytes()[..]),
            (TICKET_VERSION, &[0x17]),
            (CALLER, &999_010_127_u32.to_be_bytes()),
            (DAYS, &0_u32.to_be_bytes()),
        ] {
            let mut changed = sound.clone();
            changed[at..at + bytes.len()].copy_from_slice(bytes);
            assert!(facts(&changed).is_none(), "at {at}");
        }
        for (index, text) in [(1, "16-108"), (2, "a b"), (3, "A, B")] {
            let mut texts = TEXTS;
            texts[index] = text;
            assert!(facts(&exchange_with(0, &[], texts)).is_none(), "{text}");
        }
    }
}
