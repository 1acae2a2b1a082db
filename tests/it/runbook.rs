//! The runbook: every block marked `sh` runs unchanged and in order.
//!
//! It runs on a machine made for it: namespaces with their own network and file system layers, and
//! replacements of systemd and apt that do what the units and the package's list say.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::environment::skip;
use crate::support::python;

/// Ways to enter new namespaces: as root, or as a user who becomes root in them.
const WAYS: [&[&str]; 2] = [
    &["--mount", "--net", "--pid", "--fork", "--mount-proc"],
    &["--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--mount-proc"],
];

fn runbook() -> String {
    fs::read_to_string(python::project().join("docs/operations/runbook.md")).expect("the runbook")
}

fn blocks(guide: &str) -> impl Iterator<Item = &str> {
    guide.split("```sh\n").skip(1).map(|rest| rest.split_once("\n```").expect("the block's end").0)
}

/// The package's files: from, to, mode; a line each.
pub fn assets() -> String {
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

#[test]
fn the_runbook_works_word_for_word() {
    let Some(way) = WAYS
        .into_iter()
        .find(|way| Command::new("unshare").args(*way).arg("true").status().is_ok_and(|status| status.success()))
    else {
        skip("cannot create namespaces, so the runbook is not tested");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (commands, files) = (folder.path().join("commands"), folder.path().join("assets"));
    let mut script = String::from("set -euo pipefail\n");
    let guide = runbook();
    for block in blocks(&guide) {
        // So that the last words before a failure are the command's.
        let _ = writeln!(script, "cat >&2 <<'THE-BLOCK'\n\n# {}\nTHE-BLOCK\n{block}", block.replace('\n', "\n# "));
    }
    assert!(blocks(&guide).count() > 15);
    fs::write(&commands, script).expect("written");
    fs::write(&files, assets()).expect("written");
    let followed = Command::new("unshare")
        .args(way)
        .arg("bash")
        .arg(python::project().join("tests/runbook/machine.sh"))
        .arg(python::project())
        .arg(Path::new(env!("CARGO_BIN_EXE_ehealth-attributes")))
        .args([&files, &commands])
        .env_remove("EHEALTH_ATTRIBUTES_LOG")
        .output()
        .expect("unshare");
    let printed = String::from_utf8_lossy(&followed.stderr);
    let printed = printed.get(printed.len().saturating_sub(6_000)..).unwrap_or(&printed);
    assert!(followed.status.success(), "{}\n{}", printed, String::from_utf8_lossy(&followed.stdout));
}

#[test]
fn every_runbook_link_of_an_alert_exists() {
    let rules = fs::read_to_string(python::project().join("deploy/prometheus/alerts.yml")).expect("the rules");
    let headings: Vec<_> =
        runbook().lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_lowercase).collect();
    let mut led = 0;
    for line in rules.lines() {
        if let Some((_, page)) = line.split_once("unbook: ") {
            let page = page.split('.').next().expect("a page").trim_end_matches('"');
            assert!(headings.iter().any(|heading| heading == page || heading.ends_with(page)), "{page}");
            led += 1;
        }
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
