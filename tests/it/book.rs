//! The book of `docs/`, as mdBook builds it: no warning, no dead link, and a search index that finds
//! codes.
//!
//! Without mdBook, `.ci/install` installs it, the build is skipped and says so; where `CI` is set it fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::environment::{say, skip};
use crate::support::python::project;

/// Files below a folder with this suffix.
fn files_under(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let below = entries.flat_map(|path| if path.is_dir() { files_under(&path, suffix) } else { vec![path] });
    below.filter(|path| path.to_string_lossy().ends_with(suffix)).collect()
}

/// Relative targets of the links of a page, without anchor and query.
fn targets(html: &str) -> Vec<String> {
    let links = html.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let is_relative = |link: &&str| !link.contains("://") && !link.starts_with('#') && !link.starts_with("mailto:");
    let path = |link: &str| link.split(['#', '?']).next().unwrap_or_default().to_owned();
    links.filter(is_relative).map(path).filter(|path| !path.is_empty()).collect()
}

#[test]
fn the_book_builds_without_warnings_and_dead_links() {
    let folder = tempfile::tempdir().expect("a folder");
    let book = folder.path().join("book");
    let built = Command::new("mdbook").args(["build", "--dest-dir"]).arg(&book).current_dir(project()).output();
    let Ok(built) = built else { return skip("mdbook is missing; the book is not built") };
    let printed = format!("{}{}", String::from_utf8_lossy(&built.stdout), String::from_utf8_lossy(&built.stderr));
    assert!(built.status.success() && !printed.contains("WARN") && !printed.contains("ERROR"), "{printed}");
    let pages = files_under(&book, ".html");
    assert!(pages.len() > 25, "{pages:?}");
    let mut links = 0;
    // The page for printing has all chapters in one file, whose links are relative to their own.
    for page in pages.iter().filter(|page| !page.ends_with("print.html")) {
        for target in targets(&fs::read_to_string(page).expect("a page")) {
            let file = page.with_file_name(&target);
            assert!(file.exists(), "{}: {target} is not in the book", page.display());
            links += 1;
        }
    }
    let index = files_under(&book, ".js").into_iter().find(|path| path.to_string_lossy().contains("searchindex"));
    let index = fs::read_to_string(index.expect("a search index")).expect("a search index");
    for word in ["MSG00012", "customerIdentification", "unknown_ca"] {
        assert!(index.contains(word), "the search does not find {word}");
    }
    say(&format!("The book: {} pages, {links} links, no warning", pages.len()));
}

#[test]
fn the_contracts_change_log_has_every_version() {
    let read = |path: &str| fs::read_to_string(project().join(path)).expect("a document");
    let (whole, contract) = (read("CHANGELOG.md"), read("docs/reference/contract-changelog.md"));
    // `## [0.1.0] - 2026-11-23` there is `## 0.1.0, 2026-11-23` here.
    let versions = whole.lines().filter_map(|line| line.strip_prefix("## ["));
    let versions: Vec<_> = versions.map(|rest| format!("## {}", rest.replace("] - ", ", ").replace(']', ""))).collect();
    let sections: Vec<_> = contract.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(sections, versions);
    let rows = contract.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<Vec<_>> = rows.map(|row| row.split(" | ").collect()).collect();
    assert!(rows.len() > 20 && rows.iter().all(|row| row.len() == 2), "a row without an answer: {rows:?}");
}
