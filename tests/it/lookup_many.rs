//! `lookup --in`: a file of questions, and an output file that a later run continues, however the
//! earlier run ended.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::simulation::Simulation;

/// Persons of the catalogue that the fund may ask about, one that it may not, and one with a
/// replaced SSIN.
const PEOPLE: [(&str, &str); 6] = [
    ("85073099932", "MSG00000"),
    ("79111299986", "MSG00000"),
    ("71050499919", "MSG00000"),
    ("90061599995", "MSG00100"),
    ("62062099936", "MSG00012"),
    ("75221199912", "MSG00006"),
];

/// Folder of a test's input and output.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a temporary folder"));
        let lines: String = PEOPLE.iter().map(|(ssin, _)| format!("{ssin}\n")).collect();
        desk.write("people.txt", &format!("# Whom we ask about.\n\n{lines}85073099932\n"));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("read")
    }
}

/// The command as the fund runs it.
fn command(simulation: &Simulation, url: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"));
    command
        .args(["lookup", "--url", url, "--organisation", "0999010126", "--legal-context", "advisory-physician"])
        .arg("--ca")
        .arg(simulation.file("/ca"))
        .arg("--cert")
        .arg(simulation.file("/clients/fund/certificate"))
        .arg("--key")
        .arg(simulation.file("/clients/fund/key"))
        .args(more)
        .stdin(Stdio::null());
    command
}

