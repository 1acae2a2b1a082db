//! The tables of `docs/reference/`, compared with what they describe.
//! `UPDATE_GOLDENS=1 cargo test --test it readme::` writes them again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::environment::is_set;
use ehealth_attributes::config::write_table;
use ehealth_core::model::StatusCode;
use soap::Fault;

/// The text between the marker that begins so and the next `<!-- end -->`.
fn section<'a>(text: &'a str, marker: &str) -> &'a str {
    let (_, after) = text.split_once(marker).expect("the marker");
    let (_, after) = after.split_once("-->\n").expect("the marker's end");
    after.split_once("<!-- end -->").expect("the section's end").0
}

/// Compares a generated table with the one in a reference document.
fn hold(marker: &str, reference: &str, made: &str) {
    let document = format!("docs/reference/{reference}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&document);
    let text = fs::read_to_string(&path).expect("the document");
    let written = section(&text, marker);
    if written != made && is_set("UPDATE_GOLDENS") {
        let (before, after) = text.split_once(marker).expect("the marker");
        let (head, after) = after.split_once("-->\n").expect("the marker's end");
        let (_, rest) = after.split_once("<!-- end -->").expect("the section's end");
        fs::write(&path, format!("{before}{marker}{head}-->\n{made}<!-- end -->{rest}")).expect("written");
        return;
    }
    assert_eq!(written, made, "{document}: UPDATE_GOLDENS=1 cargo test --test it readme:: updates it");
}

#[test]
fn documents_have_the_catalogue_every_fault_and_every_setting() {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/catalogue.csv");
    let mut table =
        String::from("| SSIN | caller | dates | code | what comes back | what it shows |\n|---|---|---|---|---|---|\n");
    for row in csv::Reader::from_path(catalogue).expect("the catalogue").into_records() {
        let row = row.expect("a row");
        let column = |place: usize| row.get(place).expect("a column");
        let (caller, context) = (column(1), column(2).trim_start_matches("BACKTOWORK:"));
        let usual = matches!(
            (caller, context),
            ("fund" | "other-fund" | "stranger", "ADVISORY_PHYSICIAN")
                | ("service" | "other-service", "PREVENTION_SERVICE")
                | ("platform", "EHEALTH_PLATFORM")
        );
        let caller = if usual { format!("`{caller}`") } else { format!("`{caller}` as {context}") };
        let disclosed = if column(6).is_empty() { String::new() } else { format!("`{}`", column(6)) };
        table +=
            &format!("| {} | {caller} | {} | {} | {disclosed} | {} |\n", column(3), column(4), column(5), column(7));
    }
    hold("<!-- catalogue", "catalogue.md", &table);

    let mut table = String::from("| code | faultcode | what it says |\n|---|---|---|\n");
    for row in Fault::table() {
        table += &format!("| {} | {} | {} |\n", row.code(), row.fault_code.name(), row.sentence);
    }
    hold("<!-- faults", "codes.md", &table);
    hold("<!-- settings", "settings.md", &write_table());

    let mut table = String::from("| Code | `description` |\n|---|---|\n");
    for status in StatusCode::ALL {
        table += &format!("| {} | {} |\n", status.code(), status.description());
    }
    hold("<!-- descriptions", "codes.md", &table);
}

/// The rows of the first table under this heading, without its head.
fn rows_under<'a>(text: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, section) = text.split_once(&format!("\n{heading}\n")).expect("the section");
    let lines = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    lines.skip(2).map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn documents_have_every_status_in_the_order_of_decision() {
    let read = |name: &str| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name)).expect("a document")
    };
    let (codes, contract) = (read("codes.md"), read("contract.md"));
    let made = StatusCode::ALL.map(|status| vec![status.code(), status.value()]);
    let columns = |rows: Vec<Vec<&str>>, first: usize, second: usize| {
        rows.iter().map(|row| vec![row[first].to_owned(), row[second].to_owned()]).collect::<Vec<_>>()
    };
    assert_eq!(columns(rows_under(&codes, "## Statuses"), 0, 1), made, "codes.md, Statuses");
    assert_eq!(columns(rows_under(&contract, "## Status"), 1, 0), made, "contract.md, Status");
    let advice = rows_under(&codes, "### What to do about a status");
    let advised: BTreeSet<_> = advice.iter().map(|row| row[0]).collect();
    assert_eq!(advised, StatusCode::ALL.map(StatusCode::code).into(), "codes.md, What to do about a status");
    assert_eq!(advised.len(), advice.len(), "two rows for one code");
    assert!(advice.iter().all(|row| row[1].len() > 20), "a row without advice");
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    let run = fs::read_to_string(root.join(".ci/run")).expect("the script");
    assert!(readme.contains("```sh\ncargo test\n```"));
    // The same, with the output of tests that pass: it is searched for SSINs.
    assert!(run.contains("\ncargo test --locked -- --show-output 2>&1 | tee "));
}
