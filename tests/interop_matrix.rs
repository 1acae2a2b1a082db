//! Every SOAP stack that can be had asks every question of the catalogue, with both kinds of client keys, by a program in
//! `tests/interop/STACK`; what it gets is compared here, and what ran and worked is the table of `docs/interop.md`.
//!
//! It installs and builds for minutes, so it runs only when asked: `INTEROP=1 cargo test --test interop_matrix`. With
//! `UPDATE_GOLDENS=1` beside it that table is written anew, from what ran just now and nothing else; without, the document
//! is left alone. A stack that cannot be had is skipped, loudly; where `CI` is set, those that integrators use most fail
//! instead.

#[path = "support/python.rs"]
mod python;
#[path = "support/service.rs"]
mod service;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use python::Python;
use service::TestService;

/// Whether a stack may be absent where `CI` is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Demanded,
    Welcome,
}

/// A stack: the folder of its program, and how it comes to its messages.
struct Stack {
    folder: &'static str,
    presence: Presence,
    /// What the program is made or driven from.
    contract: &'static str,
    /// Cases that its types cannot hold, so that its program does not send them.
    unsayable: &'static [&'static str],
}

const STACKS: [Stack; 8] = [
    Stack { folder: "zeep", presence: Presence::Demanded, contract: "driven by ?wsdl, strict", unsayable: &[] },
    Stack { folder: "suds", presence: Presence::Welcome, contract: "driven by ?wsdl", unsayable: &[] },
    Stack { folder: "node-soap", presence: Presence::Demanded, contract: "driven by ?wsdl", unsayable: &[] },
    Stack {
        folder: "strong-soap",
        presence: Presence::Welcome,
        contract: "driven by ?wsdl",
        unsayable: &["no-such-day"],
    },
    Stack { folder: "php", presence: Presence::Demanded, contract: "driven by ?wsdl", unsayable: &[] },
    Stack { folder: "perl", presence: Presence::Welcome, contract: "messages by hand", unsayable: &[] },
    Stack { folder: "gsoap", presence: Presence::Demanded, contract: "generated from ?wsdl, strict", unsayable: &[] },
    Stack {
        folder: "jaxws",
        presence: Presence::Demanded,
        contract: "generated from ?wsdl, answers validated",
        unsayable: &["no-such-day"],
    },
];

/// Without a contract: the messages as anybody can write them.
const BY_HAND: Stack =
    Stack { folder: "curl", presence: Presence::Demanded, contract: "messages by hand", unsayable: &[] };

/// A question, and the answer that every stack must get: code, what was told, the person told of.
struct Case {
    question: String,
    expected: [String; 3],
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
        cases.insert(name.clone(), Case { question, expected: ["ECHO".to_owned(), name, String::new()] });
    }
    let catalogue = python::project().join("fixtures/catalogue.csv");
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
        let person = if column(5) == "MSG00000" { ssin } else { "" };
        let expected = [column(5), column(6), person].map(str::to_owned);
        cases.insert(name.to_owned(), Case { question, expected });
    }
    cases
}

/// What a stack did with one kind of keys.
enum Ran {
    /// It cannot be had, and why.
    Absent(String),
    /// Its version, and each difference from what it should have got.
    Whole { version: String, differences: Vec<String> },
}

/// The service, as the programs are told of it.
struct Served {
    url: String,
    authority: PathBuf,
    python: Option<PathBuf>,
}

