//! A TOML document with line numbers. Reading collects every error instead of stopping at the
//! first.
//!
//! A value is looked up in the overrides, then in the document, then in the defaults. Each value
//! that was found is recorded with its origin.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use text_file::TextError;

use toml::de::{DeTable, DeValue};

use super::key_names;
use super::origin::{Origin, Problem, Problems, Setting};
use super::overrides::Overrides;
use super::renamed;
use super::value::Value;

/// Reads a file's text, as an operator's editor saved it.
pub(super) fn read_text(file: &Path) -> Result<String, Problems> {
    text_file::read(file).map_err(|error| whole_file(file, &error))
}

/// Reads a file's bytes, at most `max` of them.
pub(super) fn read_bytes(file: &Path, max: usize) -> Result<Vec<u8>, Problems> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let read = File::open(file).and_then(|opened| opened.take(limit).read_to_end(&mut bytes));
    read.map_err(|error| whole_file(file, &TextError::from(error)))?;
    if bytes.len() > max {
        return Err(whole_file(file, &format_args!("has more than {max} bytes")));
    }
    Ok(bytes)
}

/// Decodes a file's bytes, as an operator's editor saved them.
pub(super) fn decode_text(file: &Path, bytes: &[u8]) -> Result<String, Problems> {
    text_file::decode(bytes).map_err(|error| whole_file(file, &error))
}

fn whole_file(file: &Path, error: &dyn Display) -> Problems {
    let origin = Origin::File { file: file.to_owned(), line: 0 };
    Problems(vec![Problem { origin, key: String::new(), text: error.to_string() }])
}

/// Sources of values beside a document, and names that it no longer has.
pub(super) struct Layers<'a> {
    overrides: &'a Overrides,
    default_of: fn(&str) -> Option<&'static str>,
    explain_renamed: fn(&str) -> Option<String>,
}

impl<'a> Layers<'a> {
    /// Those of the settings file.
    pub fn of_settings(overrides: &'a Overrides) -> Self {
        let explain_renamed = |key: &str| renamed::explain(key, str::to_owned);
        Self { overrides, default_of: key_names::default_of, explain_renamed }
    }

    /// None: the document stands alone.
    fn none(overrides: &'a Overrides) -> Self {
        Self { overrides, default_of: |_| None, explain_renamed: |_| None }
    }
}

/// What a document says, and what is wrong with it.
pub(super) struct Parsed<T> {
    /// What was read, without an error; `None` if there is a problem.
    pub value: Result<T, Problems>,
    /// Every value that could be read, with its origin.
    pub found: Vec<Setting>,
}

/// Parses the text and lets `read` read it, without overrides and defaults.
///
/// # Errors
/// Every syntax error or, without syntax errors, every error that `read` reported.
pub(super) fn parse<T>(
    file: &Path,
    text: &str,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<T, Problems> {
    parse_layered(file, text, &Layers::none(&Overrides::default()), read).value
}

/// Parses the text and lets `read` read it with overrides and defaults. The errors are those of
/// [`parse`], and every error of the overrides.
pub(super) fn parse_layered<T>(
    file: &Path,
    text: &str,
    layers: &Layers<'_>,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Parsed<T> {
    let problems = RefCell::new(layers.overrides.problems.clone());
    let sink = Sink { file, text, layers, problems, found: RefCell::default() };
    let (document, errors) = DeTable::parse_recoverable(text);
    let is_toml = errors.is_empty();
    for error in errors {
        sink.add(sink.origin(error.span().map(|span| span.start)), "", error.message());
    }
    let value = if is_toml {
        let mut root = Section::new(Some(document.get_ref()), String::new(), None, &sink);
        let value = read(&mut root);
        root.finish();
        value
    } else {
        None
    };
    let mut problems = sink.problems.into_inner();
    problems.sort();
    let value = match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(Problems(problems)),
    };
    Parsed { value, found: sink.found.into_inner() }
}

