//! Other implementations check our roots, proofs, notes and keys.
//!
//! `ct-merkle` (RFC 6962) and `tlog_tiles` with `signed_note` (C2SP) are Rust libraries. Two
//! verifiers from PyPI read the segments with their own reader
//! (`tests/it/support/check_audit_log.py`).

use std::fs;
use std::path::Path;

use audit_log::{AuditLog, Frontier, IndexUse, KeyFolder, MissingKeys, Settings, prove};
use audit_verify::{ProofError, VerifyingKey, verify, verify_proof};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ehealth_core::model::Digest;
use sha2::Sha256;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::{Checkpoint, Error, Hash, HashReader, check_record, prove_record, record_hash, stored_hashes};

use super::harness::*;
use crate::support::python::Python;

/// Stored hashes of a tlog, in memory.
#[derive(Default)]
struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

/// Encodes base64 in the standard alphabet, independently of the project's own code.
fn base64(hash: &[u8]) -> String {
    Hash(hash.try_into().expect("32 bytes")).to_string()
}

#[test]
fn roots_of_every_size_match_two_other_implementations() {
    let mut ours = Frontier::default();
    let mut theirs: MemoryBackedTree<Sha256, Vec<u8>> = MemoryBackedTree::new();
    let mut stored = Stored::default();
    for number in 0..600_u64 {
        let data = number.to_be_bytes().repeat(number as usize % 7);
        ours.push(Digest::new(record_hash(&data).0));
        let hashes = stored_hashes(number, &data, &stored).expect("in memory");
        stored.0.extend(hashes);
        theirs.push(data);
        let root = ours.root();
        assert_eq!(root.as_bytes().as_slice(), theirs.root().as_bytes().as_slice(), "{number}");
        assert_eq!(*root.as_bytes(), tlog_tiles::tree_hash(number + 1, &stored).expect("in memory").0, "{number}");
    }
}

/// Three months of 300 exchanges each, and the public key. The checkpoint at the end of each month
/// is beside the log.
fn three_months(dir: &Path) -> (Settings, String) {
    let settings = settings(dir);
    let clock = clock("2026-10-22T05:19:00Z");
    let mut vkey = String::new();
    for (part, month) in (0..3_u64).zip(["2026-10", "2026-11", "2026-12"]) {
        clock.set(moment(&format!("{month}-22T05:19:00Z")));
        let log = AuditLog::open(&settings, clock.clone()).expect("opened");
        let waiting: Vec<_> =
            (part * 300..part * 300 + 300).map(|number| append(&log, entry(number, person(number)))).collect();
        waiting.iter().for_each(|settled| assert!(wait(settled).is_ok()));
        vkey = log.verifying_key();
        log.close();
        fs::copy(settings.folder.join("checkpoint"), dir.join(format!("checkpoint.{part}"))).expect("copied");
    }
    (settings, vkey)
}

