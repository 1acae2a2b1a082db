//! Every available SOAP stack asks every question of the catalogue, with both kinds of client keys.
//!
//! Each stack has a program in `tests/interop/STACK`. This test compares its answers; the table in
//! `docs/guides/interop.md` lists what ran and worked. All stacks ask `simulate`, as integrators'
//! tests do: in addition to the catalogue, a service with a stale dataset, and persons whose
//! questions get a fault. Stacks that read a WSDL also test the connection with KSZ's own, where it is
//! at hand. Some stacks also make their client from `?singleWsdl` and from the files of `contract export`,
//! in both forms, and ask with it. A stack that can validate answers also gets answers outside the schema,
//! from a stub, and must refuse them.
//!
//! It installs and builds for minutes, so it runs only on demand: `INTEROP=1 cargo test --test it
//! interop_matrix::`, or by name, `INTEROP=zeep,jaxws`. With `UPDATE_GOLDENS=1` it writes the table
//! from what ran just now and nothing else; otherwise it leaves the document alone. A missing stack
//! is skipped and reported; where `CI` is set, a missing stack that many integrators use is a
//! failure. Two runs at once wait for each other.

mod stub;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use stub::Stub;

use crate::support::environment::{is_ci, is_set, say};
use crate::support::ksz;
use crate::support::python::{self, Python};
use crate::support::simulation::Simulation;

/// Whether a stack may be missing where `CI` is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Demanded,
    Welcome,
}

/// A stack: the folder of its program, and how it creates its messages.
struct Stack {
    folder: &'static str,
    presence: Presence,
    /// Source of the program's messages.
    contract: &'static str,
    /// Cases that its types cannot express, so that its program does not send them.
    unsayable: &'static [&'static str],
    /// Errors of an answer that it must refuse.
    refuses: &'static [Wrong],
    /// Whether its program tests the connection with KSZ's contract, if it gets one.
    reads_ksz: bool,
    /// Whether its program reads each form of the contract, not only `?wsdl`.
    reads_every_form: bool,
}

/// Error in an answer of the stub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// Nothing: the stub's answers reach the program.
    Nothing,
    /// A required element is missing.
    MissingElement,
    /// The answer has an element outside the schema.
    UnknownElement,
    /// A value breaks its type's pattern.
    Pattern,
}

impl Wrong {
    /// Applies the error to an answer with all nine fields.
    fn spoil(self, answer: &str) -> String {
        let spoilt = match self {
            Self::Nothing => return answer.to_owned(),
            Self::MissingElement => {
                let (before, after) = answer.split_once("<status>").expect("a status");
                format!("{before}{}", after.split_once("</status>").expect("its end").1)
            }
            Self::UnknownElement => answer.replace("<result>", "<result><nickname>Anna</nickname>"),
            Self::Pattern => answer.replace("<cbeNumber>0999020123</cbeNumber>", "<cbeNumber>099902012X</cbeNumber>"),
        };
        assert_ne!(spoilt, answer);
        spoilt
    }
}

/// A calendar without 30 February.
const REAL_DAYS: &[&str] = &["no-such-day"];

