//! The requests of `fixtures/requests` with their answers, and their index `fixtures/catalogue.md`.
//!
//! Every request is sent to the simulator, which must return the stored answer, byte for byte. An
//! integrator gets the same from `simulate --scenario fixtures/scenario.toml`. `UPDATE_GOLDENS=1
//! cargo test --test it fixtures::` writes the catalogue's requests, the answers and the index;
//! review them before you commit them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use ehealth_core::lookup::Operation;
use ehealth_core::model::StatusCode;
use soap::{Fault, names};

use crate::support::environment::is_set;
use crate::support::ksz;
use crate::support::requests;
use crate::support::simulation::{Simulation, project, question};

const SCENARIO: &str = include_str!("../../fixtures/scenario.toml");

/// Questions whose answers show an outage: name, outage, SSIN, what it shows. The platform asks.
const BROKEN: [(&str, &str, &str, &str); 5] = [
    (
        "coprev_missing",
        "missing = [\"coprev\"]",
        "85073099932",
        "the external services are missing; the rest is disclosed",
    ),
    (
        "coprev_stale",
        "stale = [\"coprev\"]",
        "85073099932",
        "the external services are disclosed, but may have changed",
    ),
    (
        "dimona_missing",
        "missing = [\"dimona\"]",
        "85073099932",
        "only the fund is disclosed: no employment does not mean no employer",
    ),
    ("data_unreadable", "", "72053099936", "a dataset is broken: ask again later"),
    ("audit_log_unwritable", "", "94020299956", "the exchange could not be recorded: ask again later"),
];

/// A request and its caller.
struct Case {
    folder: &'static str,
    name: String,
    outage: &'static str,
    caller: String,
    operation: Operation,
    body: Vec<u8>,
    fields: Vec<(String, String)>,
    shows: String,
    rule: Option<String>,
}

impl Case {
    fn file(&self, ending: &str) -> PathBuf {
        project().join("fixtures/requests").join(self.folder).join(format!("{}{ending}", self.name))
    }

    /// Links to request and answer, in the form of the index.
    fn links(&self, answer: &str) -> String {
        let (folder, name) = (self.folder, &self.name);
        format!("[{name}](requests/{folder}/{name}.xml) ([answer](requests/{folder}/{name}{answer}))")
    }
}

fn content_type(value: &str) -> (String, String) {
    ("content-type".to_owned(), value.to_owned())
}

/// The requests of a folder of handwritten files.
fn written_ones(folder: &'static str) -> Vec<Case> {
    let fixtures = requests::fixtures(folder).into_iter();
    let case = |fixture: requests::Fixture| {
        let name = fixture.path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let actions = fixture.soap_actions.into_iter().map(|action| ("soapaction".to_owned(), action));
        Case {
            folder,
            shows: name.replace('_', " "),
            name,
            outage: "",
            caller: "fund".to_owned(),
            operation: fixture.operation,
            body: fixture.body,
            fields: std::iter::once(content_type(&fixture.content_type)).chain(actions).collect(),
            rule: None,
        }
    };
    fixtures.map(case).collect()
}

/// A question whose body is generated.
fn asked(folder: &'static str, name: &str, caller: &str, body: String, shows: &str) -> Case {
    Case {
        folder,
        name: name.to_owned(),
        outage: "",
        caller: caller.to_owned(),
        operation: Operation::ConsultAttributes,
        body: body.into_bytes(),
        fields: vec![content_type("text/xml; charset=utf-8")],
        shows: shows.to_owned(),
        rule: None,
    }
}

/// The questions about the people of the catalogue.
fn of_catalogue() -> Vec<Case> {
    let numbers = BTreeMap::from([
        ("platform", "0999000129"),
        ("fund", "0999010126"),
        ("other-fund", "0999010225"),
        ("service", "0999020123"),
        ("other-service", "0999020222"),
        ("stranger", "0999090102"),
    ]);
    let rows = csv::Reader::from_path(project().join("fixtures/catalogue.csv")).expect("the catalogue").into_records();
    let case = |row: Result<csv::StringRecord, csv::Error>| {
        let row = row.expect("a row");
        let column = |place: usize| row.get(place).expect("a column");
        let body = question(numbers[column(1)], column(2), column(3), column(4));
        let case = asked("catalogue", column(0), column(1), body, column(7));
        Case { rule: Some(column(8).to_owned()), ..case }
    };
    rows.map(case).collect()
}

