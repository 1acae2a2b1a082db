//! Tables of the documentation whose rows are held by tests: each row names its tests, and each of
//! these exists.

use std::fs;

use crate::support::environment::say;
use crate::support::python::project;

#[test]
fn each_fault_names_an_existing_test() {
    check("docs/operations/faults.md", "| fault | effect | end | caused by |", 50);
}

#[test]
fn each_threat_names_an_existing_test() {
    check("docs/design/threat-model.md", "| boundary | threat | control | test |", 60);
}

/// Checks the tests in the last cell of each row of the table with this head.
fn check(file: &str, head: &str, least: usize) {
    let text = fs::read_to_string(project().join(file)).expect("the file");
    let lines = text.lines().skip_while(|line| *line != head).skip(2);
    let rows: Vec<_> = lines.take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() >= least, "the table has shrunk to {}", rows.len());
    for row in &rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, _, tests] = cells.as_slice() else { panic!("four cells: {row}") };
        tests.split(", ").for_each(assert_exists);
    }
    say(&format!("{file}: {} rows, each with a test", rows.len()));
}

/// Checks that a test exists: its file and its name, as `file` `name`.
fn assert_exists(test: &str) {
    let names: Vec<_> = test.split('`').filter(|part| !part.trim().is_empty()).collect();
    let [file, test] = names.as_slice() else { panic!("a file and a test: {test}") };
    let text = fs::read_to_string(project().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (before, _) = text.split_once(&format!("fn {test}(")).unwrap_or_else(|| panic!("no {test} in {file}"));
    let is_mark = |line: &str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    let is_test = before.lines().rev().take(4).any(|line| is_mark(line.trim_start()));
    assert!(is_test, "{test} is not a test of {file}");
}