const STACKS: &[Stack] = &[
    Stack {
        folder: "zeep",
        presence: Presence::Demanded,
        contract: "driven by ?wsdl, strict",
        unsayable: &[],
        refuses: &[Wrong::MissingElement, Wrong::UnknownElement],
        reads_ksz: true,
        reads_every_form: true,
    },
    Stack {
        folder: "suds",
        presence: Presence::Welcome,
        contract: "driven by ?wsdl",
        unsayable: &[],
        refuses: &[],
        reads_ksz: false,
        reads_every_form: false,
    },
    Stack {
        folder: "node-soap",
        presence: Presence::Demanded,
        contract: "driven by ?wsdl",
        unsayable: &[],
        refuses: &[],
        reads_ksz: true,
        reads_every_form: true,
    },
    Stack {
        folder: "strong-soap",
        presence: Presence::Welcome,
        contract: "driven by ?wsdl",
        unsayable: REAL_DAYS,
        refuses: &[],
        reads_ksz: false,
        reads_every_form: false,
    },
    Stack {
        folder: "php",
        presence: Presence::Demanded,
        contract: "driven by ?wsdl",
        unsayable: &[],
        refuses: &[],
        reads_ksz: true,
        reads_every_form: true,
    },
    Stack {
        folder: "perl",
        presence: Presence::Welcome,
        contract: "messages by hand",
        unsayable: &[],
        refuses: &[],
        reads_ksz: false,
        reads_every_form: false,
    },
    Stack {
        folder: "gsoap",
        presence: Presence::Demanded,
        contract: "generated from ?wsdl, strict",
        unsayable: &[],
        refuses: &[Wrong::MissingElement, Wrong::UnknownElement],
        reads_ksz: true,
        reads_every_form: true,
    },
    Stack {
        folder: "jaxws",
        presence: Presence::Demanded,
        contract: "generated from ?wsdl, answers validated",
        unsayable: REAL_DAYS,
        refuses: &[Wrong::MissingElement, Wrong::UnknownElement, Wrong::Pattern],
        reads_ksz: true,
        reads_every_form: true,
    },
    Stack {
        folder: "axis1",
        presence: Presence::Welcome,
        contract: "generated from ?wsdl",
        unsayable: REAL_DAYS,
        refuses: &[],
        reads_ksz: true,
        reads_every_form: true,
    },
    Stack {
        folder: "mono",
        presence: Presence::Welcome,
        contract: "generated from ?wsdl",
        unsayable: REAL_DAYS,
        refuses: &[],
        reads_ksz: true,
        reads_every_form: false,
    },
    Stack {
        folder: "cxf",
        presence: Presence::Demanded,
        contract: "generated from ?wsdl, answers validated",
        unsayable: REAL_DAYS,
        refuses: &[Wrong::MissingElement, Wrong::UnknownElement, Wrong::Pattern],
        reads_ksz: true,
        reads_every_form: true,
    },
    Stack {
        folder: "spring-ws",
        presence: Presence::Demanded,
        contract: "generated from the schemas of ?wsdl, answers validated",
        unsayable: REAL_DAYS,
        refuses: &[Wrong::MissingElement, Wrong::UnknownElement, Wrong::Pattern],
        reads_ksz: true,
        reads_every_form: true,
    },
    Stack {
        folder: "dotnet",
        presence: Presence::Welcome,
        contract: "classes by hand",
        unsayable: &[],
        refuses: &[],
        reads_ksz: false,
        reads_every_form: false,
    },
    Stack {
        folder: "go",
        presence: Presence::Demanded,
        contract: "types by hand",
        unsayable: &[],
        refuses: &[],
        reads_ksz: false,
        reads_every_form: false,
    },
    Stack {
        folder: "typescript",
        presence: Presence::Welcome,
        contract: "types generated from ?wsdl, driven by it",
        unsayable: &[],
        refuses: &[],
        reads_ksz: false,
        reads_every_form: true,
    },
    Stack {
        folder: "xsdata",
        presence: Presence::Welcome,
        contract: "generated from ?wsdl, strict",
        unsayable: REAL_DAYS,
        refuses: &[Wrong::MissingElement, Wrong::UnknownElement],
        reads_ksz: false,
        reads_every_form: true,
    },
    Stack {
        folder: "rust",
        presence: Presence::Welcome,
        contract: "generated from ?wsdl, strict",
        unsayable: &[],
        refuses: &[Wrong::MissingElement, Wrong::UnknownElement],
        reads_ksz: false,
        reads_every_form: false,
    },
    Stack {
        folder: "ruby",
        presence: Presence::Welcome,
        contract: "driven by ?wsdl",
        unsayable: REAL_DAYS,
        refuses: &[],
        reads_ksz: true,
        reads_every_form: false,
    },
];

