//! Keyed sums over the index of persons: a row that was removed or changed is noticed by a search.
//!
//! A search for a person reads the rows whose token begins with the same byte, a 256th of a month.
//! For each first byte the node keeps the number of entries (token and sequence) and the sum of
//! their codes, which only a holder of the year's key can compute. It inserts the sums of a month,
//! with a code of their own, every hour and at the month's end. A search reads the rows behind the
//! newest sums whole.

use std::time::{Duration, Instant};

use audit_log::replication::{FrameRow, Prefix};
use audit_log::{Month, SubjectKey};

/// Time after which the sums are inserted again.
const INTERVAL: Duration = Duration::from_secs(3_600);

/// Bytes of one slot: number of entries, sum.
const SLOT_BYTES: usize = 4 + 16;

/// Number of entries, and the sum of their codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Slot {
    pub(crate) count: u32,
    pub(crate) sum: u128,
}

impl Slot {
    /// Adds an entry.
    pub(crate) fn add(&mut self, key: &SubjectKey, token: Prefix, sequence: u64) {
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.wrapping_add(key.entry_code(token, sequence));
    }
}

/// First byte of a token.
pub(crate) fn first_byte(token: Prefix) -> u8 {
    token.to_be_bytes()[0]
}

/// Slots of all first bytes.
pub(crate) type Slots = Box<[Slot; 256]>;

/// The sums of a month before a sequence, as a row of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) month: Month,
    pub(crate) until: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) code: [u8; 16],
}

/// The sums of the month that is written.
#[derive(Debug, Clone)]
pub(crate) struct PersonIndex {
    month: Option<Month>,
    slots: Slots,
    /// Sequence of the next record.
    next: u64,
    inserted: Instant,
    /// Whether there are entries that no row has.
    is_changed: bool,
}

impl PersonIndex {
    /// Sums of no entries.
    pub(crate) fn new(next: u64) -> Self {
        let slots = Box::new([Slot::default(); 256]);
        Self { month: None, slots, next, inserted: Instant::now(), is_changed: false }
    }

    /// Continues the sums before a sequence.
    pub(crate) fn resume(month: Month, until: u64, slots: Slots) -> Self {
        Self { month: Some(month), slots, ..Self::new(until) }
    }

    /// Sequence of the next record that is to be added.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The month that is written.
    pub(crate) fn month(&self) -> Option<Month> {
        self.month
    }

    /// Begins this month, unless it has begun.
    pub(crate) fn begin(&mut self, month: Month) {
        if self.month != Some(month) {
            *self = Self { month: Some(month), ..Self::new(self.next) };
        }
    }

    /// Adds the entries of a record.
    pub(crate) fn add(&mut self, row: &FrameRow<'_>, key: &SubjectKey) {
        for token in row.tokens() {
            if let Some(slot) = self.slots.get_mut(usize::from(first_byte(token))) {
                slot.add(key, token, row.sequence);
                self.is_changed = true;
            }
        }
        self.next = row.sequence.saturating_add(1);
    }

    /// The sums, if they are to be inserted again.
    pub(crate) fn due(&mut self, node: &str, key: &SubjectKey) -> Option<Sums> {
        let month = self.month.filter(|_| self.is_changed && self.inserted.elapsed() >= INTERVAL)?;
        Some(self.sums(node, month, key))
    }

    /// The sums of this month, which is written or has just ended.
    pub(crate) fn sums(&mut self, node: &str, month: Month, key: &SubjectKey) -> Sums {
        (self.inserted, self.is_changed) = (Instant::now(), false);
        let mut bytes = Vec::with_capacity(256 * SLOT_BYTES);
        for slot in &self.slots[..] {
            bytes.extend_from_slice(&slot.count.to_be_bytes());
            bytes.extend_from_slice(&slot.sum.to_be_bytes());
        }
        let code = key.sums_code(node, month, self.next, &bytes);
        Sums { month, until: self.next, bytes, code }
    }
}

/// The slots of a row; `None` if the bytes are not sums.
pub(crate) fn parse(bytes: &[u8]) -> Option<Slots> {
    let (slots, rest) = bytes.as_chunks::<SLOT_BYTES>();
    let slot = |bytes: &[u8; SLOT_BYTES]| {
        let (count, sum) = bytes.split_first_chunk::<4>()?;
        Some(Slot { count: u32::from_be_bytes(*count), sum: u128::from_be_bytes(*sum.first_chunk()?) })
    };
    let slots: Vec<Slot> = slots.iter().filter_map(slot).collect();
    rest.is_empty().then_some(slots)?.into_boxed_slice().try_into().ok()
}
