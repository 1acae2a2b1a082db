//! `audit list` and `audit stats`: the same exchanges and counts as a naive recomputation from
//! `audit export`, without a person, and harmless in a terminal and a spreadsheet.

use std::fs;

use serde_json::{Value, json};

use super::harness::{END_USER, person};
use super::listed::{IN_MONTH, ListedLog, forge_outcomes, json as parse};
use crate::support::python::Python;

/// Filters of the command line, and the same for the oracle.
fn filters() -> Vec<(Vec<&'static str>, Value)> {
    vec![
        (vec![], json!({})),
        (
            vec!["--from", "2026-02-01", "--to", "2026-02-01"],
            json!({"from": "2026-01-31T23:00:00.000Z", "to": "2026-02-01T22:59:59.999Z"}),
        ),
        (vec!["--to", "2026-01-31"], json!({"to": "2026-01-31T22:59:59.999Z"})),
        (vec!["--from", "2026-08-01"], json!({"from": "2026-07-31T22:00:00.000Z"})),
        (vec!["--from", "2026-01-31T23:00:00Z"], json!({"from": "2026-01-31T23:00:00.000Z"})),
        (vec!["--outcome", "refused", "--outcome", "failed"], json!({"outcome": ["refused", "failed"]})),
        (vec!["--code", "MSG00100"], json!({"code": ["MSG00100"]})),
        (vec!["--application", "CASES"], json!({"application": ["CASES"]})),
        (
            vec!["--legal-context", "prevention-service", "--code", "MSG00000"],
            json!({"legalContext": ["BACKTOWORK:PREVENTION_SERVICE"], "code": ["MSG00000"]}),
        ),
    ]
}

#[test]
fn list_and_stats_equal_a_recomputation_from_the_export() {
    let log = ListedLog::new();
    let export = log.path("export.jsonl");
    log.output(&["export", "--out", export.to_str().expect("UTF-8")]);
    let Some(python) = Python::find() else { return };
    let callers: Vec<_> = log.run(&["list", "--json", "--limit", "2"]).1.lines().map(parse).collect();
    let [caller, organisation] =
        ["caller", "organisation"].map(|key| callers[0][key].as_str().expect("a number").to_owned());
    let mut all = filters();
    all.push((
        vec!["--caller", &*caller.clone().leak(), "--organisation", &*organisation.clone().leak()],
        json!({"caller": [caller], "organisation": [organisation]}),
    ));
    for (arguments, filter) in all {
        let expected = python.run("count_exchanges.py", [export.to_str().expect("UTF-8"), &filter.to_string()]);
        let expected = parse(&expected.expect("the oracle runs"));
        assert_eq!(json!(log.listed(&arguments)), expected["sequences"], "{arguments:?}");
        assert_ne!(expected["sequences"], json!([]), "{arguments:?} selects something");
        let stats = log.output(&[&["stats", "--json"], &arguments[..]].concat());
        assert_eq!(stats.lines().map(row).collect::<Value>(), expected["rows"], "{arguments:?}");
    }
    assert_eq!(log.listed(&[]).len() as u64, 3 * IN_MONTH);
}

/// A row of `audit stats --json` as the oracle writes it.
fn row(line: &str) -> Value {
    let row = parse(line);
    let or_empty = |key: &str| json!(row[key].as_str().unwrap_or_default());
    let fields = row["disclosed"].as_object().expect("an object").iter().filter(|(_, count)| **count != json!(0));
    let fields: serde_json::Map<_, _> = fields.map(|(name, count)| (name.clone(), count.clone())).collect();
    json!([
        row["month"],
        or_empty("caller"),
        or_empty("legalContext"),
        row["answered"],
        row["empty"],
        row["refused"],
        row["failed"],
        fields
    ])
}

