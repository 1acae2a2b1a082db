//! The guides of `docs/guides/`: their commands run unchanged, and every link of `docs/` exists.
//!
//! A block marked `sh server` is started and runs until the end of the guide. Each block marked
//! `sh` must then succeed. A block marked `sh STACK` must succeed if that stack is installed; where
//! `CI` is set, it must be installed. The commands name port 8443, as a reader would type it; the
//! test replaces only that number, by a free port.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use datasets::sync::Outcome;

use crate::support::environment::skip;
use crate::support::python::{self, Python};

/// The guides with commands that ask a demonstration.
const GUIDES: [&str; 8] = [
    "certificates.md",
    "first-call.md",
    "questions.md",
    "stacks.md",
    "stacks/cpp-gsoap.md",
    "stacks/java-jaxws.md",
    "stacks/node.md",
    "stacks/php.md",
];

/// The stacks of the guides, each with a command that succeeds if the stack is installed.
const STACKS: [(&str, &str); 4] = [
    ("node", "npm --version"),
    ("php", "php -m | grep -x soap"),
    ("java", "wsimport -version && javac -version && openssl version"),
    (
        "gsoap",
        "wsdl2h -V; soapcpp2 -V; test -e /usr/include/stdsoap2.h && test -e /usr/include/openssl/ssl.h && g++ --version",
    ),
];

/// A block of a guide.
struct Block {
    /// The info string after the opening marks.
    mark: String,
    body: String,
}

fn read_guide(name: &str) -> String {
    fs::read_to_string(python::project().join("docs/guides").join(name)).expect("the guide")
}

fn blocks(guide: &str) -> Vec<Block> {
    let mut parts = guide.split("\n```");
    parts.next();
    let mut found = Vec::new();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        let (mark, body) = block.split_once('\n').expect("a block's first line");
        found.push(Block { mark: mark.to_owned(), body: body.to_owned() });
    }
    found
}

/// The one block with this mark.
fn block(blocks: &[Block], mark: &str) -> String {
    let mut with_mark = blocks.iter().filter(|block| block.mark == mark);
    let body = with_mark.next().unwrap_or_else(|| panic!("no block is marked {mark}")).body.clone();
    assert!(with_mark.next().is_none(), "two blocks are marked {mark}");
    body
}

/// A command in the reader's environment: this program and this Python first on the path, no proxy.
fn shell(command: &str, folder: &Path, python: Option<&Python>) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_ehealth-attributes")).parent().expect("a folder");
    let interpreter = python.and_then(|python| python.interpreter().parent());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = interpreter.into_iter().chain([program]).map(Path::to_owned).chain(std::env::split_paths(&path));
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", command])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(folders).expect("a path"))
        .env("NO_PROXY", "localhost")
        .env("no_proxy", "localhost");
    shell
}

/// A demonstration that ends with the guide.
struct Server {
    child: Child,
    port: String,
}

