//! Reads the hashes of a node's tree from the database: all that proves a record under a checkpoint.

use std::collections::BTreeSet;

use audit_log::replication::{FrameRow, segment_tree};
use audit_log::{Month, Subtrees};
use ehealth_core::model::Digest;
use tokio_postgres::{Client, Statement};

use crate::months::{Extent, extents};
use crate::records::{db_number, month_number, sequence_of};
use crate::tree::WIDTH;

/// Records under a node of level 16.
const WIDE: u64 = WIDTH * WIDTH;

/// Reads the tree of one node.
pub(crate) struct TreeReader<'a> {
    client: &'a Client,
    node: i16,
    extents: Vec<Extent>,
    frames: Statement,
    nodes: Statement,
    size: u64,
    /// Hashes of the whole tree, as coarse as they can be.
    base: Subtrees,
}

impl<'a> TreeReader<'a> {
    /// Reads the tree of this size.
    pub(crate) async fn new(client: &'a Client, node: i16, size: u64) -> Result<Self, tokio_postgres::Error> {
        let frames = "select sequence, frame from ehealth.record \
                      where month = $1 and node = $2 and sequence >= $3 and sequence < $4 order by sequence";
        let nodes = "select number, hash from ehealth.tree_node \
                     where node = $1 and level = $2 and number >= $3 and number < $4 order by number";
        let mut reader = Self {
            client,
            node,
            extents: extents(client, node).await?,
            frames: client.prepare(frames).await?,
            nodes: client.prepare(nodes).await?,
            size,
            base: Subtrees::default(),
        };
        reader.base = reader.read_base().await?;
        Ok(reader)
    }

    /// First record of the node that the database has.
    fn first(&self) -> u64 {
        self.extents.first().map_or(0, |extent| extent.first)
    }

    async fn read_base(&self) -> Result<Subtrees, tokio_postgres::Error> {
        let (first, size) = (self.first(), self.size);
        let mut tree = Subtrees::default();
        if first > 0
            && let Some(extent) = self.extents.first()
        {
            // The tree of the pruned records is in the first record that remains.
            let rows = self.rows(extent.month, first, first.saturating_add(1)).await?;
            if let Some(pruned) = rows.first().and_then(|(_, frame)| segment_tree(frame)) {
                tree.add_prefix(&pruned);
            }
        }
        self.add_range(&mut tree, first, size).await?;
        Ok(tree)
    }

    /// Adds the hashes of the records from `first` to before `end`, as coarse as they can be.
    async fn add_range(&self, tree: &mut Subtrees, first: u64, end: u64) -> Result<(), tokio_postgres::Error> {
        let narrow_first = first.next_multiple_of(WIDTH).min(end);
        let narrow_end = end.saturating_sub(end % WIDTH).max(narrow_first);
        let wide_first = narrow_first.next_multiple_of(WIDE).min(narrow_end);
        let wide_end = narrow_end.saturating_sub(narrow_end % WIDE).max(wide_first);
        self.add_leaves(tree, first, narrow_first).await?;
        self.add_nodes(tree, 8, narrow_first / WIDTH, wide_first / WIDTH).await?;
        self.add_nodes(tree, 16, wide_first / WIDE, wide_end / WIDE).await?;
        self.add_nodes(tree, 8, wide_end / WIDTH, narrow_end / WIDTH).await?;
        self.add_leaves(tree, narrow_end, end).await
    }

    async fn add_nodes(
        &self,
        tree: &mut Subtrees,
        level: i16,
        first: u64,
        end: u64,
    ) -> Result<(), tokio_postgres::Error> {
        if first >= end {
            return Ok(());
        }
        let rows = self.client.query(&self.nodes, &[&self.node, &level, &db_number(first), &db_number(end)]).await?;
        for row in rows {
            if let Ok(hash) = row.get::<_, &[u8]>(1).try_into() {
                tree.add(u32::from(level.unsigned_abs()), sequence_of(row.get(0)), Digest::new(hash));
            }
        }
        Ok(())
    }

    async fn add_leaves(&self, tree: &mut Subtrees, first: u64, end: u64) -> Result<(), tokio_postgres::Error> {
        for (sequence, frame) in self.frames(first, end).await? {
            if let Ok(row) = FrameRow::parse(&frame) {
                tree.add(0, sequence, row.leaf);
            }
        }
        Ok(())
    }

    /// The frames of the records from `first` to before `end`.
    pub(crate) async fn frames(&self, first: u64, end: u64) -> Result<Vec<(u64, Vec<u8>)>, tokio_postgres::Error> {
        let mut frames = Vec::new();
        for extent in &self.extents {
            let (first, end) = (first.max(extent.first), end.min(extent.last.saturating_add(1)));
            if first < end {
                frames.extend(self.rows(extent.month, first, end).await?);
            }
        }
        Ok(frames)
    }

    async fn rows(&self, month: Month, first: u64, end: u64) -> Result<Vec<(u64, Vec<u8>)>, tokio_postgres::Error> {
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&month_number(month), &self.node, &db_number(first), &db_number(end)];
        let rows = self.client.query(&self.frames, &parameters).await?;
        Ok(rows.iter().map(|row| (sequence_of(row.get(0)), row.get(1))).collect())
    }

    /// The tree with every hash that the audit paths of these records need. Their leaves, and the nodes
    /// above them, are computed from what the database has below: a changed record changes the root.
    pub(crate) async fn around(&self, sequences: impl Iterator<Item = u64>) -> Result<Subtrees, tokio_postgres::Error> {
        let mut tree = self.base.clone();
        let blocks: BTreeSet<u64> = sequences.map(|sequence| sequence / WIDTH).collect();
        let groups: BTreeSet<u64> = blocks.iter().map(|block| block / WIDTH).collect();
        for group in groups {
            tree.remove(16, group);
            let first = group.saturating_mul(WIDTH);
            let end = first.saturating_add(WIDTH).min(self.size / WIDTH);
            self.add_nodes(&mut tree, 8, first, end).await?;
        }
        for block in blocks {
            tree.remove(8, block);
            let first = block.saturating_mul(WIDTH);
            self.add_leaves(&mut tree, first, first.saturating_add(WIDTH).min(self.size)).await?;
        }
        Ok(tree)
    }
}
