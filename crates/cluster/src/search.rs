//! The search over all nodes: what was disclosed about a person, and whether the database still has
//! everything that the nodes wrote.
//!
//! A database administrator can remove or change rows, but not unnoticed: the entries of the person
//! are compared with the sums that the node keeps under a key that the database does not have
//! (`person_index`), the rows behind the newest sums are read whole, and each record that is found
//! is proven under its node's checkpoint.

use audit_log::replication::{FrameRow, Prefix};
use audit_log::{CopyProblem, Found, KeyFolder, Month, SearchError, SubjectKey, Whom, open_frame};
use ehealth_core::model::{Timestamp, Window};
use tokio_postgres::Client;

use crate::anchor::{Anchor, anchor};
use crate::months::{Extent, extents};
use crate::newest_sums::{ChangedSums, newest_sums};
use crate::node_keys::NodeKeys;
use crate::person_index::{Slot, first_byte};
use crate::records::{db_number, month_number, sequence_of};
use crate::tree_reader::TreeReader;

/// A node whose records are searched.
struct SearchedNode<'a> {
    id: i16,
    name: &'a str,
    keys: &'a KeyFolder,
}

/// Records of one month, as they were found.
#[derive(Default)]
struct Hits {
    /// Sequence and frame.
    frames: Vec<(u64, Vec<u8>)>,
    problems: Vec<CopyProblem>,
}

/// Finds the records of a person that were written on these days, over all nodes, in the order of
/// their times; `None` means all days. A part that cannot be searched, and everything that was
/// changed in the database, is an error.
///
/// # Errors
/// The error of the database.
pub async fn search(
    client: &Client,
    keys: &dyn NodeKeys,
    whom: &Whom,
    days: Option<Window>,
) -> Result<Vec<Result<Found, SearchError>>, tokio_postgres::Error> {
    let mut results = Vec::new();
    for row in client.query("select id, name, origin from ehealth.node order by name", &[]).await? {
        let (id, name, origin): (i16, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let Some(keys) = keys.of_node(name) else {
            let month = Month::new(Timestamp::from_millis(0));
            results.push(Err(SearchError::Copy { node: name.into(), month, problem: CopyProblem::NoKeys }));
            continue;
        };
        results.extend(search_node(client, &SearchedNode { id, name, keys }, origin, whom, days).await?);
    }
    let time = |found: &Result<Found, SearchError>| found.as_ref().map_or(i64::MAX, |f| f.header.recorded.as_millis());
    results.sort_by_key(time);
    Ok(results)
}

async fn search_node(
    client: &Client,
    node: &SearchedNode<'_>,
    origin: &str,
    whom: &Whom,
    days: Option<Window>,
) -> Result<Vec<Result<Found, SearchError>>, tokio_postgres::Error> {
    let mut results = Vec::new();
    let months = days.map(|days| Month::of_day(days.from())..=Month::of_day(days.to()));
    let mut found = Vec::new();
    for extent in extents(client, node.id).await? {
        let month = extent.month;
        if months.as_ref().is_some_and(|months| !months.contains(&month)) {
            continue;
        }
        let key = match node.keys.subject_key(month.year()) {
            Ok(key) => key,
            Err(error) => {
                results.push(Err(SearchError::Year { year: month.year(), error }));
                continue;
            }
        };
        let Hits { frames, problems } = search_month(client, node, &extent, (&key, whom)).await?;
        let error = |problem| Err(SearchError::Copy { node: node.name.into(), month, problem });
        results.extend(problems.into_iter().map(error));
        let detail_key = node.keys.detail_key(month);
        let opened = frames.iter().filter_map(|(_, frame)| open_frame(frame, (&key, &detail_key), whom));
        found.extend(opened.map(|found| (month, found)));
    }
    let is_in_range = |found: &Found| {
        let day = found.header.recorded.brussels_day();
        days.is_none_or(|days| (days.from()..=days.to()).contains(&day))
    };
    found.retain(|(_, found)| is_in_range(found));
    results.extend(unproven(client, node, origin, &found).await?.into_iter().map(Err));
    results.extend(found.into_iter().map(|(_, found)| Ok(found)));
    Ok(results)
}

/// Finds a person's records in one month.
async fn search_month(
    client: &Client,
    node: &SearchedNode<'_>,
    extent: &Extent,
    (key, whom): (&SubjectKey, &Whom),
) -> Result<Hits, tokio_postgres::Error> {
    let token = whom.token(key).prefix();
    let mut hits = Hits::default();
    let (until, expected) = match newest_sums(client, (node.id, node.name), extent.month, key).await? {
        Some(Ok((until, slots))) => (until, slots.get(usize::from(first_byte(token))).copied()),
        Some(Err(ChangedSums)) => {
            hits.problems.push(CopyProblem::Index);
            (extent.first, None)
        }
        None => (extent.first, None),
    };
    let entries = entries(client, node, extent, (token, until)).await?;
    let mut slot = Slot::default();
    entries.iter().for_each(|(token, sequence)| slot.add(key, *token, *sequence));
    if expected.is_some_and(|expected| expected != slot) {
        hits.problems.push(CopyProblem::Index);
    }
    let sequences: Vec<i64> =
        entries.iter().filter(|(of, _)| *of == token).map(|(_, sequence)| db_number(*sequence)).collect();
    read_hits(client, node, extent, (key, &sequences), &mut hits).await?;
    read_tail(client, node, extent, (key, token, until), &mut hits).await?;
    hits.frames.sort_by_key(|(sequence, _)| *sequence);
    hits.frames.dedup_by_key(|(sequence, _)| *sequence);
    Ok(hits)
}

/// The entries before `until` whose token begins with the same byte.
async fn entries(
    client: &Client,
    node: &SearchedNode<'_>,
    extent: &Extent,
    (token, until): (Prefix, u64),
) -> Result<Vec<(Prefix, u64)>, tokio_postgres::Error> {
    let text = "select subject, sequence from ehealth.record \
                where month = $1 and node = $2 and sequence < $3 and subject between $4 and $5 \
                union all select successor, sequence from ehealth.record \
                where month = $1 and node = $2 and sequence < $3 and successor between $4 and $5 \
                union all select end_user, sequence from ehealth.record \
                where month = $1 and node = $2 and sequence < $3 and end_user between $4 and $5";
    let [first, ..] = token.to_be_bytes();
    let [low, high] = [0, 0xff].map(|rest| i64::from_be_bytes([first, rest, rest, rest, rest, rest, rest, rest]));
    let month = month_number(extent.month);
    let rows = client.query(text, &[&month, &node.id, &db_number(until), &low, &high]).await?;
    Ok(rows.iter().map(|row| (row.get(0), sequence_of(row.get(1)))).collect())
}

/// Reads the records of these sequences.
async fn read_hits(
    client: &Client,
    node: &SearchedNode<'_>,
    extent: &Extent,
    (key, sequences): (&SubjectKey, &[i64]),
    hits: &mut Hits,
) -> Result<(), tokio_postgres::Error> {
    let text = "select sequence, frame, code from ehealth.record \
                where month = $1 and node = $2 and sequence = any($3) order by sequence";
    for row in client.query(text, &[&month_number(extent.month), &node.id, &sequences]).await? {
        take(&row, node, key, |_| true, hits);
    }
    Ok(())
}

/// Reads every record from `until` on: no sums cover them yet.
async fn read_tail(
    client: &Client,
    node: &SearchedNode<'_>,
    extent: &Extent,
    (key, token, until): (&SubjectKey, Prefix, u64),
    hits: &mut Hits,
) -> Result<(), tokio_postgres::Error> {
    let text = "select sequence, frame, code from ehealth.record \
                where month = $1 and node = $2 and sequence >= $3 order by sequence limit 4096";
    let (statement, mut next) = (client.prepare(text).await?, until.max(extent.first));
    while next <= extent.last {
        let rows = client.query(&statement, &[&month_number(extent.month), &node.id, &db_number(next)]).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let sequence = sequence_of(row.get(0));
            if sequence != next {
                hits.problems.push(CopyProblem::Missing(next));
            }
            next = sequence.saturating_add(1);
            take(&row, node, key, |found| found.tokens().any(|of| of == token), hits);
        }
    }
    Ok(())
}

