//! The bounded XML reader against expat: what ours reads, expat reads the same; what ours finds malformed, so does expat.
//!
//! Where the reader refuses on other grounds than XML (instructions, encodings, versions, bounds) nothing is compared.

#![no_main]

#[path = "../judges/expat.rs"]
mod expat;

use soap::names::Namespace;
use soap::reader::{Document, Name, Reader, Space, Token};
use soap::{BadMessage, MessageError, limits};
use libfuzzer_sys::fuzz_target;

/// What was read, with prefixes, comments and the order of attributes forgotten.
#[derive(Debug, Default, PartialEq, Eq)]
struct Spelling(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Open(String, String, Vec<(String, String, String)>),
    Text(String),
    Close,
}

impl Spelling {
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

/// The reader tells foreign namespaces from none, and not from each other.
fn known(space: &str) -> String {
    let is_told = space.is_empty() || Namespace::ALL.into_iter().any(|known| known.uri() == space);
    if is_told { space.to_owned() } else { "*".to_owned() }
}

fn space<'a>(name: Name<'a>) -> &'a str {
    match name.space {
        Space::Unqualified => "",
        Space::Known(namespace) => namespace.uri(),
        Space::Foreign => "*",
    }
}

fn read(bytes: &[u8]) -> Result<Spelling, BadMessage> {
    let document = Document::from_bytes(bytes, None)?;
    let mut reader = Reader::new(&document);
    let mut spelling = Spelling::default();
    loop {
        match reader.next_token()? {
            Token::Open(name) => {
                let attributes = reader.attributes().iter();
                let attributes = attributes.map(|a| (space(a.name), a.name.local, a.value.as_ref()));
                spelling.open(space(name), name.local, attributes.collect());
            }
            Token::Text(text) => spelling.text(&text),
            Token::Close => spelling.close(),
            Token::End => return Ok(spelling),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > limits::DOCUMENT_BYTES {
        return;
    }
    match read(bytes) {
        Ok(ours) => assert_eq!(Some(ours), expat::read(bytes)),
        Err(bad) if bad.error() == MessageError::Malformed => assert_eq!(None, expat::read(bytes), "{bad:?}"),
        Err(_) => {}
    }
});
