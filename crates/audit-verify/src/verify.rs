//! Verification of a folder: reads the checkpoints, then the segments, and compares them.

use std::collections::BTreeSet;
use std::path::Path;

use ehealth_core::model::Timestamp;

use super::chain::{Chain, Position};
use super::compact_range::CompactRange;
use super::compare::{Checkpoints, Records};
use super::coverage::Coverage;
use super::finding::{CheckpointSource, Finding, Notice};
use super::folder::{PolicyText, VerifyError, is_in_use, policy_text, read_checkpoint, scan_all, segment_files};
use super::key::VerifyingKey;
use super::segment::{Scanned, SegmentFile};
use super::verdict::{Truncation, Verdict};

/// Verifies the audit log in this folder. Compares no checkpoint with a clock: [`verify_at`] does.
///
/// # Errors
/// As [`verify_at`].
pub fn verify(folder: &Path, key: &VerifyingKey, elsewhere: Option<&Path>) -> Result<Verdict, VerifyError> {
    verify_at(folder, key, elsewhere, None)
}

/// Verifies the audit log in this folder, at this moment.
///
/// `elsewhere` is a checkpoint file, with nothing but the note. Keep it where a person who can
/// change the audit log cannot change it.
///
/// # Errors
/// [`VerifyError`] if a file cannot be read. What can be read and is wrong is a [`Finding`].
pub fn verify_at(
    folder: &Path,
    key: &VerifyingKey,
    elsewhere: Option<&Path>,
    now: Option<Timestamp>,
) -> Result<Verdict, VerifyError> {
    let mut findings = Vec::new();
    let in_use = is_in_use(folder)?;
    // Read before the segments: everything that it signs must be found in them.
    let own = read_checkpoint(&folder.join("checkpoint"), key, CheckpointSource::Own, &mut findings)?;
    let elsewhere = match elsewhere {
        None => None,
        Some(path) => read_checkpoint(path, key, CheckpointSource::Elsewhere, &mut findings)?,
    };
    let checkpoints = Checkpoints { own, elsewhere };
    let files = segment_files(folder, &mut findings)?;
    let sizes: BTreeSet<u64> = checkpoints.iter().map(|(_, head)| head.size).collect();
    let scanned = scan_all(folder, &files, &sizes)?;

    let signed = checkpoints.signed();
    let mut chain = Chain::new(signed, findings);
    let first = join(&mut chain, &files, &scanned, in_use);
    let tree = chain.tree();
    let size = tree.end();
    let records = Records { sequences: first..size, roots: &chain.roots, is_broken: chain.is_broken };
    chain.findings.extend(checkpoints.compare(&records));

    for policy in scanned.iter().flat_map(|segment| &segment.policies).collect::<BTreeSet<_>>() {
        match policy_text(folder, *policy)? {
            PolicyText::Sound => {}
            PolicyText::Missing => chain.notices.push(Notice::PolicyTextMissing(*policy)),
            PolicyText::Changed => chain.findings.push(Finding::PolicyTextChanged(*policy)),
        }
    }
    let unsigned = size.saturating_sub(signed.unwrap_or(0));
    if unsigned > 0 && !in_use && signed.is_some() {
        chain.notices.push(Notice::Unsigned { records: unsigned });
    }
    chain.notices.extend(now.into_iter().flat_map(|now| checkpoints.future(now)));
    let truncation =
        checkpoints.elsewhere.as_ref().map_or(Truncation::NotDetectable, |head| Truncation::DetectableUpTo(head.size));
    Ok(Verdict {
        first,
        size,
        root: tree.root(),
        segments: files.len(),
        bytes: chain.bytes,
        signed: signed.unwrap_or(0),
        unsigned,
        in_use,
        truncation,
        coverage: Coverage::new(key, (&files, &scanned), &checkpoints),
        findings: chain.findings,
        notices: chain.notices,
    })
}

/// Adds the segments to the chain; returns the sequence of the first record.
fn join(chain: &mut Chain, files: &[SegmentFile], scanned: &[Scanned], in_use: bool) -> u64 {
    let last = files.len().saturating_sub(1);
    for (number, (file, scanned)) in files.iter().zip(scanned).enumerate() {
        let position = match (number == last, in_use) {
            (false, _) => Position::Inner,
            (true, false) => Position::Last,
            (true, true) => Position::BeingWritten,
        };
        chain.add(file, scanned, position);
    }
    let first = files.first().map_or(0, |file| file.first);
    if first != 0 && !chain.pruned.contains(&first) {
        chain.findings.push(Finding::BeginningMissing { first });
    }
    if files.is_empty() {
        chain.findings.push(Finding::Empty);
        chain.roots.push((0, CompactRange::empty().root()));
    }
    first
}
