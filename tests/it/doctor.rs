//! `doctor` on working set-ups and on broken ones: what it says, its exit code, and that it changes
//! nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ehealth_attributes::app::SystemClock;
use ehealth_attributes::app::doctor::CheckName;
use ehealth_core::model::Clock;
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use testkit::Workspace;

use crate::runbook::on_a_machine;
use crate::support::environment::skip;
use crate::support::program::PROGRAM;
use crate::support::python::project;
use crate::support::schemas::validate;

struct SetUp {
    folder: TempDir,
}

impl SetUp {
    /// A set-up of the demo, with an audit log.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::new(folder.path().to_owned());
        workspace.prepare(SystemClock.now(), "").expect("the workspace can be created");
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        workspace.write_addresses(listen, "https://localhost:8443", Some(0)).expect("written");
        let set_up = Self { folder };
        for name in ["audit-log", "keys", "data", "rejected"] {
            fs::create_dir_all(set_up.path(name)).expect("ours");
            set_up.chmod(name, 0o700);
        }
        set_up
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("ours");
    }

    fn run_by(&self, program: &[&str], more: &[&str]) -> Output {
        let (first, rest) = program.split_first().expect("a program");
        let mut command = Command::new(first);
        command.args(rest).args(["doctor", "--config"]).arg(self.path("ehealth-attributes.toml")).args(more);
        command.env_remove("EHEALTH_ATTRIBUTES_LOG").stdin(Stdio::null()).output().expect("the program runs")
    }

    /// The JSON and the exit code.
    fn examine(&self, more: &[&str]) -> (Value, Option<i32>) {
        let output = self.run_by(&[PROGRAM], &[&["--json"], more].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{errors}")), output.status.code())
    }

    /// Every path with its length and mode.
    fn content(&self) -> BTreeMap<PathBuf, (u64, u32)> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("readable") {
                let path = entry.expect("readable").path();
                let metadata = path.metadata().expect("readable");
                if metadata.is_dir() {
                    folders.push(path.clone());
                }
                found.insert(path, (metadata.len(), metadata.permissions().mode()));
            }
        }
        found
    }
}

/// Verdict and text of the check with this name, about this setting.
fn check<'a>(diagnosis: &'a Value, name: &str, setting: &str) -> (&'a str, &'a str) {
    let mut checks = diagnosis["checks"].as_array().expect("checks").iter();
    let found = checks.find(|check| check["check"] == name && check["setting"].as_str().unwrap_or_default() == setting);
    let found = found.unwrap_or_else(|| panic!("no {name} {setting}: {diagnosis:#}"));
    (found["verdict"].as_str().expect("a verdict"), found["seen"].as_str().expect("a text"))
}

/// Asserts that a check has this verdict and says this, and the exit code that follows from a problem.
fn assert_check(set_up: &SetUp, more: &[&str], (name, setting): (&str, &str), (verdict, part): (&str, &str)) {
    let (diagnosis, code) = set_up.examine(more);
    let (found, seen) = check(&diagnosis, name, setting);
    assert_eq!(found, verdict, "{diagnosis:#}");
    assert!(seen.contains(part), "{name}: {seen}");
    let expected = if diagnosis["problems"] == 0 { 0 } else { 13 };
    assert_eq!(code, Some(expected), "{diagnosis:#}");
    assert!(verdict != "problem" || code == Some(13));
}

#[test]
fn a_working_set_up_is_examined_and_left_as_it_was() {
    let set_up = SetUp::new();
    let before = set_up.content();
    let (diagnosis, _) = set_up.examine(&[]);
    assert_eq!(set_up.content(), before);
    let (verdict, seen) = check(&diagnosis, "sync-latency", "audit_log.folder");
    assert!(["ok", "warning", "problem"].contains(&verdict) && seen.contains("appends of 4 KiB"), "{diagnosis:#}");
    for setting in ["audit_log.folder", "audit_log.keys", "server.key", "policy.file"] {
        assert_eq!(check(&diagnosis, "permissions", setting).0, "ok", "{diagnosis:#}");
    }
    assert_eq!(check(&diagnosis, "certificates", "server.certificate").0, "ok", "{diagnosis:#}");
    validate(&[("doctor", &diagnosis.to_string())]);
    // The demo has no CRL; its datasets are not loaded.
    assert_eq!(check(&diagnosis, "crls", "trust.revocation").0, "warning");
    assert_eq!(check(&diagnosis, "configuration", "").0, "warning");
    assert_check(&set_up, &["--no-probe"], ("sync-latency", "audit_log.folder"), ("not-checked", "--no-probe"));

    let output = set_up.run_by(&[PROGRAM], &["--no-probe"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.lines().any(|line| line.starts_with("not-checked  backup")), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("ok: ")), "{text}");
}

