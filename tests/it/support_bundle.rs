//! `support bundle`: a set-up that is salted with numbers and names of persons, keys and passwords; none of
//! them is in the archive, and a control shows that the search finds each.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ehealth_attributes::app::support::NAMES;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::canary;
use crate::support::program::PROGRAM;
use crate::support::python::project;
use crate::support::schemas::validate;
use crate::support::unread::{serve, workspace};

const SSIN: &str = "85073099932";
const NAME: &str = "Quickenborne";
const PASSWORD: &str = "hunter2-correct-horse";

/// The files of an archive by their names.
fn unpack(archive: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(archive).expect("an archive")));
    let entries = archive.entries().expect("entries").map(|entry| {
        let mut entry = entry.expect("an entry");
        assert_eq!(entry.header().mode().expect("a mode"), 0o600);
        let path = entry.path().expect("a path").into_owned();
        let name = path.strip_prefix("ehealth-attributes-support").expect("the folder").display().to_string();
        let mut content = String::new();
        entry.read_to_string(&mut content).expect("UTF-8");
        (name, content)
    });
    entries.collect()
}

/// What must not be in a bundle, in words.
fn find_canaries(content: &[u8], secrets: &[(&'static str, Vec<u8>)]) -> Vec<&'static str> {
    let holds = |part: &[u8]| !part.is_empty() && content.windows(part.len()).any(|window| window == part);
    let mut found: Vec<_> = secrets.iter().filter(|(_, secret)| holds(secret)).map(|(what, _)| *what).collect();
    if !canary::search(content).is_empty() {
        found.push("ssin");
    }
    found
}

/// A log as a service could have written it in the worst case, and lines that no service writes.
fn salted_log(key_line: &str) -> String {
    let json = |fields: &str| {
        format!(
            "{{\"timestamp\":\"2026-11-30T22:50:00.123Z\",\"severity_text\":\"INFO\",\"target\":\"ehealth_attributes::x\",\
             \"message\":\"answered\",{fields}}}\n"
        )
    };
    let spellings = [
        SSIN.to_owned(),
        "85.07.30-999.32".to_owned(),
        "85 07 30 999 32".to_owned(),
        "%38%35073099932".to_owned(),
        "85%2E07%2E30-999.32".to_owned(),
        "&#56;&#x35;073099932".to_owned(),
        STANDARD.encode(format!("<ssin>{SSIN}</ssin>")),
    ];
    let mut log = String::new();
    for spelling in &spellings {
        log.push_str(&json(&format!("\"error\":\"cannot read {spelling}\",\"ticket\":\"{spelling}\"")));
        log.push_str(&format!(
            "2026-11-30T22:50:00.123Z  WARN ehealth_attributes::x: failed at {spelling} x={spelling}\n"
        ));
        log.push_str(&format!("ehealth-attributes.service: {spelling}\n{spelling}\n"));
    }
    log.push_str(&json(&format!("\"more\":{SSIN},\"duration\":0.5")));
    log.push_str(&json(&format!("\"cause\":\"value '{NAME}'\",\"subject\":\"CN={NAME}\",\"application\":\"{NAME}\"")));
    log.push_str(&json(&format!("\"{NAME}\":1,\"nested\":{{\"message\":\"{NAME}\"}}")));
    log.push_str(&json(&format!("\"error\":\"postgresql://gateway:{PASSWORD}@db1/x: refused\"")));
    log.push_str(&json(&format!("\"error\":\"password={PASSWORD}\"")));
    log.push_str(&json(&format!("\"error\":\"-----BEGIN PRIVATE KEY-----\\n{key_line}\\n\"")));
    log.push_str(&json(&format!("\"error\":\"key {key_line}\"")));
    log.push_str(&format!("{NAME} called\n{key_line}\n2026-11-30T22:50:00.123Z  INFO {NAME} x: {NAME}\n"));
    log.push_str(&json("\"reason\":\"last-line\""));
    log
}

/// A set-up whose every file has canaries, and what the canaries are.
struct Salted {
    folder: tempfile::TempDir,
    workspace: testkit::Workspace,
    secrets: Vec<(&'static str, Vec<u8>)>,
}

impl Salted {
    fn new() -> Self {
        let (folder, workspace) = workspace();
        let demo = folder.path().join("demo");
        let append = |path: PathBuf, text: &str| {
            let before = fs::read_to_string(&path).expect("a text");
            fs::write(path, before + text).expect("written");
        };
        let of_letter =
            ["name", "address", "controller", "dpo", "retention"].map(|key| format!("{key} = \"{NAME} {SSIN}\"\n"));
        append(workspace.settings(), &format!("\n# {NAME} {SSIN} {PASSWORD}\n[letter.nl]\n{}", of_letter.concat()));
        let policy = demo.join("policy.toml");
        let text = fs::read_to_string(&policy).expect("a policy");
        let text = text.replace("De Linde, health-insurance fund", NAME);
        assert!(text.contains(NAME));
        fs::write(&policy, format!("# {NAME} {SSIN} {PASSWORD}\n{text}")).expect("written");
        for folder in ["rejected", "rejected/dimona", "audit-log", "data", "feeds/dimona"] {
            fs::create_dir_all(demo.join(folder)).expect("a folder");
            fs::write(demo.join(folder).join("rejected.csv"), format!("{SSIN};{NAME};{PASSWORD}\n")).expect("written");
        }
        let key = fs::read_to_string(demo.join("server.key")).expect("a key");
        let key_line = key.lines().find(|line| line.len() == 64).expect("a line of base64").to_owned();
        fs::write(demo.join("gateway.log"), salted_log(&key_line)).expect("written");
        let mut secrets = vec![
            ("name", NAME.as_bytes().to_vec()),
            ("password", PASSWORD.as_bytes().to_vec()),
            ("server key", key_line.into_bytes()),
        ];
        fs::create_dir_all(demo.join("keys")).expect("a folder");
        secrets.push(("rejected", b"rejected.csv".to_vec()));
        Self { folder, workspace, secrets }
    }

    /// Adds the keys that the service made.
    fn add_keys(&mut self) {
        for entry in fs::read_dir(self.path("keys")).expect("keys") {
            let key = fs::read(entry.expect("a key").path()).expect("readable");
            if key.len() >= 16 {
                self.secrets.push(("audit key", key.clone()));
                self.secrets.push(("audit key in base64", STANDARD.encode(&key).into_bytes()));
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("demo").join(name)
    }

    fn bundle(&self, more: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(["support", "bundle", "--config"]).arg(self.workspace.settings()).args(more);
        command
            .env_remove("EHEALTH_ATTRIBUTES_LOG")
            .env("DATABASE_PASSWORD", PASSWORD)
            .env("PERSON", format!("{NAME} {SSIN}"));
        command.stdin(Stdio::null()).output().expect("the program runs")
    }

    fn assert_clean(&self, files: &BTreeMap<String, String>) {
        for (name, content) in files {
            let found = find_canaries(content.as_bytes(), &self.secrets);
            assert!(found.is_empty(), "{name} has {found:?}");
        }
    }
}

#[test]
fn a_bundle_of_a_salted_set_up_has_no_canary() {
    let mut salted = Salted::new();
    let (program, _, admin) = serve(&salted.workspace);
    salted.add_keys();
    let (out, log) = (salted.path("out.tar.gz"), salted.path("gateway.log").display().to_string());
    let out_text = out.display().to_string();
    // What is there is replaced, and a link not followed.
    fs::write(salted.path("other"), "mine").expect("written");
    symlink(salted.path("other"), &out).expect("a link");
    let listen = format!("admin.listen={admin}");
    let arguments = ["--out", &out_text, "--log-file", &log, "--set", &listen, "--json"];
    let output = salted.bundle(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(salted.path("other")).expect("there"), "mine");
    let metadata = fs::symlink_metadata(&out).expect("there");
    assert!(metadata.is_file() && metadata.permissions().mode() & 0o7777 == 0o600);

    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    validate(&[("support-bundle", &printed)]);
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    let files = unpack(&out);
    salted.assert_clean(&files);

    // All of it is there, as the list says: the service runs, so that nothing but two logs is missing.
    let manifest: Value = serde_json::from_str(&files["MANIFEST.json"]).expect("JSON");
    assert_eq!(manifest, printed["manifest"]);
    let listed: Vec<_> = manifest["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| {
            let name = entry["name"].as_str().expect("a name");
            let digest: String = Sha256::digest(&files[name]).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(
                (entry["sha256"].as_str(), entry["bytes"].as_u64()),
                (Some(&*digest), Some(files[name].len() as u64))
            );
            name
        })
        .collect();
    assert_eq!(listed, NAMES[..13], "{manifest:#}");
    assert_eq!(files.len(), 14);
    assert!(
        files["log/answering.log"].contains("last-line") && files["log/answering.log"].contains("\"duration\":0.5")
    );
    assert!(files["page.json"].contains("0999010126") && files["metrics.txt"].contains("ehealth_attributes_"));
    assert!(files["health.json"].contains("\"ready\"") && files["doctor.json"].contains("sync-latency"));
    let settings: Value = serde_json::from_str(&files["settings.json"]).expect("JSON");
    let value = |name: &str| {
        settings.as_array().expect("a list").iter().find(|it| it["setting"] == name).expect(name)["value"].clone()
    };
    assert!(
        value("letter.nl.dpo").is_null() && value("server.key").as_str().is_some_and(|key| key.ends_with("server.key"))
    );
    assert_eq!(program.stop().0, Some(0));

    // The control: the search finds each of them in the sources.
    let mut sources = Vec::new();
    for name in ["gateway.log", "policy.toml", "ehealth-attributes.toml", "rejected/rejected.csv", "server.key"] {
        sources.extend(fs::read(salted.path(name)).expect("there"));
    }
    sources.extend(b"rejected.csv");
    for entry in fs::read_dir(salted.path("keys")).expect("keys") {
        let key = fs::read(entry.expect("a key").path()).expect("readable");
        sources.extend(STANDARD.encode(&key).into_bytes());
        sources.extend(key);
    }
    let found = find_canaries(&sources, &salted.secrets);
    assert_eq!(found.len(), salted.secrets.len() + 1, "{found:?}");
}

#[test]
fn a_bundle_is_made_of_a_set_up_with_errors_too() {
    let salted = Salted::new();
    let out = salted.path("out.tar.gz");
    let out_text = out.display().to_string();
    let listen = format!("server.listen={PASSWORD}");
    let url = format!("server.public_url=https://{NAME}:{PASSWORD}@localhost/");
    let database = format!("cluster.database=postgresql://gateway:{PASSWORD}@db1/x");
    let age = format!("freshness.dimona={SSIN}");
    let wrong = ["--out", &out_text, "--set", &listen, "--set", &url, "--set", &database, "--set", &age];
    let output = salted.bundle(&wrong);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let files = unpack(&out);
    salted.assert_clean(&files);
    assert!(files["findings.json"].contains("server.listen") && !files.contains_key("settings.json"));
    assert!(files["MANIFEST.json"].contains("see findings.json"));
}

#[test]
fn a_dry_run_writes_nothing_and_hostile_logs_are_left_out() {
    let salted = Salted::new();
    let fifo = salted.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    symlink(salted.path("gateway.log"), salted.path("link")).expect("a link");
    let count = |name: &str| fs::read_dir(salted.path(name)).expect("a folder").count();
    let before = (count("."), count("audit-log"));
    let [fifo, link] = [fifo, salted.path("link")].map(|path| path.display().to_string());
    let logs = ["--log-file", &fifo, "--log-file", "/dev/zero", "--log-file", &link];
    let output = salted.bundle(&[&["--dry-run"][..], &logs].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!((count("."), count("audit-log")), before);
    let left_out = text.lines().filter(|line| line.trim_start().starts_with("-  log/")).count();
    assert_eq!(left_out, 3, "{text}");
    assert!(text.contains("Nothing was written"), "{text}");
    // No service runs.
    assert!(text.lines().any(|line| line.trim_start().starts_with("-  page.json")), "{text}");
    let output = salted.bundle(&[]);
    assert_eq!(output.status.code(), Some(2), "--out is required");
}

#[test]
fn the_guide_lists_every_entry() {
    let guide = fs::read_to_string(project().join("docs/operations/diagnose.md")).expect("the guide");
    for name in NAMES.into_iter().chain(["MANIFEST.json"]) {
        assert!(guide.contains(&format!("`{name}`")), "{name}");
    }
}
