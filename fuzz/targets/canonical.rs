//! Exclusive canonical forms: of any element of any document that the reader accepts, the form is
//! well-formed, its own canonical form, and that of bergshamra.
//!
//! The length of the document chooses the element and the list of prefixes. libxml2 is compared in
//! `tests/it/canonical_forms.rs`.

#![no_main]

#[path = "../references/bergshamra.rs"]
mod bergshamra;

use libfuzzer_sys::fuzz_target;
use soap::MessageError;
use soap::reader::{Document, Reader, Token};
use soap::signature::{CANONICAL_WORK, CanonicalizationError, Canonicalizer, PrefixList};

const LISTS: [&str; 5] = ["", "#default", "xsi xsd", "p #default q", "xml soap p"];

/// Elements of a document that are chosen from.
const ELEMENTS: usize = 8;

fuzz_target!(|document: &[u8]| {
    let choice = document.len();
    let prefixes = LISTS[choice / ELEMENTS % LISTS.len()];
    let list = PrefixList::parse(prefixes).expect("prefixes");
    let Ok(form) = canonical(document, choice % ELEMENTS, &list) else { return };
    assert!(form.len() <= CANONICAL_WORK, "{} octets", form.len());
    let prefixes: Vec<_> = prefixes.split_ascii_whitespace().collect();
    let other = bergshamra::canonical(document, choice % ELEMENTS, &prefixes);
    let other = other.as_deref().map(String::from_utf8_lossy);
    assert_eq!(other, Ok(String::from_utf8_lossy(&form)), "{}", String::from_utf8_lossy(document));
    match canonical(&form, 0, &list) {
        Ok(again) => assert_eq!(again, form, "{}", String::from_utf8_lossy(&form)),
        // A form may be longer than its document, or have more declarations.
        Err(CanonicalizationError::Document(bad)) => {
            assert_ne!(bad.reason().error(), MessageError::Malformed, "{}", String::from_utf8_lossy(&form));
        }
        Err(CanonicalizationError::Length) => {}
        Err(CanonicalizationError::RelativeNamespace) => panic!("{}", String::from_utf8_lossy(&form)),
    }
});

/// Canonical form of one element of a document, by its position. The document is read to its end.
fn canonical(document: &[u8], element: usize, list: &PrefixList) -> Result<Vec<u8>, CanonicalizationError> {
    let document = Document::from_bytes(document, None)?;
    let (mut reader, mut opened, mut octets) = (Reader::new(&document), 0, Vec::new());
    loop {
        match reader.next_token()? {
            Token::Open(_) if opened == element => break,
            Token::Open(_) => opened += 1,
            Token::Text(_) | Token::Close => {}
            Token::End => return Err(CanonicalizationError::Length),
        }
    }
    Canonicalizer::new().canonicalize(&mut reader, list, &mut |piece| octets.extend_from_slice(piece))?;
    while reader.next_token()? != Token::End {}
    Ok(octets)
}
