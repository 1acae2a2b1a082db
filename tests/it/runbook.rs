//! The operations guide: every block marked `sh` runs unchanged, page by page.
//!
//! It runs on a machine made for it: namespaces with their own network and file system layers, and
//! replacements of systemd and apt that do what the units and the package's list say.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::environment::skip;
use crate::support::program::PROGRAM;
use crate::support::python;

/// Ways to enter new namespaces: as root, or as a user who becomes root in them.
const WAYS: [&[&str]; 2] = [
    &["--mount", "--net", "--pid", "--fork", "--mount-proc"],
    &["--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--mount-proc"],
];

/// Blocks that are shown and not run: page, first line. They need what the machine of the
/// test lacks: the sources, a journal, version 0.1, a CRL, the program of another package, a policy of the past.
const NOT_RUN: [(&str, &str); 19] = [
    ("install", "cargo run --release -- demo --once --port 0 --dir trial"),
    (
        "configure",
        "journalctl -u ehealth-attributes -o cat -f -n 0 | ehealth-attributes traces --collector http://127.0.0.1:4318",
    ),
    ("diagnose", "ehealth-attributes doctor"),
    ("incident", "journalctl -u ehealth-attributes -o cat --since -1h | grep -E 'MSG00003|MSG90053'"),
    ("incident", "journalctl --disk-usage"),
    ("incident", "openssl crl -in ca.crl -noout -issuer -lastupdate -nextupdate"),
    (
        "upgrade",
        "runuser -u ehealth-attributes -- ehealth-attributes backup --to /var/lib/ehealth-attributes/before-the-upgrade",
    ),
    ("upgrade", "rmdir /var/lib/ehealth-attributes/audit-log"),
    ("upgrade", r#"origin = "ehealth-attributes/trail""#),
    ("upgrade", "CREDENTIALS_DIRECTORY=/etc/ehealth-attributes/tls ehealth-attributes config check --offline"),
    ("audit-visit", "audit-verify --key audit-log.pub --checkpoint checkpoint-of-the-last-visit /srv/visit/audit-log"),
    ("audit-visit", "ehealth-attributes policy show /srv/visit/audit-log/policy-SHA256.toml --on 2025-06-30"),
    (
        "audit-visit",
        "ehealth-attributes policy explain --policy /srv/visit/audit-log/policy-SHA256.toml --organisation 0999010126 --legal-context BACKTOWORK:ADVISORY_PHYSICIAN --on 2026-01-15",
    ),
    ("acme", "cd /etc/ehealth-attributes/tls"),
    ("acme", "ehealth-attributes config units --write"),
    ("acme", "ehealth-attributes certificates acme"),
    ("acme", "systemctl start ehealth-attributes-acme"),
    ("acme", "mv /var/lib/ehealth-attributes-acme/server.key /var/lib/ehealth-attributes-acme/server.key.old"),
    ("acme", "cp -p /var/lib/ehealth-attributes-acme/server.pem.previous /var/lib/ehealth-attributes-acme/server.pem"),
];

/// What `tests/runbook/commands.py` finds in the pages.
fn in_the_guide(language: &str) -> String {
    let found = Command::new("python3")
        .arg(python::project().join("tests/runbook/commands.py"))
        .arg(python::project().join("docs/operations"))
        .arg(language)
        .output()
        .expect("python3");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    String::from_utf8(found.stdout).expect("UTF-8")
}

#[test]
fn every_block_that_is_not_run_is_listed() {
    let found = in_the_guide("console");
    let listed: Vec<_> = NOT_RUN.iter().map(|(page, line)| format!("{page} {line}")).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), listed);
}