#[test]
fn the_forms_agree_and_the_limit_cuts() {
    let log = ListedLog::new();
    let (table, csv) = (log.output(&["list"]), log.output(&["list", "--csv"]));
    let sequences = log.listed(&[]);
    let column = |text: &str, column: usize, separator: char| -> Vec<u64> {
        let cell = |line: &str| line.split(separator).nth(column).expect("a column").parse().expect("a number");
        text.lines().skip(1).map(cell).collect()
    };
    assert_eq!(column(&table, 0, ' '), sequences);
    assert_eq!(column(&csv, 1, ','), sequences);
    let columns: Vec<_> = csv.lines().map(|line| line.split(',').count()).collect();
    assert!(columns.iter().all(|count| *count == columns[0]), "{columns:?}");
    let (code, cut, note) = log.run(&["list", "--limit", "5"]);
    assert_eq!((code, cut.lines().count()), (Some(0), 6));
    assert!(note.contains("--limit 5 is reached"), "{note}");
    assert_eq!(log.run(&["list", "--limit", &sequences.len().to_string()]).2, "", "nothing was cut");
    let (stats, counted) = (log.output(&["stats"]), log.output(&["stats", "--csv"]));
    assert_eq!(stats.lines().count(), counted.lines().count() + 1, "the table has a total");
    let (code, _, message) = log.run(&["list", "--from", "2026-02-02", "--to", "2026-02-01"]);
    assert_eq!(code, Some(2));
    assert!(message.contains("--to"), "{message}");
    assert_eq!(log.run(&["list", "--code", "MSG99999"]).0, Some(2));
}

#[test]
fn only_the_quality_needs_a_key() {
    let log = ListedLog::new();
    let with_quality = log.output(&["list", "--json", "--quality", "NURSE"]);
    assert!(with_quality.lines().count() > 40);
    assert!(with_quality.lines().all(|line| parse(line)["quality"] == "NURSE" && parse(line)["endUserNamed"] == true));
    let other = ["list", "--json", "--quality", "OTHER"];
    assert_eq!(log.output(&other), "");
    fs::remove_file(log.path("keys/detail-2026-02.key")).expect("a key");
    let (code, rest, gaps) = log.run(&["list", "--json", "--quality", "NURSE"]);
    assert_eq!(code, Some(1));
    assert!(rest.lines().count() > 20 && rest.lines().count() < with_quality.lines().count());
    assert!(gaps.starts_with("2026-02: the quality of ") && gaps.contains("exchanges is unknown: "), "{gaps}");
    fs::remove_dir_all(log.path("keys")).expect("keys");
    assert_eq!(log.listed(&[]).len() as u64, 3 * IN_MONTH);
    assert_eq!(log.run(&["list", "--quality", "NURSE"]).0, Some(1));
}

#[test]
fn no_output_has_a_person() {
    let log = ListedLog::new();
    let outputs = [
        &["list"][..],
        &["list", "--csv"],
        &["list", "--json", "--quality", "NURSE"],
        &["stats"],
        &["stats", "--json"],
        &["export"],
        &["export", "--with-encrypted-detail"],
    ]
    .map(|arguments| log.output(arguments))
    .concat();
    for number in 0..3 * IN_MONTH {
        let digits = String::from_utf8(person(number).digits().to_vec()).expect("digits");
        assert!(!outputs.contains(&digits), "person {number}");
    }
    assert!(!outputs.contains(END_USER));
}

#[test]
fn hostile_texts_are_harmless_in_every_form() {
    for text in [*b"=1+1\x1b[2J", *b"\r\n,\"a;b\x07", *b"\xe2\x80\xae+\xc2\x9b12"] {
        let log = ListedLog::new();
        log.segments().iter().for_each(|segment| forge_outcomes(segment, text));
        for form in [&["list"][..], &["list", "--csv"], &["list", "--json"], &["export"]] {
            let output = log.output(form);
            let is_hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!output.contains(is_hostile), "{form:?} {text:?}");
            assert!(output.lines().count() as u64 >= 3 * IN_MONTH);
        }
        let csv = log.output(&["list", "--csv"]);
        for line in csv.lines().skip(1) {
            assert_eq!(line.split(',').count(), 20, "{line}");
            assert!(line.split(',').all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{line}");
        }
        assert!(csv.contains(",'@SUM(1+1),") && csv.contains(",'-1+1,"), "applications are shown");
    }
}

#[test]
fn behind_a_damaged_segment_the_list_goes_on() {
    let log = ListedLog::new();
    let segments = log.segments();
    assert_eq!(segments.len(), 3);
    let mut bytes = fs::read(&segments[1]).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segments[1], bytes).expect("written");
    let (code, listed, gaps) = log.run(&["list", "--csv"]);
    let name = segments[1].file_name().expect("a name").to_string_lossy().into_owned();
    assert_eq!(code, Some(1));
    assert!(gaps.contains(&name) && gaps.contains("the record does not match its hash"), "{gaps}");
    let rows = listed.lines().count() as u64 - 1;
    assert!(rows > 2 * IN_MONTH && rows < 3 * IN_MONTH, "{rows}");
    let (code, counted, _) = log.run(&["stats"]);
    assert_eq!((code, counted.contains("2026-08")), (Some(1), true));
}
