//! Legal contexts as data and end users, as operators, integrators and auditors meet them: the real
//! program, zeep from the served WSDL, and the commands of the audit log.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use testkit::Workspace;

use crate::support::canary;
use crate::support::program::{PROGRAM, Program};
use crate::support::python::Python;
use crate::support::unread::{metric, read_admin, serve, workspace};

const ANNA: &str = "85073099932";
const FUND: &str = "0999010126";

/// A context that no release knows, with its only grant: a fund asks for the employers alone.
const TRIO: &str = r#"
[[legal_context]]
code = "TRIO:PLATFORM"
deliberation = "25/042"
fields = [1, 2]
relations = ["insured"]
valid_from = "2025-01-01"
end_user = "required"
dates = "today"
purpose = { nl = "TRIO: wie is de werkgever", fr = "TRIO : qui est l’employeur", de = "TRIO: wer ist der Arbeitgeber", en = "TRIO: who is the employer" }
"#;

const TRIO_GRANT: &str = r#"
[[consumer.grant]]
legal_context = "TRIO:PLATFORM"
fields = [1, 2]
relation = "insured"
valid_from = "2025-01-01"
"#;

/// A running service, and the commands beside it.
struct Running {
    workspace: Workspace,
    program: Program,
    url: String,
    admin: std::net::SocketAddr,
    _folder: tempfile::TempDir,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

impl Running {
    fn start() -> Self {
        let (folder, workspace) = workspace();
        let (program, gateway, admin) = serve(&workspace);
        let url = format!("https://localhost:{}", gateway.port());
        Self { workspace, program, url, admin, _folder: folder }
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(PROGRAM);
        let input_file = self.workspace.settings().with_file_name("input");
        fs::write(&input_file, input).expect("written");
        command.args(arguments).stdin(Stdio::from(fs::File::open(input_file).expect("there")));
        command.output().expect("it runs")
    }

