//! The verifier of audit logs, on folders that were tampered with: a sound audit log is edited, and
//! its hashes are corrected.
//!
//! The attacker does not have the signing key. So an audit log may be sound only if it has the size
//! and the root of a signed tree head, and a proof may be valid only for a record of the audit log.
//! The reader, which shares no code with the verifier, reads every record of a sound audit log.

#![no_main]

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use audit_log::Records;
use audit_verify::{VerifyingKey, verify, verify_proof};
use ehealth_core::model::Digest;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest as _, Sha256};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/audit-logs");

/// An edit by an attacker who can write the folder and compute hashes.
#[derive(Debug, Arbitrary)]
enum Edit<'a> {
    /// Replaces bytes of a record and corrects its hash.
    Rewrite { segment: u8, record: u8, at: u16, bytes: &'a [u8] },
    /// Inserts bytes into a record.
    Insert { segment: u8, record: u8, at: u16, bytes: &'a [u8] },
    /// Removes bytes of a record.
    Cut { segment: u8, record: u8, at: u16, count: u16 },
    /// Removes a record.
    Remove { segment: u8, record: u8 },
    /// Copies a record, possibly into another segment.
    Copy { segment: u8, record: u8, into: u8, at: u8 },
    /// Inserts an invented record.
    Invent { segment: u8, at: u8, bytes: &'a [u8] },
    /// Renames a segment.
    Rename { segment: u8, first: u16, year: u16, month: u8 },
    /// Copies a segment under another name.
    Double { segment: u8, first: u16, month: u8 },
    /// Removes a segment.
    Lose { segment: u8 },
    /// Appends bytes after the last record, without a hash.
    Append { segment: u8, bytes: &'a [u8] },
    /// Truncates a segment file.
    Truncate { segment: u8, bytes: u16 },
    /// Changes the checkpoint of the audit log.
    Checkpoint { at: u16, bytes: &'a [u8] },
    /// Replaces the checkpoint of the audit log by another signed one.
    OldCheckpoint { which: u8 },
    /// Removes the checkpoint of the audit log.
    NoCheckpoint,
    /// Replaces the checkpoint that was kept elsewhere by another signed one.
    OtherElsewhere { which: u8 },
}

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    base: u8,
    edits: Vec<Edit<'a>>,
    /// Number, position and replacement of a changed proof.
    proof: Option<(u8, u16, &'a str)>,
}

#[derive(Clone)]
struct Segment {
    records: Vec<Vec<u8>>,
    tail: Vec<u8>,
    bytes: usize,
}

#[derive(Clone)]
struct AuditLog {
    segments: BTreeMap<String, Segment>,
    checkpoint: Option<Vec<u8>>,
    elsewhere: Vec<u8>,
}

struct Known {
    key: VerifyingKey,
    bases: Vec<AuditLog>,
    heads: Vec<Vec<u8>>,
    signed: Vec<(u64, Digest)>,
    records: Vec<Vec<u8>>,
    /// Hashes of the records.
    leaves: HashSet<[u8; 32]>,
    /// Numbers of records that the checkpoints sign.
    sizes: HashSet<u64>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let root = Path::new(FIXTURES);
    let key = fs::read_to_string(root.join("public-key.txt")).expect("a fixture");
    let key = VerifyingKey::parse(&key).expect("a key");
    let (leaves, sizes) = (HashSet::new(), HashSet::new());
    let (bases, heads, signed, records) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut known = Known { key, bases, heads, signed, records, leaves, sizes };
    for name in ["sound", "pruned", "an-old-audit-log-put-back"] {
        let folder = root.join(name);
        let log = AuditLog::read(&folder);
        known.heads.extend(log.checkpoint.clone());
        known.heads.push(log.elsewhere.clone());
        // The last one is older than the checkpoint kept elsewhere, and sound without it.
        let verdict = verify(&folder.join("audit-log"), &known.key, None).expect("readable");
        assert!(verdict.is_sound(), "{name}: {:?}", verdict.findings);
        known.signed.push((verdict.size, verdict.root));
        known.records.extend(log.segments.values().flat_map(|segment| segment.records.clone()));
        known.bases.push(log);
    }
    let leaf = |record: &Vec<u8>| Sha256::new().chain_update([0]).chain_update(record).finalize().into();
    known.leaves = known.records.iter().map(leaf).collect();
    let size = |head: &Vec<u8>| str::from_utf8(head).ok()?.lines().nth(1)?.parse().ok();
    known.sizes = known.heads.iter().filter_map(size).collect();
    known
});

impl AuditLog {
    fn read(folder: &Path) -> Self {
        let mut log = Self { segments: BTreeMap::new(), checkpoint: None, elsewhere: Vec::new() };
        log.elsewhere = fs::read(folder.join("elsewhere")).expect("a fixture");
        for entry in fs::read_dir(folder.join("audit-log")).expect("a fixture") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_str().expect("ASCII").to_owned();
            let bytes = fs::read(&path).expect("a fixture");
            if name == "checkpoint" {
                log.checkpoint = Some(bytes);
            } else if name.ends_with(".seg") {
                log.segments.insert(name, Segment::read(&bytes));
            }
        }
        log
    }

    fn segment(&mut self, number: u8) -> Option<&mut Segment> {
        let count = self.segments.len().max(1);
        self.segments.values_mut().nth(usize::from(number) % count)
    }

    fn name(&self, number: u8) -> Option<String> {
        self.segments.keys().nth(usize::from(number) % self.segments.len().max(1)).cloned()
    }

    fn edit(&mut self, edit: &Edit<'_>) -> Option<()> {
        match *edit {
            Edit::Rewrite { segment, record, at, bytes } => {
                let record = self.segment(segment)?.record(record)?;
                let at = usize::from(at) % (record.len() + 1);
                let end = record.len().min(at + bytes.len());
                record.splice(at..end, bytes.iter().copied());
            }
            Edit::Insert { segment, record, at, bytes } => {
                let record = self.segment(segment)?.record(record)?;
                let at = usize::from(at) % (record.len() + 1);
                record.splice(at..at, bytes.iter().copied());
            }
            Edit::Cut { segment, record, at, count } => {
                let record = self.segment(segment)?.record(record)?;
                let at = usize::from(at) % (record.len() + 1);
                let end = record.len().min(at + usize::from(count));
                record.drain(at..end);
            }
            Edit::Remove { segment, record } => {
                let records = &mut self.segment(segment)?.records;
                let at = usize::from(record) % records.len().max(1);
                if at < records.len() {
                    records.remove(at);
                }
            }
            Edit::Copy { segment, record, into, at } => {
                let copy = self.segment(segment)?.record(record)?.clone();
                self.segment(into)?.insert(at, copy);
            }
            Edit::Invent { segment, at, bytes } => self.segment(segment)?.insert(at, bytes.to_vec()),
            Edit::Rename { segment, first, year, month } => {
                let moved = self.segments.remove(&self.name(segment)?)?;
                self.segments.insert(format!("{first:012}-{year:04}-{month:02}.seg"), moved);
            }
            Edit::Double { segment, first, month } => {
                let copy = self.segment(segment)?.clone();
                self.segments.insert(format!("{first:012}-2026-{month:02}.seg"), copy);
            }
            Edit::Lose { segment } => drop(self.segments.remove(&self.name(segment)?)),
            Edit::Append { segment, bytes } => self.segment(segment)?.tail.extend_from_slice(bytes),
            Edit::Truncate { segment, bytes } => self.segment(segment)?.bytes = usize::from(bytes),
            Edit::Checkpoint { at, bytes } => {
                let note = self.checkpoint.as_mut()?;
                let at = usize::from(at) % (note.len() + 1);
                let end = note.len().min(at + bytes.len());
                note.splice(at..end, bytes.iter().copied());
            }
            Edit::OldCheckpoint { which } => self.checkpoint = Some(head(which)),
            Edit::NoCheckpoint => self.checkpoint = None,
            Edit::OtherElsewhere { which } => self.elsewhere = head(which),
        }
        Some(())
    }

    fn write(&self, folder: &Path) {
        for (name, segment) in &self.segments {
            fs::write(folder.join("audit-log").join(name), segment.frames()).expect("a file");
        }
        if let Some(note) = &self.checkpoint {
            fs::write(folder.join("audit-log/checkpoint"), note).expect("a file");
        }
        fs::write(folder.join("elsewhere"), &self.elsewhere).expect("a file");
    }
}

impl Segment {
    fn read(mut bytes: &[u8]) -> Self {
        let mut records = Vec::new();
        while let Some((length, rest)) = bytes.get(4..).and_then(|rest| rest.split_first_chunk::<4>()) {
            let (record, rest) = rest.split_at(usize::try_from(u32::from_be_bytes(*length)).expect("64 bits"));
            records.push(record.to_vec());
            bytes = &rest[32..];
        }
        Self { records, tail: Vec::new(), bytes: usize::MAX }
    }

    fn record(&mut self, number: u8) -> Option<&mut Vec<u8>> {
        let count = self.records.len().max(1);
        self.records.get_mut(usize::from(number) % count)
    }

    fn insert(&mut self, at: u8, record: Vec<u8>) {
        self.records.insert(usize::from(at) % (self.records.len() + 1), record);
    }

    fn frames(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in &self.records {
            bytes.extend(b"KTR1");
            bytes.extend(u32::try_from(record.len()).expect("short").to_be_bytes());
            bytes.extend(record);
            bytes.extend(Sha256::new().chain_update([0]).chain_update(record).finalize());
        }
        bytes.extend(&self.tail);
        bytes.truncate(self.bytes);
        bytes
    }
}

fn head(which: u8) -> Vec<u8> {
    KNOWN.heads[usize::from(which) % KNOWN.heads.len()].clone()
}

/// A proof of a record without its Merkle path: only the change can make it valid.
fn proof(number: u8) -> String {
    let records = &KNOWN.records;
    let record = &records[usize::from(number) % records.len()];
    let note = String::from_utf8(KNOWN.heads[0].clone()).expect("a note");
    format!("c2sp.org/tlog-proof@v1\nextra {}\nindex {}\n\n{note}", base64(record), number % 9)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[usize::try_from(bits >> (18 - 6 * place) & 63).expect("six bits")];
            text.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

fuzz_target!(|input: Input<'_>| {
    let mut log = KNOWN.bases[usize::from(input.base) % KNOWN.bases.len()].clone();
    for edit in input.edits.iter().take(32) {
        log.edit(edit);
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("audit-log")).expect("a folder");
    log.write(folder.path());
    let audit_log = folder.path().join("audit-log");
    for elsewhere in [None, Some(folder.path().join("elsewhere"))] {
        let verdict = verify(&audit_log, &KNOWN.key, elsewhere.as_deref()).expect("readable");
        if verdict.is_sound() {
            // What lies behind the last checkpoint proves nothing, and the verdict says so.
            assert!(
                KNOWN.sizes.contains(&verdict.signed) && verdict.unsigned == verdict.size - verdict.signed,
                "{verdict:?}"
            );
            assert!(verdict.unsigned > 0 || KNOWN.signed.contains(&(verdict.size, verdict.root)), "{verdict:?}");
            let records = Records::open(&audit_log).expect("readable").map(|record| record.expect("sound"));
            let records: Vec<_> = records.collect();
            assert_eq!(records.len() as u64, verdict.size - verdict.first);
            for record in records.iter().filter(|record| record.header.sequence < verdict.signed) {
                assert!(KNOWN.leaves.contains(record.leaf.as_bytes()), "an invented record: {verdict:?}");
            }
        }
    }
    if let Ok(records) = Records::open(&audit_log) {
        // The iterator must end, whatever the content.
        let _ = records.take(10_000).filter(Result::is_ok).count();
    }
    if let Some((number, at, piece)) = input.proof {
        let mut proof = proof(number);
        let at = usize::from(at) % (proof.len() + 1);
        let end = proof.len().min(at + piece.len());
        if proof.is_char_boundary(at) && proof.is_char_boundary(end) {
            proof.replace_range(at..end, piece);
        }
        if let Ok(proven) = verify_proof(&proof, &KNOWN.key) {
            assert!(KNOWN.records.contains(&proven.record), "an invented record");
        }
    }
});
