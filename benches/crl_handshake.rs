//! Cost of CRLs: accepting a client with 300 000 revoked certificates of each issuer, against empty
//! CRLs.
//!
//! `cargo bench --bench crl_handshake` prints, in one run and interleaved, the service's part of
//! TLS handshakes (1.2 and 1.3), the validation of the client's path alone, which is repeated with
//! every request, and the time to read the CRLs. It fails if the long CRLs make one of the first
//! two more than 10 % slower.

#![allow(clippy::print_stdout, clippy::float_arithmetic, reason = "a benchmark prints ratios")]

#[path = "../tests/it/support/certificates.rs"]
mod certificates;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use certificates::Authority;
use ehealth_attributes::server::ClientVerifier;
use ehealth_attributes::server::tls::{self, RevocationFiles, TlsFiles};
use ehealth_core::model::{Clock, FixedClock, Timestamp};
use rcgen::PublicKeyData;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};

/// Revoked certificates of each of the two issuers in the path.
const REVOKED: u64 = 300_000;
/// Handshakes or validations per turn: few, so that most turns are not interrupted.
const TIMES: u32 = 5;
const TURNS: usize = 601;
/// Maximum ratio of long to empty CRLs.
const MAX_RATIO: f64 = 1.10;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let now = Timestamp::parse("2026-05-01T12:00:00Z").expect("a timestamp");
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::new(now));
    let root = Authority::root("Root");
    let issuer = root.issue_authority("Issuer");
    let service = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = rcgen::KeyPair::generate().expect("a key");
    let leaf = issuer.issue_leaf_with(|leaf| leaf.public_key = key.subject_public_key_info());
    let callers: Vec<_> = [&TLS12, &TLS13]
        .into_iter()
        .map(|version| (version, caller(version, &clock, &service.cert, &leaf, &key)))
        .collect();

    fs::write(folder.path().join("service.pem"), service.cert.pem()).expect("written");
    fs::write(folder.path().join("service.key"), service.signing_key.serialize_pem()).expect("written");
    fs::write(folder.path().join("root.der"), &root.certificate).expect("written");
    fs::write(folder.path().join("issuer.der"), &issuer.certificate).expect("written");
    let empty = read(folder.path(), &[&root, &issuer], 0, &clock);
    let long = read(folder.path(), &[&root, &issuer], REVOKED, &clock);

    let mut is_cheap = true;
    for (version, caller) in &callers {
        is_cheap &= compare(
            &format!("the service's part of a {:?} handshake", version.version),
            || handshake(&empty.0, caller),
            || handshake(&long.0, caller),
        );
    }
    is_cheap &= compare("validating a path", || validate(&empty.1, &leaf, now), || validate(&long.1, &leaf, now));
    assert!(is_cheap, "the long CRLs cost more than 10 %");
}

/// Runs both interleaved and prints the time of a quiet turn of each. Returns whether the second
/// takes at most [`MAX_RATIO`] times the first.
fn compare(what: &str, mut empty: impl FnMut() -> Duration, mut long: impl FnMut() -> Duration) -> bool {
    let (mut of_empty, mut of_long) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        of_empty.push(empty());
        of_long.push(long());
    }
    let (empty, long) = (quiet(of_empty), quiet(of_long));
    let ratio = long.as_secs_f64() / empty.as_secs_f64();
    println!("{what}: {empty:?} with empty CRLs, {long:?} with two of {REVOKED}: ratio {ratio:.3}");
    ratio <= MAX_RATIO
}

/// TLS of the service with CRLs of both issuers; prints the time to read them.
fn read(
    folder: &Path,
    issuers: &[&Authority],
    revoked: u64,
    clock: &Arc<dyn Clock>,
) -> (Arc<ServerConfig>, Arc<ClientVerifier>) {
    let lists = folder.join(format!("lists-{revoked}"));
    fs::create_dir(&lists).expect("a folder");
    let mut bytes = 0;
    for (number, issuer) in issuers.iter().enumerate() {
        let list = issuer.list_with(|list| list.revoke_strangers(revoked));
        bytes += list.len();
        fs::write(lists.join(format!("{number}.crl")), list).expect("written");
    }
    let files = TlsFiles {
        certificate: folder.join("service.pem"),
        key: folder.join("service.key"),
        client_ca: vec![folder.join("root.der"), folder.join("issuer.der")],
        revocation: RevocationFiles::Lists(vec![lists]),
    };
    let before = resident_bytes();
    let start = Instant::now();
    let sides = tls::load(&files, clock).expect("valid files");
    let took = start.elapsed();
    let held = resident_bytes().saturating_sub(before);
    println!("reading two CRLs of {revoked} ({bytes} bytes): {took:?}, {held} bytes more in memory");
    sides
}

/// TLS of a client with this certificate.
fn caller(
    version: &'static SupportedProtocolVersion,
    clock: &Arc<dyn Clock>,
    service: &rcgen::Certificate,
    leaf: &CertificateDer<'static>,
    key: &rcgen::KeyPair,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(service.der().clone()).expect("an anchor");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ClientConfig::builder_with_details(tls::provider(), tls::time_of(Arc::clone(clock)))
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![leaf.clone()], key)
        .expect("a caller");
    Arc::new(config)
}

/// Average time of the service in one handshake of a turn, without the client's time.
fn handshake(service: &Arc<ServerConfig>, caller: &Arc<ClientConfig>) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..TIMES {
        let name = ServerName::try_from("localhost").expect("a name");
        let mut caller = ClientConnection::new(Arc::clone(caller), name).expect("a caller");
        let mut service = ServerConnection::new(Arc::clone(service)).expect("a service");
        while caller.is_handshaking() || service.is_handshaking() {
            let mut bytes = Vec::new();
            while caller.wants_write() {
                caller.write_tls(&mut bytes).expect("memory");
            }
            let start = Instant::now();
            let mut unread = bytes.as_slice();
            while !unread.is_empty() {
                service.read_tls(&mut unread).expect("memory");
                service.process_new_packets().expect("the client is accepted");
            }
            let mut bytes = Vec::new();
            while service.wants_write() {
                service.write_tls(&mut bytes).expect("memory");
            }
            spent += start.elapsed();
            let mut unread = bytes.as_slice();
            while !unread.is_empty() {
                caller.read_tls(&mut unread).expect("memory");
                caller.process_new_packets().expect("the service is trusted");
            }
        }
    }
    spent / TIMES
}

/// Average time of one validation of a turn.
fn validate(verifier: &ClientVerifier, leaf: &CertificateDer<'_>, now: Timestamp) -> Duration {
    let start = Instant::now();
    for _ in 0..TIMES {
        black_box(verifier.trust().admit(black_box(leaf), &[], now)).expect("a valid leaf");
    }
    start.elapsed() / TIMES
}

/// The tenth percentile: other programs make turns longer, nothing makes them shorter.
fn quiet(mut turns: Vec<Duration>) -> Duration {
    turns.sort_unstable();
    turns[turns.len() / 10]
}

/// Resident memory of this process in bytes (`VmRSS`).
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1_024
}
