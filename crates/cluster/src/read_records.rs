//! All records of all nodes, one after the other: for lists and counts.
//!
//! Each row has the code of its node, which the database cannot make, and the sequences of a node have no
//! gap. That the newest rows are there is not proven here: the search for a person and the verification of
//! a rebuilt log compare with the checkpoint.

use std::ops::ControlFlow;

use audit_log::replication::FrameRow;
use audit_log::{CopyProblem, KeyFolder, Month, RecordView, SearchError, SubjectKey, parse_frame};
use ehealth_core::model::Timestamp;
use tokio_postgres::Client;

use crate::months::{Extent, extents};
use crate::node_keys::NodeKeys;
use crate::records::{db_number, month_number, sequence_of};

/// Number of errors after which nothing more is read: a database of which every row was changed has
/// millions.
const MAX_ERRORS: usize = 1_000;

/// What is done with a record of a node; `Break` ends the reading.
pub type TakeRecord<'a> = &'a mut dyn FnMut(&str, Month, RecordView<'_>) -> ControlFlow<()>;

/// A node, and how far it was read.
struct ReadNode<'a> {
    id: i16,
    name: String,
    keys: &'a KeyFolder,
    extents: Vec<Extent>,
    /// Sequence of its next record; `None` before the first.
    next: Option<u64>,
}

/// Reads the records from the first to the last of these months (`None`: all), month by month, and in each
/// month node by node. What cannot be read, or was changed in the database, is an error in the result; the
/// reading goes on behind it.
///
/// # Errors
/// The error of the database.
pub async fn read_records(
    client: &Client,
    keys: &dyn NodeKeys,
    (first, last): (Option<Month>, Option<Month>),
    take: TakeRecord<'_>,
) -> Result<Vec<SearchError>, tokio_postgres::Error> {
    let (mut nodes, mut errors) = (Vec::new(), Vec::new());
    for row in client.query("select id, name from ehealth.node order by name", &[]).await? {
        let (id, name): (i16, String) = (row.get(0), row.get(1));
        let Some(keys) = keys.of_node(&name) else {
            let month = Month::new(Timestamp::from_millis(0));
            errors.push(SearchError::Copy { node: name.into(), month, problem: CopyProblem::NoKeys });
            continue;
        };
        let mut extents = extents(client, id).await?;
        extents.retain(|of| first.is_none_or(|first| of.month >= first) && last.is_none_or(|last| of.month <= last));
        nodes.push(ReadNode { id, name, keys, extents, next: None });
    }
    let mut months: Vec<_> = nodes.iter().flat_map(|node| node.extents.iter().map(|extent| extent.month)).collect();
    months.sort_unstable();
    months.dedup();
    for month in months {
        for node in &mut nodes {
            let Some(extent) = node.extents.iter().find(|extent| extent.month == month).copied() else { continue };
            if read_month(client, node, extent, take, &mut errors).await?.is_break() {
                return Ok(errors);
            }
        }
    }
    Ok(errors)
}

async fn read_month(
    client: &Client,
    node: &mut ReadNode<'_>,
    extent: Extent,
    take: TakeRecord<'_>,
    errors: &mut Vec<SearchError>,
) -> Result<ControlFlow<()>, tokio_postgres::Error> {
    let month = extent.month;
    let key = match node.keys.subject_key(month.year()) {
        Ok(key) => key,
        Err(error) => {
            errors.push(SearchError::Year { year: month.year(), error });
            node.next = extent.last.checked_add(1);
            return Ok(ControlFlow::Continue(()));
        }
    };
    let problem = |node: &ReadNode<'_>, problem| SearchError::Copy { node: node.name.as_str().into(), month, problem };
    // Few at a time: a record may have 1 MiB.
    let text = "select sequence, frame, code from ehealth.record \
                where month = $1 and node = $2 and sequence >= $3 order by sequence limit 256";
    let (statement, mut from) = (client.prepare(text).await?, extent.first);
    while from <= extent.last {
        let rows = client.query(&statement, &[&month_number(month), &node.id, &db_number(from)]).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if errors.len() >= MAX_ERRORS {
                return Ok(ControlFlow::Break(()));
            }
            let sequence = sequence_of(row.get(0));
            if let Some(missing) = node.next.filter(|next| *next != sequence) {
                errors.push(problem(node, CopyProblem::Missing(missing)));
            }
            from = sequence.saturating_add(1);
            node.next = Some(from);
            let Some(record) = record(&row, sequence, &node.name, &key) else {
                errors.push(problem(node, CopyProblem::Changed(sequence)));
                continue;
            };
            if take(&node.name, month, record).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The record of a row, if it is as the node wrote it.
fn record<'a>(row: &'a tokio_postgres::Row, sequence: u64, node: &str, key: &SubjectKey) -> Option<RecordView<'a>> {
    let (frame, code) = (row.get::<_, &[u8]>(1), row.get::<_, &[u8]>(2));
    let parsed = FrameRow::parse(frame).ok()?;
    let is_own = parsed.sequence == sequence && key.row_code(node, parsed.leaf)[..] == *code;
    parse_frame(frame).filter(|_| is_own)
}
