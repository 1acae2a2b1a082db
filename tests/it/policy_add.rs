//! `policy add`: a consumer's section from its certificate, printed first and written only on demand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use ehealth_attributes::app::SystemClock;
use ehealth_attributes::config::read_policy;
use ehealth_core::model::Clock;
use testkit::Workspace;

use crate::support::program::PROGRAM;
use crate::support::python::project;

const PHYSICIAN: &str = "BACKTOWORK:ADVISORY_PHYSICIAN";

/// A workspace with certificates, and a copy of the packaged policy, which has no consumer.
fn prepared() -> (tempfile::TempDir, Workspace, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::new(folder.path().join("demo"));
    workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
    let policy = folder.path().join("policy.toml");
    fs::copy(project().join("deploy/policy.toml"), &policy).expect("copied");
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o640)).expect("set");
    (folder, workspace, policy)
}

fn add(certificate: &Path, policy: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(["policy", "add"]).arg(certificate).args(["--name", "De \"Linde\", fonds", "--policy"]).arg(policy);
    command.args(more).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_consumer_is_shown_then_written_and_valid() {
    let (_folder, workspace, policy) = prepared();
    let (certificate, _) = workspace.client("fund");
    let before = fs::read(&policy).expect("read");
    let shown = add(&certificate, &policy, &["--legal-context", PHYSICIAN, "--application"]);
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    assert!(text(&shown.stdout).contains("\napplications = [\"FUND\"]\n"), "{}", text(&shown.stdout));
    assert_eq!(fs::read(&policy).expect("read"), before, "a dry run writes nothing");
    let authority = workspace.authority();
    let authority = authority.to_str().expect("UTF-8");
    let arguments = ["--legal-context", PHYSICIAN, "--fields", "1,2", "--pin", "--issuer", authority, "--write"];
    let written = add(&certificate, &policy, &arguments);
    assert!(written.status.success(), "{}", text(&written.stderr));
    let register = read_policy(&policy).expect("valid").register;
    let consumer = register.consumers().next().expect("one");
    assert_eq!((consumer.name.as_str(), consumer.grants.len()), ("De \"Linde\", fonds", 1));
    let section = text(&written.stdout);
    for line in ["organisation = \"0999010126\"", "fields = [1, 2]", "relation = \"insured\"", "pinned_issuers = [\""] {
        assert!(section.contains(line), "{line} in {section}");
    }
    assert_eq!(fs::metadata(&policy).expect("a file").permissions().mode() & 0o777, 0o640);
    // A second section for the same organisation is refused, and nothing is written.
    let before = fs::read(&policy).expect("read");
    let twice = add(&certificate, &policy, &["--legal-context", PHYSICIAN, "--write"]);
    assert_eq!(twice.status.code(), Some(3), "{}", text(&twice.stdout));
    assert_eq!(fs::read(&policy).expect("read"), before);
}

#[test]
fn what_the_policy_does_not_allow_is_refused_by_name() {
    let (_folder, workspace, policy) = prepared();
    let (certificate, _) = workspace.client("fund");
    for (arguments, code, said) in [
        (&["--legal-context", "BACKTOWORK:OTHER"][..], 2, "it has BACKTOWORK:ADVISORY_PHYSICIAN"),
        (&["--legal-context", PHYSICIAN, "--relation", "married"], 3, "relation"),
        (&["--legal-context", PHYSICIAN, "--fields", "9"], 3, "field 9 may not be granted"),
        (&["--legal-context", PHYSICIAN, "--fields", "10"], 2, "10 is not in 1..=9"),
        (&["--legal-context", PHYSICIAN, "--from", "2027-01-01", "--to", "2026-01-01"], 3, "valid_to"),
    ] {
        let refused = add(&certificate, &policy, &[arguments, &["--write"]].concat());
        let message = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}: {message}");
        assert!(message.contains(said), "{arguments:?}: {message}");
    }
    let nothing = add(Path::new("/dev/null"), &policy, &["--legal-context", PHYSICIAN]);
    assert_eq!(nothing.status.code(), Some(1), "{}", text(&nothing.stderr));
    assert_eq!(fs::read(&policy).expect("read"), fs::read(project().join("deploy/policy.toml")).expect("read"));
}
