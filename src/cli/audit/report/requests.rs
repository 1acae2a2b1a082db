//! The file of `--batch`: many requests, each a line of CSV. No message contains anything of a line but its
//! number: a line has an SSIN, in whichever column.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::cli::audit::inputs::{Failure, failed};
use ehealth_core::model::{Language, Ssin};
use letter::Addressed;

/// Most requests of a file.
pub(super) const MAX_REQUESTS: usize = 10_000;
/// Largest file.
const MAX_BYTES: u64 = 16 << 20;
/// Most lines of an addressee, and characters in each.
const MAX_ADDRESSEE: (usize, usize) = (10, 200);
/// Longest reference.
const MAX_REFERENCE: usize = 64;

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    pub ssin: Ssin,
    pub addressed: Addressed,
    /// Name of the file, without its end.
    pub stem: String,
}

/// A line of the file: a request, or what is wrong with it.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1, with the header.
    pub number: u64,
    pub request: Result<Request, String>,
}

/// Reads the file; `-` is standard input. An error of a line is in its place.
pub(super) fn read_requests(file: &Path) -> Result<Vec<Line>, Failure> {
    let mut bytes = Vec::new();
    let mut read = |from: &mut dyn Read| from.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    let read = if file == Path::new("-") {
        read(&mut io::stdin().lock())
    } else {
        File::open(file).and_then(|mut open| read(&mut open))
    };
    read.map_err(|error| failed(format_args!("--batch: {}: {error}", file.display())))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(failed(format_args!("--batch: larger than {} MiB; split the file", MAX_BYTES >> 20)));
    }
    parse(&bytes).map_err(|error| failed(format_args!("--batch: {error}")))
}

fn parse(bytes: &[u8]) -> Result<Vec<Line>, String> {
    let bytes = text_file::without_mark(bytes).ok_or("the file is UTF-16; save it as UTF-8")?;
    let delimiter = if bytes.iter().take_while(|byte| **byte != b'\n').any(|byte| *byte == b';') { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).trim(csv::Trim::All).from_reader(&*bytes);
    let header = reader.headers().map_err(|_| "line 1: the header is not UTF-8")?.clone();
    if header.iter().take(3).ne(["ssin", "language", "reference"]) {
        return Err("line 1: the header must begin with ssin,language,reference".to_owned());
    }
    let (mut lines, mut stems) = (Vec::new(), BTreeSet::new());
    for record in reader.byte_records() {
        if lines.len() == MAX_REQUESTS {
            return Err(format!("more than {MAX_REQUESTS} requests; split the file"));
        }
        let Ok(record) = record else { return Err("the file cannot be read as CSV".to_owned()) };
        let number = record.position().map_or(0, csv::Position::line);
        let request = parse_record(&record).and_then(|request| {
            let is_new = stems.insert(request.stem.to_ascii_lowercase());
            if is_new { Ok(request) } else { Err("the reference names the same file as an earlier line".to_owned()) }
        });
        lines.push(Line { number, request });
    }
    Ok(lines)
}

fn parse_record(record: &csv::ByteRecord) -> Result<Request, String> {
    let fields: Vec<&str> =
        record.iter().map(std::str::from_utf8).collect::<Result<_, _>>().map_err(|_| "not UTF-8")?;
    let [ssin, language, reference, addressee @ ..] = fields.as_slice() else {
        return Err("fewer than 3 columns".to_owned());
    };
    let ssin = Ssin::parse(ssin).map_err(|error| format!("column ssin: {error}"))?;
    let language = Language::parse(language).ok_or("column language: expected one of nl, fr, de, en")?;
    let stem = stem(reference).map_err(|error| format!("column reference: {error}"))?;
    let addressee: Vec<String> =
        addressee.iter().filter(|line| !line.is_empty()).map(|line| (*line).to_owned()).collect();
    let (most, longest) = MAX_ADDRESSEE;
    if addressee.len() > most || addressee.iter().any(|line| line.chars().count() > longest) {
        return Err(format!("the addressee has more than {most} lines, or one of more than {longest} characters"));
    }
    let reference = Some((*reference).to_owned());
    Ok(Request { ssin, addressed: Addressed { language, reference, addressee }, stem })
}

