//! The lines of a batch.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use text_file::TextError;

use super::error::LookupError;
use super::input_line::{InputLine, InvalidText, Position};
use ehealth_core::model::Ssin;

/// Maximum size of the input, in bytes: about 10 million lines.
const MAX_BYTES: u64 = 256 * 1_024 * 1_024;

/// What a batch asks about.
#[derive(Debug, Default)]
pub(super) struct BatchInput {
    /// Lines that get a row, in their order.
    pub entries: Vec<Entry>,
    /// Lines with an SSIN that an earlier line has.
    pub duplicates: usize,
    /// Header lines, which stand before the first row.
    pub headers: usize,
}

/// A line that gets a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Number of the line, from 1.
    pub line: usize,
    pub content: Content,
}

/// Content of a line that gets a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Person(Ssin),
    /// No request is sent for it.
    Invalid(InvalidText),
}

impl BatchInput {
    /// Reads a file, or standard input if the path is `-`.
    ///
    /// # Errors
    /// If the file cannot be read or has more than 256 MiB.
    pub fn read(input: &Path) -> Result<Self, LookupError> {
        let read =
            if input == Path::new("-") { read_bytes(io::stdin()) } else { File::open(input).and_then(read_bytes) };
        let text = |reason| LookupError::Text { file: input.display().to_string(), reason };
        let bytes = read.map_err(|error| text(error.into()))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
            return Err(LookupError::InputSize { file: input.to_owned(), mebibytes: MAX_BYTES / 1_024 / 1_024 });
        }
        let bytes = text_file::without_mark(&bytes).ok_or_else(|| text(TextError::Utf16))?;
        // A name behind a number may be in another encoding: it is not read.
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    fn parse(text: &str) -> Self {
        let (mut input, mut seen) = (Self::default(), BTreeSet::new());
        for (text, line) in text.lines().zip(1..) {
            let position = if input.entries.is_empty() { Position::Top } else { Position::Below };
            let content = match InputLine::parse(text, position) {
                InputLine::Blank => continue,
                InputLine::Header => {
                    input.headers += 1;
                    continue;
                }
                InputLine::Person(ssin) if !seen.insert(ssin) => {
                    input.duplicates += 1;
                    continue;
                }
                InputLine::Person(ssin) => Content::Person(ssin),
                InputLine::Invalid(invalid) => Content::Invalid(invalid),
            };
            input.entries.push(Entry { line, content });
        }
        input
    }

    /// Number of persons, each counted once.
    pub fn count_persons(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.content, Content::Person(_))).count()
    }
}

fn read_bytes(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_row_a_duplicate_or_no_line_of_data() {
        let text = "sep=;\nssin;name\n# two\n\n85073099932;Anna\nssin\nx;85073099932\n85.07.30-999.32\n79111299986\n";
        let input = BatchInput::parse(text);
        let lines: Vec<_> =
            input.entries.iter().map(|entry| (entry.line, matches!(entry.content, Content::Person(_)))).collect();
        assert_eq!(lines, [(5, true), (6, false), (7, false), (9, true)]);
        assert_eq!((input.headers, input.duplicates, input.count_persons()), (2, 1, 2));
    }
}
