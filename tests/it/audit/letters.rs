//! `audit report` as an institution runs it: one letter, a batch, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use audit_log::AuditLog;
use ehealth_attributes::config::read_settings;
use tempfile::TempDir;
use testkit::Workspace;

use super::harness::*;
use crate::support::canary;
use crate::support::program::PROGRAM;

/// A demo folder whose audit log has 40 exchanges about 10 persons, and the settings of letters in French and Dutch.
struct Office {
    folder: TempDir,
    settings: PathBuf,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let workspace = Workspace::new(folder.path().join("demo"));
        workspace.prepare(moment("2026-11-22T05:19:00Z"), "").expect("a workspace");
        let settings = workspace.settings();
        let log = read_settings(&settings).expect("valid settings").audit_log;
        let log = AuditLog::open(&log, clock("2026-11-22T05:19:00Z")).expect("opened");
        for number in 0..40 {
            record(&log, entry(number, person(number % 10))).expect("durable");
        }
        log.close();
        let mut text = fs::read_to_string(&settings).expect("settings");
        for language in ["fr", "nl"] {
            text.push_str(&format!(
                "\n[letter.{language}]\nname = \"Institution {language}\"\naddress = \"Rue 1, 1000 Bruxelles\"\n"
            ));
            text.push_str("controller = \"Institution\"\ndpo = \"dpo@example.be\"\nretention = \"10 ans.\"\n");
        }
        fs::write(&settings, text).expect("written");
        Self { folder, settings }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(["audit", "report", "--config"]).arg(&self.settings).args(arguments).stdin(Stdio::null());
        command.output().expect("the program runs")
    }

    fn batch(&self, requests: &str, more: &[&str]) -> Output {
        let (file, out) = (self.path("requests.csv"), self.path("letters"));
        fs::write(&file, requests).expect("written");
        let arguments = [&["--batch", text(&file), "--out", text(&out)][..], more].concat();
        self.run(&arguments)
    }

    fn letters(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("letters")).into_iter().flatten();
        let mut names: Vec<_> =
            files.map(|file| file.expect("there").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn ssin(number: u64) -> String {
    String::from_utf8(person(number).digits().to_vec()).expect("digits")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_letter_has_the_institution_and_all_exchanges() {
    let office = Office::new();
    let ssin = ssin(3);
    let addressed = ["--reference", "2026/42", "--addressee", "Jeanne <b>", "--addressee", "1000 Bruxelles"];
    let of = |format| [&["--ssin", &ssin, "--language", "fr", "--format", format][..], &addressed].concat();
    let output = office.run(&of("html"));
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    for part in [
        "<strong>Institution fr</strong><br>Rue 1<br>1000 Bruxelles",
        "Jeanne &lt;b&gt;<br>1000 Bruxelles",
        "2026/42",
        "<h3>4 – ",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains(&ssin));
    let output = office.run(&of("pdf"));
    assert!(output.status.success() && output.stdout.starts_with(b"%PDF-1.7"), "{}", errors(&output));
    let output = office.run(&["--ssin", &ssin, "--language", "de", "--format", "pdf"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(errors(&output).contains("needs the settings letter.de.name, letter.de.address"), "{}", errors(&output));
    let output = office.run(&["--ssin", &ssin, "--language", "de", "--format", "html", "--draft"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("[letter.de.name is not set]"), "{}", errors(&output));
}

#[test]
fn an_own_template_is_used_and_its_errors_have_a_line() {
    let office = Office::new();
    let printed = office.run(&["--print-template", "--language", "fr"]);
    assert_eq!(
        String::from_utf8_lossy(&printed.stdout),
        letter::default_template(ehealth_core::model::Language::French)
    );
    let template = office.path("own.md");
    let run = |content: &str| {
        fs::write(&template, content).expect("written");
        office.run(&["--ssin", &ssin(3), "--language", "fr", "--format", "html", "--template", text(&template)])
    };
    let output = run("# {{ institution.name }}\n\n{{ report.count }} x\n");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("<h1>Institution fr</h1>\n<p>4 x</p>"),
        "{}",
        errors(&output)
    );
    for (content, error) in [
        ("# T\n\n{{ nonsense }}\n", "own.md: template: line 3: unknown variable `nonsense`"),
        ("# T\n\n<script>x</script>\n", "own.md: template: a letter has no HTML"),
        ("text", "own.md: template: the first heading must have level 1"),
    ] {
        let output = run(content);
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains(error), "{}", errors(&output));
    }
}

#[test]
fn a_batch_writes_each_letter_and_continues() {
    let office = Office::new();
    let requests = format!(
        "ssin,language,reference,name,street\n{},fr,2026/1,Jeanne,Rue 1\n{},nl,2026/2\n{},fr,../../x\n{},xx,R4\n{},fr,2026/1\n85073099933,fr,R6\n{},nl,R7\n",
        ssin(1),
        ssin(2),
        ssin(3),
        ssin(4),
        ssin(5),
        ssin(7)
    );
    let output = office.batch(&requests, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(office.letters(), ["2026-1.pdf", "2026-2.pdf", "R7.pdf"]);
    let said = errors(&output);
    assert!(said.ends_with("3 written, 0 of them incomplete; 0 skipped; 4 failed\n"), "{said}");
    assert!(
        said.contains("line 4: column reference: may have") || said.contains("line 4: column reference: must begin"),
        "{said}"
    );
    assert_eq!(canary::search(said.as_bytes()), []);

    fs::remove_file(office.path("letters/2026-2.pdf")).expect("there");
    fs::write(office.path("letters/R7.pdf"), "mine").expect("ours");
    let output = office.batch(&requests, &["--json"]);
    assert!(errors(&output).contains("1 written, 0 of them incomplete; 0 skipped; 6 failed"), "{}", errors(&output));
    let output = office.batch(&requests, &["--json", "--resume"]);
    assert!(errors(&output).contains("0 written, 0 of them incomplete; 3 skipped; 4 failed"), "{}", errors(&output));
    assert_eq!(fs::read(office.path("letters/R7.pdf")).expect("there"), b"mine");
    let output = office.batch(&requests, &["--json", "--force"]);
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(lines.lines().count(), 7);
    assert!(lines.contains(r#""disclosures":4"#) && lines.contains(r#""file":"2026-1.pdf""#), "{lines}");
    assert_eq!(canary::search(lines.as_bytes()), []);
    assert!(fs::read(office.path("letters/R7.pdf")).expect("there").starts_with(b"%PDF"));
}

#[test]
fn a_batch_that_cannot_be_used_writes_nothing() {
    let office = Office::new();
    let many = format!("ssin,language,reference\n{}", "x,fr,R\n".repeat(10_001));
    for (requests, code, error) in [
        ("a,b\n", 1, "the header must begin with ssin,language,reference"),
        (many.as_str(), 1, "more than 10000 requests"),
        (&format!("ssin,language,reference\n{},de,R1\n", ssin(1)), 3, "needs the settings letter.de.name"),
    ] {
        let output = office.batch(requests, &[]);
        assert_eq!(output.status.code(), Some(code), "{}", errors(&output));
        assert!(errors(&output).contains(error), "{}", errors(&output));
        assert_eq!(office.letters(), [""; 0]);
    }
}
