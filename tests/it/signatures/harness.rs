//! A service that reads signatures, and the stored messages.

use std::fs;
use std::path::{Path, PathBuf};

use ehealth_attributes::config::Settings;
use ehealth_attributes::server::tls;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use soap::signature::{SigningIdentity, SigningKey};

use crate::support::service::TestService;

/// Folder of the stored messages and of the keys that signed them.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/signed")
}

/// A stored message.
pub fn message(name: &str) -> Vec<u8> {
    fs::read(fixtures().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A service whose consumer `fund` (0999010126) has these lines in the policy, and which trusts the
/// authority of the stored messages.
pub async fn service(lines: &str) -> TestService {
    service_where(&[("0999010126", lines)]).await
}

/// The same, with the settings that `change` has edited.
pub async fn service_with(lines: &str, change: impl FnOnce(&mut Settings)) -> TestService {
    start(&[("0999010126", lines)], change).await
}

/// A service whose consumers of these organisations have these lines in the policy.
pub async fn service_where(lines: &[(&str, &str)]) -> TestService {
    start(lines, |_| {}).await
}

async fn start(lines: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> TestService {
    let adapt = |settings: &mut Settings| {
        settings.tls.client_ca.push(fixtures().join("ca.pem"));
        let mut policy = fs::read_to_string(&settings.policy).expect("a policy");
        for (organisation, lines) in lines {
            let key = format!("organisation = \"{organisation}\"\n");
            assert!(policy.contains(&key), "{organisation} is not in the policy");
            policy = policy.replacen(&key, &format!("{key}{lines}\n"), 1);
        }
        fs::write(&settings.policy, policy).expect("written");
        change(settings);
    };
    TestService::start_with(adapt).await
}

/// A stored certificate, DER.
pub fn certificate(name: &str) -> Vec<u8> {
    let read = tls::read_certificates(&fixtures().join(name)).expect("a certificate");
    read.first().expect("one").to_vec()
}

/// The key and certificate of the fund with which stored messages were signed: `rsa` or `ec`.
pub fn identity(kind: &str) -> SigningIdentity {
    let key = PrivateKeyDer::from_pem_file(fixtures().join(format!("fund-{kind}.key"))).expect("a key");
    let key = SigningKey::from_der(key.secret_der()).expect("a key that signs");
    SigningIdentity { key, certificate: certificate(&format!("fund-{kind}.pem")) }
}

/// Value of `message_signatures_total` for this result.
pub async fn count_of_signatures(service: &TestService, result: &str) -> u64 {
    let page = String::from_utf8(service.read_admin("/metrics").await).expect("UTF-8");
    let start = format!("ehealth_attributes_message_signatures_total{{result=\"{result}\"}} ");
    let line = page.lines().find_map(|line| line.strip_prefix(start.as_str()));
    line.map_or(0, |count| count.parse().expect("a number"))
}