/// No contract: messages written by hand.
const BY_HAND: Stack = Stack {
    folder: "curl",
    presence: Presence::Demanded,
    contract: "messages by hand",
    unsayable: &[],
    refuses: &[],
    reads_ksz: false,
    reads_every_form: false,
};

/// Questions in addition to the catalogue: name, caller, organisation, SSIN, fault. With the
/// unknown caller of the catalogue, these are the faults that a well-formed question can get.
const FAULTS: [(&str, &str, &str, &str, &str); 3] = [
    ("foreign-customer", "fund", "0999010225", "85073099932", "MSG90051"),
    ("data-unreadable", "platform", "0999000129", "72053099936", "MSG00003"),
    ("audit-log-unwritable", "platform", "0999000129", "94020299956", "MSG90053"),
];

/// The question to the service with a stale dataset: everything is disclosed, marked as incomplete, and
/// one source differs.
const STALE: (&str, &str) = ("coprev-stale", "all-nine-fields");

/// Questions of a client from another form of the contract than `?wsdl`: both operations, an answer
/// with every field, and a fault.
const FORM_CASES: [&str; 3] = ["all-nine-fields", "foreign-customer", "test-fund"];

/// A question, and the answer that every stack must get: code, disclosed fields, SSIN, sources.
struct Case {
    question: String,
    expected: [String; 4],
}

impl Case {
    /// A case whose answer has no SSIN and no sources.
    fn without_data(question: String, code: &str, disclosed: &str) -> Self {
        Self { question, expected: [code, disclosed, "", ""].map(str::to_owned) }
    }
}

/// Text of a stored answer between the first `before` and the next `after`.
fn between<'a>(answer: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(answer.split_once(before)?.1.split_once(after)?.0)
}

/// The SSIN of a stored answer in the notation of `tests/interop/steps.sh`.
fn person(answer: &str) -> String {
    match between(answer, "<ssin replacedBy=\"", "</ssin>") {
        Some(annotated) => {
            let (replaced_by, ssin) = annotated.split_once("\">").expect("the end of the start tag");
            format!("{ssin}>{replaced_by}")
        }
        None => between(answer, "<result><ssin>", "</ssin>").unwrap_or_default().to_owned(),
    }
}

/// The sources of a stored answer in the notation of `tests/interop/steps.sh`.
fn sources(answer: &str) -> String {
    let listed = between(answer, "<sources>", "</sources>").unwrap_or_default();
    let listed = listed.split("</source>").filter_map(|source| {
        let (name, status) = source.strip_prefix("<source name=\"")?.split_once("\">")?;
        Some(format!("{name} {status}"))
    });
    listed.collect::<Vec<_>>().join(", ")
}

/// Every test message and every row of the catalogue, by the name of the case.
fn cases() -> BTreeMap<String, Case> {
    let numbers = [
        ("platform", "0999000129"),
        ("fund", "0999010126"),
        ("other-fund", "0999010225"),
        ("service", "0999020123"),
        ("other-service", "0999020222"),
        ("stranger", "0999090102"),
    ];
    let mut cases = BTreeMap::new();
    for (caller, number) in numbers {
        let name = format!("test-{caller}");
        let question = format!("{name}\t{caller}\t{number}\t-\t-\t-\t-\n");
        cases.insert(name.clone(), Case::without_data(question, "ECHO", &name));
    }
    let catalogue = python::project().join("fixtures/catalogue.csv");
    let answers = python::project().join("fixtures/requests/catalogue");
    for row in csv::Reader::from_path(catalogue).expect("the catalogue").into_records() {
        let row = row.expect("a row");
        let column = |place: usize| row.get(place).expect("a column");
        let number = numbers.iter().find(|(caller, _)| *caller == column(1)).expect("a caller").1;
        let (begin, end) = column(4).split_once('/').unwrap_or((column(4), ""));
        let or_hyphen = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let (name, ssin) = (column(0), column(3));
        let question = format!(
            "{name}\t{}\t{number}\t{}\t{ssin}\t{}\t{}\n",
            column(1),
            column(2),
            or_hyphen(begin),
            or_hyphen(end)
        );
        let answer = fs::read_to_string(answers.join(format!("{name}.answer.xml"))).expect("a stored answer");
        let expected = [column(5).to_owned(), column(6).to_owned(), person(&answer), sources(&answer)];
        cases.insert(name.to_owned(), Case { question, expected });
    }
    for (name, caller, number, ssin, code) in FAULTS {
        let context = if caller == "fund" { "BACKTOWORK:ADVISORY_PHYSICIAN" } else { "BACKTOWORK:EHEALTH_PLATFORM" };
        let question = format!("{name}\t{caller}\t{number}\t{context}\t{ssin}\t-\t-\n");
        cases.insert(name.to_owned(), Case::without_data(question, code, ""));
    }
    cases
}

