//! `lookup --in` over thousands of lines, killed and continued: every line is accounted for once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::simulation::Simulation;

/// Lines of the input.
const LINES: usize = 2_000;

/// A test SSIN: sequence number 999, birthdays of 1940 and later.
fn ssin(index: usize) -> String {
    let (year, month, day) = (40 + index / 336, 1 + index / 28 % 12, 1 + index % 28);
    let base = format!("{year:02}{month:02}{day:02}999");
    let number: u64 = base.parse().expect("nine digits");
    format!("{base}{:02}", 97 - number % 97)
}

/// A line: a number in one of three notations, garbage in 1 of 100, and a duplicate in 1 of 200.
fn line(index: usize) -> String {
    let number = ssin(index);
    match index {
        _ if index % 100 == 7 => ["garbage", "=1+1", "85073099933 Anna", ""][index / 100 % 4].to_owned() + ";x",
        _ if index % 200 == 150 => ssin(index - 1),
        _ if index.is_multiple_of(3) => format!("{number};remark"),
        _ if index % 3 == 1 => {
            let [year, month, day] = [0, 2, 4].map(|at| &number[at..at + 2]);
            format!("{year}.{month}.{day}-999.{}", &number[9..])
        }
        _ => number,
    }
}

/// First column of the row for each line that gets one, in the order of the input.
fn expected() -> Vec<String> {
    let row = |index: usize| match index {
        _ if index % 100 == 7 => Some(["garbage", "'=1+1", "85073099933 Anna", ""][index / 100 % 4].to_owned()),
        _ if index % 200 == 150 => None,
        _ => Some(ssin(index)),
    };
    (0..LINES).filter_map(row).collect()
}

fn command(simulation: &Simulation, folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"));
    command
        .args(["lookup", "--url", simulation.url(), "--organisation", "0999010126", "--parallel", "8"])
        .args(["--legal-context", "advisory-physician", "--ca"])
        .arg(simulation.file("/ca"))
        .arg("--cert")
        .arg(simulation.file("/clients/fund/certificate"))
        .arg("--key")
        .arg(simulation.file("/clients/fund/key"))
        .arg("--in")
        .arg(folder.join("people.csv"))
        .arg("--out")
        .arg(folder.join("out.csv"))
        .args(more)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn rows(folder: &Path) -> Vec<String> {
    let printed = fs::read_to_string(folder.join("out.csv")).unwrap_or_default();
    printed.lines().skip(1).map(str::to_owned).collect()
}

/// Lets a run write this number of rows, then kills it in the middle of its work.
fn kill_at(mut asking: Child, folder: &Path, rows_written: usize) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while rows(folder).len() < rows_written {
        assert!(Instant::now() < deadline, "{rows_written} rows are missing");
        assert!(asking.try_wait().expect("a state").is_none(), "it ended too early");
        std::thread::yield_now();
    }
    asking.kill().expect("it runs");
    asking.wait().expect("it ends");
}

#[test]
fn a_batch_killed_twice_has_every_line_once() {
    let simulation = Simulation::start("");
    for more in [&[][..], &["--unordered"]] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let lines: String = (0..LINES).map(|index| format!("{}\r\n", line(index))).collect();
        fs::write(folder.path().join("people.csv"), format!("ssin;remark\r\n{lines}")).expect("written");
        for rows_written in [LINES / 5, LINES / 2] {
            kill_at(command(&simulation, folder.path(), more).spawn().expect("it starts"), folder.path(), rows_written);
        }
        let ended = command(&simulation, folder.path(), more).output().expect("it runs");
        let printed = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(0), "{printed}");
        let (invalid, duplicates) = (LINES / 100, LINES / 200);
        let persons = LINES - invalid - duplicates;
        assert!(printed.contains(&format!("{persons} of {persons} answered, 0 faults")), "{printed}");
        assert!(printed.contains(&format!("{invalid} invalid lines, {duplicates} duplicates, 1 header")), "{printed}");
        let mut seen: Vec<_> =
            rows(folder.path()).iter().map(|row| row.split(',').next().expect("a field").to_owned()).collect();
        let mut expected = expected();
        if !more.is_empty() {
            seen.sort_unstable();
            expected.sort_unstable();
        }
        assert_eq!(seen.len(), expected.len());
        let difference = seen.iter().zip(&expected).position(|(seen, expected)| seen != expected);
        assert_eq!(difference, None, "the first row that differs");
        let mut codes = BTreeMap::new();
        for row in rows(folder.path()) {
            *codes.entry(row.split(',').nth(4).expect("a code").to_owned()).or_insert(0) += 1;
        }
        assert_eq!(codes.get("MSG00011"), Some(&invalid), "{codes:?}");
    }
}