fn of_broken_services() -> Vec<Case> {
    let case = |(name, outage, ssin, shows)| {
        let body = question("0999000129", "BACKTOWORK:EHEALTH_PLATFORM", ssin, "");
        Case { outage, ..asked("broken", name, "platform", body, shows) }
    };
    BROKEN.into_iter().map(case).collect()
}

/// A request with the answer to it.
struct Exchanged {
    case: Case,
    status: u16,
    code: Option<String>,
    fault_code: Option<String>,
    /// Suffix of the answer's file.
    ending: &'static str,
}

fn hold(path: &PathBuf, made: &[u8]) {
    if is_set("UPDATE_GOLDENS") {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, made).expect("written");
        return;
    }
    let kept = fs::read(path).unwrap_or_default();
    assert!(
        kept == made,
        "{}: UPDATE_GOLDENS=1 cargo test --test it fixtures:: writes it; made:\n{}\nstored:\n{}",
        path.display(),
        String::from_utf8_lossy(made),
        String::from_utf8_lossy(&kept),
    );
}

/// Sends every request, and compares each answer with the stored one.
async fn exchange_all() -> Vec<Exchanged> {
    let mut cases = of_catalogue();
    cases.extend(of_broken_services());
    cases.extend(written_ones("accepted"));
    cases.extend(written_ones("refused"));
    let mut simulations = BTreeMap::new();
    let mut exchanged = Vec::new();
    for case in cases {
        let simulation = simulations.entry(case.outage).or_insert_with(|| {
            let scenario = SCENARIO.replace("[outage]\nmissing = []", "[outage]").replace("\nstale = []", "");
            let (scenario, _) = scenario.split_once("[outage]").expect("the outage comes last");
            Simulation::start(&format!("{scenario}[outage]\n{}\n", case.outage))
        });
        let fields: Vec<_> = case.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = simulation.post(&case.caller, names::path(case.operation), case.body.clone(), &fields).await;
        let is_soap = answer.media_type.as_deref() == Some("text/xml; charset=utf-8");
        let ending = if is_soap { ".answer.xml" } else { ".answer.txt" };
        if matches!(case.folder, "catalogue" | "broken") {
            hold(&case.file(".xml"), &case.body);
        }
        hold(&case.file(ending), &answer.body);
        let (code, fault_code) = (answer.code(), answer.element("faultcode"));
        exchanged.push(Exchanged { case, status: answer.status, code, fault_code, ending });
    }
    exchanged
}

/// Checks that every stored answer belongs to a stored request.
fn hold_folders(exchanged: &[Exchanged]) {
    let expected: BTreeSet<_> =
        exchanged.iter().flat_map(|one| [one.case.file(".xml"), one.case.file(one.ending)]).collect();
    for folder in ["catalogue", "broken", "accepted", "refused"] {
        for entry in fs::read_dir(project().join("fixtures/requests").join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let is_expected = expected.contains(&path) || path.extension().is_some_and(|ending| ending == "expect");
            assert!(is_expected, "{}: no request has this answer", path.display());
        }
    }
}

/// Passes the answers to independent validators.
fn check(exchanged: &[Exchanged]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, one) in exchanged.iter().filter(|one| one.ending == ".answer.xml").enumerate() {
        let answer = fs::read(one.case.file(one.ending)).expect("an answer");
        fs::write(folder.path().join(format!("{number:04}-{}.xml", one.case.name)), answer).expect("written");
    }
    ksz::validate_envelopes(folder.path()).expect("every answer is valid against schemas/");
}

