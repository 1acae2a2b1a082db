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

/// Examines a message whose certificate is not read.
fn examine_alone(bytes: &[u8]) -> Option<super::Report> {
    let skipped = || super::Outcome::NotChecked(String::new());
    let service = |_: &crate::signature::SecurityBlock| super::ServiceChecks {
        certificate: skipped(),
        signer: skipped(),
        replay: skipped(),
        public_key: None,
    };
    let now = ehealth_core::model::Timestamp::parse_zoned("2026-01-15T09:30:00Z").expect("a time");
    let context = super::Context {
        now,
        rule: crate::signature::TimeRule::default(),
        service: &service,
        public_key: &|_| None,
        other_keys: &[],
    };
    super::examine(bytes, None, crate::signature::MessageKind::Request, &context).ok()
}

#[test]
fn a_changed_message_never_stops_the_examination() {
    let text = include_str!("../../../../../fixtures/signed/clients/dotnet-inclusive-prefixes.xml");
    let mut examined = 0;
    for at in (0..text.len()).step_by(53).filter(|at| text.is_char_boundary(*at)) {
        for inserted in ["<", "\"", " ", "x", "&#13;", "<a/>", "<!-- c -->", " xmlns:a='urn:a'"] {
            let changed = format!("{}{inserted}{}", &text[..at], &text[at..]);
            examined += usize::from(examine_alone(changed.as_bytes()).is_some());
        }
    }
    assert!(examined > 200, "{examined}");
}

/// Exclusive C14N repeats a declaration in each sibling that uses it.
#[test]
fn long_namespaces_cost_no_more_than_the_budget() {
    let text = include_str!("../../../../../fixtures/signed/clients/php-rsa.xml");
    let uri = format!("urn:{}", "u".repeat(60_000));
    let (before, after) = text.split_once("<criteria").expect("it");
    let (prefix, siblings) = (format!("<soap:Envelope xmlns:l=\"{uri}\""), "<l:a/>".repeat(900));
    let long = format!("{before}{siblings}<criteria{after}").replacen("<soap:Envelope", &prefix, 1);
    let began = std::time::Instant::now();
    let report = examine_alone(long.as_bytes()).expect("well-formed");
    assert!(report.wrong().any(|check| check == crate::signature::Check::Digests), "{report}");
    assert!(began.elapsed().as_secs() < 30, "{} s", began.elapsed().as_secs());
}
