//! The output of each command with `--json`, and every other JSON output, has the form of its schema in
//! docs/reference/json.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use audit_verify::{VerifyingKey, verify_proof};
use testkit::Workspace;

use crate::support::program::PROGRAM;
use crate::support::schemas::validate;
use crate::support::simulation::{Simulation, project};
use crate::support::unread::{Caller, client_tls, serve, workspace};

/// Schemas of outputs that need a database or a signed exchange: the test that validates each.
const ELSEWHERE: [(&str, &str); 6] = [
    ("support-bundle", "tests/it/support_bundle.rs"),
    ("doctor", "tests/it/doctor.rs"),
    ("audit-prove-signature", "tests/it/signatures/relays.rs"),
    ("audit-rebuild", "tests/cluster/scenarios/schemas.rs"),
    ("cluster-migrate", "tests/cluster/scenarios/schemas.rs"),
    ("cluster-status", "tests/cluster/scenarios/schemas.rs"),
];

/// Outputs with the names of their schemas.
#[derive(Default)]
struct Outputs(Vec<(&'static str, String)>);

impl Outputs {
    fn add(&mut self, name: &'static str, text: impl Into<String>) {
        self.0.push((name, text.into()));
    }

    /// Adds what a command prints; it ends with this code.
    fn run(&mut self, name: &'static str, code: i32, arguments: &[&str]) -> String {
        let output = Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().expect("the program runs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{errors}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        self.add(name, text.clone());
        text
    }
}

/// The admin page as JSON.
fn read_page(admin: &impl std::fmt::Display, range: &str) -> String {
    let mut stream = TcpStream::connect(admin.to_string()).expect("it listens");
    let head = "Host: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n";
    write!(stream, "GET /?range={range} HTTP/1.1\r\n{head}").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.contains("content-type: application/json"), "{head}");
    body.to_owned()
}

/// The demo, with a log that has exchanges and an event.
struct DemoFolder {
    folder: tempfile::TempDir,
    workspace: Workspace,
}

impl DemoFolder {
    fn new(outputs: &mut Outputs) -> Self {
        let (folder, workspace) = workspace();
        let demo = Self { folder, workspace };
        demo.serve(outputs);
        fs::remove_file(demo.path("demo/audit-log/checkpoint")).expect("a checkpoint");
        let settings = fs::read_to_string(demo.workspace.settings()).expect("settings");
        let vouching =
            settings.replace("missing_keys = \"make\"", "missing_keys = \"make\"\nmissing_checkpoint = \"sign\"");
        fs::write(demo.workspace.settings(), vouching).expect("written");
        demo.serve(outputs);
        demo
    }

    /// Serves a few questions, and asks for the readiness.
    fn serve(&self, outputs: &mut Outputs) {
        let (program, address, admin) = serve(&self.workspace);
        Caller::connect(address, client_tls(&self.workspace, "fund")).ask();
        let url = format!("https://localhost:{}", address.port());
        for (ssin, code) in [("85073099932", 0), ("62062099936", 5)] {
            outputs.run("lookup", code, &[&self.lookup(&url), &["--ssin", ssin, "--json"][..]].concat());
        }
        let listen = format!("admin.listen={admin}");
        outputs.run("health", 0, &["health", "--config", &self.settings(), "--set", &listen]);
        for range in ["1h", "24h", "30d"] {
            outputs.add("admin-page", read_page(&admin, range));
        }
        assert_eq!(program.stop().0, Some(0));
    }

    fn lookup<'a>(&self, url: &'a str) -> Vec<&'a str> {
        // Leaked: a few texts of a test.
        let text = |path: PathBuf| &*Box::leak(path.display().to_string().into_boxed_str());
        let (certificate, key) = self.workspace.client("fund");
        let files = ["--ca", text(self.workspace.authority()), "--cert", text(certificate), "--key", text(key)];
        let question = ["--organisation", "0999010126", "--legal-context", "advisory-physician"];
        [&["lookup", "--url", url][..], &files, &question].concat()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn settings(&self) -> String {
        self.workspace.settings().display().to_string()
    }
}

fn run_lookups(outputs: &mut Outputs) {
    let folder = tempfile::tempdir().expect("a folder");
    let (input, out) = (folder.path().join("people.txt"), folder.path().join("out.jsonl"));
    fs::write(&input, "85073099932\n79111299986\nno number\n75221199912\n62062099936\n").expect("written");
    for more in [&[][..], &["--rsa"]] {
        let simulation = Simulation::start_with("", more);
        outputs.add("simulate-ready-file", simulation.ready.to_string());
        add_control(outputs, &simulation);
        let output = Command::new(PROGRAM)
            .args(["lookup", "--url", simulation.url(), "--organisation", "0999010126", "--json", "--ca"])
            .arg(simulation.file("/ca"))
            .arg("--cert")
            .arg(simulation.file("/clients/fund/certificate"))
            .arg("--key")
            .arg(simulation.file("/clients/fund/key"))
            .args(["--legal-context", "advisory-physician", "--in"])
            .arg(&input)
            .arg("--out")
            .arg(&out)
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    outputs.add("lookup-in.jsonl", fs::read_to_string(out).expect("read"));
}

/// The outputs of the control API: a plan of every kind of failure, and a request that met one.
fn add_control(outputs: &mut Outputs, simulation: &Simulation) {
    let url = simulation.ready["control"].as_str().expect("an address");
    let call = |more: &[&str], path: &str| {
        let mut command = Command::new("curl");
        let output = command.args(["-sS", "--fail", "--noproxy", "*"]).args(more).arg(format!("{url}{path}")).output();
        String::from_utf8(output.expect("curl").stdout).expect("UTF-8")
    };
    let plan = include_str!("support/every_failure.json");
    outputs.add("simulate-plan", plan.to_owned());
    let header = ["--request", "PUT", "--header", "Content-Type: application/json", "--data", plan];
    outputs.add("simulate-plan", call(&header, "/v1/plan"));
    let ca = simulation.file("/ca").display().to_string();
    let refused = Command::new("curl").args(["-sS", "--noproxy", "*", "--cacert", &ca, simulation.url()]).output();
    assert!(!refused.expect("curl").status.success());
    outputs.add("simulate-requests", call(&[], "/v1/requests"));
    let empty = ["--request", "PUT", "--header", "Content-Type: application/json", "--data", "{}"];
    outputs.add("simulate-plan", call(&empty, "/v1/plan"));
}

fn run_audit(demo: &DemoFolder, outputs: &mut Outputs) {
    let config = demo.settings();
    let of = |command: &'static str| ["audit", command, "--config", config.as_str()];
    let person = ["--ssin", "85073099932"];
    let found = outputs.run("audit-search.jsonl", 0, &[&of("search")[..], &person, &["--json"]].concat());
    for language in ["nl", "en"] {
        let format = ["--format", "json", "--language", language];
        outputs.run("audit-report", 0, &[&of("report")[..], &person, &format].concat());
    }
    let days = ["--format", "json", "--from", "2020-01-01", "--to", "2020-01-02"];
    outputs.run("audit-report", 0, &[&of("report")[..], &person, &days].concat());
    let requests = demo.path("requests.csv");
    fs::write(&requests, "ssin,language,reference\n85073099932,nl,R1\nx,nl,R2\n85073099932,en,R3\n").expect("written");
    let (requests, out) = (requests.display().to_string(), demo.text("letters"));
    let batch = ["--batch", &requests, "--out", &out, "--json", "--draft"];
    outputs.run("audit-report-batch.jsonl", 1, &[&of("report")[..], &batch].concat());
    outputs.run("audit-report-batch.jsonl", 1, &[&of("report")[..], &batch, &["--resume"]].concat());
    outputs.run("audit-events.jsonl", 0, &[&of("events")[..], &["--json"]].concat());
    outputs.run("audit-list.jsonl", 0, &[&of("list")[..], &["--json"]].concat());
    outputs.run("audit-list.jsonl", 0, &[&of("list")[..], &["--json", "--quality", "NURSE"]].concat());
    outputs.run("audit-stats.jsonl", 0, &[&of("stats")[..], &["--json"]].concat());
    outputs.run("audit-export.jsonl", 0, &of("export"));
    outputs.run("audit-export.jsonl", 0, &[&of("export")[..], &["--with-encrypted-detail"]].concat());

    let key = demo.path("key");
    let printed = Command::new(PROGRAM).args(of("checkpoint")).arg("--public-key").output().expect("it runs");
    fs::write(&key, printed.stdout).expect("written");
    let (log, key_text) = (demo.text("demo/audit-log"), key.display().to_string());
    outputs.run("audit-verify", 0, &["audit", "verify", "--audit-log", &log, "--key", &key_text, "--json"]);

    let exchange: serde_json::Value = serde_json::from_str(found.lines().next().expect("a line")).expect("JSON");
    let ticket = exchange["ticketCBSS"].as_str().expect("a ticket");
    let proof = Command::new(PROGRAM).args(of("prove")).args(["--ticket", ticket]).output().expect("it runs");
    let proof = String::from_utf8(proof.stdout).expect("UTF-8");
    let file = demo.path("proof");
    fs::write(&file, &proof).expect("written");
    let file = file.display().to_string();
    outputs.run("audit-verify-proof", 0, &["audit", "verify-proof", "--key", &key_text, "--json", &file]);
    fs::write(&file, &proof[1..]).expect("written");
    outputs.run("audit-verify-proof", 1, &["audit", "verify-proof", "--key", &key_text, "--json", &file]);
    let key = VerifyingKey::from_argument(&key).expect("a key");
    outputs.add("audit-verify-proof", verify_proof(&proof, &key).expect("proven").to_json().to_string());
    outputs.add("audit-verify-proof", verify_proof("x", &key).expect_err("no proof").to_json().to_string());
}

fn run_policy(demo: &DemoFolder, outputs: &mut Outputs) {
    let policy = demo.text("demo/policy.toml");
    outputs.run("policy-show", 0, &["policy", "show", &policy, "--format", "json"]);
    for (organisation, context, code) in [
        ("0999010126", "advisory-physician", 0),
        ("0999010126", "BACKTOWORK:CURIOSITY", 10),
        ("0999090102", "advisory-physician", 10),
    ] {
        let asked = ["--organisation", organisation, "--legal-context", context, "--json"];
        outputs.run("policy-explain", code, &[&["policy", "explain", "--policy", &policy][..], &asked].concat());
    }
    let expect = |verdict: &str, fields: &str| {
        format!(
            "[[expect]]\ncbe = \"0999010126\"\nlegal_context = \"BACKTOWORK:ADVISORY_PHYSICIAN\"\n\
             verdict = \"{verdict}\"\n{fields}\n"
        )
    };
    let file = demo.path("expect.toml");
    fs::write(&file, [expect("permitted", ""), expect("refused", ""), expect("permitted", "fields = [1]")].concat())
        .expect("written");
    let file = file.display().to_string();
    let (fund, _) = demo.workspace.client("fund");
    let packaged = project().join("deploy/policy.toml").display().to_string();
    let of_fund = ["--name", "x", "--legal-context", "BACKTOWORK:ADVISORY_PHYSICIAN", "--policy", &packaged, "--json"];
    outputs.run("policy-add", 0, &[&["policy", "add", fund.to_str().expect("UTF-8")][..], &of_fund].concat());
    outputs.run("policy-test", 1, &["policy", "test", &file, "--policy", &policy, "--json"]);
}

fn run_settings(demo: &DemoFolder, outputs: &mut Outputs) {
    let config = demo.settings();
    outputs.run("config-check", 0, &["config", "check", "--offline", "--json", "--config", &config]);
    let wrong = ["--set", "server.listen=nowhere", "--set", "trust.client_ca=/absent"];
    outputs.run(
        "config-check",
        3,
        &[&["config", "check", "--offline", "--json", "--config", &config][..], &wrong].concat(),
    );
    outputs.run("config-units", 0, &["config", "units", "--json", "--config", &config]);
    let settings = fs::read_to_string(&config).expect("settings");
    let ca = demo.workspace.authority();
    let (certificate, key) = demo.workspace.client("fund");
    let [ca, certificate, key] =
        [&ca, &certificate, &key].map(|path| fs::canonicalize(path).expect("a path").display().to_string());
    let section = format!(
        "\n[cluster]\nnode = \"a\"\ndatabase = \"postgresql://x@localhost:1/x\"\nauthorities = \"{ca}\"\ncertificate = \
         \"{certificate}\"\nkey = \"{key}\"\ntimeout = \"1s\"\n"
    );
    let folder = Path::new(&config).parent().expect("a folder");
    fs::write(folder.join("cluster.toml"), settings + &section).expect("written");
    let cluster = folder.join("cluster.toml").display().to_string();
    outputs.run("cluster-check", 1, &["cluster", "check", "--json", "--config", &cluster]);
}

fn run_others(demo: &DemoFolder, outputs: &mut Outputs) {
    for more in [&[][..], &["--single"]] {
        let folder = demo.text(&format!("contract{}", more.len()));
        outputs.run("contract-export", 0, &[&["contract", "export", &folder, "--json"][..], more].concat());
    }
    let signed = project().join("fixtures/signed/clients/php-rsa.xml").display().to_string();
    for (at, code) in [("2026-01-15T09:30:00Z", 0), ("2026-01-16T09:30:00Z", 11)] {
        let check = ["signature", "check", &signed, "--at", at, "--json", "--canonical"];
        outputs.run("signature-check", code, &check);
    }
    let (certificate, _) = demo.workspace.client("fund");
    let (certificate, config) = (certificate.display().to_string(), demo.settings());
    for (more, code) in [(&[][..], 0), (&["--config", &config], 0), (&["--purpose", "server"], 12)] {
        let inspect = ["certificates", "inspect", &certificate, "--json"];
        outputs.run("certificates-inspect", code, &[&inspect[..], more].concat());
    }
    for (new, code) in [("fund", 12), ("server", 0)] {
        let (certificate, key) = if new == "fund" {
            demo.workspace.client("fund")
        } else {
            (demo.path("demo/server.pem"), demo.path("demo/server.key"))
        };
        let [certificate, key] = [certificate, key].map(|path| path.display().to_string());
        let rotate = ["certificates", "rotate", "server", "--cert", &certificate, "--key", &key, "--config", &config];
        outputs.run("certificates-rotate", code, &[&rotate[..], &["--json"]].concat());
    }
    outputs.run("audit-rotate-key", 0, &["audit", "rotate-key", "--config", &config, "--json"]);
    let (backup, scratch) = (demo.text("backup"), demo.text("rehearsal"));
    let made = Command::new(PROGRAM).args(["backup", "--config", &config, "--to", &backup]).output().expect("it runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let rehearse = ["restore", "--config", &config, "--from", &backup, "--rehearse", &scratch, "--json"];
    outputs.run("restore", 0, &rehearse);
    let acme = ["certificates", "acme", "--json", "--config", &config];
    let directory = ["--set", "acme.directory=https://acme.example.be/directory"];
    outputs.run("certificates-acme", 0, &[&acme[..], &directory].concat());
    let second = demo.text("second");
    let output = Command::new(PROGRAM)
        .args(["demo", "--once", "--port", "0", "--log-format", "json", "--dir", &second])
        .output()
        .expect("the program runs");
    outputs.add("log-line.jsonl", String::from_utf8(output.stderr).expect("UTF-8"));
}

#[test]
fn each_json_output_has_the_form_of_its_schema() {
    let mut outputs = Outputs::default();
    let demo = DemoFolder::new(&mut outputs);
    run_lookups(&mut outputs);
    run_audit(&demo, &mut outputs);
    run_policy(&demo, &mut outputs);
    run_settings(&demo, &mut outputs);
    run_others(&demo, &mut outputs);
    let texts: Vec<_> = outputs.0.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let Some(counts) = validate(&texts) else { return };
    let seen: Vec<_> = counts.lines().filter_map(|line| line.split(' ').next()).collect();
    for entry in fs::read_dir(project().join("docs/reference/json")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let name = name.strip_suffix(".schema.json").expect("a schema");
        match ELSEWHERE.iter().find(|(other, _)| *other == name) {
            None => assert!(seen.contains(&name), "no output was validated against {name}"),
            Some((_, test)) => {
                let text = fs::read_to_string(project().join(test)).expect("a test");
                assert!(text.contains(&format!("(\"{name}\", ")), "{test} does not validate {name}");
            }
        }
    }
}

#[test]
fn the_validator_refuses_what_a_schema_forbids() {
    let right = r#"{"version": 1, "made": ["a"]}"#;
    let Some(counts) = validate(&[("cluster-migrate", right)]) else { return };
    assert_eq!(counts, "cluster-migrate 1\n");
    for wrong in [r#"{"version": "1", "made": []}"#, r#"{"made": []}"#, r#"{"version": 1, "made": [], "new": 1}"#, "[]"]
    {
        assert!(std::panic::catch_unwind(|| validate(&[("cluster-migrate", wrong)])).is_err(), "{wrong}");
    }
}
