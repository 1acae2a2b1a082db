//! Strict CSV reader: splits bytes into rows of fields, exactly as RFC 4180 says.
//!
//! CSV libraries are lenient where this format must be strict: they accept blank lines, text after
//! a closing quote, quotes inside a bare field, and a lone CR. Here each of these makes the whole
//! file malformed, because two readers that guess differently end up with different data. A lone LF
//! is accepted as a line end (`docs/reference/feeds.md "Data files"`). [`super::records`] validates
//! what a field *means*.

use std::io::{self, BufRead, Read};

use super::content::UnpackedLimit;

/// Why a file cannot be split into rows.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The source failed, or its content cannot be decompressed.
    #[error("line {line}: the file cannot be read or decompressed")]
    Unreadable {
        /// First line that cannot be read, from 1.
        line: u64,
        /// Error of the source or the decoder.
        source: io::Error,
    },
    /// The content is larger than a data file may be.
    #[error("line {line}: {limit}")]
    TooLarge {
        /// Line at which the limit is reached, from 1.
        line: u64,
        /// The limit.
        limit: UnpackedLimit,
    },
    /// A row has 4096 bytes or more; no valid record is that long.
    #[error("line {line}: the row is longer than 4 KiB")]
    TooLong {
        /// First line of the row, from 1.
        line: u64,
    },
    /// A quote in the wrong position, a missing quote, or a lone CR.
    #[error("line {line}: the quoting or the line end violates RFC 4180")]
    Quoting {
        /// First line of the row, from 1.
        line: u64,
    },
    /// The bytes are not UTF-8.
    #[error("line {line}: the row is not UTF-8")]
    Utf8 {
        /// First line of the row, from 1.
        line: u64,
    },
}

impl RowError {
    fn of_source(line: u64, source: io::Error) -> Self {
        match source.get_ref().and_then(|error| error.downcast_ref()) {
            Some(limit) => Self::TooLarge { line, limit: *limit },
            None => Self::Unreadable { line, source },
        }
    }
}

/// Rows of this many bytes or more, line end included, are refused. The longest valid record has
/// about 80 bytes.
const ROW_BYTES_MAX: usize = 4096;

/// Splits a source into rows. The memory of a row is reused for the next.
pub(super) struct Rows<R> {
    source: R,
    /// The row as stored in the file.
    raw: Vec<u8>,
    /// Fields of a row with quotes, concatenated without their quotes.
    unquoted: String,
    /// End of each of these fields.
    ends: Vec<usize>,
    quoted: bool,
    line: u64,
    next_line: u64,
}

impl<R: BufRead> Rows<R> {
    pub fn new(source: R) -> Self {
        Self {
            source,
            raw: Vec::with_capacity(ROW_BYTES_MAX),
            unquoted: String::new(),
            ends: Vec::new(),
            quoted: false,
            line: 0,
            next_line: 1,
        }
    }

    /// First line of the row, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the source at its current position.
    pub fn into_source(self) -> R {
        self.source
    }

    /// Reads the next row; false at the end.
    pub fn advance(&mut self) -> Result<bool, RowError> {
        self.raw.clear();
        self.line = self.next_line;
        if !self.read_line()? {
            return Ok(false);
        }
        self.quoted = self.raw.contains(&b'"');
        if self.quoted {
            // A quoted field may contain line ends: with an odd number of quotes, a field is still
            // open.
            while self.raw.iter().fold(false, |open, b| open ^ (*b == b'"')) {
                if !self.read_line()? {
                    return Err(RowError::Quoting { line: self.line });
                }
            }
        }
        strip_line_end(&mut self.raw);
        let text = std::str::from_utf8(&self.raw).map_err(|_| RowError::Utf8 { line: self.line })?;
        if !self.quoted {
            return if text.contains('\r') { Err(RowError::Quoting { line: self.line }) } else { Ok(true) };
        }
        self.unquoted.clear();
        self.ends.clear();
        match unquote(text, &mut self.unquoted, &mut self.ends) {
            Some(()) => Ok(true),
            None => Err(RowError::Quoting { line: self.line }),
        }
    }

    /// Fields of the row that [`Rows::advance`] read last.
    pub fn fields(&self) -> Fields<'_> {
        if self.quoted {
            Fields::Quoted { text: &self.unquoted, ends: self.ends.iter(), from: 0 }
        } else {
            // `advance` checked that it is UTF-8; otherwise the row has one empty field.
            Fields::Bare(std::str::from_utf8(&self.raw).unwrap_or_default().split(','))
        }
    }

    fn read_line(&mut self) -> Result<bool, RowError> {
        let remaining = ROW_BYTES_MAX.saturating_sub(self.raw.len()) as u64;
        let read = (&mut self.source).take(remaining).read_until(b'\n', &mut self.raw);
        let count = read.map_err(|source| RowError::of_source(self.next_line, source))?;
        if self.raw.len() == ROW_BYTES_MAX {
            return Err(RowError::TooLong { line: self.line });
        }
        self.next_line = self.next_line.saturating_add(1);
        Ok(count > 0)
    }
}

