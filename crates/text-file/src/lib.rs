//! Reads text files that people edit.
//!
//! Editors on Windows put a byte order mark in front of the text and end lines with CR LF; a shell
//! there writes UTF-16. None of this changes what the person meant, so every reader of such a file
//! takes its text from here: UTF-8, without mark, lines that end with LF.
//!
//! | to | call |
//! |---|---|
//! | read a file | [`read`] |
//! | read a line, as a person types it | [`read_line`] |
//! | decode bytes | [`decode`] |
//! | decode bytes that may be binary | [`without_mark`] |

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufRead, Read};
use std::path::Path;

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF_16_BIG_ENDIAN_MARK: &[u8] = b"\xfe\xff";
const UTF_16_LITTLE_ENDIAN_MARK: &[u8] = b"\xff\xfe";

/// Why a text cannot be read. The message repeats nothing of the text.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A line is not UTF-8.
    #[error("line {line} is not UTF-8; save the file as UTF-8")]
    Utf8 {
        /// Number of the line, from 1.
        line: usize,
    },
    /// The file has the byte order mark of UTF-16, but is not UTF-16.
    #[error("the file begins like UTF-16 but is not; save it as UTF-8")]
    Utf16,
}

/// Reads a text file.
///
/// # Errors
/// [`TextError`].
pub fn read(file: &Path) -> Result<String, TextError> {
    decode(&fs::read(file)?)
}

/// Maximum length of a line of [`read_line`], in bytes.
const MAX_LINE: u64 = 256;

/// Reads the first line of a text that is typed or piped, at most 256 bytes, without its end. Reads
/// no further, so that a person need not end the input.
///
/// # Errors
/// [`TextError`].
pub fn read_line(input: impl BufRead) -> Result<String, TextError> {
    let (mut input, mut line) = (input.take(MAX_LINE), Vec::new());
    input.read_until(b'\n', &mut line)?;
    if line.starts_with(UTF_16_LITTLE_ENDIAN_MARK) && line.len() % 2 == 1 {
        // The second byte of the line end.
        input.take(1).read_to_end(&mut line)?;
    }
    let text = decode(&line)?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Decodes a text: removes the byte order mark, and the CR of each CR LF.
///
/// # Errors
/// [`TextError::Utf8`] or [`TextError::Utf16`].
pub fn decode(bytes: &[u8]) -> Result<String, TextError> {
    let bytes = without_mark(bytes).ok_or(TextError::Utf16)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.replace("\r\n", "\n")),
        Err(error) => {
            let valid = bytes.iter().take(error.valid_up_to());
            Err(TextError::Utf8 { line: 1 + valid.filter(|byte| **byte == b'\n').count() })
        }
    }
}

/// Removes the mark of UTF-8, and converts UTF-16 with a mark to UTF-8. Bytes without a mark are
/// returned as they are: they may be binary. `None`: the mark is that of UTF-16, the bytes are not.
#[must_use]
pub fn without_mark(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    if let Some(text) = bytes.strip_prefix(UTF_8_MARK) {
        return Some(Cow::Borrowed(text));
    }
    let units = match (bytes.strip_prefix(UTF_16_LITTLE_ENDIAN_MARK), bytes.strip_prefix(UTF_16_BIG_ENDIAN_MARK)) {
        (Some(units), _) => units_of(units, u16::from_le_bytes)?,
        (None, Some(units)) => units_of(units, u16::from_be_bytes)?,
        (None, None) => return Some(Cow::Borrowed(bytes)),
    };
    String::from_utf16(&units).ok().map(|text| Cow::Owned(text.into_bytes()))
}

fn units_of(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Vec<u16>> {
    let (units, rest) = bytes.as_chunks::<2>();
    rest.is_empty().then(|| units.iter().map(|bytes| unit(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_windows_reads_like_any_other() {
        let plain = "naïve = 1\n\n# two\n";
        let windows = plain.replace('\n', "\r\n");
        let units = |make: fn(u16) -> [u8; 2]| windows.encode_utf16().flat_map(make).collect::<Vec<_>>();
        let with_mark = |mark: &[u8], text: &[u8]| [mark, text].concat();
        for bytes in [
            plain.as_bytes().to_vec(),
            windows.as_bytes().to_vec(),
            with_mark(UTF_8_MARK, windows.as_bytes()),
            with_mark(UTF_16_LITTLE_ENDIAN_MARK, &units(u16::to_le_bytes)),
            with_mark(UTF_16_BIG_ENDIAN_MARK, &units(u16::to_be_bytes)),
        ] {
            assert_eq!(decode(&bytes).expect("a text"), plain);
        }
        assert_eq!(decode(b"").expect("a text"), "");
        assert_eq!(decode(b"a\rb").expect("a text"), "a\rb", "a CR alone stays");
    }

    #[test]
    fn an_error_names_the_line_and_repeats_no_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        let message = |bytes: &[u8]| {
            fs::write(&file, bytes).expect("written");
            read(&file).expect_err("an error").to_string()
        };
        assert_eq!(message(b"a\r\nb\xe9\r\n"), "line 2 is not UTF-8; save the file as UTF-8");
        assert_eq!(message(b"\xff\xfea\0b"), "the file begins like UTF-16 but is not; save it as UTF-8");
        assert_eq!(message(b"\xff\xfe\0\xd8"), "the file begins like UTF-16 but is not; save it as UTF-8");
        assert!(read(folder.path()).expect_err("a folder").to_string().starts_with("cannot be read: "));
    }

    #[test]
    fn a_line_is_read_and_no_more() {
        let units = |text: &str, make: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(make).collect::<Vec<_>>();
        let little = [UTF_16_LITTLE_ENDIAN_MARK, &units("one\r\ntwo\r\n", u16::to_le_bytes)].concat();
        let big = [UTF_16_BIG_ENDIAN_MARK, &units("one\r\ntwo\r\n", u16::to_be_bytes)].concat();
        for bytes in [b"one\ntwo\n".to_vec(), b"\xef\xbb\xbfone\r\ntwo".to_vec(), b"one".to_vec(), little, big] {
            assert_eq!(read_line(bytes.as_slice()).expect("a line"), "one");
        }
        assert_eq!(read_line(&b""[..]).expect("no line"), "");
        let long = vec![b'1'; 1_000];
        assert_eq!(read_line(long.as_slice()).expect("a part of it").len(), 256);
    }

    #[test]
    fn bytes_without_a_mark_are_left_alone() {
        let der = [0x30, 0x82, 0xff, 0x0d, 0x0a];
        assert_eq!(without_mark(&der).as_deref(), Some(&der[..]));
    }
}
