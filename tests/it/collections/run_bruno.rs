//! The Bruno collection, run by Bruno's own command line against the simulator.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::cases::cases;
use crate::support::environment::{is_set, say, skip, with_real_clock};
use crate::support::npm;
use crate::support::python::project;
use crate::support::simulation::Simulation;

const PACKAGES: [&str; 1] = ["@usebruno/cli@4.1.0"];

/// Runs the collection; the exit code, what was printed, and the report.
fn run(modules: &Path, simulation: &Simulation, host: &str, report: &Path) -> (Option<i32>, String, Value) {
    let authority = simulation.file("/ca");
    let demo = authority.parent().expect("the folder of the authority").display().to_string();
    let mut bru = Command::new("node");
    let output = with_real_clock(&mut bru)
        .arg(modules.join("@usebruno/cli/bin/bru.js"))
        .args(["run", "-r", "--env", "demo", "--noproxy", "--ignore-truststore", "--cacert"])
        .arg(&authority)
        .args(["--env-var", &format!("host={host}"), "--env-var", &format!("demo={demo}"), "--reporter-json"])
        .arg(report)
        .current_dir(project().join("examples/bruno"))
        .output()
        .expect("node runs");
    let printed = [output.stdout, output.stderr].concat();
    let report = std::fs::read(report).ok().and_then(|text| serde_json::from_slice(&text).ok());
    (output.status.code(), String::from_utf8_lossy(&printed).into_owned(), report.unwrap_or_default())
}

fn modules() -> Result<PathBuf, String> {
    npm::install("bruno", &PACKAGES)
}

#[test]
fn bruno_gets_every_answer_of_the_catalogue() {
    if !is_set("BRUNO") {
        return say("*** SKIPPED, not asked for: BRUNO=1 cargo test --test it collections::");
    }
    let modules = match modules() {
        Ok(modules) => modules,
        Err(reason) => return skip(&format!("the Bruno collection is not run: {reason}")),
    };
    let simulation = Simulation::start("");
    let host = simulation.url().strip_prefix("https://").expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let (code, printed, report) = run(&modules, &simulation, host, &folder.path().join("report.json"));
    assert_eq!(code, Some(0), "{printed}");
    let results = report[0]["results"].as_array().unwrap_or_else(|| panic!("no results: {report}"));
    let cases = cases();
    assert_eq!(results.len(), cases.len(), "{printed}");
    let checks = |result: &Value, list: &str| result[list].as_array().map_or(0, Vec::len);
    for result in results {
        let name = result["name"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let case = cases.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case is {result:#}"));
        assert_eq!(result["response"]["status"], case.status, "{name}");
        let expected = if case.code.is_some() { 2 } else { 1 };
        assert_eq!((checks(result, "assertionResults"), checks(result, "testResults")), (1, expected), "{name}");
    }
    say(&format!("Bruno: {} requests, every check passes", results.len()));
}
