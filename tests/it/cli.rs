//! The program as its users start it: arguments in, text and exit code out.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::canary;
use crate::support::environment::skip;

/// The demo has written the ports that it used; another process may have them now.
const FREE_PORTS: [&str; 4] = ["--set", "server.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0"];

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"));
    command.env_remove("EHEALTH_ATTRIBUTES_LOG").stdin(Stdio::null());
    command
}

/// Runs the program; its log and its errors must have no SSIN.
fn run(arguments: &[&str]) -> Output {
    let output = program().args(arguments).output().expect("the program runs");
    assert_eq!(canary::search(&output.stderr), [], "a number of a person");
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A running demo, and its output up to the line that says how to end it.
struct Demo {
    child: Child,
    printed: String,
    folder: TempDir,
}

impl Demo {
    fn start(more: &[&str]) -> Self {
        let folder = folder();
        let mut child = program()
            .args(["demo", "--port", "0", "--dir"])
            .arg(folder.path().join("demo"))
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let output = child.stdout.take().expect("piped");
        let printed = crate::support::program::read_until(output, "Press Ctrl-C", Duration::from_secs(60));
        Self { child, printed, folder }
    }

    fn url(&self) -> &str {
        let (_, after) = self.printed.split_once("Serving the catalogue at ").expect("the address");
        after.lines().next().expect("the address")
    }

    /// Arguments of `lookup` for this caller.
    fn lookup(&self, caller: &str, organisation: &str, context: &str, more: &[&str]) -> Output {
        let demo = self.folder.path().join("demo");
        let client = |ending: &str| demo.join(format!("clients/{caller}.{ending}"));
        program()
            .args(["lookup", "--url", self.url(), "--organisation", organisation, "--legal-context", context])
            .arg("--ca")
            .arg(demo.join("ca.pem"))
            .arg("--cert")
            .arg(client("pem"))
            .arg("--key")
            .arg(client("key"))
            .args(more)
            .output()
            .expect("the program runs")
    }

    /// Sends SIGTERM; returns the exit code.
    fn stop(mut self) -> Option<i32> {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn demo_once_asks_both_questions_and_reuses_its_folder() {
    let folder = folder();
    let dir = folder.path().join("demo").display().to_string();
    let first = run(&["demo", "--once", "--port", "0", "--dir", &dir]);
    let printed = text(&first.stdout);
    assert_eq!(first.status.code(), Some(0), "{printed}{}", text(&first.stderr));
    for part in [
        "Made a development authority",
        "dimona     snapshot/first",
        "since 2012-01-01",
        "external service 0999020123",
        "0999010126",
        "curl --cacert",
        "?wsdl",
    ] {
        assert!(printed.contains(part), "{part}\nis not in\n{printed}");
    }
    let key = Path::new(&dir).join("clients/fund.key");
    let made = fs::read(&key).expect("a key");
    let second = run(&["demo", "--once", "--port", "0", "--dir", &dir]);
    let printed = text(&second.stdout);
    assert_eq!(second.status.code(), Some(0), "{printed}");
    assert!(printed.contains("Using the files in") && printed.contains("dimona     nothing"), "{printed}");
    assert_eq!(fs::read(&key).expect("a key"), made);
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&key).expect("a key"));
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_printed_curl_commands_work() {
    if Command::new("curl").arg("--version").output().is_err() {
        skip("curl is missing");
        return;
    }
    let demo = Demo::start(&[]);
    let pasted: Vec<_> = demo.printed.split("\n  curl ").skip(1).collect();
    assert_eq!(pasted.len(), 2);
    for (line, expected) in pasted.iter().zip(["<code>MSG00000</code>", "<wsdl:definitions"]) {
        let line = line.split("\n\n").next().expect("a line");
        // With HTTP/1.0 curl offers that version alone, in the TLS handshake too.
        for version in ["", "--http1.0"] {
            let command = format!("curl -sS {version} {line}");
            let output = Command::new("sh").arg("-c").arg(&command).output().expect("a shell");
            let answer = text(&output.stdout);
            assert!(answer.contains(expected), "{command}\n{answer}{}", text(&output.stderr));
        }
    }
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn lookup_prints_text_and_json_and_sets_its_exit_code() {
    let demo = Demo::start(&[]);
    let fund = |more: &[&str]| demo.lookup("fund", "0999010126", "advisory-physician", more);
    let asked = fund(&["--ssin", "71050499919"]);
    let printed = text(&asked.stdout);
    assert_eq!(asked.status.code(), Some(0), "{printed}{}", text(&asked.stderr));
    assert!(printed.contains("internal service 0999100394, since 2017-01-01"), "{printed}");

    let asked = fund(&["--ssin", "71050499919", "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&asked.stdout).expect("JSON");
    assert_eq!(answer["status"]["code"], "MSG00000", "{answer:#}");

    for (more, code) in [
        (&["--ssin", "85073099932", "--date", "2026-01-10"][..], 0),
        (&["--ssin", "85073099932", "--from", "2025-12-01", "--to", "2026-01-10"], 0),
        (&["--ssin", "62062099936"], 5),
        (&["--ssin", "85073099933"], 2),
        (&["--ssin", "85073099932", "--date", "2026-02-30"], 2),
        (&["--ssin", "85073099932", "--from", "2026-01-01"], 2),
    ] {
        let asked = fund(more);
        assert_eq!(asked.status.code(), Some(code), "{more:?}\n{}{}", text(&asked.stdout), text(&asked.stderr));
    }
    let asked = demo.lookup("stranger", "0999090102", "advisory-physician", &["--ssin", "85073099932"]);
    assert_eq!(asked.status.code(), Some(6), "{}", text(&asked.stderr));
    let tested = demo.lookup("fund", "0999010126", "advisory-physician", &["--test"]);
    assert!(text(&tested.stdout).contains("De Linde"), "{}{}", text(&tested.stdout), text(&tested.stderr));
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn an_unreachable_service_differs_from_one_that_refuses() {
    let folder = folder();
    let dir = folder.path().join("demo").display().to_string();
    assert!(run(&["demo", "--once", "--port", "0", "--dir", &dir]).status.success());
    let file = |name: &str| format!("{dir}/{name}");
    let asked = run(&[
        "lookup",
        "--url",
        "https://localhost:1",
        "--ca",
        &file("ca.pem"),
        "--cert",
        &file("clients/fund.pem"),
        "--key",
        &file("clients/fund.key"),
        "--organisation",
        "0999010126",
        "--legal-context",
        "advisory-physician",
        "--ssin",
        "85073099932",
    ]);
    assert_eq!(asked.status.code(), Some(4), "{}", text(&asked.stderr));
    assert!(!text(&asked.stderr).contains("85073099932"));
}

#[test]
fn a_lookup_with_an_unusable_file_names_the_file() {
    let folder = folder();
    let dir = folder.path().join("demo").display().to_string();
    assert!(run(&["demo", "--once", "--port", "0", "--dir", &dir]).status.success());
    let file = |name: &str| format!("{dir}/{name}");
    let (ca, certificate, key) = (file("ca.pem"), file("clients/fund.pem"), file("clients/fund.key"));
    let other = file("server.key");
    let missing = file("missing.pem");
    for (ca, certificate, key, message) in [
        (&ca, &key, &key, format!("`{key}`: found a private key, expected certificates")),
        (&ca, &certificate, &ca, format!("`{ca}`: found a certificate, expected an unencrypted private key")),
        (&missing, &certificate, &key, format!("`{missing}`: No such file")),
        (&ca, &certificate, &other, format!("`{other}`: the client certificate and its key cannot be used")),
    ] {
        let url = ["lookup", "--url", "https://localhost:1", "--ca", ca, "--cert", certificate, "--key", key];
        let question =
            ["--organisation", "0999010126", "--legal-context", "advisory-physician", "--ssin", "85073099932"];
        let asked = run(&[&url[..], &question[..]].concat());
        assert_eq!(asked.status.code(), Some(1), "{}", text(&asked.stderr));
        assert!(text(&asked.stderr).contains(&message), "{}", text(&asked.stderr));
    }
}

#[test]
fn a_stale_dataset_is_reported() {
    let demo = Demo::start(&["--stale", "coprev"]);
    let asked = demo.lookup("fund", "0999010126", "advisory-physician", &["--ssin", "85073099932"]);
    let printed = text(&asked.stdout);
    assert_eq!(asked.status.code(), Some(5), "{printed}{}", text(&asked.stderr));
    assert!(printed.contains("HAN20200") && printed.contains("coprev"), "{printed}");
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn serve_and_sync_run_with_the_settings_of_the_demo() {
    let folder = folder();
    let dir = folder.path().join("demo").display().to_string();
    assert!(run(&["demo", "--once", "--port", "0", "--dir", &dir]).status.success());
    let settings = format!("{dir}/ehealth-attributes.toml");

    let synced = run(&["sync", "--config", &settings]);
    assert_eq!(synced.status.code(), Some(0), "{}", text(&synced.stderr));
    assert!(text(&synced.stdout).contains("persons    nothing"), "{}", text(&synced.stdout));

    let mut serving = program()
        .args(["serve", "--config", &settings])
        .args(FREE_PORTS)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut log = BufReader::new(serving.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("serving") {
        line.clear();
        assert_ne!(log.read_line(&mut line).expect("a line"), 0, "it ended before it was ready");
    }
    assert!(Command::new("kill").arg(serving.id().to_string()).status().expect("kill runs").success());
    assert_eq!(serving.wait().expect("it ends").code(), Some(0));
    let mut rest = String::new();
    log.read_to_string(&mut rest).expect("text");
    assert!(rest.contains("all requests were finished"), "{rest}");

    fs::write(format!("{dir}/feeds/coprev/snapshot-1.csv"), "tampered").expect("written");
    let notification = format!("{dir}/feeds/coprev/notification.xml");
    let text_of = fs::read_to_string(&notification).expect("a notification");
    fs::write(&notification, text_of.replace("0d02", "0d12")).expect("written");
    let synced = run(&["sync", "--config", &settings]);
    assert_eq!(synced.status.code(), Some(7), "{}", text(&synced.stdout));
    assert!(text(&synced.stdout).contains("refused/incomplete"), "{}", text(&synced.stdout));
    assert!(text(&synced.stdout).contains("feeds/coprev/snapshot-1.csv`: "), "{}", text(&synced.stdout));
}

#[test]
fn all_errors_of_the_files_are_reported_before_the_exit() {
    let folder = folder();
    let file = folder.path().join("policy.toml");
    fs::write(&file, "[[consumer]]\norganisation = \"0999010127\"\nnmae = \"x\"\n").expect("written");
    let checked = run(&["policy", "check", &file.display().to_string()]);
    let printed = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(3), "{printed}");
    assert_eq!(printed.lines().count(), 3, "{printed}");
    assert!(printed.contains("policy.toml:2: consumer[1].organisation: the check digits are wrong"), "{printed}");

    let served = run(&["serve", "--config", &file.display().to_string()]);
    assert_eq!(served.status.code(), Some(3), "{}", text(&served.stderr));
    assert!(text(&served.stderr).contains("this section is missing"), "{}", text(&served.stderr));
}

#[test]
fn a_decision_is_explained_and_a_certificate_can_be_pinned() {
    let folder = folder();
    let dir = folder.path().join("demo").display().to_string();
    assert!(run(&["demo", "--once", "--port", "0", "--dir", &dir]).status.success());
    let policy = format!("{dir}/policy.toml");
    let explain = |more: &[&str], code: i32| {
        let arguments =
            [&["policy", "explain", "--policy", &policy, "--organisation", "0999010126", "--legal-context"], more]
                .concat();
        let explained = run(&arguments);
        assert_eq!(explained.status.code(), Some(code), "{}", text(&explained.stderr));
        text(&explained.stdout)
    };
    let verdict = explain(&["BACKTOWORK:ADVISORY_PHYSICIAN"], 0);
    for part in
        ["is permitted", "deliberation 16/108", "disclosed fields: 1, 2, 3, 4, 5, 6, 7, 8; filtered: 9", "insured"]
    {
        assert!(verdict.contains(part), "{part}\nis not in\n{verdict}");
    }
    for (more, part) in [
        (
            &["BACKTOWORK:PREVENTION_SERVICE"][..],
            "refused with MSG00013\n  rule: context-not-granted: no grant: the consumer has no grant",
        ),
        (&["BACKTOWORK:CURIOSITY"], "rule: unknown-context: no grant: the legal context is unknown"),
        (
            &["BACKTOWORK:ADVISORY_PHYSICIAN", "--on", "2019-12-31"],
            "rule: grant-not-valid: no grant: no grant for this legal context is valid today",
        ),
        (
            &["BACKTOWORK:ADVISORY_PHYSICIAN", "--ssin", "85073099933"],
            "MSG00011\n  rule: invalid-ssin: invalid SSIN: the check digits",
        ),
        (
            &["BACKTOWORK:ADVISORY_PHYSICIAN", "--date", "2001-01-01"],
            "MSG00008\n  rule: wrong-dates: wrong dates: referenceDate",
        ),
        (
            &["BACKTOWORK:ADVISORY_PHYSICIAN", "--customer", "11/7"],
            "refused with MSG90051\n  rule: foreign-customer: customerIdentification",
        ),
    ] {
        let verdict = explain(more, 10);
        assert!(verdict.contains(part), "{part}\nis not in\n{verdict}");
    }

    let pin = |client: &str| {
        let (certificate, issuer) = (format!("{dir}/clients/{client}.pem"), format!("{dir}/ca.pem"));
        text(&run(&["policy", "pin", &certificate, "--issuer", &issuer]).stdout)
    };
    let pins = pin("fund");
    assert!(pins.contains("\npinned_keys = [") && pins.contains("\npinned_issuers = ["), "{pins}");
    let written = fs::read_to_string(&policy).expect("a policy");
    let own = "organisation = \"0999010126\"";
    let lines: String = pins.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    fs::write(&policy, written.replace(own, &format!("{own}\n{lines}"))).expect("written");
    assert!(run(&["policy", "check", &policy]).status.success());
    assert!(run(&["demo", "--once", "--port", "0", "--dir", &dir]).status.success(), "its own key is taken");
    let others = pin("service");
    let lines: String = others.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    fs::write(&policy, written.replace(own, &format!("{own}\n{lines}"))).expect("written");
    assert_eq!(run(&["demo", "--once", "--port", "0", "--dir", &dir]).status.code(), Some(6), "another key is refused");
}

#[test]
fn a_policy_is_shown_as_a_table_and_its_ends_are_warned_of() {
    let folder = folder();
    let file = folder.path().join("policy.toml");
    let policy = file.display().to_string();
    let grant = |valid: &str| {
        format!(
            "\n[[consumer.grant]]\nlegal_context = \"BACKTOWORK:ADVISORY_PHYSICIAN\"\nfields = [1, 2]\n\
             relation = \"insured\"\n{valid}\ndeliberation = \"16/108\"\n"
        )
    };
    let consumer = |number: &str, name: &str| format!("[[consumer]]\norganisation = \"{number}\"\nname = '{name}'\n");
    let written = [
        consumer("0999010225", "Fund, \"second\""),
        grant("valid_from = \"2020-01-01\"\nvalid_to = \"2021-12-31\""),
        consumer("0999010126", "First fund"),
    ];
    fs::write(&file, written.concat()).expect("written");
    let checked = run(&["policy", "check", &policy]);
    assert_eq!(checked.status.code(), Some(0));
    let warnings = text(&checked.stderr);
    assert_eq!(
        warnings.replace(&policy, "FILE"),
        "FILE: warning: the policy defines no legal contexts: the three BACKTOWORK: contexts of version 0.1 are built in; \
         define them in [[legal_context]] sections (docs/reference/policy.md)\n\
         FILE: warning: consumer 0999010126 (First fund) has no grant: every question gets MSG00013\n\
         FILE: warning: consumer 0999010225 (Fund, \"second\"): the grant for BACKTOWORK:ADVISORY_PHYSICIAN ended on \
         2021-12-31\n"
    );
    let show = |more: &[&str]| {
        let shown = run(&[&["policy", "show", &policy, "--on", "2021-06-30"], more].concat());
        assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
        text(&shown.stdout)
    };
    let table = show(&[]);
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("organisation  name") && !lines[0].contains("pinned"), "{table}");
    assert!(lines[1].starts_with("0999010126    First fund") && lines[2].contains("  valid  "), "{table}");
    let csv = show(&["--format", "csv"]);
    let rows: Vec<_> = csv::Reader::from_reader(csv.as_bytes()).into_records().map(|row| row.expect("a row")).collect();
    assert_eq!((rows.len(), rows[1].get(2), rows[1].get(8)), (2, Some("Fund, \"second\""), Some("valid")), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&show(&["--format", "json"])).expect("JSON");
    assert_eq!(json["consumers"][1]["grants"][0]["fields"], serde_json::json!([1, 2]));
    assert_eq!(json["consumers"][0]["grants"], serde_json::json!([]));
    assert_eq!(run(&["policy", "show", &policy, "--on", "2021-02-30"]).status.code(), Some(2));
}

#[test]
fn the_audit_commands_verify_search_report_and_prove() {
    let folder = folder();
    let dir = folder.path().join("demo").display().to_string();
    assert!(run(&["demo", "--once", "--port", "0", "--dir", &dir]).status.success());
    let (audit_log, config) = (format!("{dir}/audit-log"), format!("{dir}/ehealth-attributes.toml"));
    let save = |name: &str, arguments: &[&str]| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{}", text(&output.stderr));
        let path = folder.path().join(name).display().to_string();
        fs::write(&path, &output.stdout).expect("written");
        path
    };
    let key = save("key", &["audit", "checkpoint", "--public-key", "--config", &config]);
    let checkpoint = save("checkpoint", &["audit", "checkpoint", "--config", &config]);
    let verify = || run(&["audit", "verify", "--audit-log", &audit_log, "--key", &key, "--checkpoint", &checkpoint]);
    let verified = verify();
    assert_eq!(verified.status.code(), Some(0), "{}{}", text(&verified.stdout), text(&verified.stderr));

    let found = run(&["audit", "search", "--config", &config, "--ssin", "85073099932"]);
    let printed = text(&found.stdout);
    assert_eq!(found.status.code(), Some(0), "{}", text(&found.stderr));
    assert!(printed.contains("0999010126") && printed.contains("0999020123"), "{printed}");
    let report = run(&["audit", "report", "--config", &config, "--ssin", "85073099932", "--language", "fr"]);
    let printed = text(&report.stdout);
    assert!(report.status.success() && !printed.contains("85073099932"), "{printed}{}", text(&report.stderr));
    let unknown = run(&["audit", "search", "--config", &config, "--ssin", "62062099936"]);
    assert!(!text(&unknown.stdout).contains("0999010126"), "{}", text(&unknown.stdout));

    assert_eq!(canary::search_files(Path::new(&audit_log)), [""; 0], "a number of a person");

    let dry = run(&["audit", "rotate-key", "--config", &config]);
    assert_eq!((dry.status.code(), text(&dry.stdout).as_str()), (Some(0), ""), "{}", text(&dry.stderr));
    let unchanged = run(&["audit", "checkpoint", "--public-key", "--config", &config]);
    assert_eq!(unchanged.stdout, fs::read(&key).expect("a key"), "a dry run changes nothing");
    let both = save("both", &["audit", "rotate-key", "--config", &config, "--write"]);
    let new_key = save("new-key", &["audit", "checkpoint", "--public-key", "--config", &config]);
    for key in [&key, &new_key] {
        let verified = run(&["audit", "verify", "--audit-log", &audit_log, "--key", key, "--checkpoint", &both]);
        assert_eq!(verified.status.code(), Some(0), "{}", text(&verified.stdout));
    }
    assert_ne!(fs::read(&key).expect("a key"), fs::read(&new_key).expect("a key"));

    fs::write(format!("{audit_log}/legal-hold"), "court of Brussels, 2026/123\n").expect("written");
    let held = run(&["audit", "prune", "--config", &config]);
    assert_eq!((held.status.code(), text(&held.stderr).contains("legal hold")), (Some(1), true));
    fs::remove_file(format!("{audit_log}/legal-hold")).expect("there");
    let nothing = run(&["audit", "prune", "--config", &config]);
    assert_eq!((nothing.status.code(), text(&nothing.stdout).as_str()), (Some(0), "nothing is older than 10 years\n"));

    let segment = fs::read_dir(&audit_log).expect("an audit log").map(|entry| entry.expect("an entry").path());
    let segment =
        segment.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "seg")).expect("a segment");
    let mut bytes = fs::read(&segment).expect("bytes");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).expect("written");
    assert_ne!(verify().status.code(), Some(0), "a changed byte is found");
}

#[test]
fn invalid_arguments_are_reported_at_once_with_code_2() {
    let folder = folder();
    let dir = folder.path().join("demo").display().to_string();
    assert!(run(&["demo", "--once", "--port", "0", "--dir", &dir]).status.success());
    let file = |name: &str| format!("{dir}/{name}");
    let (config, policy, person) = (file("ehealth-attributes.toml"), file("policy.toml"), "85073099933");
    let (ca, cert, key) = (file("ca.pem"), file("clients/fund.pem"), file("clients/fund.key"));
    let lookup = ["lookup", "--ca", &ca, "--cert", &cert, "--key", &key, "--legal-context", "advisory-physician"];
    let lookup = [&lookup[..], &["--url", "http://localhost", "--organisation", "1", "--ssin", person]].concat();
    let audit = ["--config", &config, "--ssin", person, "--from", "2026-02-30", "--to", "today"];
    let explain = ["policy", "explain", "--policy", &policy, "--legal-context", "a"];
    for (arguments, invalid) in [
        (
            [&lookup[..], &["--from", "x", "--to", "y"]].concat(),
            &["--url", "--organisation", "--ssin", "--from", "--to"][..],
        ),
        ([&lookup[..], &["--date", "2026-02-30"]].concat(), &["--url", "--organisation", "--ssin", "--date"]),
        ([&["audit", "search"], &audit[..]].concat(), &["--ssin", "--from", "--to"]),
        ([&["audit", "report"], &audit[..]].concat(), &["--ssin", "--from", "--to"]),
        (vec!["audit", "prove", "--config", &config, "--ticket", "1"], &["--ticket"]),
        (
            [&explain[..], &["--organisation", "1", "--customer", "2", "--on", "3"]].concat(),
            &["--organisation", "--customer", "--on"],
        ),
        (vec!["--log", "=/=", "config", "example"], &["--log"]),
        (vec!["sync", "--allow-shrink", "x"], &["--allow-shrink"]),
    ] {
        let output = run(&arguments);
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{printed}");
        assert!(invalid.iter().all(|argument| printed.contains(argument)), "{arguments:?}\n{printed}");
        assert!(!printed.contains(person), "the number is not repeated: {printed}");
    }
}

/// A signed message of 2026-01-15.
const SIGNED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/signed/clients/php-rsa.xml");

/// Commands that print, each ending with 0 if all is well.
fn printing_commands(dir: &str) -> Vec<Vec<String>> {
    let config = format!("{dir}/ehealth-attributes.toml");
    let policy = format!("{dir}/policy.toml");
    let explain = format!(
        "policy explain --policy {policy} --organisation 0999010126 --legal-context BACKTOWORK:ADVISORY_PHYSICIAN"
    );
    let commands = [
        format!("config show --config {config}"),
        format!("config check --offline --config {config}"),
        format!("config check --offline --json --config {config}"),
        "config example".to_owned(),
        format!("audit search --ssin 85073099932 --config {config}"),
        format!("audit report --ssin 85073099932 --config {config}"),
        format!("audit checkpoint --config {config}"),
        format!("audit checkpoint --public-key --config {config}"),
        format!("audit prune --config {config}"),
        format!("policy check {policy}"),
        format!("policy show {policy}"),
        format!("policy show {policy} --format json"),
        explain,
        format!("policy pin {dir}/ca.pem"),
        format!("sync --config {config}"),
        format!("contract export {dir}/contract"),
        format!("contract export {dir}/contract --json"),
        format!("signature check {SIGNED} --at 2026-01-15T09:30:00Z"),
        format!("signature check {SIGNED} --at 2026-01-15T09:30:00Z --canonical --json"),
        "simulate --example".to_owned(),
        "lookup --help".to_owned(),
    ];
    commands.iter().map(|command| command.split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn a_command_survives_a_reader_that_is_gone() {
    let folder = folder();
    let dir = folder.path().join("demo").display().to_string();
    assert!(run(&["demo", "--once", "--port", "0", "--dir", &dir]).status.success());
    for command in printing_commands(&dir) {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = program().args(&command).stdout(writer).stderr(Stdio::piped()).output().expect("the program runs");
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{command:?}\n{printed}");
        assert!(!printed.contains("panicked"), "{command:?}\n{printed}");
    }
    // Errors go to standard error: its reader may be gone as well.
    for (command, code) in [("config check --config none.toml", 3), ("lookup", 2), ("serve --config none.toml", 3)] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = program().args(command.split(' ')).stdout(Stdio::null()).stderr(writer).status();
        assert_eq!(ended.expect("the program runs").code(), Some(code), "{command}");
    }
}

#[test]
fn a_full_disk_of_the_output_is_an_error_without_a_panic() {
    let folder = folder();
    let dir = folder.path().join("demo").display().to_string();
    assert!(run(&["demo", "--once", "--port", "0", "--dir", &dir]).status.success());
    for command in printing_commands(&dir) {
        // clap prints the help, and takes no notice of a full disk.
        if command.iter().any(|argument| argument == "--help") {
            continue;
        }
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device that is always full");
        let output = program().args(&command).stdout(full).stderr(Stdio::piped()).output().expect("the program runs");
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}\n{printed}");
        assert!(printed.contains("standard output cannot be written: "), "{command:?}\n{printed}");
        assert!(!printed.contains("panicked"), "{command:?}\n{printed}");
    }
}

#[test]
fn the_demo_writes_the_ports_that_it_uses() {
    let demo = Demo::start(&[]);
    let url = demo.url().to_owned();
    let config = demo.folder.path().join("demo/ehealth-attributes.toml").display().to_string();
    let shown = text(&run(&["config", "show", "--config", &config]).stdout);
    let value = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{key}\n{shown}"));
        line.split_whitespace().nth(1).expect("a value").to_owned()
    };
    assert_eq!(value("server.public_url"), url);
    assert_eq!(format!("https://{}", value("server.listen")).replace("127.0.0.1", "localhost"), url);
    assert!(demo.printed.contains(&format!("Admin page: http://{}/", value("admin.listen"))), "{}", demo.printed);
    let health = run(&["health", "--live", "--config", &config]);
    assert_eq!(health.status.code(), Some(0), "{}", text(&health.stderr));
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn every_command_has_help() {
    for command in ["serve", "sync", "lookup", "contract", "demo", "policy", "audit", "signature"] {
        let helped = run(&[command, "--help"]);
        assert!(helped.status.success() && text(&helped.stdout).contains("Usage:"), "{command}");
    }
    assert_eq!(run(&[]).status.code(), Some(2));
}

#[test]
fn the_json_log_has_one_line_per_request_and_no_ssin() {
    let folder = folder();
    let dir = folder.path().join("demo").display().to_string();
    let output = run(&["demo", "--once", "--port", "0", "--dir", &dir, "--log-format", "json"]);
    let log = text(&output.stderr);
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect();
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert_eq!(answered.len(), 2, "{log}");
    for line in answered {
        assert!(line["ticket"].as_str().is_some_and(|ticket| ticket.len() == 36), "{line}");
        assert!(line["consumer"].as_str().is_some_and(|consumer| consumer.starts_with("0999")), "{line}");
        assert_eq!(line["outcome"], "MSG00000");
        for stage in ["read", "decide", "resolve", "record", "write"] {
            let (took, whole) = (line[format!("{stage}_seconds")].as_f64(), line["duration"].as_f64());
            assert!(took.is_some() && took <= whole, "{stage} in {line}");
        }
        assert!(line["duration"].as_f64().is_some_and(|seconds| seconds > 0.0 && seconds < 60.0), "{line}");
    }
    assert!(!log.contains("85073099932"), "{log}");
}
