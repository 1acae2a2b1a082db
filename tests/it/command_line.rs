//! The definition of the command line: examples, completions, manual pages, names of options, and a
//! schema for each JSON output.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use clap::{ArgAction, Command, CommandFactory};
use ehealth_attributes::cli::Arguments;

use crate::support::environment::skip;
use crate::support::simulation::project;

const PROGRAM: &str = "ehealth-attributes";

/// Every command with its path, the program itself first; without clap's own `help`.
fn commands() -> Vec<(Vec<String>, Command)> {
    fn collect(command: &Command, path: &[String], found: &mut Vec<(Vec<String>, Command)>) {
        found.push((path.to_vec(), command.clone()));
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            collect(sub, &[path, &[sub.get_name().to_owned()]].concat(), found);
        }
    }
    let mut root = Arguments::command();
    root.build();
    let mut found = Vec::new();
    collect(&root, &[], &mut found);
    found
}

/// The words of a command line, as a shell splits them: blanks inside single quotes are part of a word.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for character in line.chars() {
        match character {
            '\'' => is_quoted = !is_quoted,
            blank if blank.is_whitespace() && !is_quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

/// The command lines of a help text that call the program: continuation lines joined, pipelines split,
/// redirections and `&` removed.
fn examples(help: &str) -> Vec<Vec<String>> {
    let joined = help.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| line.starts_with(PROGRAM));
    let mut found = Vec::new();
    for line in lines {
        for part in line.split(" | ") {
            let mut words = shell_words(part).into_iter();
            let mut example = Vec::new();
            while let Some(word) = words.next() {
                match word.as_str() {
                    "<" | ">" | ">>" => drop(words.next()),
                    "&" => {}
                    _ => example.push(word),
                }
            }
            if example.first().is_some_and(|word| word == PROGRAM) {
                found.push(example);
            }
        }
    }
    found
}

#[test]
fn every_command_has_examples_that_the_program_accepts() {
    for (path, command) in commands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Example"), "{path:?} has no examples");
        let examples = examples(&help);
        let begin = [&[PROGRAM.to_owned()], path.as_slice()].concat();
        assert!(examples.iter().any(|example| example.starts_with(&begin)), "no example of {path:?} is one of it");
        for example in examples {
            assert!(!example.iter().any(|word| word.contains('…')), "{example:?} is incomplete");
            if let Err(error) = Arguments::command().try_get_matches_from(&example) {
                let is_help = error.kind() == clap::error::ErrorKind::DisplayHelp;
                assert!(is_help, "{path:?}: {example:?}\n{error}");
            }
        }
    }
}

#[test]
fn the_reader_of_examples_sees_what_is_wrong() {
    let help = "Examples:\n  ehealth-attributes lookup --ca \\\n      ca.pem < in > out\n  x | y\n  \
                ehealth-attributes sync & \n  ehealth-attributes a | ehealth-attributes b\n";
    let found: Vec<_> = examples(help).iter().map(|example| example.join(" ")).collect();
    let expected = ["lookup --ca ca.pem", "sync", "a", "b"].map(|rest| format!("{PROGRAM} {rest}"));
    assert_eq!(found, expected);
    assert!(Arguments::command().try_get_matches_from([PROGRAM, "lookup", "--no-such"]).is_err());
}

#[test]
fn one_concept_has_one_option_name() {
    for (path, command) in commands() {
        for option in command.get_opts() {
            let name = option.get_long().unwrap_or_default();
            let retired = ["context", "cbe", "organization", "certificate", "client-cert", "json-output", "output"];
            assert!(!retired.contains(&name), "{path:?} --{name}");
        }
    }
}

fn run(arguments: &[&str]) -> String {
    let output = Process::new(env!("CARGO_BIN_EXE_ehealth-attributes"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn every_shell_gets_completions_of_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]);
        for word in ["lookup", "legal-context", "rotate-key", "completions"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
        let file = folder.path().join(shell);
        fs::write(&file, script).expect("written");
        let has = |program: &str| Process::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
        if ["bash", "zsh", "fish"].contains(&shell) && !has(shell) {
            skip(&format!("{shell} is missing: its completions were not parsed"));
        } else if ["bash", "zsh", "fish"].contains(&shell) {
            let parsed = Process::new(shell).arg("-n").arg(&file).output().expect("it runs");
            assert!(parsed.status.success(), "{shell}: {}", String::from_utf8_lossy(&parsed.stderr));
        }
    }
}

#[test]
fn man_writes_a_page_for_each_command_and_follows_no_link() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pages, other) = (folder.path().join("new/man1"), folder.path().join("other"));
    fs::write(&other, "mine").expect("written");
    fs::create_dir_all(&pages).expect("a folder");
    std::os::unix::fs::symlink(&other, pages.join("ehealth-attributes.1")).expect("a link");
    run(&["man", pages.to_str().expect("UTF-8")]);
    assert_eq!(fs::read_to_string(&other).expect("read"), "mine");
    for (path, _) in commands() {
        let name = [&[PROGRAM.to_owned()], path.as_slice()].concat().join("-");
        let page =
            fs::read_to_string(pages.join(format!("{name}.1"))).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains(".TH") && page.contains(".SH"), "{name}");
        // Examples keep their lines.
        assert!(page.contains(".SH EXAMPLES\n.nf\n") && page.contains("\n.fi\n"), "{name}");
    }
    match Process::new("mandoc").args(["-T", "lint", "-W", "warning"]).args(page_files(&pages)).output() {
        Ok(checked) => assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout)),
        Err(_) => skip("mandoc is missing (Debian: mandoc); the pages are not checked"),
    }
    assert_eq!(fs::read_dir(&pages).expect("a folder").count(), commands().len(), "and no other page");
    assert_eq!(run(&["man"]), fs::read_to_string(pages.join("ehealth-attributes.1")).expect("a page"));
}

/// The pages of the program, and the one that is written by hand.
fn page_files(pages: &Path) -> Vec<PathBuf> {
    let made = fs::read_dir(pages).expect("a folder").map(|entry| entry.expect("a page").path());
    made.chain([project().join("deploy/debian/audit-verify.1")]).collect()
}

#[test]
fn every_json_output_has_a_schema() {
    let schemas = project().join("docs/reference/json");
    let documented = fs::read_to_string(project().join("docs/reference/json.md")).expect("read");
    let mut named = Vec::new();
    for (path, command) in commands() {
        let is_json = command.get_arguments().any(|argument| match argument.get_id().as_str() {
            "json" => matches!(argument.get_action(), ArgAction::SetTrue),
            "format" => argument.get_possible_values().iter().any(|value| value.get_name() == "json"),
            _ => false,
        });
        if is_json {
            named.push(path.join("-"));
        }
    }
    // Outputs that no option asks for, and those of options of another kind.
    for other in [
        "lookup-in",
        "audit-prove-signature",
        "audit-report-batch",
        "audit-export",
        "health",
        "admin-page",
        "simulate-ready-file",
        "simulate-plan",
        "simulate-requests",
        "log-line",
    ] {
        named.push(other.to_owned());
    }
    for name in &named {
        let file = format!("{name}.schema.json");
        assert!(schemas.join(&file).exists(), "{file} is missing in docs/reference/json");
        assert!(documented.contains(&format!("(json/{file})")), "docs/reference/json.md has no link to {file}");
    }
    let count = fs::read_dir(Path::new(&schemas)).expect("a folder").count();
    assert_eq!(count, named.len(), "a schema without an output");
}