/// Name of the file of a reference. `/` and blanks become `-`; nothing else changes, so that two references
/// rarely share a name.
fn stem(reference: &str) -> Result<String, String> {
    if reference.is_empty() || reference.len() > MAX_REFERENCE {
        return Err(format!("must have 1 to {MAX_REFERENCE} characters"));
    }
    let stem: String = reference.chars().map(|one| if matches!(one, '/' | ' ') { '-' } else { one }).collect();
    let is_known = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '_' | '-');
    if !stem.chars().all(is_known) {
        return Err("may have letters from A to Z, digits, '.', '_', '-', '/' and blanks".to_owned());
    }
    if !stem.starts_with(|first: char| first.is_ascii_alphanumeric()) || stem.contains("..") {
        return Err("must begin with a letter or a digit, and have no '..'".to_owned());
    }
    if has_ssin(&stem) {
        return Err("contains an SSIN, which must not be in the name of a file".to_owned());
    }
    Ok(stem)
}

/// Whether 11 digits, with or without signs between them, are an SSIN.
fn has_ssin(text: &str) -> bool {
    let digits: String = text.chars().filter(|one| !matches!(one, '.' | '_' | '-')).collect();
    digits.as_bytes().windows(11).any(|window| std::str::from_utf8(window).is_ok_and(|text| Ssin::parse(text).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_gives_a_safe_name() {
        assert_eq!(stem("2026/42"), Ok("2026-42".to_owned()));
        assert_eq!(stem("GDPR 2026_042.b"), Ok("GDPR-2026_042.b".to_owned()));
        let long = "x".repeat(65);
        let bad = ["", "../../etc/passwd", "a/../b", ".hidden", "-rf", "a\0b", "a\nb", "é", "a\\b", "a:b", "~", &long];
        for reference in bad {
            assert!(stem(reference).is_err(), "{reference:?}");
        }
        for reference in ["85073099932", "85.07.30-999.32", "R-85073099932-x"] {
            assert!(stem(reference).is_err_and(|error| error.contains("SSIN")), "{reference}");
        }
    }

    #[test]
    fn an_error_of_a_line_says_nothing_of_it_and_stops_no_other() {
        let text = "ssin;language;reference;name;street\n85073099932;fr;R1;Jan;\"Rue ; 1\"\n85073099933;fr;R2\n85073099932;xx;R3\n\
                    fr;85073099932;R4\n85073099932;nl;r1\n85073099932\n85073099932;nl;R7\n";
        let lines = parse(text.as_bytes()).expect("a file");
        let shown: Vec<String> = lines
            .iter()
            .map(|Line { number, request }| match request {
                Ok(request) => format!("{number} {} {:?}", request.stem, request.addressed.addressee),
                Err(error) => format!("{number} {error}"),
            })
            .collect();
        assert_eq!(shown[0], "2 R1 [\"Jan\", \"Rue ; 1\"]");
        assert!(shown[1].starts_with("3 column ssin: ") && shown[3].starts_with("5 column ssin: "), "{shown:?}");
        assert_eq!(shown[2], "4 column language: expected one of nl, fr, de, en");
        assert_eq!(shown[4], "6 the reference names the same file as an earlier line");
        assert_eq!(shown[5], "7 fewer than 3 columns");
        assert_eq!(shown[6], "8 R7 []");
        assert!(!shown.concat().contains("85073"), "{shown:?}");
    }

    #[test]
    fn a_file_without_its_header_or_with_too_many_lines_is_refused() {
        assert!(parse(b"85073099932,fr,R1\n").is_err_and(|error| !error.contains("85073")));
        let many = format!("ssin,language,reference\n{}", "1,nl,R\n".repeat(1_000_000));
        assert_eq!(parse(many.as_bytes()).expect_err("too many"), "more than 10000 requests; split the file");
    }
}