    /// Runs a command that needs the settings; it must succeed.
    fn printed(&self, arguments: &[&str], input: &str) -> String {
        let settings = self.workspace.settings().display().to_string();
        let output = self.run(&[arguments, &["--config", &settings]].concat(), input);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Changes the policy, and reloads it.
    fn change_policy(&self, change: impl FnOnce(String) -> String) {
        let file = self.workspace.settings().with_file_name("policy.toml");
        let policy = fs::read_to_string(&file).expect("a policy");
        fs::write(&file, change(policy)).expect("written");
        let pid = self.program.id().to_string();
        self.printed(&["reload", "--pid", &pid], "");
    }

    /// Asks as the fund about today with `lookup`; the exit code, and what it printed.
    fn look_up(&self, context: &str, more: &[&str]) -> (Option<i32>, String) {
        let (certificate, key) = self.workspace.client("fund");
        let files = [&self.workspace.authority(), &certificate, &key].map(|path| path.display().to_string());
        let [ca, certificate, key] = &files;
        let arguments = [
            "lookup",
            "--url",
            &self.url,
            "--ca",
            ca,
            "--cert",
            certificate,
            "--key",
            key,
            "--organisation",
            FUND,
            "--legal-context",
            context,
            "--ssin",
            "-",
            "--json",
        ];
        let output = self.run(&[&arguments[..], more].concat(), ANNA);
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    }

    /// Asks as the fund about today with zeep; the code of the status or fault. `None` without Python.
    fn ask_with_zeep(&self, context: &str, end_user: &[&str]) -> Option<String> {
        let python = Python::find()?;
        let (certificate, key) = self.workspace.client("fund");
        let files = [&self.workspace.authority(), &certificate, &key].map(|path| path.display().to_string());
        let files = files.iter().map(String::as_str);
        let arguments = [self.url.as_str()].into_iter().chain(files).chain([FUND, context, ANNA]);
        let printed = python.run("ask_in_context.py", arguments.chain(end_user.iter().copied()));
        Some(printed.unwrap_or_else(|printed| panic!("{printed}")).trim().to_owned())
    }

    fn audit_log(&self) -> String {
        self.workspace.settings().with_file_name("audit-log").display().to_string()
    }

    /// The exchanges about Anna.
    fn exchanges(&self) -> Vec<serde_json::Value> {
        let printed = self.printed(&["audit", "search", "--ssin", "-", "--json"], ANNA);
        printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

fn with_trio(policy: &str) -> String {
    let own = format!("organisation = \"{FUND}\"");
    let (before, after) = policy.split_once(&own).expect("the fund");
    let (fund, others) = after.split_once("\n[[consumer]]").expect("more consumers");
    format!("{before}{own}{fund}{TRIO_GRANT}\n[[consumer]]{others}{TRIO}")
}

#[test]
fn a_new_context_needs_a_section_and_a_reload_alone() {
    let running = Running::start();
    let (code, printed) =
        running.look_up("TRIO:PLATFORM", &["--end-user", "jdoe", "--quality", "OCCUPATIONAL_PHYSICIAN"]);
    assert_eq!(code, Some(5), "{printed}");
    assert!(printed.contains("MSG00013"), "{printed}");

    running.change_policy(|policy| with_trio(&policy));
    let (_, page) = read_admin(running.admin, "/");
    assert!(page.contains("TRIO:PLATFORM") && page.contains("25/042"), "{page}");
    let (code, printed) =
        running.look_up("TRIO:PLATFORM", &["--end-user", "jdoe", "--quality", "OCCUPATIONAL_PHYSICIAN"]);
    assert_eq!(code, Some(0), "{printed}");
    let answer: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(answer["status"]["code"], "MSG00000", "{printed}");
    let (code, printed) = running.look_up(
        "TRIO:PLATFORM",
        &["--end-user", "jdoe", "--quality", "OCCUPATIONAL_PHYSICIAN", "--date", "2026-01-15"],
    );
    assert!(code == Some(5) && printed.contains("MSG00008"), "{printed}");

    let asked_by_zeep = running.ask_with_zeep("TRIO:PLATFORM", &["jdoe", "OCCUPATIONAL_PHYSICIAN"]);
    assert!(asked_by_zeep.is_none_or(|code| code == "MSG00000"));

    let exchanges = running.exchanges();
    let of = |index: usize, key: &str| exchanges[index][key].as_str().unwrap_or_default().to_owned();
    assert_eq!([of(0, "rule"), of(1, "rule"), of(2, "rule")], ["unknown-context", "granted", "not-today"]);
    assert!(exchanges[0]["legalContext"].is_null(), "the policy did not define it");
    assert_eq!(exchanges[1]["legalContext"]["code"], "TRIO:PLATFORM");
    assert_eq!((of(1, "deliberation"), of(1, "quality")), ("25/042".to_owned(), "OCCUPATIONAL_PHYSICIAN".to_owned()));
    assert_ne!(of(0, "policySha256"), of(1, "policySha256"));

    // The purpose is that of the policy that decided, not of today's.
    running.change_policy(|policy| policy.replace("TRIO: who is the employer", "Another purpose"));
    for (language, purpose) in [
        ("nl", "TRIO: wie is de werkgever"),
        ("fr", "TRIO : qui est l’employeur"),
        ("de", "TRIO: wer ist der Arbeitgeber"),
        ("en", "TRIO: who is the employer"),
    ] {
        let report = running.printed(&["audit", "report", "--ssin", "-", "--language", language], ANNA);
        // French has a blank that does not break before its colons.
        let report = report.replace('\u{a0}', " ");
        assert!(report.contains(purpose) && !report.contains("Another purpose"), "{report}");
    }
    // Every policy that decided is kept and verified.
    let key = running.workspace.settings().with_file_name("audit-log.pub");
    fs::write(&key, running.printed(&["audit", "checkpoint", "--public-key"], "")).expect("written");
    let policies: Vec<_> =
        fs::read_dir(running.audit_log()).expect("there").map(|file| file.expect("there").path()).collect();
    let policies: Vec<_> = policies.iter().filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    assert_eq!(policies.len(), 3, "{policies:?}");
    let named = policies.iter().find(|path| path.display().to_string().contains(&of(1, "policySha256")));
    let named = named.expect("the policy that decided");
    let verify = || {
        let (log, key) = (running.audit_log(), key.display().to_string());
        let output = running.run(&["audit", "verify", "--audit-log", &log, "--key", &key], "");
        (output.status.code(), text(&output.stdout))
    };
    let (code, verdict) = verify();
    assert!(code == Some(0) && !verdict.contains("policy-"), "{verdict}");
    let kept = fs::read(named).expect("there");
    fs::write(named, b"# changed").expect("written");
    let (code, verdict) = verify();
    assert!(code == Some(1) && verdict.contains("was changed: its SHA-256 is another"), "{verdict}");
    fs::remove_file(named).expect("removed");
    let (code, verdict) = verify();
    assert!(code == Some(0) && verdict.contains("is missing, the policy file under which"), "{verdict}");
    let report = running.printed(&["audit", "report", "--ssin", "-", "--language", "en"], ANNA);
    assert!(report.contains("Legal basis: TRIO:PLATFORM"), "without its text the code is shown: {report}");
    fs::write(named, kept).expect("written");
    assert_eq!(running.program.stop().0, Some(0));
}

#[test]
fn a_policy_that_cannot_be_kept_is_not_used() {
    let running = Running::start();
    let file = running.workspace.settings().with_file_name("policy.toml");
    let changed = with_trio(&fs::read_to_string(&file).expect("a policy"));
    // A folder lies where the text must be kept.
    let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, changed.as_bytes());
    let name: String = sha256.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let place = Path::new(&running.audit_log()).join(format!("policy-{name}.toml"));
    fs::create_dir_all(place.join("full")).expect("made");
    fs::write(&file, changed).expect("written");
    let settings = running.workspace.settings().display().to_string();
    let pid = running.program.id().to_string();
    let output = running.run(&["reload", "--pid", &pid, "--config", &settings], "");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let (_, health) = read_admin(running.admin, "/health/ready");
    assert!(health.contains("the policy file cannot be kept in the audit log's folder"), "{health}");
    let (code, printed) = running.look_up("TRIO:PLATFORM", &["--end-user", "jdoe", "--quality", "Q"]);
    assert!(code == Some(5) && printed.contains("MSG00013"), "the previous policy is active: {printed}");
    fs::remove_dir_all(&place).expect("removed");
    running.change_policy(|policy| policy);
    let (code, printed) = running.look_up("TRIO:PLATFORM", &["--end-user", "jdoe", "--quality", "Q"]);
    assert_eq!(code, Some(0), "{printed}");
}

#[test]
fn an_end_user_is_demanded_recorded_found_and_proved() {
    let running = Running::start();
    running.change_policy(|policy| policy.replacen("end_user = \"optional\"", "end_user = \"required\"", 1));
    // The identifier is the SSIN of another person.
    let end_user = "62062099936";
    let (code, printed) = running.look_up("advisory-physician", &[]);
    assert!(code == Some(6) && printed.contains("MSG90054"), "{printed}");
    let (code, printed) =
        running.look_up("advisory-physician", &["--end-user", end_user, "--quality", "ADVISORY_PHYSICIAN"]);
    assert_eq!(code, Some(0), "{printed}");
    let zeep = |end_user: &[&str]| running.ask_with_zeep("BACKTOWORK:ADVISORY_PHYSICIAN", end_user);
    let asked_by_zeep = zeep(&[]).map(|code| {
        assert_eq!(code, "MSG90054");
        assert_eq!(zeep(&[end_user, "ADVISORY_PHYSICIAN"]).expect("it ran before"), "MSG00000");
    });

    let found = running.printed(&["audit", "search", "--end-user", "-"], end_user);
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(lines.len(), if asked_by_zeep.is_some() { 2 } else { 1 }, "{found}");
    assert!(lines.iter().all(|line| line.contains(" MSG00000 ") && line.contains(" granted ")), "{found}");
    assert_eq!(running.printed(&["audit", "search", "--end-user", "jdoe"], ""), "");
    assert_eq!(running.printed(&["audit", "search", "--ssin", "-"], end_user), "", "nothing about that person");
    let rules: Vec<_> =
        running.exchanges().iter().map(|one| one["rule"].as_str().unwrap_or("none").to_owned()).collect();
    assert!(rules.starts_with(&["end-user-missing".to_owned(), "granted".to_owned()]), "{rules:?}");

    let report = running.printed(&["audit", "report", "--ssin", "-", "--language", "nl"], ANNA);
    assert!(report.contains("In de hoedanigheid van: ADVISORY_PHYSICIAN") && !report.contains(end_user), "{report}");
    let ticket = lines[0].split(' ').nth(2).expect("a ticket");
    let proof = running.workspace.settings().with_file_name("proof");
    // The newest checkpoint signs it within a second.
    let written = loop {
        let settings = running.workspace.settings().display().to_string();
        let output = running.run(&["audit", "prove", "--ticket", ticket, "--config", &settings], "");
        if output.status.success() {
            break text(&output.stdout);
        }
        assert!(text(&output.stderr).contains("newer than the checkpoint"), "{}", text(&output.stderr));
    };
    fs::write(&proof, written).expect("written");
    let key = running.workspace.settings().with_file_name("audit-log.pub");
    fs::write(&key, running.printed(&["audit", "checkpoint", "--public-key"], "")).expect("written");
    let (key, proof) = (key.display().to_string(), proof.display().to_string());
    let verified = text(&running.run(&["audit", "verify-proof", "--key", &key, &proof], "").stdout);
    for part in
        ["end user: named, encrypted", "rule: granted", "policy (SHA-256): ", "legal context: BACKTOWORK:ADVISORY"]
    {
        assert!(verified.contains(part), "{part}\nis not in\n{verified}");
    }
    assert_eq!(
        metric(running.admin, "ehealth_attributes_exchanges_total{operation=\"consultAttributes\",code=\"MSG90055\"}"),
        0
    );
    let log = running.audit_log();
    let (code, said) = running.program.stop();
    assert_eq!(code, Some(0));
    assert_eq!(canary::search_files(Path::new(&log)), [""; 0], "no SSIN in clear");
    assert_eq!(canary::search(said.join("\n").as_bytes()), [], "no SSIN in the log");
}
