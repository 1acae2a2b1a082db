//! Rules over the source text that neither the compiler nor clippy keeps.
//!
//! Each rule has samples that it must refuse and samples that it must accept. `exceptions.txt`
//! lists what breaks a rule today, with a number that may only shrink: `UPDATE_GOLDENS=1 cargo test
//! --test it architecture::` lowers the numbers and removes what is no longer needed, and never
//! adds a line. `Cargo.toml` keeps the layers between crates; `crates` has the table of what each
//! `Cargo.toml` may name.

mod circles;
mod crates;
mod documents;
mod rules;
mod source;
mod ssins;
mod waiting;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::environment::is_set;
use source::Source;

/// Folders that are generated.
const GENERATED: [&str; 4] = [".git", "__pycache__", "node_modules", "target"];

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// File and line.
    place: String,
    /// What it is, without a line number: the exceptions name it.
    key: String,
    /// How much of it there is; 1 where it cannot be counted.
    number: usize,
}

/// A path and a text: a file that does not exist.
pub type Sample = (&'static str, &'static str);

/// A rule over the source text.
pub struct Rule {
    /// Short name, used by the exceptions.
    pub name: &'static str,
    /// What holds, why, and what to do otherwise.
    pub text: &'static str,
    /// Looks at the files and returns what breaks the rule.
    pub find: fn(&[Source]) -> Vec<Finding>,
    /// Projects of one file, each of which breaks the rule.
    pub bad: &'static [Sample],
    /// A project that keeps it.
    pub good: &'static [Sample],
}

/// All rules.
fn all_rules() -> impl Iterator<Item = &'static Rule> {
    rules::RULES.iter().chain(&waiting::RULES).chain(&ssins::RULES)
}

fn finding(source: &Source, line: usize, what: impl Into<String>) -> Finding {
    let what = what.into();
    Finding { place: format!("{}:{line}", source.path), key: format!("{}: {what}", source.path), number: 1 }
}

/// Every text file of the project, by its path from the project's folder.
fn project() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut files) = (vec![root.to_owned()], Vec::<PathBuf>::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project") {
            let entry = entry.expect("an entry of that folder");
            let is_generated = entry.file_name().to_str().is_some_and(|name| GENERATED.contains(&name));
            let kind = entry.file_type().expect("the entry's type");
            if kind.is_dir() && !is_generated {
                folders.push(entry.path());
            } else if kind.is_file() && !is_generated {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).expect("below the root").to_str()?.to_owned();
        Some((name, String::from_utf8_lossy(&fs::read(&path).expect("a file of the project")).into_owned()))
    };
    files.into_iter().filter_map(read).collect()
}

fn exceptions_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/architecture/exceptions.txt")
}

/// The exceptions: rule and key, with the number that is accepted.
fn exceptions() -> BTreeMap<(String, String), usize> {
    let text = fs::read_to_string(exceptions_file()).expect("the exceptions");
    let entry = |line: &str| {
        let (rule, rest) = line.split_once('\t')?;
        let (number, key) = rest.split_once('\t')?;
        Some(((rule.to_owned(), key.to_owned()), number.parse().ok()?))
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| entry(line).unwrap_or_else(|| panic!("rule, number and key with tabs between: {line}"))).collect()
}

/// What breaks a rule in the project: rule and key, with number and place.
fn broken() -> BTreeMap<(String, String), Finding> {
    let files = project();
    let sources = source::read(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    assert!(sources.iter().any(|source| source.path == "src/lib.rs"), "the project was not found");
    let findings = all_rules().flat_map(|rule| (rule.find)(&sources).into_iter().map(|found| (rule.name, found)));
    findings.map(|(rule, found)| ((rule.to_owned(), found.key.clone()), found)).collect()
}

#[test]
fn the_project_keeps_every_rule() {
    let (broken, exceptions) = (broken(), exceptions());
    let mut report = String::new();
    for rule in all_rules() {
        let of_rule = broken.iter().filter(|((name, _), _)| name == rule.name);
        let new: Vec<_> =
            of_rule.filter(|(key, found)| exceptions.get(*key).is_none_or(|number| found.number > *number)).collect();
        if !new.is_empty() {
            report += &format!("\n{}: {}\n", rule.name, rule.text);
        }
        for ((_, key), Finding { place, number, .. }) in new {
            report += &format!("  at {place}; as an exception: {}\t{number}\t{key}\n", rule.name);
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn the_list_of_exceptions_only_shrinks() {
    let (broken, exceptions) = (broken(), exceptions());
    let needed = |key: &(String, String)| broken.get(key).map_or(0, |found| found.number);
    let shrunk: BTreeMap<_, _> = exceptions.iter().map(|(key, number)| (key, needed(key).min(*number))).collect();
    if is_set("UPDATE_GOLDENS") {
        let text = fs::read_to_string(exceptions_file()).expect("the exceptions");
        let head = text.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n"));
        let kept = shrunk.iter().filter(|(_, number)| **number > 0);
        let lines = kept.map(|((rule, key), number)| format!("{rule}\t{number}\t{key}\n"));
        fs::write(exceptions_file(), head.chain(lines).collect::<String>()).expect("written");
        return;
    }
    let stale: Vec<_> = exceptions.iter().filter(|(key, number)| shrunk.get(key) != Some(number)).collect();
    assert!(stale.is_empty(), "UPDATE_GOLDENS=1 cargo test --test it architecture:: lowers these: {stale:#?}");
}

fn find(rule: &Rule, files: &[Sample]) -> Vec<Finding> {
    (rule.find)(&source::read(files.iter().copied()))
}

#[test]
fn every_rule_refuses_each_of_its_bad_samples() {
    for rule in all_rules() {
        assert!(!rule.bad.is_empty(), "{}: no sample shows that the rule can fail", rule.name);
        for sample in rule.bad {
            // A sample may have several files, with `=== path` between.
            let files = parts(sample);
            let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
            let found = (rule.find)(&source::read(files));
            assert!(!found.is_empty(), "{}: accepts {sample:?}", rule.name);
        }
    }
}

/// The files of a sample.
fn parts(&(path, text): &Sample) -> Vec<(&'static str, String)> {
    let mut files = vec![(path, String::new())];
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("=== ") {
            Some(path) => files.push((path.trim(), String::new())),
            None => files.last_mut().expect("the first file").1.push_str(line),
        }
    }
    files
}

#[test]
fn no_rule_refuses_its_good_samples() {
    for rule in all_rules() {
        assert!(!rule.good.is_empty(), "{}: no sample shows that the rule accepts anything", rule.name);
        assert_eq!(find(rule, rule.good), [], "{}", rule.name);
    }
}

#[test]
fn every_rule_has_its_own_name_and_a_text() {
    let names: std::collections::BTreeSet<_> = all_rules().map(|rule| rule.name).collect();
    assert_eq!(names.len(), all_rules().count());
    for rule in all_rules() {
        assert!(rule.text.ends_with('.') && rule.text.len() > 60, "{}: {}", rule.name, rule.text);
    }
}