const HEAD: &str = "# The catalogue of requests and answers\n
Generated by `UPDATE_GOLDENS=1 cargo test --test it fixtures::`; do not edit. Each answer is what
`ehealth-attributes simulate --scenario fixtures/scenario.toml` returns for that request, byte for
byte: the clock is fixed at 2026-01-15T09:30:00Z and every ticket is
00000000-0000-4000-8000-000000000000. The answers in `broken/` are those of an outage, or of a fault
that the scenario configures for a person. The tests send every request again.\n
The people are those of `fixtures/catalogue.csv`. The header fields of each request are in its
`.expect` ([requests/README.md](requests/README.md)).
[docs/reference/codes.md](../docs/reference/codes.md) says what to do about each code.\n";

/// Codes that no stored request can show.
const UNSHOWN: [(&str, &str); 3] = [
    ("MSG90052", "More than one request is needed: set `quota_per_minute` in a policy file, and exceed it."),
    ("MSG90015", "Too large for a stored file: a text of 65 537 bytes."),
    ("MSG90017", "Too large for a stored file: 16 385 comments."),
];

/// The rows of a section: request and answer, caller, what the case shows.
fn rows<'a>(of: impl Iterator<Item = &'a Exchanged>) -> String {
    let row =
        |one: &Exchanged| format!("| {} | `{}` | {} |\n", one.case.links(one.ending), one.case.caller, one.case.shows);
    let head = "| request | asked by | what it shows |\n|---|---|---|\n";
    format!("{head}{}\n", of.map(row).collect::<String>())
}

fn write_index(exchanged: &[Exchanged]) -> String {
    let mut index = HEAD.to_owned();
    index += "\n## By status\n\n";
    for code in StatusCode::ALL.map(StatusCode::code) {
        let shown = || exchanged.iter().filter(|one| one.status == 200 && one.code.as_deref() == Some(code));
        assert!(shown().count() > 0, "{code} is not shown");
        index += &format!("### {code}\n\n{}", rows(shown()));
    }
    index += "### sendTestMessage\n\n";
    index += &rows(exchanged.iter().filter(|one| one.status == 200 && one.code.is_none()));
    index += "## By rule\n\nQuestions about the people of the catalogue. Numbered rules are in docs/reference/domain.md.\n\n";
    let mut rules: Vec<_> = exchanged.iter().filter_map(|one| one.case.rule.as_deref()).collect();
    rules.sort_unstable();
    rules.dedup();
    for rule in rules {
        let shown = exchanged.iter().filter(|one| one.case.rule.as_deref() == Some(rule));
        index += &format!("### Rule: {rule}\n\n{}", rows(shown));
    }
    index += "## By fault\n\n";
    let table: Vec<_> = Fault::table().collect();
    for same in table.chunk_by(|one, other| one.code() == other.code()) {
        let row = same[0];
        // Faults VersionMismatch and MustUnderstand have no detail, so they have no code.
        let of_row = |one: &&Exchanged| match &one.code {
            Some(code) => one.status == 500 && code == row.code(),
            None => one.fault_code.as_deref() == Some(&format!("soap:{}", row.fault_code.name())),
        };
        let shown: Vec<_> = exchanged.iter().filter(of_row).collect();
        let sentences: Vec<_> = same.iter().map(|row| row.sentence).collect();
        index += &format!("### {} ({})\n\n{}\n\n", row.code(), row.fault_code.name(), sentences.join("\\\n"));
        match UNSHOWN.iter().find(|(code, _)| *code == row.code()) {
            Some((_, why)) => index += &format!("{why}\n\n"),
            None => {
                assert!(!shown.is_empty(), "{} is not shown", row.code());
                index += &rows(shown.into_iter());
            }
        }
    }
    index += "## Refused below SOAP\n\n";
    for status in exchanged.iter().map(|one| one.status).collect::<BTreeSet<_>>() {
        if !matches!(status, 200 | 500) {
            index += &format!("### {status}\n\n{}", rows(exchanged.iter().filter(|one| one.status == status)));
        }
    }
    index.trim_end().to_owned() + "\n"
}

#[tokio::test]
async fn every_request_gets_its_stored_answer_and_is_indexed() {
    let exchanged = exchange_all().await;
    hold_folders(&exchanged);
    check(&exchanged);
    hold(&project().join("fixtures/catalogue.md"), write_index(&exchanged).as_bytes());
}
