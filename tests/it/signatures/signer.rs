//! A signer that makes errors: it changes stored messages of clients and signs them as it is asked.
//!
//! Works on text, not on the forms that the program tries: what is wrong is made by another way than
//! it is found.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use aws_lc_rs::digest::{self, Algorithm};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::Value;

use super::harness::fixtures;
use crate::support::program::PROGRAM;

/// Time of the stored messages.
pub const NOW: &str = "2026-01-15T09:30:00Z";

/// Runs `signature` with the message as standard input.
pub fn run(arguments: &[&str], message: &str) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("signature").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.env_remove("EHEALTH_ATTRIBUTES_LOG").spawn().expect("the program starts");
    // A command that refuses its arguments reads nothing.
    let _ = child.stdin.take().expect("piped").write_all(message.as_bytes());
    child.wait_with_output().expect("the program ends")
}

/// The report of `signature check --json`.
pub fn report(message: &str, more: &[&str]) -> Value {
    let ca = fixtures().join("ca.pem").display().to_string();
    let arguments = [&["check", "-", "--json", "--at", NOW, "--ca", &ca], more].concat();
    let output = run(&arguments, message);
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{error}\n{message}"))
}

/// The canonical octets that the program prints: name and text.
pub fn canonical(message: &str) -> Vec<(String, String)> {
    let report = report(message, &["--canonical"]);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let forms = report["canonical"].as_array().expect("a list").iter();
    forms.map(|form| (text(&form["name"]), text(&form["octets"]))).collect()
}

/// The canonical octets of the first part with this name.
pub fn part(message: &str, name: &str) -> String {
    let found = canonical(message).into_iter().find(|(part, _)| part.starts_with(name));
    found.unwrap_or_else(|| panic!("{name}\n{message}")).1
}

/// The keys of the stored messages.
pub struct Keys {
    rsa: RsaKeyPair,
    ec: Vec<u8>,
}

impl Keys {
    pub fn read() -> Self {
        let read = |name: &str| tls_files::read_private_key(&fixtures().join(name)).expect("a key");
        let (rsa, ec) = (read("fund-rsa.key"), read("fund-ec.key"));
        let rsa = RsaKeyPair::from_pkcs8(rsa.secret_der()).expect("an RSA key");
        Self { rsa, ec: ec.secret_der().to_vec() }
    }

    /// Other keys of the same kinds, each with a certificate.
    pub fn other() -> (Self, String) {
        let rsa = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).expect("a key");
        let ec = rcgen::KeyPair::generate().expect("a key");
        let certificate = |key: &rcgen::KeyPair| {
            let params = rcgen::CertificateParams::new(vec!["other.example.be".to_owned()]).expect("a name");
            params.self_signed(key).expect("a certificate").pem()
        };
        let certificates = certificate(&rsa) + &certificate(&ec);
        let keys =
            Self { rsa: RsaKeyPair::from_pkcs8(&rsa.serialize_der()).expect("an RSA key"), ec: ec.serialize_der() };
        (keys, certificates)
    }

    pub fn sign_rsa(&self, encoding: &'static dyn RsaEncoding, octets: &[u8]) -> Vec<u8> {
        let mut value = vec![0; self.rsa.public_modulus_len()];
        self.rsa.sign(encoding, &SystemRandom::new(), octets, &mut value).expect("a signature");
        value
    }

    fn sign_ec(&self, algorithm: &'static EcdsaSigningAlgorithm, octets: &[u8]) -> Vec<u8> {
        let key = EcdsaKeyPair::from_pkcs8(algorithm, &self.ec)
            .or_else(|_| EcdsaKeyPair::from_private_key_der(algorithm, &self.ec));
        key.expect("an EC key").sign(&SystemRandom::new(), octets).expect("a signature").as_ref().to_vec()
    }

    pub fn sign_der(&self, octets: &[u8]) -> Vec<u8> {
        self.sign_ec(&ECDSA_P256_SHA256_ASN1_SIGNING, octets)
    }

    /// Signs as the message names it: RSA or ECDSA with SHA-256.
    pub fn sign(&self, message: &str, octets: &[u8]) -> Vec<u8> {
        if is_ec(message) {
            self.sign_ec(&ECDSA_P256_SHA256_FIXED_SIGNING, octets)
        } else {
            self.sign_rsa(&RSA_PKCS1_SHA256, octets)
        }
    }
}

pub fn is_ec(message: &str) -> bool {
    message.contains("#ecdsa-sha256")
}

pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().chain([&0, &0]).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for digit in 0..4 {
            let at = bits >> (18 - 6 * digit) & 63;
            text.push(if digit <= chunk.len() { char::from(DIGITS[at as usize]) } else { '=' });
        }
    }
    text
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn hash(algorithm: &'static Algorithm, octets: &[u8]) -> Vec<u8> {
    digest::digest(algorithm, octets).as_ref().to_vec()
}

pub fn sha256(octets: &[u8]) -> Vec<u8> {
    hash(&digest::SHA256, octets)
}

/// Replaces the text of each element with this local name.
pub fn replace_values(message: &str, name: &str, value: impl Fn(usize) -> String) -> String {
    let mut replaced = String::new();
    for (index, piece) in message.split(&format!("{name}>")).enumerate() {
        if index > 0 {
            replaced.push_str(name);
            replaced.push('>');
        }
        if index % 2 == 1 {
            replaced.push_str(&value(index / 2));
            replaced.push_str(&piece[piece.rfind("</").expect("an end tag")..]);
        } else {
            replaced.push_str(piece);
        }
    }
    replaced
}

