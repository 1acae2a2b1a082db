//! Records that are written alone: of a pruning, and of what the operator vouches for.

use std::sync::Arc;

use ehealth_core::model::Digest;

use super::batch::Batch;
use super::error::PruneError;
use super::in_flight::Contents;
use super::prune::{self, Pruned, Retention};
use super::segment_writer::{SegmentHandle, SegmentWriter};
use crate::format::encode;
use crate::format::frame::TooLong;
use crate::format::month::Month;
use crate::format::note::root_text;
use crate::format::record::{Pruning, RecordHeader, Vouched};
use crate::format::tree::Frontier;
use crate::storage::write_failure::WriteFailure;

impl SegmentWriter {
    /// Prunes, if the pruning can be recorded.
    pub(crate) fn prune(&mut self, retention: Retention) -> Result<Pruned, PruneError> {
        let (disk, keys, now) = (Arc::clone(&self.disk), self.keys.clone(), Month::new(self.clock.now()));
        prune::prune(&*disk, &keys, now, retention, |what| self.record_pruning(what))
    }

    /// Makes the record of a pruning durable; returns whether a checkpoint signs it.
    fn record_pruning(&mut self, what: &Pruning) -> Result<bool, WriteFailure> {
        self.record_alone(|out, header| encode::pruning(out, header, what))?;
        Ok(self.checkpointer.wait_for(self.tree.size()))
    }

    /// Makes a record durable which says that the operator vouches for everything before it, because
    /// no checkpoint does.
    pub(crate) fn record_vouched(&mut self) -> Result<(), WriteFailure> {
        let (records, root) = (self.tree.size(), self.tree.root());
        tracing::warn!(
            records,
            root = root_text(root),
            "the audit log had records and no checkpoint; signing it as it is, because audit_log.missing_checkpoint is \
             \"sign\". A record says so for good. Set it to \"refuse\" now"
        );
        self.record_alone(|out, header| encode::vouched(out, header, &Vouched { records, root }))
    }

    /// Makes one record durable, in a batch of its own, with nothing else in flight.
    fn record_alone(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>, &RecordHeader) -> Result<Digest, TooLong>,
    ) -> Result<(), WriteFailure> {
        self.in_flight.wait_for_all();
        if let Some(outage) = self.in_flight.outage() {
            return Err(outage.failure);
        }
        let (in_flight, now, mut handle) = (self.in_flight.begin(), self.clock.now(), SegmentHandle::default());
        let mut batch = Batch::new(Vec::new(), Frontier::default(), self.datasets);
        let mode = self.replication.as_ref().map(|replication| replication.mode());
        let written = self.write(&in_flight, &mut handle, now, (&mut batch, mode), |batch, _| {
            batch.append(now, encode)?.map_err(|TooLong| WriteFailure::Truncated)
        });
        let outcome = written.and_then(|written| {
            let (position, sent) = written.unzip();
            in_flight.set_contents(Contents { records: Vec::new(), position, sent: sent.flatten() });
            handle.sync()
        });
        in_flight.end(outcome);
        outcome
    }
}
