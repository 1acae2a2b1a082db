//! Records as a verifier reads them: from the tables of [`audit_log`], by nothing that also writes.
//!
//! It looks at the shape of every record and keeps what the chain needs: its number, the tree under a segment, how far
//! a pruning went. What an exchange says is not judged (its hash is), and what is sealed stays so.

use ehealth_core::model::Digest;

use super::range::Range;

/// What the chain needs of a record.
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
        tree: Range,
    },
    Exchange,
    Interruption,
    /// Where the trail may begin since: at a segment that was being removed, or behind them.
    Pruning {
        begins: Vec<u64>,
    },
}

/// The facts of a record; `None` if it has not the shape that its kind has.
pub(super) fn facts(record: &[u8]) -> Option<Facts> {
    let mut rest = Rest(record);
    let (version, kind) = (rest.u8()?, rest.u8()?);
    let sequence = rest.u64()?;
    let place = rest.u32()?;
    rest.skip(8 + 16)?;
    let sound = version == 1 || version == 2 && kind == 2;
    if !sound || u64::from(place) > sequence {
        return None;
    }
    let kind = match kind {
        1 => {
            let (year, month) = (rest.u16()?, rest.u8()?);
            rest.skip(8 + 8)?;
            let roots = (0..rest.u8()?).map(|_| rest.hash()).collect::<Option<Vec<_>>>()?;
            Kind::Begin { year, month, tree: Range::prefix(sequence, &roots)? }
        }
        2 => {
            exchange(&mut rest, version)?;
            Kind::Exchange
        }
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
        _ => return None,
    };
    rest.0.is_empty().then_some(Facts { sequence, kind })
}

fn exchange(rest: &mut Rest<'_>, version: u8) -> Option<()> {
    rest.skip(8 + 16 + 32 + 4 + 4)?;
    let (operation, context, fields) = (rest.u8()?, rest.u8()?, rest.u16()?);
    let (from, to) = (rest.u32()?.cast_signed(), rest.u32()?.cast_signed());
    let known = rest.u8()?;
    let token = rest.hash()?;
    rest.skip(if version == 2 { 32 } else { 0 })?;
    rest.skip(5 * (8 + 8))?;
    for _ in 0..2 {
        let length = rest.u8()?;
        std::str::from_utf8(rest.take(usize::from(length))?).ok()?;
    }
    let sealed = usize::try_from(rest.u32()?).ok()?;
    rest.skip(sealed)?;
    let nobody = *token.as_bytes() == [0; 32];
    let sound = (1..=2).contains(&operation) && context <= 3 && fields < 1 << 9 && from <= to;
    (sound && (known == 1 || known == 0 && nobody)).then_some(())
}

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