#[test]
fn checkpoint_and_proofs_match_two_other_implementations() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, vkey) = three_months(dir.path());
    let note = fs::read(settings.folder.join("checkpoint")).expect("there");

    let verifier = StandardVerifier::new(&vkey).expect("a key that other users can read");
    let signed = Note::from_bytes(&note).expect("a note");
    let (verified, unverified) = signed.verify(&VerifierList::new(vec![Box::new(verifier)])).expect("signed");
    assert_eq!((verified.len(), unverified.len()), (1, 0));
    let checkpoint = Checkpoint::from_bytes(signed.text()).expect("a checkpoint");
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("ehealth-attributes/audit-log", 903));
    assert!(checkpoint.extension().starts_with("made 2026-12-22T05:19:00.000Z\ndataset dimona 41 "));

    let key = VerifyingKey::parse(&vkey).expect("a key");
    assert!(verify(&settings.folder, &key, None).expect("readable").is_sound());
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    let text = String::from_utf8(note).expect("text");
    let mut theirs: MemoryBackedTree<Sha256, Vec<u8>> = MemoryBackedTree::new();
    let mut stored = Stored::default();
    let segments = ["000000000000-2026-10", "000000000301-2026-11", "000000000602-2026-12"];
    for name in segments {
        let bytes = fs::read(settings.folder.join(format!("{name}.seg"))).expect("there");
        let mut rest = bytes.as_slice();
        while let Some(length) = rest.get(4..8).map(|l| u32::from_be_bytes(l.try_into().expect("four")) as usize) {
            let data = rest[8..8 + length].to_vec();
            let hashes = stored_hashes(theirs.len(), &data, &stored).expect("in memory");
            stored.0.extend(hashes);
            theirs.push(data);
            rest = &rest[8 + length + 32..];
        }
    }
    assert_eq!(theirs.root().as_bytes().as_slice(), checkpoint.hash().0);
    for number in (0..900_u64).step_by(37).chain([0, 254, 299, 300, 599, 899]) {
        let sequence = number + number / 300 + 1;
        for index in [IndexUse::Keep, IndexUse::Bypass] {
            let ticket = entry(number, person(number)).ticket;
            let proof = prove(&settings.folder, &keys, index, ticket, &text).expect("proven");
            let proven = verify_proof(&proof, &key).expect("right");
            assert_eq!((proven.sequence, proven.ticket.as_ref()), (sequence, Some(ticket.as_bytes())));
            let path: Vec<&str> = proof.split("\n\n").next().expect("a head").lines().skip(3).collect();
            let one = theirs.prove_inclusion(sequence as usize);
            let one: Vec<String> = one.as_bytes().chunks(32).map(base64).collect();
            assert_eq!(path, one, "{number}");
            let other = prove_record(903, sequence, &stored).expect("in memory");
            check_record(&other, 903, *checkpoint.hash(), sequence, record_hash(&proven.record)).expect("right");
            assert_eq!(path, other.iter().map(|hash| base64(&hash.0)).collect::<Vec<_>>(), "{number}");
        }
    }
}

#[test]
fn two_verifiers_from_pypi_accept_our_roots_and_proofs() {
    let dir = tempfile::tempdir().expect("a folder");
    let (settings, vkey) = three_months(dir.path());
    fs::write(dir.path().join("public-key"), vkey).expect("ours");
    let keys = KeyFolder::open(&settings.keys, MissingKeys::Refuse).expect("there");
    let note = fs::read_to_string(settings.folder.join("checkpoint")).expect("there");
    for number in (0..900_u64).step_by(53).chain([254, 255, 299, 300, 899]) {
        let ticket = entry(number, person(number)).ticket;
        let proof = prove(&settings.folder, &keys, IndexUse::Keep, ticket, &note).expect("proven");
        fs::write(dir.path().join(format!("proof.{number}")), proof).expect("ours");
    }
    let Some(python) = Python::find() else { return };
    let printed = python.run("check_audit_log.py", [dir.path()]).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(printed, "903 records, 3 checkpoints, 22 proofs\n");
}

/// Key pair of the examples of Go's `golang.org/x/mod/sumdb/note`.
const SIGNING_KEY: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const VERIFYING_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

#[test]
fn a_foreign_checkpoint_is_read_and_a_false_proof_refused() {
    let root = record_hash(b"garbage");
    let mut note = Note::new(format!("PeterNeumann\n1\n{root}\n").as_bytes(), &[]).expect("a text");
    note.add_sigs(&[&StandardSigner::new(SIGNING_KEY).expect("a key")]).expect("signed");
    let note = String::from_utf8(note.to_bytes()).expect("text");
    let key = VerifyingKey::parse(VERIFYING_KEY).expect("a key");
    let verified =
        |extra: &str| verify_proof(&format!("c2sp.org/tlog-proof@v1\nextra {extra}\nindex 0\n\n{note}"), &key);
    assert_eq!(verified("Z2FyYmFnZQ=="), Err(ProofError::Record));
    assert_eq!(verified("Z2FyYmFnZT=="), Err(ProofError::Form), "the same bytes in another encoding");
    assert_eq!(verified("cm90dGVu"), Err(ProofError::Path));
}
