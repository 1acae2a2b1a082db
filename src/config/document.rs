//! A TOML document walked with its line numbers, collecting every mistake instead of stopping at the first.
//!
//! Over the document may lie values that were given beside it, under it defaults: a key is looked for in that order, and
//! whatever is found is remembered with where it came from.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::given::Given;
use super::origin::{Origin, Problem, Problems, Setting};

/// Reads a file's text.
pub(super) fn read_text(file: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(file).map_err(|error| {
        let text = format!("cannot be read: {error}");
        let origin = Origin::File { file: file.to_owned(), line: 0 };
        Problems(vec![Problem { origin, key: String::new(), text }])
    })
}

/// What lies over a document and under it.
pub(super) struct Layers<'a> {
    /// Goes before the document.
    pub over: &'a Given,
    /// Holds where nothing else does.
    pub under: fn(&str) -> Option<&'static str>,
}

/// Parses the text and lets `read` walk it, with nothing over it and nothing under it.
///
/// # Errors
/// Every mistake: of syntax, or, where there is none, those that `read` found.
pub(super) fn parse<T>(
    file: &Path,
    text: &str,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<T, Problems> {
    let layers = Layers { over: &Given::default(), under: |_| None };
    parse_layered(file, text, &layers, read).map(|(value, _)| value)
}

/// Parses the text and lets `read` walk it between its layers; gives every value that was read, with its origin.
///
/// # Errors
/// As [`parse`], and every mistake of what was given.
pub(super) fn parse_layered<T>(
    file: &Path,
    text: &str,
    layers: &Layers<'_>,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<(T, Vec<Setting>), Problems> {
    let problems = RefCell::new(layers.over.problems.clone());
    let sink = Sink { file, text, layers, problems, told: RefCell::default() };
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
    match value {
        Some(value) if problems.is_empty() => Ok((value, sink.told.into_inner())),
        _ => Err(Problems(problems)),
    }
}

struct Sink<'a> {
    file: &'a Path,
    text: &'a str,
    layers: &'a Layers<'a>,
    problems: RefCell<Vec<Problem>>,
    told: RefCell<Vec<Setting>>,
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

/// A table of the document. Keys that nobody read are unknown: [`Section::finish`] reports them.
pub(super) struct Section<'a> {
    /// `None` if the document does not have it: then something was given for it, or its keys have defaults.
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

    /// The line on which the section begins.
    pub fn line(&self) -> usize {
        self.sink.line(self.at)
    }

    /// A value that may be absent; a wrong one is reported and reads as absent.
    pub fn optional<T>(&mut self, key: &'static str, read: impl FnOnce(Value<'a>) -> Result<T, String>) -> Option<T> {
        let (value, origin) = self.find(key)?;
        match read(value) {
            Ok(read) => {
                let setting = Setting { key: self.key(key), value: value.show(), origin };
                self.sink.told.borrow_mut().push(setting);
                Some(read)
            }
            Err(text) => {
                self.sink.add(origin, &self.key(key), text);
                None
            }
        }
    }

    /// A value that must be there.
    pub fn required<T>(&mut self, key: &'static str, read: impl FnOnce(Value<'a>) -> Result<T, String>) -> Option<T> {
        if self.find(key).is_none() {
            self.sink.add(self.sink.origin(self.at), &self.key(key), "is missing");
            return None;
        }
        self.optional(key, read)
    }

    /// A table that must be there.
    pub fn section(&mut self, key: &'static str) -> Option<Self> {
        if self.is_absent(key) {
            self.sink.add(self.sink.origin(self.at), &self.key(key), "this section is missing");
            return None;
        }
        self.implied_section(key)
    }

    /// A table that may be absent.
    pub fn optional_section(&mut self, key: &'static str) -> Option<Self> {
        if self.is_absent(key) { None } else { self.implied_section(key) }
    }

    /// A table that is there even if nobody wrote it: its keys have defaults. `None` if it is no table.
    pub fn implied_section(&mut self, key: &'static str) -> Option<Self> {
        self.read.insert(key);
        match self.table.and_then(|table| table.get(key)) {
            Some(value) => self.open(key, value.get_ref(), value.span().start),
            None => Some(Self::new(None, self.key(key), None, self.sink)),
        }
    }

    /// An array of tables, `[[key]]`; empty if absent.
    pub fn sections(&mut self, key: &'static str) -> Vec<Self> {
        self.read.insert(key);
        let Some(value) = self.table.and_then(|table| table.get(key)) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            let origin = self.sink.origin(Some(value.span().start));
            self.sink.add(origin, &self.key(key), format!("is written [[{key}]]"));
            return Vec::new();
        };
        let open = |(index, item): (usize, &'a toml::Spanned<DeValue<'a>>)| {
            let mut section = self.open(key, item.get_ref(), item.span().start)?;
            section.path = format!("{}[{}]", section.path, index + 1);
            Some(section)
        };
        items.iter().enumerate().filter_map(open).collect()
    }

    /// Reports a mistake that concerns the section as a whole.
    pub fn report(&self, text: impl Into<String>) {
        self.sink.add(self.sink.origin(self.at), &self.path, text);
    }

    /// Reports every key that was not read.
    pub fn finish(self) {
        for (key, value) in self.table.into_iter().flatten() {
            if !self.read.contains(key.get_ref().as_ref()) {
                let known: Vec<_> = self.read.iter().copied().collect();
                let text = format!("unknown key; known here: {}", known.join(", "));
                let at = if key.span().start == 0 { value.span().start } else { key.span().start };
                self.sink.add(self.sink.origin(Some(at)), &self.key(key.get_ref()), text);
            }
        }
    }

    fn find(&mut self, key: &'static str) -> Option<(Value<'a>, Origin)> {
        self.read.insert(key);
        let path = self.key(key);
        if let Some((origin, text)) = self.sink.layers.over.values.get(&path) {
            return Some((Value::Text(text), origin.clone()));
        }
        if let Some(value) = self.table.and_then(|table| table.get(key)) {
            return Some((Value::Toml(value.get_ref()), self.sink.origin(Some(value.span().start))));
        }
        (self.sink.layers.under)(&path).map(|text| (Value::Text(text), Origin::Default))
    }

    fn is_absent(&mut self, key: &'static str) -> bool {
        self.read.insert(key);
        let is_written = self.table.is_some_and(|table| table.contains_key(key));
        !is_written && !self.sink.layers.over.reaches(&self.key(key))
    }

    fn open(&self, key: &str, value: &'a DeValue<'a>, at: usize) -> Option<Self> {
        let path = self.key(key);
        match value.as_table() {
            Some(table) => Some(Self::new(Some(table), path, Some(at), self.sink)),
            None => {
                self.sink.add(self.sink.origin(Some(at)), &path, format!("is a section, written [{key}]"));
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
pub(super) enum Value<'a> {
    /// It stands in the document.
    Toml(&'a DeValue<'a>),
    /// It was given beside it, or nobody said anything: text, whatever it is to be; a list has commas.
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// A string.
    pub fn text(self) -> Result<&'a str, String> {
        match self {
            Self::Toml(value) => value.as_str().ok_or_else(|| "is text, written \"…\"".to_owned()),
            Self::Text(text) => Ok(text),
        }
    }

    /// `true` or `false`.
    #[cfg(feature = "testkit")]
    pub fn truth(self) -> Result<bool, String> {
        let truth = match self {
            Self::Toml(value) => value.as_bool(),
            Self::Text(text) => text.parse().ok(),
        };
        truth.ok_or_else(|| "is true or false".to_owned())
    }

    /// A whole number within the limits, both inclusive.
    pub fn integer(self, least: u64, most: u64) -> Result<u64, String> {
        let digits = match self {
            Self::Toml(value) => {
                value.as_integer().filter(|integer| integer.radix() == 10).map(toml::de::DeInteger::as_str)
            }
            Self::Text(text) => Some(text),
        };
        let number = digits.and_then(|digits| digits.parse::<u64>().ok());
        let in_limits = number.filter(|number| (least..=most).contains(number));
        in_limits.ok_or_else(|| format!("is a whole number from {least} to {most}"))
    }

    /// A list, each item read alike.
    pub fn list<T>(self, read: impl Fn(Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        match self {
            Self::Toml(value) => {
                let items = value.as_array().ok_or_else(|| "is a list, written […]".to_owned())?;
                items.iter().map(|item| read(Self::Toml(item.get_ref()))).collect()
            }
            Self::Text(text) => text.split(',').map(|item| read(Self::Text(item.trim()))).collect(),
        }
    }

    /// As it is shown to operators. What is neither text, number nor list of these is refused by whoever reads it.
    fn show(self) -> String {
        if let Self::Toml(value) = self
            && let Some(number) = value.as_integer()
        {
            return number.as_str().to_owned();
        }
        match self.text() {
            Ok(text) => text.to_owned(),
            Err(_) => self.list(|item| Ok(item.show())).unwrap_or_default().join(", "),
        }
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
        let line = |problem: &Problem| matches!(problem.origin, Origin::File { line: 2, .. });
        assert!(problems.0.iter().all(line), "{problems}");
    }
}
