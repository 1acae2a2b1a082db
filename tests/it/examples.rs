//! The routers of `examples/` against the simulator: each prints the same lines.
//!
//! `examples/README.md` has the rules of a router, and what it reads and prints. Like `interop_matrix`,
//! this test installs and builds, so it runs only on demand: `INTEROP=1` runs every example whose stack is
//! there, `INTEROP=zeep,go` or `INTEROP=python-zeep` some. A missing stack is skipped and reported; where
//! `CI` is set, a missing stack that many integrators use is a failure. To add an example, add a row to
//! `EXAMPLES`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::environment::{is_ci, say};
use crate::support::python::{self, Python};
use crate::support::simulation::Simulation;

/// An example: its folder, the folder of its stack in `tests/interop`, and whether it may be missing where
/// `CI` is set.
struct Example {
    folder: &'static str,
    stack: &'static str,
    is_demanded: bool,
}

const EXAMPLES: &[Example] = &[
    Example { folder: "python-zeep", stack: "zeep", is_demanded: true },
    Example { folder: "node", stack: "node-soap", is_demanded: true },
    Example { folder: "php", stack: "php", is_demanded: true },
    Example { folder: "cpp-gsoap", stack: "gsoap", is_demanded: true },
    Example { folder: "java-jaxws", stack: "jaxws", is_demanded: true },
    Example { folder: "java-cxf", stack: "cxf", is_demanded: true },
    Example { folder: "spring-ws", stack: "spring-ws", is_demanded: true },
    Example { folder: "typescript", stack: "typescript", is_demanded: false },
    Example { folder: "python-xsdata", stack: "xsdata", is_demanded: false },
    Example { folder: "go", stack: "go", is_demanded: true },
    Example { folder: "rust", stack: "rust", is_demanded: false },
    Example { folder: "dotnet", stack: "dotnet", is_demanded: false },
];

/// Exit code of a `run.sh` whose stack is missing.
const MISSING: i32 = 77;
/// Exit code for wrong arguments and settings.
const UNUSABLE: i32 = 2;

/// Time limit of an answer, and a delay beyond it.
const LIMIT: Duration = Duration::from_secs(8);
const SCENARIO: &str = r#"
[[person]]
ssin = "94020299956"
fault = "MSG90053"

[[person]]
ssin = "72053099936"
fault = "MSG00003"

[[person]]
ssin = "66010199973"
delay_millis = 12000

# First 503, and again, then the answer.
[[failure]]
kind = "http"
status = 503
retry_after = 1
times = 2
ssin = "85073099932"

# A connection that is lost before the first byte of an answer, then the answer.
[[failure]]
kind = "reset"
times = 1
ssin = "71050499919"
"#;

/// Persons, and the lines about each. The first is asked about again at the end: a router goes on after a
/// failure.
const ANSWERS: &[(&str, &[&str])] = &[
    // One external service.
    ("85073099932", &["service 0999020123 EXTERNAL 2012-01-01"]),
    // An internal and an external service: the internal one is competent.
    ("71050499919", &["service 0999100394 INTERNAL 2017-01-01"]),
    // Replaced twice: asked again with the newest number.
    ("75221199912", &["service 0999020123 EXTERNAL 2012-01-01"]),
    // Two employers, newest first.
    ("79111299986", &["service 0999020123 EXTERNAL 2012-01-01", "service 0999020123 EXTERNAL 2026-01-01"]),
    // An employer without a service; no employment; no relation; wrong check digits.
    ("68080899951", &["none MSG00000"]),
    ("90061599995", &["none MSG00100"]),
    ("62062099936", &["none MSG00012"]),
    ("85073099933", &["none MSG00011"]),
    // Faults of the service, also after the retries.
    ("94020299956", &["later MSG90053"]),
    ("72053099936", &["later MSG00003"]),
    // An answer beyond the time limit.
    ("66010199973", &["later timeout"]),
    // The failures before the first answers are used up.
    ("85073099932", &["service 0999020123 EXTERNAL 2012-01-01"]),
];

/// Pauses between three attempts. Each of the two faults above has as many, and so have the first person, who
/// is answered at the third attempt, and a port on which nothing listens.
const PAUSES: Duration = Duration::from_secs(2);