/// The one case of the service with a stale dataset.
fn stale_cases(cases: &BTreeMap<String, Case>) -> BTreeMap<String, Case> {
    let (name, like) = STALE;
    let Case { question, expected: [_, disclosed, person, sources] } = &cases[like];
    let question = question.replacen(like, name, 1);
    let stale = sources.replace("coprev DATA_FOUND", "coprev TECHNICAL_ERROR");
    assert_ne!(stale, *sources);
    let expected = ["HAN20200".to_owned(), disclosed.clone(), person.clone(), stale];
    BTreeMap::from([(name.to_owned(), Case { question, expected })])
}

/// Result of a stack with one kind of keys.
enum Ran {
    /// Not available, and why.
    Absent(String),
    /// Version, and each difference from the expected answers.
    Whole { version: String, differences: Vec<String> },
}

/// The service, as the programs reach it.
struct Served {
    url: String,
    authority: PathBuf,
    clients: PathBuf,
    python: Option<PathBuf>,
    /// KSZ's own contract, if that is to be used.
    ksz: Option<PathBuf>,
    /// Form of the contract.
    form: ContractForm,
}

/// Where a program gets the contract.
#[derive(Clone, PartialEq, Eq)]
enum ContractForm {
    /// `?wsdl`, and the schemas that it imports.
    Wsdl,
    /// `?singleWsdl`.
    SingleWsdl,
    /// Folder of `contract export`, and its name.
    Exported(PathBuf, &'static str),
}

impl ContractForm {
    /// The value of `INTEROP_CONTRACT`.
    fn source(&self) -> &Path {
        match self {
            Self::Wsdl => Path::new("wsdl"),
            Self::SingleWsdl => Path::new("singleWsdl"),
            Self::Exported(folder, _) => folder,
        }
    }

    /// Name for the reader, and for the folder of builds from this contract.
    fn name(&self) -> &'static str {
        match self {
            Self::Wsdl => "wsdl",
            Self::SingleWsdl => "single-wsdl",
            Self::Exported(_, name) => name,
        }
    }
}

/// The forms of the contract besides `?wsdl`: what `?singleWsdl` serves, and what `contract export`
/// writes into subfolders of a folder.
fn other_forms(url: &str, folder: &Path) -> [ContractForm; 3] {
    let export = |name: &'static str, more: &[&str]| {
        let folder = folder.join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_ehealth-attributes"));
        command.args(["contract", "export", "--public-url", url]).args(more).arg(&folder);
        assert!(command.stdout(Stdio::null()).status().expect("the program runs").success());
        ContractForm::Exported(folder, name)
    };
    [ContractForm::SingleWsdl, export("export", &[]), export("export-single", &["--single"])]
}

