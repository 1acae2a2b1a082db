//! The rules of the house, held by the build: floors, libraries, names, lengths, comments, tests.
//!
//! The module graph is computed from what is written in `src/`, not from what is compiled: a room that nothing uses yet
//! is held to the rules, too. `tests/it/house/rules.rs` has the rules as data, each with its reason and with samples that it
//! must refuse; what a violation means and what to do about it is in the failure's text.

mod lexer;
mod rules;
mod source;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use rules::{FLOORS, Finding, LIBRARIES, Place, RULES, Rule, STEPS, Sample};

/// Folders that are made, not written.
const MADE: [&str; 4] = [".git", "__pycache__", "node_modules", "target"];

/// Every text file of the project, by its path from the project's folder.
fn project() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut files) = (vec![root.to_owned()], Vec::<PathBuf>::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project") {
            let entry = entry.expect("an entry of that folder");
            let is_made = entry.file_name().to_str().is_some_and(|name| MADE.contains(&name));
            let kind = entry.file_type().expect("what the entry is");
            if kind.is_dir() && !is_made {
                folders.push(entry.path());
            } else if kind.is_file() && !is_made {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).expect("below the root").to_str()?.replace('\\', "/");
        Some((name, String::from_utf8(fs::read(&path).expect("a file of the project")).ok()?))
    };
    files.into_iter().filter_map(read).collect()
}

fn find(rule: &Rule, files: &[Sample]) -> Vec<Finding> {
    (rule.find)(&source::read(files.iter().copied()))
}

#[test]
fn the_project_keeps_every_rule() {
    let files = project();
    let sources = source::read(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    assert!(sources.iter().any(|source| source.path == "src/lib.rs"), "the project was not found");
    let mut told = String::new();
    for rule in &RULES {
        let findings = (rule.find)(&sources);
        if !findings.is_empty() {
            let _ = writeln!(told, "\nBroken: {}.\nWhy: {}\nWhat to do: {}", rule.holds, rule.reason, rule.remedy);
        }
        for Finding { path, line, found } in findings {
            let _ = writeln!(told, "  {path}:{line}: {found}");
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn every_rule_refuses_each_of_its_bad_samples() {
    for rule in &RULES {
        assert!(!rule.bad.is_empty(), "{}: nothing shows that the rule can fail", rule.holds);
        for sample in rule.bad {
            assert!(!find(rule, &[*sample]).is_empty(), "{}: was not held against {sample:?}", rule.holds);
        }
    }
}

#[test]
fn no_rule_refuses_its_good_samples() {
    for rule in &RULES {
        assert!(!rule.good.is_empty(), "{}: nothing shows that the rule lets anything pass", rule.holds);
        assert_eq!(find(rule, rule.good), [], "{}", rule.holds);
    }
}

#[test]
fn every_rule_tells_its_reason_and_its_remedy() {
    for rule in &RULES {
        for text in [rule.reason, rule.remedy] {
            assert!(text.ends_with('.') && text.len() > 40, "{}: {text}", rule.holds);
        }
    }
}

#[test]
fn the_table_names_each_room_and_each_library_once() {
    let mut rooms: Vec<_> = FLOORS.into_iter().flatten().collect();
    let mut libraries: Vec<_> = LIBRARIES.iter().map(|(name, _)| name).collect();
    for names in [&mut rooms, &mut libraries] {
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
    for (_, place) in LIBRARIES {
        let Place::Rooms(of_library) = place else { continue };
        assert!(of_library.iter().all(|room| rooms.contains(&room)), "{of_library:?}");
    }
    let floor = |room: &str| FLOORS.iter().position(|rooms| rooms.contains(&room));
    for (from, to) in STEPS {
        assert!(floor(from).is_some() && floor(from) == floor(to), "{from} and {to} are not on one floor");
        assert!(!STEPS.contains(&(to, from)), "{from} and {to} import each other");
    }
}
