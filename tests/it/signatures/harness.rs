//! A service that reads signatures, and the stored messages.

use std::fs;
use std::path::{Path, PathBuf};

use ehealth_attributes::config::Settings;

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
    service_with(lines, |_| {}).await
}

/// The same, with the settings that `change` has edited.
pub async fn service_with(lines: &str, change: impl FnOnce(&mut Settings)) -> TestService {
    TestService::start_with(|settings| {
        settings.tls.client_ca.push(fixtures().join("ca.pem"));
        let policy = fs::read_to_string(&settings.policy).expect("a policy");
        let (before, after) = policy.split_once("organisation = \"0999010126\"\n").expect("the fund");
        let policy = format!("{before}organisation = \"0999010126\"\n{lines}\n{after}");
        fs::write(&settings.policy, policy).expect("written");
        change(settings);
    })
    .await
}
