//! Writes random documents and the canonical form of one element of each, to compare it with that of
//! other implementations (`tests/it/support/canonicalise.py`).
//!
//! `cargo run -p soap --example canonical_documents -- 10000 1` writes 10 000 lines from seed 1: index
//! of the element, prefixes, document, canonical form; documents and forms in hexadecimal digits.

mod documents;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write as _};

use documents::{Random, Sample};
use soap::reader::{Document, Reader, Token};
use soap::signature::{CanonicalizationError, Canonicalizer, PrefixList};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().unwrap_or_default().parse()?;
    let mut random = Random::new(arguments.next().unwrap_or_default().parse()?);
    let mut out = BufWriter::new(io::stdout().lock());
    for _ in 0..count {
        let sample = Sample::new(&mut random);
        let canonical = canonical(&sample).map_or_else(|_| "refused".to_owned(), |octets| hex(&octets));
        writeln!(out, "{}\t{}\t{}\t{canonical}", sample.element, sample.prefixes, hex(&sample.document))?;
    }
    Ok(out.flush()?)
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("into a string");
        digits
    })
}