struct Sink<'a> {
    file: &'a Path,
    text: &'a str,
    layers: &'a Layers<'a>,
    problems: RefCell<Vec<Problem>>,
    found: RefCell<Vec<Setting>>,
}

impl Sink<'_> {
    fn line(&self, at: Option<usize>) -> usize {
        at.map_or(0, |at| 1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count())
    }

    fn origin(&self, at: Option<usize>) -> Origin {
        Origin::File { file: self.file.to_owned(), line: self.line(at) }
    }

    fn add(&self, origin: Origin, key: &str, text: impl Into<String>) {
        let problem = Problem { origin, key: key.to_owned(), text: text.into() };
        self.problems.borrow_mut().push(problem);
    }
}

/// A table of the document. Keys that were not read are unknown: [`Section::finish`] reports them.
pub(super) struct Section<'a> {
    /// `None` if the document does not have it: then its values come from overrides and defaults.
    table: Option<&'a DeTable<'a>>,
    path: String,
    at: Option<usize>,
    read: BTreeSet<&'static str>,
    sink: &'a Sink<'a>,
}

impl<'a> Section<'a> {
    fn new(table: Option<&'a DeTable<'a>>, path: String, at: Option<usize>, sink: &'a Sink<'a>) -> Self {
        Self { table, path, at, read: BTreeSet::new(), sink }
    }

    /// Line on which the section begins, from 1.
    pub fn line(&self) -> usize {
        self.sink.line(self.at)
    }