impl Served {
    fn new(simulation: &Simulation, clients: &str, python: Option<&Python>) -> Self {
        let certificate = simulation.file(&format!("/{clients}/fund/certificate"));
        Self {
            url: simulation.url().to_owned(),
            authority: simulation.file("/ca"),
            clients: certificate.parent().expect("a folder").to_owned(),
            python: python.map(|python| python.interpreter().to_owned()),
            ksz: None,
            form: ContractForm::Wsdl,
        }
    }

    /// Name of the contract from which a program makes its client.
    fn contract(&self) -> &'static str {
        if self.ksz.is_some() { "ksz" } else { self.form.name() }
    }
}

fn run(stack: &Stack, served: &Served, cases: &BTreeMap<String, Case>) -> Ran {
    // A build from another contract is kept apart.
    let folder = match served.contract() {
        "wsdl" => stack.folder.to_owned(),
        other => format!("{}-{other}", stack.folder),
    };
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("interop").join(folder);
    fs::create_dir_all(&target).expect("a folder");
    let mut command = Command::new("bash");
    command
        .arg("run.sh")
        .current_dir(python::project().join("tests/interop").join(stack.folder))
        .env("INTEROP_URL", &served.url)
        .env("INTEROP_CA", &served.authority)
        .env("INTEROP_CLIENTS", &served.clients)
        .env("INTEROP_TARGET", &target)
        .env("INTEROP_CONTRACT", served.form.source())
        .env("NO_PROXY", "localhost")
        .env("no_proxy", "localhost");
    if let Some(ksz) = &served.ksz {
        command.env("INTEROP_KSZ", ksz);
    }
    match &served.python {
        Some(python) => command.env("INTEROP_PYTHON", python),
        None if stack.folder == "zeep" => return Ran::Absent("the Python environment is missing".to_owned()),
        None => &mut command,
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("bash");
    let questions: String = cases.values().map(|case| case.question.as_str()).collect();
    // The questions fit in a pipe; a program that ended before it read them reports why.
    let _ = child.stdin.take().expect("its input").write_all(questions.as_bytes());
    let output = child.wait_with_output().expect("its end");
    let (printed, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(77) {
        return Ran::Absent(complaint.trim().to_owned());
    }
    let mut version = String::new();
    let mut differences = Vec::new();
    let mut answers = BTreeMap::new();
    for line in printed.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["VERSION", text] => text.clone_into(&mut version),
            [name, code, disclosed, person, sources] => {
                answers.insert(name, [code, disclosed, person, sources]);
            }
            _ => differences.push(format!("not in the protocol: {line}")),
        }
    }
    for (name, case) in cases {
        let refuses = stack.unsayable.contains(&name.as_str());
        let expected = if refuses { ["-", "", "", ""] } else { case.expected.each_ref().map(String::as_str) };
        match answers.get(name.as_str()) {
            Some(got) if *got == expected => {}
            got => differences.push(format!("{name}: expected {expected:?}, got {got:?}")),
        }
    }
    if !output.status.success() || !differences.is_empty() {
        differences.push(format!("{}, {}", output.status, complaint.trim()));
    }
    Ran::Whole { version, differences }
}

/// Header of the table.
const HEAD: &str = "| stack | how | questions | statuses | faults | refuses in an answer | cannot send |\n\
                    |---|---|---|---|---|---|---|\n";

