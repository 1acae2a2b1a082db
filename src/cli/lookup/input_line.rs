//! One line of the input of a batch: an SSIN in the notations in use, with or without remarks behind
//! it.

use crate::cli::safe_text::make_safe;
use ehealth_core::model::{Ssin, SsinError};

/// Maximum characters that are kept of a field that is no SSIN.
const MAX_TEXT: usize = 64;

/// First fields of a header line, in lower case.
const HEADERS: [&str; 10] =
    ["ssin", "insz", "niss", "inss", "rrn", "nrn", "rijksregisternummer", "numéro national", "numero national", "sep="];

/// Where a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Before the first row: it may be a header.
    Top,
    /// Below the first row.
    Below,
}

/// A line of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InputLine {
    /// Blank, a comment, or fields that are all empty.
    Blank,
    /// The first field names the column of the SSINs.
    Header,
    Person(Ssin),
    Invalid(InvalidText),
}

/// A first field that is no SSIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InvalidText {
    /// At most 64 characters that are safe in a row of CSV, in a spreadsheet and on a terminal. They
    /// may be a person's number with a typing error: only the results have them.
    pub text: String,
    pub reason: SsinError,
}

impl InputLine {
    /// Reads the first field of a line, which ends at `;`, a comma, a tab or `#`.
    pub fn parse(line: &str, position: Position) -> Self {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Self::Blank;
        }
        let (field, rest) = first_field(line);
        let field = field.trim();
        if field.is_empty() && rest.chars().all(|c| c.is_whitespace() || [';', ',', '"'].contains(&c)) {
            return Self::Blank;
        }
        if position == Position::Top && HEADERS.contains(&field.to_lowercase().as_str()) {
            return Self::Header;
        }
        match parse_ssin(field) {
            Ok(ssin) => Self::Person(ssin),
            Err(reason) => Self::Invalid(InvalidText { text: make_safe(field, MAX_TEXT), reason }),
        }
    }
}

/// Parses an SSIN in its two notations: eleven digits, or `YY.MM.DD-NNN.CC`, in which each separator
/// is a dot, a dash, a slash or a space, or is left out.
///
/// # Errors
/// [`SsinError`] names the first rule that is violated.
pub(super) fn parse_ssin(text: &str) -> Result<Ssin, SsinError> {
    /// Digits before each place at which a separator may be.
    const PLACES: [usize; 4] = [2, 4, 6, 9];
    let mut digits = String::with_capacity(11);
    let mut was_separator = false;
    for c in text.chars() {
        let is_separator = matches!(c, '.' | '-' | '/' | ' ');
        if is_separator && (was_separator || !PLACES.contains(&digits.len())) {
            return Err(SsinError::Form);
        }
        if !is_separator {
            digits.push(c);
        }
        was_separator = is_separator;
    }
    Ssin::parse(&digits)
}

/// The first field of a line, without the quotes of CSV, and what follows it.
fn first_field(line: &str) -> (&str, &str) {
    if let Some((field, rest)) = line.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        return (field, rest);
    }
    let end = line.find([';', ',', '\t', '#']).unwrap_or(line.len());
    line.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(line: &str) -> String {
        match InputLine::parse(line, Position::Top) {
            InputLine::Invalid(invalid) => invalid.text,
            other @ (InputLine::Blank | InputLine::Header | InputLine::Person(_)) => panic!("{line:?} is {other:?}"),
        }
    }

    #[test]
    fn remarks_quotes_and_notations_give_the_same_person() {
        let anna = InputLine::Person(Ssin::parse("85073099932").expect("valid"));
        for line in [
            "85073099932",
            "  85073099932\r",
            "85073099932  # Anna",
            "85073099932;Anna;\"x\"",
            "85073099932,Anna",
            "85073099932\tAnna",
            "\"85073099932\";\"Anna\"",
            "\"85.07.30-999.32\",Anna",
            "85.07.30-999.32",
            "85.07.30-999.32 ; Anna",
            "85/07/30 999 32",
            "850730-999-32",
            "850730 99932",
            "85 07 30 999 32 # Anna",
        ] {
            assert_eq!(InputLine::parse(line, Position::Top), anna, "{line:?}");
        }
    }

    #[test]
    fn separators_stand_between_the_groups_only() {
        for text in
            ["8.5073099932", "85073099932.", ".85073099932", "85..07.30-999.32", "85073099-932", "85_07_30_999_32"]
        {
            assert_eq!(parse_ssin(text), Err(SsinError::Form), "{text}");
        }
        assert_eq!(parse_ssin("85.07.30-999.33"), Err(SsinError::CheckDigits));
    }

    #[test]
    fn blank_lines_comments_and_headers_are_no_persons() {
        for line in ["", " \t", "# Anna", ";;;", "\"\";\"\"", " , ,"] {
            assert_eq!(InputLine::parse(line, Position::Top), InputLine::Blank, "{line:?}");
        }
        for line in ["ssin;name", "\"INSZ\",\"naam\"", "NISS", "Numéro national\tnom", "sep=;"] {
            assert_eq!(InputLine::parse(line, Position::Top), InputLine::Header, "{line:?}");
        }
        assert!(matches!(InputLine::parse("ssin;name", Position::Below), InputLine::Invalid(_)));
        assert_eq!(invalid(";Anna"), "");
    }

    #[test]
    fn invalid_text_is_short_and_harmless() {
        for (line, text) in [
            ("Anna", "Anna"),
            ("85073099932 Anna", "85073099932 Anna"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\"=1;2,3\"", "'=1_2_3"),
            ("\"unclosed", "_unclosed"),
            ("a\u{1b}[2Jb\u{0}", "a_[2Jb_"),
            ("a\u{202e}b\u{200b}", "a_b_"),
        ] {
            assert_eq!(invalid(line), text, "{line:?}");
        }
        assert_eq!(invalid(&"é".repeat(1_000)).chars().count(), 64);
        assert_eq!(invalid(&format!("={}", "9".repeat(1_000))).chars().count(), 64);
    }
}