/// Writes the digest of each reference. `digest` returns other texts than the right ones.
pub fn digest_again(message: &str, digest: impl Fn(&str) -> Option<String>) -> String {
    let parts = canonical(message);
    let value = |index: usize| {
        let (name, octets): &(String, String) = &parts[index];
        digest(name).unwrap_or_else(|| base64(&sha256(octets.as_bytes())))
    };
    replace_values(message, "DigestValue", value)
}

/// Writes the signature. `sign` returns the text of its value from the octets of `SignedInfo`.
pub fn value_again(message: &str, sign: impl Fn(&str) -> String) -> String {
    let info = part(message, "SignedInfo");
    replace_values(message, "SignatureValue", |_| sign(&info))
}

/// Signs the message again, with another text as the digest of its body.
pub fn sign_body_as(keys: &Keys, message: &str, digest: &str) -> String {
    let message = digest_again(message, |name| name.starts_with("Body").then(|| digest.to_owned()));
    value_again(&message, |info| base64(&keys.sign(&message, info.as_bytes())))
}

/// Signs the message again, with the digest of other octets for its body.
pub fn sign_body(keys: &Keys, message: &str, octets: impl AsRef<[u8]>) -> String {
    sign_body_as(keys, message, &base64(&sha256(octets.as_ref())))
}

/// Signs the message again, without a error.
pub fn sign_again(keys: &Keys, message: &str) -> String {
    let message = digest_again(message, |_| None);
    value_again(&message, |info| base64(&keys.sign(&message, info.as_bytes())))
}

/// Replaces the first element with this local name by a changed one.
pub fn change(message: &str, name: &str, change: impl Fn(&str) -> String) -> String {
    let begin = |text: &str| text.find(&format!("{name} ")).or_else(|| text.find(&format!("{name}>")));
    let start = message[..begin(message).expect("the element")].rfind('<').expect("a tag");
    let end = message.rfind(&format!("{name}>")).expect("an end tag") + name.len() + 1;
    format!("{}{}{}", &message[..start], change(&message[start..end]), &message[end..])
}

/// Changes the start tag of the first element with this local name.
pub fn change_tag(message: &str, name: &str, change: impl Fn(&str) -> String) -> String {
    let at = message.find(&format!("{name} ")).or_else(|| message.find(&format!("{name}>"))).expect("the element");
    let start = message[..at].rfind('<').expect("a tag");
    let end = at + message[at..].find('>').expect("its end");
    format!("{}{}{}", &message[..start], change(&message[start..end]), &message[end..])
}

/// The start tag of the first element with this local name, without `>`.
pub fn tag(message: &str, name: &str) -> String {
    let found = std::cell::RefCell::new(String::new());
    change_tag(message, name, |tag| {
        tag.clone_into(&mut found.borrow_mut());
        tag.to_owned()
    });
    found.into_inner()
}

/// Removes white space between tags.
pub fn compact(text: &str) -> String {
    let mut pieces = text.split('>').peekable();
    let mut compacted = String::new();
    while let Some(piece) = pieces.next() {
        compacted.push_str(if piece.trim_start().starts_with('<') { piece.trim_start() } else { piece });
        if pieces.peek().is_some() {
            compacted.push('>');
        }
    }
    compacted
}

/// Puts each element on a line of its own.
pub fn indent(text: &str, unit: &str, base: usize) -> String {
    let (mut depth, mut indented, mut after_end) = (base, String::new(), false);
    for piece in text.split_inclusive('>') {
        let at = piece.find('<').expect("a tag");
        let tag = &piece[at..];
        let is_end = tag.starts_with("</");
        depth -= usize::from(is_end);
        if !indented.is_empty() && (!is_end || after_end) {
            indented.push('\n');
            indented.push_str(&unit.repeat(depth));
        }
        indented.push_str(piece);
        after_end = is_end || tag.ends_with("/>");
        depth += usize::from(!after_end);
    }
    indented
}

/// The namespace declarations of a start tag, as written.
pub fn declarations(tag: &str) -> Vec<String> {
    let attributes = tag.split('"').collect::<Vec<_>>();
    let pairs = attributes.chunks(2).filter(|pair| pair.len() == 2);
    pairs
        .filter(|pair| pair[0].trim_start().starts_with("xmlns") || pair[0].contains(" xmlns"))
        .map(|pair| {
            let name = pair[0].split_whitespace().last().expect("a name");
            format!("{name}\"{}\"", pair[1])
        })
        .collect()
}

/// The inclusive canonical form, made from the exclusive one and the declarations in scope.
pub fn inclusive(exclusive: &str, in_scope: &[String]) -> String {
    let (tag, rest) = exclusive.split_once('>').expect("a start tag");
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let own = declarations(tag);
    let attributes = own.iter().fold(format!(" {attributes}"), |text, one| text.replace(&format!(" {one}"), ""));
    let mut all: Vec<String> = own.into_iter().chain(in_scope.iter().cloned()).collect();
    all.sort_by_key(|declaration| declaration.split('=').next().unwrap_or_default().replace("xmlns", ""));
    all.dedup();
    let rest = all.iter().fold(rest.to_owned(), |rest, declaration| rest.replace(&format!(" {declaration}"), ""));
    let declared: String = all.iter().map(|declaration| format!(" {declaration}")).collect();
    format!("{name}{declared}{}>{rest}", attributes.trim_end())
}