/// Row of one stack; a stack with a difference has none.
fn row(stack: &Stack, version: &str, cases: &BTreeMap<String, Case>) -> String {
    let asked = cases.keys().filter(|name| !name.starts_with("test-"));
    let sent: Vec<_> = asked.filter(|name| !stack.unsayable.contains(&name.as_str())).collect();
    let mut codes: Vec<_> = sent.iter().map(|name| cases[*name].expected[0].as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let is_fault = |code: &str| code.starts_with("SOA-") || FAULTS.iter().any(|(.., fault)| *fault == code);
    let faults = codes.iter().filter(|code| is_fault(code)).count();
    // And the one of the service with a stale dataset.
    let statuses = codes.len() - faults + 1;
    let refuses: Vec<_> = stack
        .refuses
        .iter()
        .map(|wrong| match wrong {
            Wrong::Nothing => "",
            Wrong::MissingElement => "missing element",
            Wrong::UnknownElement => "unknown element",
            Wrong::Pattern => "pattern",
        })
        .collect();
    let (questions, unsayable) = (sent.len() + 1, stack.unsayable.join(", "));
    let (how, refuses) = (stack.contract, refuses.join(", "));
    format!("| {version} | {how} | {questions} | {statuses} | {faults} | {refuses} | {unsayable} |\n")
}

/// Selected stacks.
enum Asked {
    All,
    Named(Vec<String>),
}

impl Asked {
    /// Selection of the environment; `None` without one.
    fn read() -> Option<Self> {
        let text = std::env::var("INTEROP").ok().filter(|text| !text.is_empty())?;
        if text == "1" {
            return Some(Self::All);
        }
        let names: Vec<_> = text.split(',').map(str::to_owned).collect();
        let is_stack = |name: &String| STACKS.iter().chain([&BY_HAND]).any(|stack| stack.folder == name);
        assert!(names.iter().all(is_stack), "INTEROP is 1, or names of folders in tests/interop with commas between");
        Some(Self::Named(names))
    }

    fn contains(&self, stack: &Stack) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == stack.folder),
        }
    }
}

/// Runs every selected stack. Returns the rows of those that worked, and the differences of the
/// others.
fn run_all(asked: &Asked, runs: &[(Served, BTreeMap<String, Case>)], stubs: &[(Wrong, Served)]) -> (String, String) {
    let (mut table, mut wrong) = (HEAD.to_owned(), String::new());
    for stack in STACKS.iter().chain([&BY_HAND]).filter(|stack| asked.contains(stack)) {
        let began = Instant::now();
        match run_stack(stack, runs, stubs) {
            Ran::Absent(reason) => {
                say(&format!("*** SKIPPED {}: {reason}", stack.folder));
                if stack.presence == Presence::Demanded && is_ci() {
                    let _ = writeln!(wrong, "{} cannot be installed: {reason}", stack.folder);
                }
            }
            Ran::Whole { version, differences } if differences.is_empty() => {
                let _ = writeln!(io::stderr(), "{version}: {} s", began.elapsed().as_secs());
                table += &row(stack, &version, &runs[0].1);
            }
            Ran::Whole { differences, .. } => {
                let _ = writeln!(wrong, "{}:\n  {}", stack.folder, differences.join("\n  "));
            }
        }
    }
    (table, wrong)
}

/// Runs one stack against every service and every stub, up to the first difference.
fn run_stack(stack: &Stack, runs: &[(Served, BTreeMap<String, Case>)], stubs: &[(Wrong, Served)]) -> Ran {
    let mut of_stack = String::new();
    let is_readable = |served: &Served| {
        (stack.reads_ksz || served.ksz.is_none()) && (stack.reads_every_form || served.form == ContractForm::Wsdl)
    };
    for (served, cases) in runs.iter().filter(|(served, _)| is_readable(served)) {
        match run(stack, served, cases) {
            Ran::Whole { version, differences } if differences.is_empty() => {
                let contract = served.contract();
                let _ = writeln!(io::stderr(), "{}, {contract}: {} answers as expected", stack.folder, cases.len());
                of_stack = version;
            }
            other @ (Ran::Absent(_) | Ran::Whole { .. }) => return other,
        }
    }
    let name = "all-nine-fields";
    let Case { question, expected } = &runs[0].1[name];
    let asked = || {
        let case = Case { question: question.clone(), expected: expected.clone() };
        BTreeMap::from([(name.to_owned(), case)])
    };
    for (spoilt, served) in stubs {
        let is_wanted = *spoilt == Wrong::Nothing || stack.refuses.contains(spoilt);
        if stack.refuses.is_empty() || !is_wanted {
            continue;
        }
        let ran = run(stack, served, &asked());
        let is_taken = matches!(&ran, Ran::Whole { differences, .. } if differences.is_empty());
        if is_taken != (*spoilt == Wrong::Nothing) {
            let reported = match ran {
                Ran::Absent(reason) => vec![reason],
                Ran::Whole { differences, .. } => differences,
            };
            let differences =
                vec![format!("an answer with {spoilt:?} wrong, taken: {is_taken}; {}", reported.join(", "))];
            return Ran::Whole { version: of_stack, differences };
        }
    }
    Ran::Whole { version: of_stack, differences: Vec::new() }
}

