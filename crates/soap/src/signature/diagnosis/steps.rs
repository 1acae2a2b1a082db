//! The steps of signing as text, to compare another signer with this one.

use std::fmt::Write as _;

use aws_lc_rs::digest::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::signature::algorithms::{DigestMethod, EXCLUSIVE_C14N, SignatureMethod};
use crate::signature::block::Target;
use crate::signature::sign::{SignedMessage, SigningStep};

/// Describes how a message was signed: the canonical octets of each part, and what was made of them.
/// The text has the content of the message.
#[must_use]
pub fn describe_steps(signed: &SignedMessage, method: SignatureMethod) -> String {
    let digest_method = DigestMethod::Sha256;
    let mut text = String::new();
    for SigningStep { target, octets } in &signed.steps {
        let name = target.map_or("SignedInfo", Target::name);
        let canonical = String::from_utf8_lossy(octets);
        let result = match target {
            Some(_) => {
                let value = STANDARD.encode(digest(digest_method.algorithm(), octets).as_ref());
                format!("DigestValue by {}:\n{value}", digest_method.code())
            }
            None => format!("SignatureValue by {}:\n{}", method.code(), STANDARD.encode(&signed.value)),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "--- {name}: {} octets by {EXCLUSIVE_C14N}\n{canonical}\n{result}\n", octets.len());
    }
    text
}
