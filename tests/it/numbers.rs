//! Check digits and patterns of both identifiers, compared with 10 000 numbers of another
//! implementation.
//!
//! `fixtures/numbers/make_numbers.py` made the numbers and validated them with python-stdnum; it
//! says where that differs from the contract. Nothing here knows a rule. A disagreement is reported
//! by file and line, never by the number.

use ehealth_core::model::{EnterpriseNumber, Ssin};

use crate::support::python::{Python, project};

/// Reads a file of `fixtures/numbers` and compares each verdict in it with `accepts`.
///
/// # Panics
/// On any disagreement, and if the file has not `count` lines, of which a third or so is valid.
fn agrees_on(file: &str, count: usize, accepts: impl Fn(&str) -> bool) {
    let path = project().join("fixtures/numbers").join(file);
    let mut lines = csv::Reader::from_path(path).expect("the fixture is in the repository");
    let (mut seen, mut valid) = (0, 0);
    let mut disagreements = Vec::new();
    for line in lines.records() {
        let line = line.expect("the script writes CSV");
        let (text, verdict, reason) = (&line[0], &line[1], &line[2]);
        let expected = match verdict {
            "yes" => true,
            "no" => false,
            other => panic!("no verdict: {other}"),
        };
        seen += 1;
        valid += usize::from(expected);
        if accepts(text) != expected {
            let at = line.position().map_or(0, csv::Position::line);
            disagreements.push(format!("{file}:{at}: expected {verdict} ({reason})"));
        }
    }
    assert_eq!(seen, count, "lines of {file}");
    assert!((seen / 4..seen / 2).contains(&valid), "{valid} of {seen} are valid");
    assert!(disagreements.is_empty(), "{} disagreements:\n{}", disagreements.len(), disagreements.join("\n"));
}

#[test]
fn agrees_with_the_oracle_on_every_ssin() {
    agrees_on("ssin.csv", 7_000, |text| Ssin::parse(text).is_ok());
}

#[test]
fn agrees_with_the_oracle_on_every_enterprise_number() {
    agrees_on("enterprise_numbers.csv", 3_000, |text| EnterpriseNumber::parse(text).is_ok());
}

#[test]
fn the_expected_results_are_the_oracles_own() {
    let Some(python) = Python::find() else { return };
    let script = project().join("fixtures/numbers/make_numbers.py");
    if let Err(printed) = python.run_file(&script, ["--check"]) {
        panic!("{printed}");
    }
}