/// Takes a row if its code is that of the node, and it is wanted.
fn take(
    row: &tokio_postgres::Row,
    node: &SearchedNode<'_>,
    key: &SubjectKey,
    is_wanted: impl Fn(&FrameRow<'_>) -> bool,
    hits: &mut Hits,
) {
    let (sequence, frame, code) = (sequence_of(row.get(0)), row.get::<_, &[u8]>(1), row.get::<_, &[u8]>(2));
    match FrameRow::parse(frame) {
        Ok(parsed) if parsed.sequence == sequence && key.row_code(node.name, parsed.leaf)[..] == *code => {
            if is_wanted(&parsed) {
                hits.frames.push((sequence, frame.to_vec()));
            }
        }
        Ok(_) | Err(_) => hits.problems.push(CopyProblem::Changed(sequence)),
    }
}

/// Found records that are not under their node's newest checkpoint, although they should be.
async fn unproven(
    client: &Client,
    node: &SearchedNode<'_>,
    origin: &str,
    found: &[(Month, Found)],
) -> Result<Vec<SearchError>, tokio_postgres::Error> {
    let Some((month, first)) = found.first() else { return Ok(Vec::new()) };
    let error = |month, problem| SearchError::Copy { node: node.name.into(), month, problem };
    let Some(Anchor { size, root, .. }) = anchor(client, node.id, node.keys, origin).await? else {
        return Ok(vec![error(*month, CopyProblem::Checkpoint)]);
    };
    let signed = found.iter().filter(|(_, found)| found.header.sequence < size);
    let sequences: Vec<u64> = signed.map(|(_, found)| found.header.sequence).collect();
    if sequences.is_empty() {
        return Ok(Vec::new());
    }
    let tree = TreeReader::new(client, node.id, size).await?.around(sequences.iter().copied()).await?;
    let is_proven = tree.root(0, size).is_some_and(|of| audit_log::root_text(of) == root);
    Ok(if is_proven { Vec::new() } else { vec![error(*month, CopyProblem::Unproven(first.header.sequence))] })
}