fn ask(simulation: &Simulation, input: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = command(simulation, simulation.url(), more);
    command.arg("--in").arg(input).arg("--out").arg(out).output().expect("the program runs")
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Lines below the header.
fn rows(csv: &str) -> Vec<String> {
    csv.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn each_person_is_asked_once_even_over_two_runs() {
    let (simulation, desk) = (Simulation::start(""), Desk::new());
    let output = ask(&simulation, &desk.path("people.txt"), &desk.path("out.csv"), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let summary = "6 of 6 answered, 0 faults, 0 not answered yet\n\
                   0 invalid lines, 1 duplicates, 0 header lines: no request sent\n";
    assert!(complaint(&output).ends_with(summary), "{}", complaint(&output));
    let printed = desk.read("out.csv");
    let expected: Vec<_> = PEOPLE.iter().map(|(ssin, code)| (*ssin, *code)).collect();
    let rows = rows(&printed);
    let seen: Vec<_> = rows.iter().map(|row| row.split(',').collect::<Vec<_>>()).map(|row| (row[0], row[4])).collect();
    assert_eq!(seen, expected);
    let anna = "85073099932,0999010126,BACKTOWORK:ADVISORY_PHYSICIAN,,MSG00000,2026-01-15,0999100196:0999020123,,,,\
                00000000-0000-4000-8000-000000000000,2026-01-15T09:30:00.000Z,3,";
    assert!(rows.iter().any(|row| row == anna), "{printed}");
    assert!(rows.iter().any(|row| row.contains(",MSG00006,2026-01-15,,,75021199966,")), "{printed}");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(desk.path("out.csv")).expect("a file").permissions());
    assert_eq!(mode & 0o777, 0o600);

    // The service is gone, and is not needed.
    let gone = command(&simulation, "https://localhost:1", &["--in"])
        .arg(desk.path("people.txt"))
        .arg("--out")
        .arg(desk.path("out.csv"))
        .output()
        .expect("the program runs");
    assert_eq!(gone.status.code(), Some(0), "{}", complaint(&gone));
    assert_eq!(desk.read("out.csv"), printed);
}

#[test]
fn a_torn_output_line_is_asked_again_and_others_kept() {
    let (simulation, desk) = (Simulation::start(""), Desk::new());
    for (more, out) in [(&[][..], "out.csv"), (&["--json"], "out.jsonl")] {
        let output = ask(&simulation, &desk.path("people.txt"), &desk.path(out), more);
        assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
        let whole = desk.read(out);
        let cut = whole.trim_end().rfind('\n').expect("many lines") + 20;
        desk.write(out, &whole[..cut]);
        let output = ask(&simulation, &desk.path("people.txt"), &desk.path(out), more);
        assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
        assert_eq!(desk.read(out), whole, "the same answer at the same position");
    }
    for line in desk.read("out.jsonl").lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(object["answer"]["status"]["code"].is_string(), "{line}");
    }
}

/// A service that never sends its third answer.
const THIRD_IS_LATE: &str = "[[person]]\nssin = \"71050499919\"\ndelay_millis = 600000\n";

/// Asks one question after the other, up to the third: then the first two answers are written.
fn ask_until_the_third(simulation: &Simulation, desk: &Desk, out: &Path) -> Child {
    let mut asking = command(simulation, simulation.url(), &["--parallel", "1", "--in"]);
    let asking = asking
        .arg(desk.path("people.txt"))
        .arg("--out")
        .arg(out)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while fs::read_to_string(out).unwrap_or_default().lines().count() < 3 {
        assert!(std::time::Instant::now() < deadline, "two answers are missing");
        std::thread::yield_now();
    }
    asking
}

fn assert_two_are_kept_and_the_rest_is_asked(simulation: &Simulation, desk: &Desk, out: &Path) {
    let kept = fs::read_to_string(out).expect("read");
    assert_eq!(rows(&kept).len(), 2, "{kept}");
    let output = ask(simulation, &desk.path("people.txt"), out, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let whole = fs::read_to_string(out).expect("read");
    assert!(whole.starts_with(&kept));
    assert_eq!(rows(&whole).len(), PEOPLE.len());
}

#[test]
fn ctrl_c_loses_no_answer() {
    let (simulation, desk) = (Simulation::start(THIRD_IS_LATE), Desk::new());
    let out = desk.path("out.csv");
    let mut asking = ask_until_the_third(&simulation, &desk, &out);
    let sent = Command::new("kill").args(["-s", "INT", &asking.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let ended = asking.wait().expect("it ends");
    assert!(!ended.success(), "{ended}");
    assert_two_are_kept_and_the_rest_is_asked(&Simulation::start(""), &desk, &out);
}

#[test]
fn a_service_that_stops_midway_loses_no_answer() {
    let (simulation, desk) = (Simulation::start(THIRD_IS_LATE), Desk::new());
    let out = desk.path("out.csv");
    let mut asking = ask_until_the_third(&simulation, &desk, &out);
    let next = Simulation::start("");
    simulation.stop("KILL");
    let ended = asking.wait().expect("it ends");
    assert_eq!(ended.code(), Some(4));
    assert_two_are_kept_and_the_rest_is_asked(&next, &desk, &out);
}

#[test]
fn a_fault_for_one_person_keeps_the_other_answers() {
    let desk = Desk::new();
    let simulation = Simulation::start("[[person]]\nssin = \"85073099932\"\nfault = \"MSG00003\"\n");
    let output = ask(&simulation, &desk.path("people.txt"), &desk.path("out.csv"), &[]);
    assert_eq!(output.status.code(), Some(6), "{}", complaint(&output));
    assert!(complaint(&output).contains("1 answered with a fault"), "{}", complaint(&output));
    assert_eq!(rows(&desk.read("out.csv")).len(), PEOPLE.len() - 1);
}

#[test]
fn a_caller_without_a_grant_is_refused_once() {
    let (simulation, desk) = (Simulation::start(""), Desk::new());
    let mut asked = command(&simulation, simulation.url(), &["--in"]);
    let output = asked.arg(desk.path("people.txt")).args(["--organisation", "0999010225"]).output();
    // A repeated argument is not a question.
    assert_eq!(output.expect("the program runs").status.code(), Some(2));
    let mut foreign = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"));
    let output = foreign
        .args([
            "lookup",
            "--url",
            simulation.url(),
            "--organisation",
            "0999010225",
            "--legal-context",
            "advisory-physician",
        ])
        .arg("--ca")
        .arg(simulation.file("/ca"))
        .arg("--cert")
        .arg(simulation.file("/clients/fund/certificate"))
        .arg("--key")
        .arg(simulation.file("/clients/fund/key"))
        .arg("--in")
        .arg(desk.path("people.txt"))
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(6), "{}", complaint(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1, "only the head");
}

#[test]
fn ssins_come_from_stdin_and_answers_go_to_stdout() {
    let simulation = Simulation::start("");
    let mut asking = command(&simulation, simulation.url(), &["--in", "-", "--date", "2026-01-10"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    asking.stdin.take().expect("piped").write_all(b"85073099932\n").expect("written");
    let output = asking.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        printed.contains("\n85073099932,0999010126,BACKTOWORK:ADVISORY_PHYSICIAN,2026-01-10,MSG00000,2026-01-10,"),
        "{printed}"
    );
}

/// Lines as spreadsheets and people write them, and the row of each.
const MIXED: &str = "\u{feff}INSZ;naam\r\n\
    85.07.30-999.32;Anna;\u{e9}\r\n\
    85073099933;typing error\r\n\
    =HYPERLINK(\"x\");y\r\n\
    # a remark\r\n\
    ;;\r\n\
    79111299986  # Bert\r\n\
    Anna\r\n\
    85073099932\tagain\r\n\
    62062099936,Chris\r\n";

#[test]
fn a_bad_line_is_a_row_in_its_place() {
    let (simulation, desk) = (Simulation::start(""), Desk::new());
    desk.write("people.txt", MIXED);
    for order in [&["--parallel", "16"][..], &["--parallel", "1", "--unordered"]] {
        let out = desk.path(&format!("{}.csv", order.len()));
        let output = ask(&simulation, &desk.path("people.txt"), &out, order);
        let printed = complaint(&output);
        assert_eq!(output.status.code(), Some(0), "{printed}");
        assert!(printed.contains("3 of 3 answered, 0 faults, 0 not answered yet\n"), "{printed}");
        assert!(printed.ends_with("3 invalid lines, 1 duplicates, 1 header lines: no request sent\n"), "{printed}");
        assert!(!printed.contains("85073099933"), "{printed}");
        let out = fs::read_to_string(out).expect("read");
        let rows = rows(&out);
        let seen: Vec<_> = rows.iter().map(|row| row.split(',').collect::<Vec<_>>()).collect();
        let mut seen: Vec<_> = seen.iter().map(|row| (row[12], row[0], row[4], row[10].len(), row[13])).collect();
        if order.len() > 2 {
            seen.sort_unstable_by_key(|row| row.0.parse::<u32>().expect("a line number"));
        }
        let expected = [
            ("2", "85073099932", "MSG00000", 36, ""),
            ("3", "85073099933", "MSG00011", 0, "the check digits are wrong"),
            ("4", "'=HYPERLINK(_x_)", "MSG00011", 0, "an SSIN has exactly 11 digits"),
            ("7", "79111299986", "MSG00000", 36, ""),
            ("8", "Anna", "MSG00011", 0, "an SSIN has exactly 11 digits"),
            ("10", "62062099936", "MSG00012", 36, ""),
        ];
        assert_eq!(seen, expected, "{out}");
    }
    let out = desk.path("out.jsonl");
    assert_eq!(ask(&simulation, &desk.path("people.txt"), &out, &["--json"]).status.code(), Some(0));
    let objects: Vec<serde_json::Value> =
        desk.read("out.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(objects[1]["answer"], serde_json::Value::Null);
    assert_eq!((&objects[1]["code"], &objects[1]["line"]), (&"MSG00011".into(), &3.into()));
    assert_eq!(objects[2]["ssin"], "'=HYPERLINK(_x_)");
    assert_eq!((&objects[5]["code"], &objects[5]["error"]), (&"MSG00012".into(), &serde_json::Value::Null));
    // The next run has nothing to do, and asks nothing.
    let printed = desk.read("out.jsonl");
    assert_eq!(ask(&simulation, &desk.path("people.txt"), &out, &["--json"]).status.code(), Some(0));
    assert_eq!(desk.read("out.jsonl"), printed);
}

#[test]
fn bytes_that_are_no_text_are_rows() {
    let (simulation, desk) = (Simulation::start(""), Desk::new());
    // A name in Latin-1 behind a number, then noise with a line of 1 MiB.
    let lines = [&b"85073099932;Ren\xe9e\n\x00\x1b[2J\xff\n"[..], &vec![b'='; 1 << 20], b"\n"].concat();
    fs::write(desk.path("people.txt"), lines).expect("written");
    let output = ask(&simulation, &desk.path("people.txt"), &desk.path("out.csv"), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let printed = desk.read("out.csv");
    let first: Vec<_> = rows(&printed).iter().map(|row| row.split(',').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(first, ["85073099932", "__[2J\u{fffd}", &format!("'{}", "=".repeat(63))], "{printed}");

    desk.write("people.txt", "nothing\nhere\n");
    let output = ask(&simulation, &desk.path("people.txt"), &desk.path("none.csv"), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
    assert!(complaint(&output).contains("no line has a valid SSIN"), "{}", complaint(&output));
    assert_eq!(rows(&desk.read("none.csv")).len(), 2);
}

#[test]
fn a_slow_answer_keeps_its_place() {
    let (simulation, desk) =
        (Simulation::start("[[person]]\nssin = \"85073099932\"\ndelay_millis = 500\n"), Desk::new());
    let output = ask(&simulation, &desk.path("people.txt"), &desk.path("out.csv"), &["--parallel", "3"]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert!(rows(&desk.read("out.csv"))[0].starts_with("85073099932,"));
    let output = ask(&simulation, &desk.path("people.txt"), &desk.path("any.csv"), &["--parallel", "3", "--unordered"]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let printed = rows(&desk.read("any.csv"));
    assert!(printed.len() == PEOPLE.len() && !printed[0].starts_with("85073099932,"), "{printed:?}");
}

#[test]
fn two_runs_do_not_write_one_file() {
    let (simulation, desk) = (Simulation::start(THIRD_IS_LATE), Desk::new());
    let out = desk.path("out.csv");
    let mut asking = ask_until_the_third(&simulation, &desk, &out);
    let output = ask(&simulation, &desk.path("people.txt"), &out, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
    assert!(complaint(&output).contains("another lookup writes this file"), "{}", complaint(&output));
    asking.kill().expect("it runs");
    asking.wait().expect("it ends");
    assert_two_are_kept_and_the_rest_is_asked(&Simulation::start(""), &desk, &out);
}

#[test]
fn output_of_another_question_is_not_continued() {
    let (simulation, desk) = (Simulation::start(""), Desk::new());
    assert_eq!(ask(&simulation, &desk.path("people.txt"), &desk.path("out.csv"), &[]).status.code(), Some(0));
    let printed = desk.read("out.csv");
    let output = ask(&simulation, &desk.path("people.txt"), &desk.path("out.csv"), &["--date", "2026-01-10"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("line 2 answers another question"), "{}", complaint(&output));
    assert_eq!(desk.read("out.csv"), printed);
}