fn strip_line_end(raw: &mut Vec<u8>) {
    if raw.last() == Some(&b'\n') {
        raw.pop();
        if raw.last() == Some(&b'\r') {
            raw.pop();
        }
    }
}

/// Splits a row that has quotes, without its line end; `None` if the quoting is wrong.
fn unquote(row: &str, unquoted: &mut String, ends: &mut Vec<usize>) -> Option<()> {
    let mut rest = row;
    loop {
        if let Some(mut quoted) = rest.strip_prefix('"') {
            loop {
                let (text, after) = quoted.split_once('"')?;
                unquoted.push_str(text);
                let Some(continued) = after.strip_prefix('"') else {
                    rest = after;
                    break;
                };
                unquoted.push('"');
                quoted = continued;
            }
        } else {
            let (text, after) = rest.split_at_checked(rest.find(',').unwrap_or(rest.len()))?;
            if text.contains(['"', '\r', '\n']) {
                return None;
            }
            unquoted.push_str(text);
            rest = after;
        }
        ends.push(unquoted.len());
        if rest.is_empty() {
            return Some(());
        }
        rest = rest.strip_prefix(',')?;
    }
}

/// The fields of one row.
pub(super) enum Fields<'a> {
    Bare(std::str::Split<'a, char>),
    Quoted { text: &'a str, ends: std::slice::Iter<'a, usize>, from: usize },
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        match self {
            Self::Bare(split) => split.next(),
            Self::Quoted { text, ends, from } => {
                let end = *ends.next()?;
                let field = text.get(*from..end);
                *from = end;
                field
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &[u8]) -> Result<Vec<(u64, Vec<String>)>, RowError> {
        let mut rows = Rows::new(text);
        let mut found = Vec::new();
        while rows.advance()? {
            found.push((rows.line(), rows.fields().map(str::to_owned).collect()));
        }
        Ok(found)
    }

    fn fields(text: &str) -> Vec<Vec<String>> {
        split(text.as_bytes()).expect("well formed").into_iter().map(|(_, fields)| fields).collect()
    }

    #[test]
    fn splits_rows_with_either_line_end_or_none_at_the_end() {
        assert_eq!(fields("a,b\r\n1,\n,2"), [["a", "b"], ["1", ""], ["", "2"]]);
        assert_eq!(fields("\"a,\"\"b\",\"\r\n\"\n1,\"\""), [["a,\"b", "\r\n"], ["1", ""]]);
        assert!(fields("").is_empty());
    }

    #[test]
    fn a_blank_line_is_a_row_of_one_empty_field() {
        assert_eq!(fields("a\n\nb\n"), [["a"], [""], ["b"]]);
    }

    #[test]
    fn reports_the_first_line_of_a_row() {
        let lines: Vec<u64> =
            split(b"a\n\"\n\n\"\nb\n").expect("well formed").into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 2, 5]);
    }

    #[test]
    fn refuses_what_rfc_4180_forbids() {
        for text in ["a\"b", "\"a\"b", "\"a", "\"a\"\"", "a,\"b\" ", "a\rb", "a\r\r\n", "\"a\"\rb", "\"a\"\r"] {
            assert!(matches!(split(text.as_bytes()), Err(RowError::Quoting { line: 1 })), "{text:?}");
        }
        assert!(matches!(split(b"a\n\xff"), Err(RowError::Utf8 { line: 2 })));
        assert!(matches!(split(&[b'x'; 5000]), Err(RowError::TooLong { line: 1 })));
        assert!(matches!(split(&[b"\"", &[b'\n'; 5000][..]].concat()), Err(RowError::TooLong { line: 1 })));
    }

    proptest! {
        #[test]
        fn reads_back_what_a_csv_writer_writes(
            rows in proptest::collection::vec(proptest::collection::vec("[a\",\r\né]{0,4}", 3), 0..9)
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).expect("into memory");
            }
            let text = writer.into_inner().expect("into memory");
            let found: Vec<Vec<String>> = split(&text).expect("well formed").into_iter().map(|(_, fields)| fields).collect();
            prop_assert_eq!(found, rows);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..64)) {
            let _ = split(&bytes);
        }
    }
}
