//! What revocation lists cost: judging a caller's path with 300 000 revoked certificates against none.
//!
//! `cargo bench --bench crl_handshake` prints both in one run, taken in turns, and what reading the lists costs. It
//! fails where the long list makes a caller's path more than a tenth dearer. The connection around it is not measured.

#![allow(clippy::print_stdout, clippy::float_arithmetic, reason = "a bench prints ratios")]

#[path = "../tests/support/certificates.rs"]
mod certificates;

use std::hint::black_box;
use std::time::{Duration, Instant};

use certificates::Authority;
use ehealth_attributes::model::Timestamp;
use ehealth_attributes::server::trust::{Revocation, Trust};
use rustls::pki_types::CertificateDer;

/// Revoked certificates of each of the two issuers in the path.
const REVOKED: u64 = 300_000;
/// Paths judged in one turn.
const PATHS: u32 = 100;
const TURNS: usize = 41;
/// How much dearer the long list may be.
const MOST: f64 = 1.10;

fn main() {
    let root = Authority::root("Root");
    let issuer = root.issue_authority("Issuer");
    let leaf = issuer.issue_leaf();
    let now = Timestamp::parse("2026-05-01T12:00:00Z").expect("the moment is well written");

    let empty = read(&root, &issuer, 0);
    let long = read(&root, &issuer, REVOKED);

    let mut of_empty = Vec::new();
    let mut of_long = Vec::new();
    for _ in 0..TURNS {
        of_empty.push(judge(&empty, &leaf, now));
        of_long.push(judge(&long, &leaf, now));
    }
    let (empty, long) = (median(of_empty), median(of_long));
    let ratio = long.as_secs_f64() / empty.as_secs_f64();
    println!("a path with empty lists: {empty:?}");
    println!("a path with two lists of {REVOKED}: {long:?}, {ratio:.3} times as long");
    assert!(ratio <= MOST, "the long list costs more than a tenth");
}

/// Reads both issuers' lists, telling what that takes.
fn read(root: &Authority, issuer: &Authority, revoked: u64) -> Trust {
    let lists: Vec<_> = [root, issuer].map(|issuer| issuer.list_with(|list| list.revoke_strangers(revoked))).into();
    let bytes: usize = lists.iter().map(|list| list.len()).sum();
    let lists = Revocation::Lists(lists);
    let authorities = vec![root.certificate.clone(), issuer.certificate.clone()];
    let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    let before = resident_bytes();
    let start = Instant::now();
    let trust = Trust::new(authorities, &lists, algorithms).expect("the authorities are sound");
    let took = start.elapsed();
    let held = resident_bytes().saturating_sub(before);
    println!("reading two lists of {revoked} ({bytes} bytes): {took:?}, {held} bytes more in memory");
    trust
}

/// What judging one path took, on average over a turn.
fn judge(trust: &Trust, leaf: &CertificateDer<'_>, now: Timestamp) -> Duration {
    let start = Instant::now();
    for _ in 0..PATHS {
        black_box(trust.admit(black_box(leaf), &[], now)).expect("the leaf is sound");
    }
    start.elapsed() / PATHS
}

fn median(mut turns: Vec<Duration>) -> Duration {
    turns.sort_unstable();
    turns[turns.len() / 2]
}

/// Bytes of this process that are in memory (`VmRSS`).
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1_024
}
