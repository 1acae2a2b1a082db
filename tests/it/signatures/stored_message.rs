//! The message from which the stored attacks are made.

use std::fs;

use ehealth_core::model::Timestamp;
use soap::signature::{MessageKind, SigningOptions, sign};

use super::harness::{fixtures, identity, message};
use crate::support::service::{NOW, question};

/// `WRITE_FIXTURES=1` signs it again: its ids are random.
#[test]
fn the_stored_message_is_signed_by_the_library() {
    let plain = question("0999010126", "BACKTOWORK:ADVISORY_PHYSICIAN", "85073099932", "");
    let created = Timestamp::parse(NOW).expect("a time");
    let options = SigningOptions {
        kind: MessageKind::Request,
        created,
        expires: created.plus_millis(300_000),
        confirmations: &[],
    };
    let signed = sign(plain.as_bytes(), &identity("rsa"), options).expect("signed");
    let file = fixtures().join("base.xml");
    if std::env::var_os("WRITE_FIXTURES").is_some() && !file.exists() {
        fs::write(&file, &signed.message).expect("written");
    }
    assert_eq!(message("base.xml").len(), signed.message.len());
    let kinds: Vec<_> =
        signed.steps.iter().map(|step| step.target.map_or("SignedInfo", |target| target.name())).collect();
    assert_eq!(kinds, ["BinarySecurityToken", "Timestamp", "Body", "SignedInfo"]);
}