#[test]
fn broken_set_ups_end_with_code_13_and_say_why() {
    let set_up = SetUp::new();
    fs::write(set_up.path("keys/extra"), "x").expect("ours");
    set_up.chmod("keys/extra", 0o644);
    assert_check(&set_up, &[], ("permissions", "audit_log.keys"), ("problem", "mode 0644"));
    set_up.chmod("keys/extra", 0o600);

    set_up.chmod("server.key", 0o604);
    assert_check(&set_up, &[], ("permissions", "server.key"), ("problem", "every user"));
    set_up.chmod("server.key", 0o600);

    set_up.chmod("policy.toml", 0o666);
    assert_check(&set_up, &[], ("permissions", "policy.file"), ("problem", "mode 0666"));
    set_up.chmod("policy.toml", 0o644);

    set_up.chmod("audit-log", 0o705);
    assert_check(&set_up, &[], ("permissions", "audit_log.folder"), ("problem", "mode 0705"));
    set_up.chmod("audit-log", 0o700);

    let in_memory = tempfile::tempdir_in("/dev/shm").expect("a folder in memory");
    let shm = format!("audit_log.folder={}", in_memory.path().display());
    assert_check(&set_up, &["--set", &shm], ("file-system", "audit_log.folder"), ("problem", "in memory"));
    assert_eq!(fs::read_dir(in_memory.path()).expect("a folder").count(), 0);

    let copy = format!("audit_log.checkpoint_copy={}/absent/checkpoint", set_up.folder.path().display());
    assert_check(
        &set_up,
        &["--set", &copy],
        ("file-system", "audit_log.checkpoint_copy"),
        ("problem", "does not exist"),
    );

    let huge = ["--set", "data.min_free_space=1000000GiB"];
    assert_check(&set_up, &huge, ("free-space", "data.folder"), ("problem", "are needed"));

    let report = set_up.path("report");
    let report_setting = format!("audit_log.verification_report={}", report.display());
    let report_check = ("verification", "audit_log.verification_report");
    assert_check(&set_up, &["--set", &report_setting], report_check, ("warning", "never"));
    fs::write(&report, format!("at {}\nrecords 7\nsound no\n", SystemClock.now())).expect("ours");
    assert_check(&set_up, &["--set", &report_setting], report_check, ("problem", "not sound"));

    // What the user of the service put there does not keep root waiting.
    fs::remove_file(&report).expect("ours");
    assert!(Command::new("mkfifo").arg(&report).status().expect("mkfifo").success());
    assert_check(&set_up, &["--set", &report_setting], report_check, ("warning", "no report"));

    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2020, 2, 1));
    let key = KeyPair::generate().expect("a key");
    fs::write(set_up.path("server.pem"), params.self_signed(&key).expect("signed").pem()).expect("ours");
    fs::write(set_up.path("server.key"), key.serialize_pem()).expect("ours");
    assert_check(&set_up, &[], ("certificates", "server.certificate"), ("problem", "expired at 2020-02-01"));
}

#[test]
fn every_check_has_its_row_in_the_guide() {
    let guide = fs::read_to_string(project().join("docs/operations/diagnose.md")).expect("the guide");
    for name in CheckName::ALL {
        assert!(guide.contains(&format!("\n| `{}` | ", name.code())), "{}", name.code());
    }
}

#[test]
fn settings_with_errors_are_printed_and_end_with_3() {
    let set_up = SetUp::new();
    let output = set_up.run_by(&[PROGRAM], &["--set", "server.listen=nowhere"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("server.listen"));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_user_without_access_gets_not_checked() {
    let set_up = SetUp::new();
    let own = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !own || Command::new("setpriv").arg("--version").stdout(Stdio::null()).status().is_err() {
        skip("only root with setpriv can become another user, so that is not tested");
        return;
    }
    // The program may lie below a folder that is root's alone.
    let program = set_up.path("program");
    fs::copy(PROGRAM, &program).expect("copied");
    fs::set_permissions(set_up.folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let program = program.display().to_string();
    let as_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", &program];
    let output = set_up.run_by(&as_other, &["--json"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let diagnosis: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(check(&diagnosis, "sync-latency", "audit_log.folder").0, "not-checked", "{diagnosis:#}");
    assert_eq!(output.status.code(), Some(13), "the settings name a key that this user cannot read");
}

#[test]
fn the_packaged_layout_is_examined_as_root() {
    let script = "apt install\ncp /srv/trial/server.pem /etc/ehealth-attributes/tls/\n\
                  install -m 0600 /srv/trial/server.key /etc/ehealth-attributes/tls/server.key\n\
                  cp /srv/trial/ca.pem /etc/ehealth-attributes/tls/clients-ca/\n\
                  sed -i 's|^revocation = .*|revocation = \"none\"|' /etc/ehealth-attributes/config.toml\n\
                  code=0; ehealth-attributes doctor --json || code=$?\nexit $((code == 13 ? 0 : code + 100))\n";
    let Some(output) = on_a_machine(script) else { return };
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{errors}");
    let at = text.find("\n{\n").or_else(|| text.starts_with("{\n").then_some(0));
    let diagnosis: Value = serde_json::from_str(&text[at.expect("JSON")..]).expect("JSON");
    // Its key is found where systemd would take it from.
    assert_eq!(check(&diagnosis, "permissions", "server.key").0, "ok", "{diagnosis:#}");
    assert_eq!(check(&diagnosis, "certificates", "server.certificate").0, "ok", "{diagnosis:#}");
    assert_eq!(
        check(&diagnosis, "file-system", "audit_log.folder"),
        ("problem", "/var/lib/ehealth-attributes/audit-log is a layer of a container (overlay)")
    );
    if !Path::new("/run/systemd/system").is_dir() {
        assert_eq!(check(&diagnosis, "units", "").0, "not-checked", "{diagnosis:#}");
    }
}
