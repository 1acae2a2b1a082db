//! A TOML document walked with its line numbers, collecting every mistake instead of stopping at the first.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One mistake in a file that an operator wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// The key with its sections, `consumer[2].grant[1].fields`; empty where none is meant.
    pub key: String,
    /// What is wrong and what would be right.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.text)
    }
}

/// Every mistake that was found; at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

/// Reads a file's text.
pub(super) fn read_text(file: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(file).map_err(|error| {
        let text = format!("cannot be read: {error}");
        Problems(vec![Problem { file: file.to_owned(), line: 0, key: String::new(), text }])
    })
}

/// Parses the text and lets `read` walk it.
///
/// # Errors
/// Every mistake: of syntax, or, where there is none, those that `read` found.
pub(super) fn parse<T>(
    file: &Path,
    text: &str,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<T, Problems> {
    let sink = Sink { file, text, problems: RefCell::default() };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        sink.add(error.span().map(|span| span.start), "", error.message());
    }
    let value = if sink.problems.borrow().is_empty() {
        let mut root =
            Section { table: document.get_ref(), path: String::new(), at: None, read: BTreeSet::new(), sink: &sink };
        let value = read(&mut root);
        root.finish();
        value
    } else {
        None
    };
    let mut problems = sink.problems.into_inner();
    problems.sort();
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(Problems(problems)),
    }
}

struct Sink<'a> {
    file: &'a Path,
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

impl Sink<'_> {
    fn line(&self, at: Option<usize>) -> usize {
        at.map_or(0, |at| 1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count())
    }

    fn add(&self, at: Option<usize>, key: &str, text: impl Into<String>) {
        let problem =
            Problem { file: self.file.to_owned(), line: self.line(at), key: key.to_owned(), text: text.into() };
        self.problems.borrow_mut().push(problem);
    }
}

/// A table of the document. Keys that nobody read are unknown: [`Section::finish`] reports them.
pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
    path: String,
    at: Option<usize>,
    read: BTreeSet<&'static str>,
    sink: &'a Sink<'a>,
}

impl<'a> Section<'a> {
    /// The line on which the section begins.
    pub fn line(&self) -> usize {
        self.sink.line(self.at)
    }

    /// A value that may be absent; a wrong one is reported and reads as absent.
    pub fn optional<T>(&mut self, key: &'static str, read: impl FnOnce(Value<'a>) -> Result<T, String>) -> Option<T> {
        let value = self.find(key)?;
        match read(Value(value.get_ref())) {
            Ok(read) => Some(read),
            Err(text) => {
                self.sink.add(Some(value.span().start), &self.key(key), text);
                None
            }
        }
    }

    /// A value that must be there.
    pub fn required<T>(&mut self, key: &'static str, read: impl FnOnce(Value<'a>) -> Result<T, String>) -> Option<T> {
        if self.find(key).is_none() {
            self.sink.add(self.at, &self.key(key), "is missing");
            return None;
        }
        self.optional(key, read)
    }

    /// A table that must be there.
    pub fn section(&mut self, key: &'static str) -> Option<Self> {
        let Some(value) = self.find(key) else {
            self.sink.add(self.at, &self.key(key), "this section is missing");
            return None;
        };
        self.open(key, value)
    }

    /// A table that may be absent.
    pub fn optional_section(&mut self, key: &'static str) -> Option<Self> {
        let value = self.find(key)?;
        self.open(key, value)
    }

    /// An array of tables, `[[key]]`; empty if absent.
    pub fn sections(&mut self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.sink.add(Some(value.span().start), &self.key(key), format!("is written [[{key}]]"));
            return Vec::new();
        };
        let open = |(index, item)| {
            let mut section = self.open(key, item)?;
            section.path = format!("{}[{}]", section.path, index + 1);
            Some(section)
        };
        items.iter().enumerate().filter_map(open).collect()
    }

    /// Reports a mistake that concerns the section as a whole.
    pub fn report(&self, text: impl Into<String>) {
        self.sink.add(self.at, &self.path, text);
    }

    /// Reports every key that was not read.
    pub fn finish(self) {
        for (key, value) in self.table {
            if !self.read.contains(key.get_ref().as_ref()) {
                let known: Vec<_> = self.read.iter().copied().collect();
                let text = format!("unknown key; known here: {}", known.join(", "));
                let at = if key.span().start == 0 { value.span().start } else { key.span().start };
                self.sink.add(Some(at), &self.key(key.get_ref()), text);
            }
        }
    }

    fn find(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.read.insert(key);
        self.table.get(key)
    }

    fn open(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Option<Self> {
        let path = self.key(key);
        let at = Some(value.span().start);
        match value.get_ref().as_table() {
            Some(table) => Some(Self { table, path, at, read: BTreeSet::new(), sink: self.sink }),
            None => {
                self.sink.add(at, &path, format!("is a section, written [{key}]"));
                None
            }
        }
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// A value, to be read as what its key demands.
#[derive(Clone, Copy)]
pub(super) struct Value<'a>(&'a DeValue<'a>);

impl<'a> Value<'a> {
    /// A string.
    pub fn text(self) -> Result<&'a str, String> {
        self.0.as_str().ok_or_else(|| "is text, written \"…\"".to_owned())
    }

    /// `true` or `false`.
    pub fn truth(self) -> Result<bool, String> {
        self.0.as_bool().ok_or_else(|| "is true or false".to_owned())
    }

    /// A whole number within the limits, both inclusive.
    pub fn integer(self, least: u64, most: u64) -> Result<u64, String> {
        let integer = self.0.as_integer().filter(|integer| integer.radix() == 10);
        let number = integer.and_then(|integer| integer.as_str().parse::<u64>().ok());
        let in_limits = number.filter(|number| (least..=most).contains(number));
        in_limits.ok_or_else(|| format!("is a whole number from {least} to {most}"))
    }

    /// A list, each item read alike.
    pub fn list<T>(self, read: impl Fn(Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let items = self.0.as_array().ok_or_else(|| "is a list, written […]".to_owned())?;
        items.iter().map(|item| read(Self(item.get_ref()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told_with_its_line_and_key() {
        let text = "name = 7\n\n[server]\nport = 70000\nprot = 1\n";
        let problems = parse(Path::new("x.toml"), text, |root| {
            let _: Option<&str> = root.required("name", Value::text);
            let _: Option<&str> = root.required("mode", Value::text);
            let mut server = root.section("server")?;
            let port = server.required("port", |value| value.integer(0, 65_535));
            server.finish();
            port
        });
        let told: Vec<_> = problems.expect_err("four mistakes").0.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "x.toml: mode: is missing",
                "x.toml:1: name: is text, written \"…\"",
                "x.toml:4: server.port: is a whole number from 0 to 65535",
                "x.toml:5: server.prot: unknown key; known here: port",
            ]
        );
    }

    #[test]
    fn mistakes_of_syntax_are_told_with_their_line() {
        let problems = parse(Path::new("x.toml"), "a = 1\nb = = 2\n", |_| Some(())).expect_err("no TOML");
        assert!(problems.0.iter().all(|problem| problem.line == 2), "{problems}");
    }
}
