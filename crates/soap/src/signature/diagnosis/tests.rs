//! The forms of an element, compared with the canonicaliser that verifies.

use super::form::{Declarations, Form, write};
use super::tree::Tree;
use crate::reader::{Document, Reader, Token};
use crate::signature::{Canonicalizer, PrefixList};

const DOCUMENTS: [&str; 6] = [
    "<a xmlns='urn:a' xmlns:p='urn:p'><b xmlns='' p:c='1' a='&#10;\"'>x &amp;&lt;&gt;<!-- c -->\r\ny<d/></b></a>",
    "<p:a xmlns:p='urn:p' xmlns:q='urn:q'><p:b xmlns:p='urn:o'><p:c xmlns:p='urn:p' q:z='' y='' p:x=''/></p:b></p:a>",
    "<a><b xmlns='urn:b'><c xmlns=''><d xmlns='urn:b'/></c></b></a>",
    "<a xmlns:x='urn:x' xmlns:y='urn:y'><b xmlns:x='urn:x'><y:c xmlns:y='urn:y'>\t<![CDATA[<&]]></y:c></b></a>",
    "<a xml:lang='nl'><b xml:space='preserve'> </b></a>",
    "<a xmlns:x='urn:x'><x:b><x:c xmlns:x='urn:y'><x:d xmlns:x='urn:x'/></x:c></x:b></a>",
];

/// The canonical form of every element by the canonicaliser.
fn canonical(document: &Document<'_>, list: &str) -> Vec<Vec<u8>> {
    let list = PrefixList::parse(list).expect("a list");
    let mut reader = Reader::new(document);
    let mut forms = Vec::new();
    let mut position = 0;
    loop {
        match reader.next_token().expect("well-formed") {
            Token::End => return forms,
            Token::Open(_) => {
                let mut inner = Reader::new(document);
                let mut opened = 0;
                while opened <= position {
                    if matches!(inner.next_token().expect("well-formed"), Token::Open(_)) {
                        opened += 1;
                    }
                }
                let mut octets = Vec::new();
                let mut sink = |piece: &[u8]| octets.extend_from_slice(piece);
                Canonicalizer::new().canonicalize(&mut inner, &list, &mut sink).expect("canonical");
                forms.push(octets);
                position += 1;
            }
            Token::Text(_) | Token::Close => {}
        }
    }
}

#[test]
fn the_first_form_is_that_of_the_canonicalizer() {
    for text in DOCUMENTS {
        let document = Document::from_bytes(text.as_bytes(), None).expect("a document");
        let tree = Tree::read(&document).expect("well-formed");
        for list in ["", "p", "x y", "#default p"] {
            let names = list.split_whitespace().map(|name| name.replace("#default", "")).collect();
            let form = Form { declarations: Declarations::Exclusive(names), ..Form::default() };
            for (index, expected) in canonical(&document, list).into_iter().enumerate() {
                let written = write(&tree, index, &form).expect("short");
                assert_eq!(String::from_utf8(written), String::from_utf8(expected), "{text} {list} {index}");
            }
        }
    }
}