fn run(stack: &Stack, served: &Served, clients: &Path, cases: &BTreeMap<String, Case>) -> Ran {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("interop").join(stack.folder);
    fs::create_dir_all(&target).expect("a folder");
    let mut command = Command::new("bash");
    command
        .arg("run.sh")
        .current_dir(python::project().join("tests/interop").join(stack.folder))
        .env("INTEROP_URL", &served.url)
        .env("INTEROP_CA", &served.authority)
        .env("INTEROP_CLIENTS", clients)
        .env("INTEROP_TARGET", &target)
        .env("NO_PROXY", "localhost")
        .env("no_proxy", "localhost");
    match &served.python {
        Some(python) => command.env("INTEROP_PYTHON", python),
        None if stack.folder == "zeep" => return Ran::Absent("the Python environment is missing".to_owned()),
        None => &mut command,
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("bash");
    let questions: String = cases.values().map(|case| case.question.as_str()).collect();
    // The questions fit in a pipe; a program that ended before it read them says why by itself.
    let _ = child.stdin.take().expect("its input").write_all(questions.as_bytes());
    let output = child.wait_with_output().expect("its end");
    let (told, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(77) {
        return Ran::Absent(complaint.trim().to_owned());
    }
    let mut version = String::new();
    let mut differences = Vec::new();
    let mut answers = BTreeMap::new();
    for line in told.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["VERSION", text] => text.clone_into(&mut version),
            [name, code, told, person] => drop(answers.insert(name, [code, told, person])),
            _ => differences.push(format!("not in the protocol: {line}")),
        }
    }
    for (name, case) in cases {
        let refuses = stack.unsayable.contains(&name.as_str());
        let expected = if refuses { ["-", "", ""] } else { case.expected.each_ref().map(String::as_str) };
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

/// The table's head.
const HEAD: &str = "| stack | how | questions of the catalogue | statuses | cannot send |\n|---|---|---|---|---|\n";

/// What one stack did, as a row of the table; a stack that is not wholly right has none.
fn row(stack: &Stack, version: &str, cases: &BTreeMap<String, Case>) -> String {
    let asked = cases.keys().filter(|name| !name.starts_with("test-"));
    let sent: Vec<_> = asked.filter(|name| !stack.unsayable.contains(&name.as_str())).collect();
    let mut codes: Vec<_> = sent.iter().map(|name| cases[*name].expected[0].as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let statuses = codes.iter().filter(|code| !code.starts_with("SOA-")).count();
    let unsayable = stack.unsayable.join(", ");
    format!("| {version} | {} | {} | {statuses} | {unsayable} |\n", stack.contract, sent.len())
}

/// Runs every stack; the rows of those that are right, and what is wrong with the others.
fn run_all(served: &Served, clients: [&Path; 2]) -> (String, String) {
    let cases = cases();
    let (mut table, mut wrong) = (HEAD.to_owned(), String::new());
    for stack in STACKS.iter().chain([&BY_HAND]) {
        let mut whole = None;
        for folder in clients {
            match run(stack, served, folder, &cases) {
                Ran::Absent(reason) => {
                    // Not `eprintln!`: the test runner swallows that of a test that passes.
                    let _ = writeln!(io::stderr(), "\n*** SKIPPED {}: {reason}", stack.folder);
                    if stack.presence == Presence::Demanded && std::env::var_os("CI").is_some() {
                        let _ = writeln!(wrong, "{} cannot be had: {reason}", stack.folder);
                    }
                    whole = None;
                    break;
                }
                Ran::Whole { version, differences } if differences.is_empty() => whole = Some(version),
                Ran::Whole { differences, .. } => {
                    let _ = writeln!(wrong, "{}, {}:\n  {}", stack.folder, folder.display(), differences.join("\n  "));
                    whole = None;
                    break;
                }
            }
        }
        if let Some(version) = whole {
            table += &row(stack, &version, &cases);
        }
    }
    (table, wrong)
}

/// Puts the table into the document, between its marks.
fn write_table(table: &str) {
    let path = python::project().join("docs/interop.md");
    let document = fs::read_to_string(&path).expect("the document");
    let (before, after) = document.split_once("<!-- matrix -->\n").expect("the mark");
    let (_, rest) = after.split_once("<!-- end -->").expect("the end's mark");
    fs::write(&path, format!("{before}<!-- matrix -->\n{table}<!-- end -->{rest}")).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stack_gets_every_answer_of_the_catalogue() {
    if std::env::var_os("INTEROP").is_none() {
        let _ = writeln!(io::stderr(), "\n*** SKIPPED, not asked for: INTEROP=1 cargo test --test interop_matrix");
        return;
    }
    let service = TestService::start_with_rsa().await;
    let url = format!("https://localhost:{}", service.address.port());
    let [clients, rsa_clients] = [service.workspace.client("fund").0, service.workspace.rsa_client("fund").0];
    let authority = service.workspace.authority();
    let asked = tokio::task::spawn_blocking(move || {
        let python = Python::find().map(|python| python.interpreter().to_owned());
        let served = Served { url, authority, python };
        let [clients, rsa_clients] = [&clients, &rsa_clients].map(|file| file.parent().expect("a folder"));
        run_all(&served, [clients, rsa_clients])
    });
    let (table, wrong) = asked.await.expect("every stack was run");
    assert_eq!(wrong, "");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        write_table(&table);
    }
    service.finish().await;
}