/// A service that lacks the dataset of the internal services: an external one may not be the competent one.
const OUTAGE: &str = "[outage]\nmissing = [\"federated\"]\n";
const INCOMPLETE: &[(&str, &[&str])] = &[("85073099932", &["none HAN20200"]), ("71050499919", &["none HAN20200"])];

/// A certificate that is not registered.
const REFUSED: &[(&str, &[&str])] = &[("85073099932", &["refused SOA-01001"])];
/// A port on which nothing listens.
const UNREACHABLE: &[(&str, &[&str])] = &[("85073099932", &["later connection"])];

/// What a router prints about these persons.
fn printed(answers: &[(&str, &[&str])]) -> String {
    let mut text = String::new();
    for (ssin, lines) in answers {
        for line in *lines {
            let _ = writeln!(text, "{ssin}\t{}", line.replace(' ', "\t"));
        }
    }
    text
}

/// Identity of a caller, in PEM and in PKCS#12.
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    pkcs12: PathBuf,
}

const PASSWORD: &str = "changeit";

impl Identity {
    fn new(simulation: &Simulation, caller: &str, folder: &Path) -> Self {
        let file = |part: &str| simulation.file(&format!("/{caller}/{part}"));
        // Each simulation has its own authority.
        let port = simulation.url().rsplit(':').next().expect("a port");
        let pkcs12 = folder.join(format!("{port}-{}.p12", caller.replace('/', "-")));
        let (certificate, key) = (file("certificate"), file("key"));
        let mut command = Command::new("openssl");
        command.args(["pkcs12", "-export", "-passout"]).arg(format!("pass:{PASSWORD}"));
        command.arg("-in").arg(&certificate).arg("-inkey").arg(&key).arg("-out").arg(&pkcs12);
        assert!(command.status().expect("openssl runs").success());
        Self { certificate, key, pkcs12 }
    }
}

/// A service as the routers reach it, with what they must print about it.
struct Served<'a> {
    url: String,
    authority: PathBuf,
    identity: Identity,
    answers: &'a [(&'a str, &'a [&'a str])],
    /// Address of the simulation's control API.
    control: String,
    /// Shortest time of a router that pauses before it retries.
    shortest: Duration,
}

impl<'a> Served<'a> {
    fn new(simulation: &Simulation, caller: &str, folder: &Path, answers: &'a [(&'a str, &'a [&'a str])]) -> Self {
        Self {
            url: simulation.url().to_owned(),
            authority: simulation.file("/ca"),
            identity: Identity::new(simulation, caller, folder),
            answers,
            control: simulation.ready["control"].as_str().expect("an address").to_owned(),
            shortest: Duration::ZERO,
        }
    }
}

/// Has the failures of the scenario happen again.
fn reset(served: &Served<'_>) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--fail", "--noproxy", "*", "--request", "DELETE", "--output", "/dev/null"]);
    assert!(command.arg(format!("{}/v1/plan", served.control)).status().expect("curl").success());
}