    /// Reads an optional value. An invalid value is reported and reads as absent.
    pub fn optional<T>(&mut self, key: &'static str, read: impl FnOnce(Value<'a>) -> Result<T, String>) -> Option<T> {
        let (value, origin) = self.find(key)?;
        match read(value) {
            Ok(read) => {
                let setting = Setting { key: self.key(key), value: value.show(), origin };
                self.sink.found.borrow_mut().push(setting);
                Some(read)
            }
            Err(text) => {
                self.sink.add(origin, &self.key(key), text);
                None
            }
        }
    }

    /// Reads a required value.
    pub fn required<T>(&mut self, key: &'static str, read: impl FnOnce(Value<'a>) -> Result<T, String>) -> Option<T> {
        if self.find(key).is_none() {
            self.sink.add(self.sink.origin(self.at), &self.key(key), "is missing");
            return None;
        }
        self.optional(key, read)
    }

    /// Opens a required table.
    pub fn section(&mut self, key: &'static str) -> Option<Self> {
        if self.is_absent(key) {
            self.sink.add(self.sink.origin(self.at), &self.key(key), "this section is missing");
            return None;
        }
        self.implied_section(key)
    }

    /// Opens an optional table.
    pub fn optional_section(&mut self, key: &'static str) -> Option<Self> {
        if self.is_absent(key) { None } else { self.implied_section(key) }
    }

    /// Opens a table that may be absent because its keys have defaults. `None` if the key is not a
    /// table.
    pub fn implied_section(&mut self, key: &'static str) -> Option<Self> {
        self.read.insert(key);
        match self.table.and_then(|table| table.get(key)) {
            Some(value) => self.open(key, value.get_ref(), value.span().start),
            None => Some(Self::new(None, self.key(key), None, self.sink)),
        }
    }

    /// Opens an array of tables, `[[key]]`; empty if absent.
    pub fn sections(&mut self, key: &'static str) -> Vec<Self> {
        self.read.insert(key);
        let Some(value) = self.table.and_then(|table| table.get(key)) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            let origin = self.sink.origin(Some(value.span().start));
            self.sink.add(origin, &self.key(key), format!("must be an array of tables, written [[{key}]]"));
            return Vec::new();
        };
        let open = |(index, item): (usize, &'a toml::Spanned<DeValue<'a>>)| {
            let mut section = self.open(key, item.get_ref(), item.span().start)?;
            section.path = format!("{}[{}]", section.path, index + 1);
            Some(section)
        };
        items.iter().enumerate().filter_map(open).collect()
    }

    /// Reports an error of the section as a whole.
    pub fn report(&self, text: impl Into<String>) {
        self.sink.add(self.sink.origin(self.at), &self.path, text);
    }

    /// Reports every key that was not read: with its new name if it was renamed, else as unknown.
    pub fn finish(self) {
        for (key, value) in self.table.into_iter().flatten() {
            if !self.read.contains(key.get_ref().as_ref()) && !self.report_renamed(&self.path, key, value) {
                let valid: Vec<_> = self.read.iter().copied().collect();
                let text = format!("unknown key; valid keys: {}", valid.join(", "));
                self.sink.add(self.sink.origin(Some(begin(key, value))), &self.key(key.get_ref()), text);
            }
        }
    }

    /// Reports a renamed key, or every renamed key of a table; `false` if no key was renamed.
    fn report_renamed(&self, path: &str, key: &Name<'_>, value: &toml::Spanned<DeValue<'_>>) -> bool {
        let path = join(path, key.get_ref());
        if let Some(text) = (self.sink.layers.explain_renamed)(&path) {
            self.sink.add(self.sink.origin(Some(begin(key, value))), &path, text);
            return true;
        }
        let inside = value.get_ref().as_table().into_iter().flatten();
        inside.filter(|(key, value)| self.report_renamed(&path, key, value)).count() > 0
    }

    fn find(&mut self, key: &'static str) -> Option<(Value<'a>, Origin)> {
        self.read.insert(key);
        let path = self.key(key);
        if let Some((origin, text)) = self.sink.layers.overrides.values.get(&path) {
            return Some((Value::Text(text), origin.clone()));
        }
        if let Some(value) = self.table.and_then(|table| table.get(key)) {
            return Some((Value::Toml(value.get_ref()), self.sink.origin(Some(value.span().start))));
        }
        (self.sink.layers.default_of)(&path).map(|text| (Value::Text(text), Origin::Default))
    }

    fn is_absent(&mut self, key: &'static str) -> bool {
        self.read.insert(key);
        let is_written = self.table.is_some_and(|table| table.contains_key(key));
        !is_written && !self.sink.layers.overrides.reaches(&self.key(key))
    }

    fn open(&self, key: &str, value: &'a DeValue<'a>, at: usize) -> Option<Self> {
        let path = self.key(key);
        match value.as_table() {
            Some(table) => Some(Self::new(Some(table), path, Some(at), self.sink)),
            None => {
                self.sink.add(self.sink.origin(Some(at)), &path, format!("must be a section, written [{key}]"));
                None
            }
        }
    }

    fn key(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

type Name<'a> = toml::Spanned<toml::de::DeString<'a>>;

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Where a key begins. The key of a dotted table has no span of its own.
fn begin(key: &Name<'_>, value: &toml::Spanned<DeValue<'_>>) -> usize {
    if key.span().start == 0 { value.span().start } else { key.span().start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_line_and_key() {
        let text = "name = 7\n\n[server]\nport = 70000\nprot = 1\n";
        let problems = parse(Path::new("x.toml"), text, |root| {
            let _: Option<&str> = root.required("name", Value::text);
            let _: Option<&str> = root.required("mode", Value::text);
            let mut server = root.section("server")?;
            let port = server.required("port", |value| value.integer(0, 65_535));
            server.finish();
            port
        });
        let errors: Vec<_> = problems.expect_err("four errors").0.iter().map(ToString::to_string).collect();
        assert_eq!(
            errors,
            [
                "x.toml: mode: is missing",
                "x.toml:1: name: must be a string in quotes",
                "x.toml:4: server.port: must be an integer from 0 to 65535",
                "x.toml:5: server.prot: unknown key; valid keys: port",
            ]
        );
    }

    #[test]
    fn syntax_errors_have_their_line() {
        let problems = parse(Path::new("x.toml"), "a = 1\nb = = 2\n", |_| Some(())).expect_err("invalid TOML");
        let line = |problem: &Problem| matches!(problem.origin, Origin::File { line: 2, .. });
        assert!(problems.0.iter().all(line), "{problems}");
    }
}