/// The package's files: from, to, mode; a line each.
fn assets() -> String {
    let manifest = fs::read_to_string(python::project().join("Cargo.toml")).expect("the manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().expect("a list").clone();
    let line = |asset: toml::Value| {
        let parts: Vec<_> =
            asset.as_array().expect("a file").iter().filter_map(|part| part.as_str()).map(str::to_owned).collect();
        format!("{}\n", parts.join("\t"))
    };
    assets.into_iter().map(line).collect()
}

/// Runs a script as root on a machine with the package's files (`tests/runbook/machine.sh`); `None` where no namespaces
/// can be created.
pub fn on_a_machine(script: &str) -> Option<Output> {
    let may =
        |way: &&[&str]| Command::new("unshare").args(*way).arg("true").status().is_ok_and(|status| status.success());
    let Some(way) = WAYS.into_iter().find(may) else {
        skip("cannot create namespaces, so neither the operations guide nor the packaged layout is tested");
        return None;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (commands, files) = (folder.path().join("commands"), folder.path().join("assets"));
    fs::write(&commands, format!("set -euo pipefail\n{script}")).expect("written");
    fs::write(&files, assets()).expect("written");
    let mut unshare = Command::new("unshare");
    unshare.args(way).arg("bash").arg(python::project().join("tests/runbook/machine.sh")).arg(python::project());
    unshare.arg(Path::new(PROGRAM)).args([&files, &commands]).env_remove("EHEALTH_ATTRIBUTES_LOG");
    Some(unshare.output().expect("unshare"))
}

#[test]
fn the_guide_works_word_for_word() {
    let script = in_the_guide("sh");
    assert!(script.matches("THE-BLOCK\n").count() > 40, "{script}");
    let Some(followed) = on_a_machine(&script) else { return };
    let printed = String::from_utf8_lossy(&followed.stderr);
    let printed = printed.get(printed.len().saturating_sub(6_000)..).unwrap_or(&printed);
    assert!(followed.status.success(), "{}\n{}", printed, String::from_utf8_lossy(&followed.stdout));
}

#[test]
fn every_section_that_an_alert_names_exists() {
    let rules = fs::read_to_string(python::project().join("deploy/prometheus/alerts.yml")).expect("the rules");
    let folder = fs::read_dir(python::project().join("docs/operations")).expect("a folder");
    let pages = folder.map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("a page"));
    let pages = pages.collect::<String>().to_lowercase();
    let headings: Vec<_> = pages.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' ')).collect();
    let mut led = 0;
    for (_, rest) in rules.lines().filter_map(|line| line.split_once("perations guide: ")) {
        let section = rest.split('.').next().expect("a section").trim_end_matches('"');
        assert!(headings.contains(&section), "{section}");
        led += 1;
    }
    assert!(led > 5);
}

#[test]
fn the_runbook_url_of_each_alert_names_a_page_and_a_heading() {
    let read = |path: &str| fs::read_to_string(python::project().join(path)).expect("the file");
    let anchor = |heading: &str| {
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>()
    };
    for rule in read("deploy/prometheus/alerts.yml").split("- alert: EhealthAttributes").skip(1) {
        let name = rule.lines().next().expect("a name");
        let (_, url) = rule.split_once("runbook_url: 'http://{{ $labels.instance }}/guide/").expect(name);
        let (page, heading) = url.split_once('\'').expect(name).0.split_once('#').expect(name);
        let guide = read(&format!("docs/operations/{page}.md"));
        let mut headings = guide.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
        assert!(headings.any(|title| anchor(title) == heading), "{name}: {page} has no #{heading}");
    }
}

#[test]
fn each_alert_of_the_cluster_has_its_section() {
    let read = |path: &str| fs::read_to_string(python::project().join(path)).expect("the file");
    let (rules, manual) = (read("deploy/prometheus/alerts.yml"), read("docs/operations/cluster.md"));
    let mut alerts = 0;
    for rule in rules.split("- alert: EhealthAttributes").skip(1) {
        let name = rule.lines().next().expect("a name");
        let is_of_cluster = rule.contains("ehealth_attributes_cluster_");
        assert_eq!(is_of_cluster, rule.contains(&format!("Cluster manual: {name}.")), "{name}");
        assert_eq!(is_of_cluster, manual.contains(&format!("\n### {name}\n")), "{name}");
        alerts += usize::from(is_of_cluster);
    }
    assert_eq!(alerts, 6);
}
