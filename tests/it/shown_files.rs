//! The parts of `examples/` that the documentation shows are the parts of the files.
//!
//! A document shows a file between two lines: `<!-- file: PATH#REGION -->` and `<!-- end -->`. A region is
//! the lines of the file between the comments `[REGION]` and `[/REGION]`; without `#REGION`, the whole file
//! is shown. With `UPDATE_GOLDENS=1`, the test writes the documents.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::environment::is_set;
use crate::support::python::project;

const BEGIN: &str = "<!-- file: ";
const END: &str = "<!-- end -->";

/// Languages of the blocks, by the end of a file's name.
const LANGUAGES: [(&str, &str); 16] = [
    ("c", "c"),
    ("cpp", "cpp"),
    ("cs", "csharp"),
    ("csproj", "xml"),
    ("go", "go"),
    ("java", "java"),
    ("js", "js"),
    ("json", "json"),
    ("php", "php"),
    ("py", "python"),
    ("rs", "rust"),
    // Blocks of `sh` are commands that another test runs.
    ("sh", "bash"),
    ("toml", "toml"),
    ("ts", "ts"),
    ("txt", "text"),
    ("xml", "xml"),
];

/// Whether a line is a comment with this mark alone.
fn is_mark(line: &str, mark: &str) -> bool {
    let comment = line.trim().trim_start_matches(['/', '#', '*', '-', '<', '!']);
    comment.trim_end_matches(['/', '*', '-', '>']).trim() == mark
}

/// The lines of a region, with the indentation of its first line removed.
fn region<'a>(text: &'a str, name: &str) -> Result<Vec<&'a str>, String> {
    let lines: Vec<_> = text.lines().collect();
    let find = |mark: String| {
        let places: Vec<_> = (0..lines.len()).filter(|at| is_mark(lines[*at], &mark)).collect();
        match places[..] {
            [at] => Ok(at),
            _ => Err(format!("{} comments are {mark}, not one", places.len())),
        }
    };
    let (begin, end) = (find(format!("[{name}]"))?, find(format!("[/{name}]"))?);
    let shown = lines.get(begin + 1..end).ok_or_else(|| format!("[/{name}] is before [{name}]"))?;
    let first = shown.iter().find(|line| !line.is_empty()).ok_or_else(|| format!("[{name}] is empty"))?;
    let indent = first.len() - first.trim_start().len();
    let dedent = |line: &'a str| line.split_at_checked(indent).map_or(line.trim_start(), |(_, rest)| rest);
    let mut shown: Vec<_> = shown.iter().map(|line| dedent(line)).collect();
    while shown.last().is_some_and(|line| line.is_empty()) {
        shown.pop();
    }
    Ok(shown)
}

/// The block that a document has for `PATH#REGION`.
fn block(root: &Path, source: &str) -> Result<String, String> {
    let (path, name) = source.split_once('#').map_or((source, None), |(path, name)| (path, Some(name)));
    let language = LANGUAGES.iter().find(|(end, _)| path.ends_with(&format!(".{end}")));
    let (_, language) = language.ok_or_else(|| format!("{path}: no language for this name"))?;
    let text = fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))?;
    let lines = match name {
        Some(name) => region(&text, name).map_err(|error| format!("{path}: {error}"))?,
        None => text.lines().collect(),
    };
    if lines.iter().any(|line| line.starts_with("```")) {
        return Err(format!("{source}: a line would end the block"));
    }
    Ok(format!("```{language}\n{}\n```\n", lines.join("\n")))
}

/// A document with the blocks as they should be.
fn rewritten(root: &Path, document: &str) -> Result<(String, usize), String> {
    let (mut text, mut rest, mut blocks) = (String::new(), document, 0);
    while let Some(at) = rest.find(BEGIN) {
        let line_end = at + rest[at..].find('\n').ok_or("the mark is the last line")?;
        let source = rest[at + BEGIN.len()..line_end].strip_suffix(" -->").ok_or("a mark has no end")?;
        text += &rest[..=line_end];
        text += &block(root, source)?;
        let after = rest[line_end..].find(END).ok_or_else(|| format!("{source}: {END} is missing"))?;
        rest = &rest[line_end + after..];
        blocks += 1;
    }
    Ok((text + rest, blocks))
}

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

#[test]
fn the_documents_show_the_files_of_the_examples() {
    let (mut found, mut blocks) = (Vec::new(), 0);
    documents(&project().join("docs"), &mut found);
    for path in found {
        let document = fs::read_to_string(&path).expect("a document");
        let (expected, shown) =
            rewritten(project(), &document).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        blocks += shown;
        if is_set("UPDATE_GOLDENS") {
            fs::write(&path, &expected).expect("written");
        } else {
            assert!(document == expected, "{}: a file changed; run with UPDATE_GOLDENS=1", path.display());
        }
    }
    assert!(blocks >= 8, "only {blocks} blocks show a file");
}

#[test]
fn a_region_is_found_in_every_kind_of_comment() {
    for (open, close) in [("//", ""), ("#", ""), ("/*", " */"), ("<!--", " -->")] {
        let text = format!("a\n  {open} [b]{close}\n  c\n\n    d\n  {open} [/b]{close}\ne\n");
        assert_eq!(region(&text, "b"), Ok(vec!["c", "", "  d"]));
    }
    assert_eq!(region("# [b]\nc\n", "b"), Err("0 comments are [/b], not one".to_owned()));
    assert_eq!(region("# [b]\n# [b]\nc\n# [/b]\n", "b"), Err("2 comments are [b], not one".to_owned()));
    assert_eq!(region("# [/b]\nc\n# [b]\n", "b"), Err("[/b] is before [b]".to_owned()));
    assert_eq!(region("# [b]\n# [/b]\n", "b"), Err("[b] is empty".to_owned()));
}
