//! Our XML reader against expat: both read the same, and what ours finds malformed, expat does as
//! well.
//!
//! If our reader refuses for a reason other than well-formedness (processing instructions,
//! encodings, versions, limits), nothing is compared.

#![no_main]

#[path = "../references/expat.rs"]
mod expat;

use ehealth_core::explained::Explained;
use soap::names::Namespace;
use soap::reader::{Document, Name, Reader, Space, Token};
use soap::{BadMessage, MessageError, limits};
use libfuzzer_sys::fuzz_target;

/// Content of a document without prefixes, comments and the order of attributes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Content(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Open(String, String, Vec<(String, String, String)>),
    Text(String),
    Close,
}

impl Content {
    fn open(&mut self, space: &str, local: &str, attributes: Vec<(&str, &str, &str)>) {
        let owned = |(space, local, value): (&str, &str, &str)| (known(space), local.to_owned(), value.to_owned());
        let mut attributes: Vec<_> = attributes.into_iter().map(owned).collect();
        attributes.sort();
        self.0.push(Piece::Open(known(space), local.to_owned(), attributes));
    }

    fn text(&mut self, more: &str) {
        match self.0.last_mut() {
            Some(Piece::Text(text)) => text.push_str(more),
            _ if more.is_empty() => {}
            _ => self.0.push(Piece::Text(more.to_owned())),
        }
    }

    fn close(&mut self) {
        self.0.push(Piece::Close);
    }
}

/// The reader distinguishes foreign namespaces from none, but not from each other.
fn known(space: &str) -> String {
    let is_kept = space.is_empty() || Namespace::ALL.into_iter().any(|known| known.uri() == space);
    if is_kept { space.to_owned() } else { "*".to_owned() }
}

fn space<'a>(name: Name<'a>) -> &'a str {
    match name.space {
        Space::Unqualified => "",
        Space::Known(namespace) => namespace.uri(),
        Space::Foreign => "*",
    }
}

fn read(bytes: &[u8]) -> Result<Content, Explained<BadMessage>> {
    let document = Document::from_bytes(bytes, None)?;
    let mut reader = Reader::new(&document);
    let mut content = Content::default();
    loop {
        match reader.next_token()? {
            Token::Open(name) => {
                let attributes = reader.attributes().iter();
                let attributes = attributes.map(|a| (space(a.name), a.name.local, a.value.as_ref()));
                content.open(space(name), name.local, attributes.collect());
            }
            Token::Text(text) => content.text(&text),
            Token::Close => content.close(),
            Token::End => return Ok(content),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > limits::DOCUMENT_BYTES {
        return;
    }
    match read(bytes) {
        Ok(ours) => assert_eq!(Some(ours), expat::read(bytes)),
        Err(bad) if bad.reason().error() == MessageError::Malformed => assert_eq!(None, expat::read(bytes), "{bad:?}"),
        Err(_) => {}
    }
});
