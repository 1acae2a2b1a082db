//! The guides of `docs/`: their commands are run word for word, their links lead somewhere.
//!
//! A block that is marked `sh server` is started and left running until the guide's end; each block marked `sh` must then
//! end well. The commands name port 8443, as a reader would type it, so the guides are followed one after the other; where
//! something else holds that port they are skipped, loudly, and where `CI` is set they fail.

#[path = "support/python.rs"]
mod python;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use python::Python;

/// The guides with commands.
const GUIDES: [&str; 3] = ["certificates.md", "first-call.md", "questions.md"];

/// The bodies of the blocks with exactly this mark.
fn blocks(guide: &str, mark: &str) -> Vec<String> {
    let opening = format!("```{mark}\n");
    let mut found = Vec::new();
    let mut rest = guide;
    while let Some((_, after)) = rest.split_once(&opening) {
        let (body, after) = after.split_once("\n```").expect("the block's end");
        found.push(body.to_owned());
        rest = after;
    }
    found
}

/// A command as its reader has it: this program and this Python first on the path, no proxy.
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

/// A service that ends with the guide.
struct Server(Child);

impl Server {
    /// Starts it and waits until it says that it is up.
    fn start(command: &str, folder: &Path) -> Self {
        // `exec`, so that the end of the child is the end of the service.
        let mut child = shell(&format!("exec {command}"), folder, None)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("bash");
        let told = BufReader::new(child.stdout.take().expect("its output"));
        let server = Self(child);
        let up = told.lines().map_while(Result::ok).any(|line| line.starts_with("Ctrl-C"));
        assert!(up, "{command}: ended before it was up");
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_commands_of_the_guides_work_word_for_word() {
    if TcpListener::bind((Ipv4Addr::LOCALHOST, 8443)).is_err() {
        assert!(std::env::var_os("CI").is_none(), "port 8443 is taken, so the guides cannot be followed");
        // Not `eprintln!`: the test runner swallows that of a test that passes.
        let _ = writeln!(io::stderr(), "\n*** SKIPPED, port 8443 is taken, so the guides cannot be followed");
        return;
    }
    let python = Python::find();
    for name in GUIDES {
        let guide = fs::read_to_string(python::project().join("docs").join(name)).expect("the guide");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let servers: Vec<_> =
            blocks(&guide, "sh server").iter().map(|command| Server::start(command, folder.path())).collect();
        assert_eq!(servers.len(), 1, "{name}");
        let commands = blocks(&guide, "sh");
        assert!(!commands.is_empty(), "{name}");
        for command in commands {
            if command.starts_with("python3") && python.is_none() {
                continue;
            }
            let output = shell(&command, folder.path(), python.as_ref()).output().expect("bash");
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}:\n{command}\n{}, {complaint}", output.status);
        }
    }
}

#[test]
fn the_links_of_the_guides_lead_somewhere() {
    let docs = python::project().join("docs");
    for entry in fs::read_dir(&docs).expect("the guides") {
        let path = entry.expect("a guide").path();
        let guide = fs::read_to_string(&path).expect("a guide");
        for link in guide.split("](").skip(1) {
            let target = link.split(')').next().expect("a link's end");
            assert!(docs.join(target).exists(), "{}: {target}", path.display());
        }
    }
}

#[test]
fn every_code_of_the_catalogue_has_its_advice() {
    let guide = fs::read_to_string(python::project().join("docs/codes.md")).expect("the guide");
    let catalogue = python::project().join("fixtures/catalogue.csv");
    for row in csv::Reader::from_path(catalogue).expect("the catalogue").into_records() {
        let row = row.expect("a row");
        let code = row.get(5).expect("a code");
        assert!(guide.contains(&format!("\n| {code} |")), "{code}");
    }
}