/// Writes the table into the document, between its markers.
fn write_table(table: &str) {
    let path = python::project().join("docs/guides/interop.md");
    let document = fs::read_to_string(&path).expect("the document");
    let (before, after) = document.split_once("<!-- matrix -->\n").expect("the mark");
    let (_, rest) = after.split_once("<!-- end -->").expect("the end's mark");
    fs::write(&path, format!("{before}<!-- matrix -->\n{table}<!-- end -->{rest}")).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stack_gets_every_answer_of_the_catalogue() {
    let Some(asked) = Asked::read() else {
        say("*** SKIPPED, not asked for: INTEROP=1 cargo test --test it interop_matrix::");
        return;
    };
    let _alone = take_turn();
    let python = Python::find();
    let scenario = fs::read_to_string(python::project().join("fixtures/scenario.toml")).expect("the example");
    let simulation = Simulation::start_with(&scenario, &["--rsa"]);
    let stale = Simulation::start("[outage]\nstale = [\"coprev\"]\n");
    let mut runs: Vec<_> = ["clients", "clientsRsa"]
        .map(|clients| (Served::new(&simulation, clients, python.as_ref()), cases()))
        .into_iter()
        .collect();
    runs.push((Served::new(&stale, "clients", python.as_ref()), stale_cases(&cases())));
    if let Some(ksz) = ksz::folder() {
        let tests = cases().into_iter().filter(|(name, _)| name.starts_with("test-")).collect();
        let served = Served::new(&simulation, "clients", python.as_ref());
        runs.push((Served { ksz: Some(ksz), ..served }, tests));
    }
    let exported = tempfile::tempdir().expect("a temporary folder");
    for form in other_forms(simulation.url(), exported.path()) {
        let is_asked = |name: &str| FORM_CASES.contains(&name);
        let asked = cases().into_iter().filter(|(name, _)| is_asked(name)).collect();
        runs.push((Served { form, ..Served::new(&simulation, "clients", python.as_ref()) }, asked));
    }
    let answer = python::project().join("fixtures/requests/catalogue/all-nine-fields.answer.xml");
    let answer = fs::read_to_string(answer).expect("an answer");
    let (mut stubs, mut served) = (Vec::new(), Vec::new());
    for wrong in [Wrong::Nothing, Wrong::MissingElement, Wrong::UnknownElement, Wrong::Pattern] {
        let stub = Stub::start(&simulation, wrong.spoil(&answer)).await;
        served.push((wrong, Served { url: stub.url(), ..Served::new(&simulation, "clients", python.as_ref()) }));
        stubs.push(stub);
    }
    let is_whole = matches!(asked, Asked::All);
    let ran = tokio::task::spawn_blocking(move || run_all(&asked, &runs, &served));
    let (table, wrong) = ran.await.expect("every stack ran");
    assert_eq!(wrong, "");
    if is_whole && is_set("UPDATE_GOLDENS") {
        write_table(&table);
    }
}

/// Builds are kept between runs, and one run at a time builds. The lock ends with the process.
fn take_turn() -> File {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("interop");
    fs::create_dir_all(&folder).expect("a folder");
    let lock = File::create(folder.join("lock")).expect("a lock");
    lock.lock().expect("locked");
    lock
}
