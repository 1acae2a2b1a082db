//! The guide "My call fails" has a row for every fault, every HTTP refusal, every status and every
//! outcome of a handshake that the service can give, and no row for one that it cannot. The unit tests
//! of `src/server/tls/client_verifier.rs` compare its table of TLS alerts.

use std::collections::BTreeSet;

use ehealth_attributes::server::HttpRefusal;
use ehealth_attributes::server::counters::HandshakeOutcome;
use ehealth_core::model::StatusCode;
use soap::Fault;

const GUIDE: &str = include_str!("../../docs/guides/call-fails.md");

/// Cells of the rows of tables in a text, without heads.
fn rows(text: &'static str) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.strip_prefix("| ")?.strip_suffix(" |").map(|row| row.split(" | ").collect());
    let rows: Vec<Vec<_>> = text.lines().filter_map(cells).collect();
    rows.into_iter().filter(|row| !matches!(row[0], "Code" | "Status" | "Alert" | "Outcome")).collect()
}

/// Rows between the marks of a table.
fn marked(mark: &str) -> Vec<Vec<&'static str>> {
    let (_, table) = GUIDE.split_once(&format!("<!-- {mark}: ")).unwrap_or_else(|| panic!("no table {mark}"));
    rows(table.split_once("<!-- end -->").expect("its end").0)
}

/// The first two cells of each row. Each row has a remedy.
fn keys(mark: &str) -> Vec<(String, String)> {
    let rows = marked(mark);
    for row in &rows {
        let remedy = row.last().expect("a cell");
        assert!(row.len() >= 3 && remedy.len() >= 8, "no remedy: {row:?}");
    }
    rows.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect()
}

#[test]
fn every_fault_has_its_row() {
    let expected: Vec<_> = Fault::table().map(|row| (row.code().to_owned(), row.sentence.to_owned())).collect();
    assert_eq!(keys("faults"), expected);
}

#[test]
fn every_http_refusal_has_its_row() {
    let row = |refusal: HttpRefusal| {
        let text = refusal.text().trim_ascii_end().to_owned();
        (refusal.status().as_u16().to_string(), text)
    };
    assert_eq!(keys("refusals"), HttpRefusal::ALL.map(row).to_vec());
}

#[test]
fn every_status_has_its_row() {
    let found: Vec<_> = keys("statuses").into_iter().map(|(code, _)| code).collect();
    let codes: BTreeSet<_> = found.iter().map(String::as_str).collect();
    assert_eq!(codes, StatusCode::ALL.map(StatusCode::code).into());
    assert_eq!(codes.len(), found.len(), "two rows for one code");
}

#[test]
fn every_outcome_of_a_handshake_has_its_row() {
    let all = rows(GUIDE);
    for outcome in HandshakeOutcome::ALL.into_iter().filter(|outcome| *outcome != HandshakeOutcome::Accepted) {
        let cell = format!("`{}`", outcome.code());
        assert!(all.iter().any(|row| row[0] == cell), "{cell}");
    }
}

#[test]
fn every_branch_of_the_tree_leads_to_a_section() {
    let (_, tree) = GUIDE.split_once("## Where to begin").expect("the tree");
    let (tree, _) = tree.split_once("\n## ").expect("its end");
    let leaves: Vec<_> = tree.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let sections = GUIDE.lines().filter_map(|line| line.strip_prefix("## "));
    let anchors: BTreeSet<_> = sections.map(|title| title.to_lowercase().replace(' ', "-")).collect();
    assert!(leaves.iter().all(|leaf| anchors.contains(*leaf)), "{leaves:?} in {anchors:?}");
    let led: BTreeSet<_> = leaves.into_iter().map(str::to_owned).collect();
    let unled: Vec<_> = anchors.difference(&led).filter(|anchor| *anchor != "where-to-begin").collect();
    assert!(unled.is_empty(), "no branch leads to {unled:?}");
}
