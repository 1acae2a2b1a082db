//! Exclusive canonical forms of random documents, compared with those of libxml2 and of bergshamra.
//!
//! The documents have everything that a canonical form changes. `CANONICAL_DOCUMENTS` is their number.

#[path = "../../fuzz/references/bergshamra.rs"]
mod bergshamra;
mod documents;
mod vectors;

use std::fmt::Write as _;
use std::fs;

use soap::reader::{Document, Reader, Token};
use soap::signature::{CanonicalizationError, Canonicalizer, PrefixList};

use self::documents::Sample;
use crate::support::environment::{number, say};
use crate::support::python::Python;
use crate::support::random::Random;

/// Documents, without `CANONICAL_DOCUMENTS`.
const DOCUMENTS: u64 = 10_000;

#[test]
fn canonical_forms_of_random_documents_are_those_of_bergshamra() {
    let mut random = Random::new(21);
    let (mut octets, mut refused, documents) = (0, 0, number("CANONICAL_DOCUMENTS", DOCUMENTS));
    for number in 0..documents {
        let sample = Sample::new(&mut random);
        // What our reader refuses is compared with libxml2.
        let Ok(form) = canonical(&sample) else {
            refused += 1;
            continue;
        };
        let text = String::from_utf8_lossy(&sample.document);
        let other = bergshamra::canonical(&sample.document, sample.element, &prefixes_of(&sample));
        assert_eq!(other.map(|other| hex(&other)), Ok(hex(&form)), "document {number}: {text}");
        octets += form.len();
    }
    assert!(refused < documents / 10, "{refused} refused");
    say(&format!("{documents} documents: {octets} canonical octets, {refused} refused: as bergshamra"));
}

/// Prefixes of the sample's list.
fn prefixes_of(sample: &Sample) -> Vec<&str> {
    sample.prefixes.split_ascii_whitespace().collect()
}

#[test]
fn canonical_forms_of_random_documents_are_those_of_libxml2() {
    let Some(python) = Python::find() else { return };
    let mut random = Random::new(21);
    let samples: Vec<_> = (0..number("CANONICAL_DOCUMENTS", DOCUMENTS)).map(|_| Sample::new(&mut random)).collect();
    let lines: String = samples.iter().fold(String::new(), |mut lines, sample| {
        let Sample { document, element, prefixes } = sample;
        writeln!(lines, "{element}\t{prefixes}\t{}", hex(document)).expect("into a string");
        lines
    });
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("documents");
    fs::write(&file, lines).expect("written");
    let expected = python.run("canonicalise.py", [&file]).expect("libxml2 reads every document");
    let expected: Vec<_> = expected.lines().collect();
    assert_eq!(expected.len(), samples.len());
    let (mut octets, mut listed, mut refused) = (0, 0, 0);
    for (number, (sample, expected)) in samples.iter().zip(expected).enumerate() {
        let form = canonical(sample).map(|form| hex(&form));
        let text = String::from_utf8_lossy(&sample.document);
        assert_eq!(form.as_deref().unwrap_or("refused"), expected, "document {number}: {text}");
        octets += form.as_ref().map_or(0, String::len) / 2;
        listed += usize::from(!sample.prefixes.is_empty());
        refused += usize::from(form.is_err());
    }
    // A few have "]]>" in a text.
    assert!(refused < samples.len() / 10, "{refused} refused");
    assert!(listed > samples.len() / 4, "only {listed} with a list of prefixes");
    let documents = samples.len();
    say(&format!(
        "{documents} documents: {octets} canonical octets, {listed} with prefixes, {refused} refused: as libxml2"
    ));
}

/// Canonical form of the sample's element.
fn canonical(sample: &Sample) -> Result<Vec<u8>, CanonicalizationError> {
    let document = Document::from_bytes(&sample.document, None)?;
    let list = PrefixList::parse(&sample.prefixes).expect("prefixes");
    let (mut reader, mut opened, mut octets) = (Reader::new(&document), 0, Vec::new());
    loop {
        match reader.next_token()? {
            Token::Open(_) if opened == sample.element => break,
            Token::Open(_) => opened += 1,
            Token::Text(_) | Token::Close => {}
            Token::End => panic!("the document has fewer elements"),
        }
    }
    Canonicalizer::new().canonicalize(&mut reader, &list, &mut |piece| octets.extend_from_slice(piece))?;
    while reader.next_token()? != Token::End {}
    Ok(octets)
}

/// The bytes in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("into a string");
        digits
    })
}
