//! Submits written batches to the replication.

use std::sync::Arc;

use ehealth_core::lookup::Pending;

use super::batch::Batch;
use super::in_flight::Sent;
use crate::format::month::Month;
use crate::format::tree::sha256;
use crate::replication::{Mode, Replication, SentBatch};

/// Submits a batch to the replication, after it was written.
pub(crate) fn submit(
    replication: &Replication,
    batch: &Batch,
    (first, month): (u64, Month),
    mode: Option<Mode>,
) -> Sent {
    let bytes: Arc<[u8]> = batch.bytes.as_slice().into();
    let signature = |(pending, sequence): &(Pending, u64)| {
        let signature = pending.record().exchange()?.signature.as_ref()?;
        Some((*sequence, sha256(&[&signature.value])))
    };
    let sent = SentBatch {
        first,
        count: batch.tree.size().saturating_sub(first),
        month,
        bytes: Arc::clone(&bytes),
        signatures: batch.records.iter().filter_map(signature).collect(),
    };
    let submitted = replication.submit(sent, mode.unwrap_or(Mode::Refused));
    Sent { submitted, first, bytes }
}