/// A port on which nothing listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Runs the script of an example with these arguments.
fn command(example: &Example, served: &Served<'_>, python: Option<&Python>) -> Command {
    let folder = python::project().join("examples").join(example.folder);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("examples").join(example.folder);
    fs::create_dir_all(&target).expect("a folder");
    let mut command = Command::new("bash");
    command
        .arg(folder.join("run.sh"))
        // The script finds its files itself.
        .current_dir(std::env::temp_dir())
        .env("EXAMPLES_TARGET", target)
        .env("EHEALTH_URL", &served.url)
        .env("EHEALTH_CA", &served.authority)
        .env("EHEALTH_CERTIFICATE", &served.identity.certificate)
        .env("EHEALTH_KEY", &served.identity.key)
        .env("EHEALTH_P12", &served.identity.pkcs12)
        .env("EHEALTH_P12_PASSWORD", PASSWORD)
        .env("EHEALTH_ORGANISATION", "0999010126")
        .env("EHEALTH_LEGAL_CONTEXT", "BACKTOWORK:ADVISORY_PHYSICIAN")
        .env("EHEALTH_TIMEOUT_SECONDS", LIMIT.as_secs().to_string())
        .env("NO_PROXY", "localhost")
        .env("no_proxy", "localhost")
        .stdin(Stdio::null());
    if let Some(python) = python {
        command.env("INTEROP_PYTHON", python.interpreter());
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

/// Result of an example.
enum Ran {
    /// The stack is missing, and why.
    Absent(String),
    /// Each difference from the expected lines.
    Whole(Vec<String>),
}

/// Runs one example against every service, and with wrong arguments and settings.
fn run(example: &Example, services: &[Served<'_>], python: Option<&Python>) -> Ran {
    let mut differences = Vec::new();
    for served in services {
        reset(served);
        let ssins = served.answers.iter().map(|(ssin, _)| ssin);
        let began = Instant::now();
        let Output { status, stdout, stderr } =
            command(example, served, python).args(ssins).output().expect("bash runs");
        if status.code() == Some(MISSING) {
            return Ran::Absent(text(&stderr));
        }
        let expected = printed(served.answers);
        if !status.success() || stdout != expected.as_bytes() {
            let (got, complaint) = (text(&stdout), text(&stderr));
            differences.push(format!("expected\n{expected}got\n{got}\n{status}\n{complaint}"));
        } else if began.elapsed() < served.shortest {
            differences.push(format!("no pause before a retry: {:?} for\n{expected}", began.elapsed()));
        }
    }
    if !differences.is_empty() {
        return Ran::Whole(differences);
    }
    let no_argument = command(example, &services[0], python);
    let mut no_url = command(example, &services[0], python);
    no_url.env_remove("EHEALTH_URL").arg("85073099932");
    for (mut command, complaint) in [(no_argument, "SSIN"), (no_url, "EHEALTH_URL")] {
        let Output { status, stdout, stderr } = command.output().expect("bash runs");
        let stderr = text(&stderr);
        if status.code() != Some(UNUSABLE) || !stdout.is_empty() || !stderr.contains(complaint) {
            differences.push(format!("expected code {UNUSABLE} and a line with {complaint}: {status}\n{stderr}"));
        }
    }
    Ran::Whole(differences)
}

/// Whether `INTEROP` selects an example.
fn is_selected(example: &Example) -> bool {
    let selected = std::env::var("INTEROP").unwrap_or_default();
    selected == "1" || selected.split(',').any(|name| name == example.folder || name == example.stack)
}

/// Builds are kept between runs, and one run at a time builds. The lock ends with the process.
fn take_turn() -> File {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("examples");
    fs::create_dir_all(&folder).expect("a folder");
    let lock = File::create(folder.join("lock")).expect("a lock");
    lock.lock().expect("locked");
    lock
}

#[test]
fn every_example_prints_the_same_lines() {
    let selected: Vec<_> = EXAMPLES.iter().filter(|example| is_selected(example)).collect();
    if selected.is_empty() {
        return say("*** SKIPPED: the examples; INTEROP=1 cargo test --test it examples::");
    }
    let _alone = take_turn();
    let python = Python::find();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let simulation = Simulation::start_with(SCENARIO, &["--rsa"]);
    let incomplete = Simulation::start(OUTAGE);
    let served = |caller: &str, answers| Served::new(&simulation, caller, folder.path(), answers);
    let services = [
        Served { shortest: LIMIT + 3 * PAUSES, ..served("clients/fund", ANSWERS) },
        served("clientsRsa/fund", &ANSWERS[..3]),
        served("clients/stranger", REFUSED),
        Served::new(&incomplete, "clients/fund", folder.path(), INCOMPLETE),
        Served {
            url: format!("https://localhost:{}", closed_port()),
            shortest: PAUSES,
            ..served("clients/fund", UNREACHABLE)
        },
    ];
    let mut wrong = String::new();
    for example in selected {
        let began = Instant::now();
        match run(example, &services, python.as_ref()) {
            Ran::Absent(reason) => {
                say(&format!("*** SKIPPED example {}: {reason}", example.folder));
                if example.is_demanded && is_ci() {
                    let _ = writeln!(wrong, "{} cannot be installed: {reason}", example.folder);
                }
            }
            Ran::Whole(differences) if differences.is_empty() => {
                say(&format!("example {}: {} s", example.folder, began.elapsed().as_secs()));
            }
            Ran::Whole(differences) => {
                let _ = writeln!(wrong, "{}:\n{}", example.folder, differences.join("\n"));
            }
        }
    }
    assert_eq!(wrong, "");
}
