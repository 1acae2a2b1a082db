//! Makes messages that a right signer would not make: edits of one signed message, signed again where
//! an attacker is taken to have the key.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use soap::reader::{Document, Reader, Token};
use soap::signature::{Canonicalizer, PrefixList};

use super::harness::{fixtures, message};

/// The message that is edited: signed by `soap::signature::sign` with the RSA key of the fund.
pub fn base() -> String {
    String::from_utf8(message("base.xml")).expect("UTF-8")
}

/// The text between two texts, without them.
pub fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("no {begin}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end}")).0
}

/// The message with one text replaced, which it must have.
pub fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "no {old}");
    text.replacen(old, new, 1)
}

/// The whole element of this name as written, from `<name` to `</name>`.
pub fn element<'t>(text: &'t str, name: &str) -> &'t str {
    let begin = text.find(&format!("<{name}")).unwrap_or_else(|| panic!("no {name}"));
    let close = format!("</{name}>");
    let length = text[begin..].find(&close).unwrap_or_else(|| panic!("no end of {name}")) + close.len();
    &text[begin..begin + length]
}

/// Canonical octets of the first element for which `is` holds, of its local name and its ids.
fn canonical(text: &str, is: impl Fn(&str, &[&str]) -> bool) -> Vec<u8> {
    let document = Document::from_bytes(text.as_bytes(), None).expect("characters");
    let mut reader = Reader::new(&document);
    loop {
        let found = match reader.next_token().expect("well-formed") {
            Token::Open(name) => {
                let ids = reader.attributes().iter().filter(|attribute| attribute.name.local == "Id");
                is(name.local, &ids.map(|id| &*id.value).collect::<Vec<_>>())
            }
            Token::End => panic!("no such element"),
            Token::Text(_) | Token::Close => false,
        };
        if found {
            let mut octets = Vec::new();
            let mut sink = |piece: &[u8]| octets.extend_from_slice(piece);
            Canonicalizer::new().canonicalize(&mut reader, &PrefixList::default(), &mut sink).expect("a form");
            return octets;
        }
    }
}

/// The same message, with the right digest of the element with this id.
pub fn redigested(text: &str, id: &str) -> String {
    let octets = canonical(text, |_, ids| ids.contains(&id));
    let value = STANDARD.encode(digest(&SHA256, &octets));
    let (before, reference) = text.split_once(&format!("URI=\"#{id}\">")).expect("a reference");
    let old = between(reference, "<ds:DigestValue>", "</ds:DigestValue>");
    format!("{before}URI=\"#{id}\">{}", reference.replacen(old, &value, 1))
}

/// The same message, signed again over its `SignedInfo` with the fund's key.
pub fn resigned(text: &str) -> String {
    let octets = canonical(text, |name, _| name == "SignedInfo");
    let key = PrivateKeyDer::from_pem_file(fixtures().join("fund-rsa.key")).expect("a key");
    let key = RsaKeyPair::from_pkcs8(key.secret_der()).expect("an RSA key");
    let mut value = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &octets, &mut value).expect("signed");
    let old = between(text, "<ds:SignatureValue>", "</ds:SignatureValue>");
    replaced(text, old, &STANDARD.encode(value))
}

/// The id behind `wsu:Id="name-`, without quotes.
pub fn id(text: &str, name: &str) -> String {
    format!("{name}-{}", between(text, &format!("wsu:Id=\"{name}-"), "\""))
}