impl Server {
    /// Starts it and waits until it prints that it is ready, and its address.
    fn start(command: &str, folder: &Path) -> Self {
        // `exec`, so that the end of the child is the end of the service.
        let mut child = shell(&format!("exec {command}"), folder, None)
            .env("EHEALTH_ATTRIBUTES_PORT", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("bash");
        let printed = BufReader::new(child.stdout.take().expect("its output"));
        let mut server = Self { child, port: String::new() };
        for line in printed.lines().map_while(Result::ok) {
            if let Some((_, port)) = line.split_once(" at https://localhost:") {
                port.clone_into(&mut server.port);
            }
            if line.starts_with("Press Ctrl-C") {
                return server;
            }
        }
        panic!("{command}: ended before it was ready");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a block can run here. One that cannot is reported, and fails where `CI` is set.
fn is_runnable(name: &str, block: &Block, folder: &Path, python: Option<&Python>) -> bool {
    if block.mark == "sh" {
        return !block.body.starts_with("python3") || python.is_some();
    }
    let stack = block.mark.strip_prefix("sh ").and_then(|mark| STACKS.iter().find(|(stack, _)| *stack == mark));
    let Some((stack, is_there)) = stack else { return false };
    let output = shell(is_there, folder, None).output().expect("bash");
    if !output.status.success() {
        skip(&format!("{name}: {stack} is not installed"));
    }
    output.status.success()
}

fn follow(name: &str) {
    let blocks = blocks(&read_guide(name));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&block(&blocks, "sh server"), folder.path());
    let python = Python::find();
    let runnable = blocks.iter().filter(|block| is_runnable(name, block, folder.path(), python.as_ref()));
    let mut followed = 0;
    for block in runnable {
        let command = block.body.replace("8443", &server.port);
        let output = shell(&command, folder.path(), python.as_ref()).output().expect("bash");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}:\n{command}\n{}, {complaint}", output.status);
        let printed = String::from_utf8_lossy(&output.stdout);
        // The stacks' programs print the answer.
        assert!(block.mark == "sh" || printed.ends_with("MSG00000 0999020123\n"), "{name}:\n{command}\n{printed}");
        followed += 1;
    }
    assert!(followed > 0, "{name}");
}

#[test]
fn the_commands_of_the_guides_work_word_for_word() {
    GUIDES.iter().for_each(|name| follow(name));
}

/// The commands of a CI file: the text under `run: |`, or the items of `script`.
fn commands(yaml: &str) -> String {
    let of_run = |line: &str| line.strip_prefix("          ").map(str::to_owned);
    let of_script = |line: &str| line.strip_prefix("    - ").map(str::to_owned);
    let lines: Vec<_> = if yaml.contains("\n  script:\n") {
        yaml.lines().filter_map(of_script).collect()
    } else {
        yaml.lines().filter_map(of_run).collect()
    };
    lines.join("\n")
}

#[test]
fn the_simulator_guide_works_in_both_ci_systems() {
    let blocks = blocks(&read_guide("simulator.md"));
    for mark in ["yaml github", "yaml gitlab"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in ["toml scenario.toml", "sh test.sh"] {
            let (_, name) = file.split_once(' ').expect("a name");
            fs::write(folder.path().join(name), block(&blocks, file)).expect("written");
        }
        let commands = commands(&block(&blocks, mark));
        assert_eq!(commands.lines().count(), 3, "{mark}:\n{commands}");
        // The end of a job kills the processes that it left.
        let job = format!("trap 'kill $(jobs -p)' EXIT\n{commands}");
        let output = shell(&job, folder.path(), None).output().expect("bash");
        let (printed, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(
            output.status.success() && printed.contains("passed\n"),
            "{mark}: {}\n{printed}{complaint}",
            output.status
        );
    }
}

#[test]
fn the_control_commands_of_the_simulator_guide_work() {
    let blocks = blocks(&read_guide("simulator.md"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("scenario.toml"), block(&blocks, "toml scenario.toml")).expect("written");
    let start = commands(&block(&blocks, "yaml gitlab"));
    let start: Vec<_> = start.lines().take(2).collect();
    let job = format!("trap 'kill $(jobs -p)' EXIT\n{}\n{}", start.join("\n"), block(&blocks, "sh control"));
    let output = shell(&job, folder.path(), None).output().expect("bash");
    let (printed, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("\"used\": 0"), "{printed}{complaint}");
    assert!(printed.contains("\"coprev\"") && printed.contains("\"requests\": []"), "{printed}");
}

/// The pages under a folder of `docs/`, subfolders included.
fn pages_under(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            pages.extend(pages_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages
}

/// Every page for people: the README, the documentation, the catalogue.
fn pages() -> Vec<PathBuf> {
    let root = python::project();
    let mut pages =
        vec![root.join("README.md"), root.join("fixtures/catalogue.md"), root.join("fixtures/requests/README.md")];
    pages.extend(pages_under(&root.join("docs")));
    pages
}

#[test]
fn every_link_of_the_guides_resolves() {
    let mut links = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).expect("a page");
        let folder = path.parent().expect("a folder");
        for link in page.split("](").skip(1) {
            let target = link.split(')').next().expect("the end of a link");
            let file = target.split('#').next().unwrap_or_default();
            let is_elsewhere = target.contains("://");
            assert!(is_elsewhere || folder.join(file).exists(), "{}: {target}", path.display());
            links += 1;
        }
    }
    assert!(links > 800, "only {links} links were found");
}

#[test]
fn every_document_is_in_the_summary_of_the_book() {
    let docs = python::project().join("docs");
    let readme = fs::read_to_string(python::project().join("README.md")).expect("the README");
    assert!(readme.contains("](docs/SUMMARY.md)"));
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).expect("the summary");
    for path in pages_under(&docs) {
        let name = path.strip_prefix(&docs).expect("below docs").to_str().expect("UTF-8");
        assert!(name == "SUMMARY.md" || summary.contains(&format!("]({name})")), "{name}");
    }
}

#[test]
fn every_code_of_the_catalogue_has_advice() {
    let guide = fs::read_to_string(python::project().join("docs/reference/codes.md")).expect("the guide");
    let catalogue = python::project().join("fixtures/catalogue.csv");
    for row in csv::Reader::from_path(catalogue).expect("the catalogue").into_records() {
        let row = row.expect("a row");
        let code = row.get(5).expect("a code");
        assert!(guide.contains(&format!("\n| {code} |")), "{code}");
    }
}

#[test]
fn the_documents_have_every_outcome_of_a_feed() {
    // A row of the table begins with one or more codes.
    let listed = |document: &str| {
        let text = fs::read_to_string(python::project().join(document)).expect("the document");
        let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(codes, _)| codes));
        let codes: Vec<String> = rows.flat_map(|codes| codes.split("`, `")).map(str::to_owned).collect();
        codes
    };
    for document in ["docs/operations/incident.md", "docs/reference/codes.md", "docs/reference/feeds.md"] {
        let codes = listed(document);
        for outcome in Outcome::all() {
            assert!(codes.iter().any(|code| code == outcome.code()), "{document}: {} is missing", outcome.code());
        }
        // No row is left of a code that no longer exists.
        for code in codes.iter().filter(|code| code.starts_with("refused/") || code.starts_with("failed/")) {
            assert!(Outcome::parse(code).is_some(), "{document}: no run ends with {code}");
        }
    }
}
