//! SigningErrors of signers, one for each cause that `signature check` names.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA512};
use aws_lc_rs::signature::{RSA_PKCS1_SHA512, RSA_PSS_SHA256};

use super::signer::{
    Keys, base64, change, change_tag, compact, declarations, digest_again, hash, hex, inclusive, indent, is_ec, part,
    replace_values, sha256, sign_again, sign_body, sign_body_as, tag, value_again,
};

/// Makes the error with a message that is signed without white space; `None`: the error does not exist for it.
type Make = fn(&Keys, &str) -> Option<String>;

/// A error.
pub struct SigningError {
    /// What is done.
    pub name: &'static str,
    /// The check that finds it.
    pub check: &'static str,
    /// The cause that must be named.
    pub cause: &'static str,
    pub make: Make,
}

const fn digest(name: &'static str, cause: &'static str, make: Make) -> SigningError {
    SigningError { name, check: "digests", cause, make }
}

const fn signature(name: &'static str, cause: &'static str, make: Make) -> SigningError {
    SigningError { name, check: "signature", cause, make }
}

/// All errors that need no second key.
pub const SIGNING_ERRORS: [SigningError; 39] = [
    digest("pretty-printed after signing", "space-added", |_, text| {
        Some(change(text, "Body", |body| indent(body, "  ", 1)))
    }),
    digest("indentation removed after signing", "space-removed", |keys, text| {
        let indented = change(text, "Body", |body| indent(body, "\t", 1));
        Some(change(&sign_again(keys, &indented), "Body", compact))
    }),
    digest("carriage returns signed", "line-ends", |keys, text| {
        let text = with_line(keys, text);
        Some(sign_body(keys, &text, part(&text, "Body").replace('\n', "&#xD;\n")))
    }),
    digest("CR LF hashed", "line-ends", |keys, text| {
        let text = with_line(keys, text);
        Some(sign_body(keys, &text, part(&text, "Body").replace('\n', "\r\n")))
    }),
    digest("blanks at the end of a text", "trailing-space", |_, text| {
        Some(text.replacen("PHYSICIAN</", "PHYSICIAN  </", 1))
    }),
    digest("inclusive C14N", "inclusive-c14n", |keys, text| {
        let text = with_unused(text);
        Some(sign_body(keys, &text, inclusive(&part(&text, "Body"), &in_scope(&text, &["Envelope", "Body"]))))
    }),
    digest("inclusive C14N, then pretty-printed", "inclusive-c14n", |keys, text| {
        let text = with_unused(text);
        let octets = inclusive(&part(&text, "Body"), &in_scope(&text, &["Envelope", "Body"]));
        Some(sign_body(keys, &change(&text, "Body", |body| indent(body, "  ", 0)), octets))
    }),
    digest("C14N with comments", "comments-kept", |keys, text| {
        let text = text.replacen("<criteria", "<!-- c --><criteria", 1);
        Some(sign_body(keys, &text, part(&text, "Body").replacen("<criteria", "<!-- c --><criteria", 1)))
    }),
    digest("prefix list not applied", "prefix-list", |keys, text| {
        let text = with_prefix_list(&with_unused(text));
        let octets = part(&text, "Body");
        assert!(octets.contains(UNUSED), "{octets}");
        Some(sign_body(keys, &text, octets.replace(UNUSED, "")))
    }),
    digest("prefix list of SignedInfo applied", "prefix-list", |keys, text| {
        let text = change_tag(&with_unused(text), "Envelope", |tag| format!("{tag} xmlns:zy=\"urn:zy\""));
        let text = with_info_list(&text);
        Some(sign_body(keys, &text, inclusive(&part(&text, "Body"), &[UNUSED.trim_start().to_owned()])))
    }),
    digest("element hashed outside of its document", "detached-element", |keys, text| {
        let text = with_unused(text);
        let text = change_tag(&text, "Body", |tag| format!("{tag} xmlns:zy=\"urn:zy\""));
        Some(sign_body(keys, &text, inclusive(&part(&text, "Body"), &["xmlns:zy=\"urn:zy\"".to_owned()])))
    }),
    digest("declarations moved into the body's content", "moved-declarations", |keys, text| {
        let octets = part(text, "Body");
        let inner = tag(&octets, "consultAttributesRequest");
        let declared = declarations(&inner).into_iter().find(|declaration| declaration.starts_with("xmlns:"))?;
        let octets = octets.replace(&format!(" {declared}"), "");
        Some(sign_body(keys, text, inclusive(&octets, &[declared])))
    }),
    digest("id set after the digest", "id-added-later", |keys, text| {
        let octets = change_tag(&part(text, "Body"), "Body", |tag| {
            let (name, _) = tag.split_once(' ').expect("attributes");
            let prefix = name.trim_start_matches('<').split(':').next().expect("a prefix").to_owned();
            let own =
                declarations(tag).into_iter().find(|one| one.starts_with(&format!("xmlns:{prefix}="))).expect("it");
            format!("{name} {own}")
        });
        Some(sign_body(keys, text, octets))
    }),
    digest("UTF-16LE hashed", "text-encoding", |keys, text| {
        let octets: Vec<u8> = part(text, "Body").encode_utf16().flat_map(u16::to_le_bytes).collect();
        Some(sign_body(keys, text, octets))
    }),
    digest("UTF-16BE hashed", "text-encoding", |keys, text| {
        let octets: Vec<u8> = part(text, "Body").encode_utf16().flat_map(u16::to_be_bytes).collect();
        Some(sign_body(keys, text, octets))
    }),
    digest("content of the body hashed", "content-only", |keys, text| {
        let octets = part(text, "Body");
        let (_, inside) = octets.split_once('>').expect("a start tag");
        let (inside, _) = inside.rsplit_once("</").expect("an end tag");
        Some(sign_body(keys, text, inside))
    }),
    digest("bytes of the file hashed", "not-canonical", |keys, text| {
        let text = change_tag(text, "Body", |tag| format!("{tag} zz='1'"));
        let written = std::cell::RefCell::new(String::new());
        change(&text, "Body", |body| {
            body.clone_into(&mut written.borrow_mut());
            body.to_owned()
        });
        Some(sign_body(keys, &text, written.into_inner()))
    }),
    digest("digests of Body and Timestamp exchanged", "other-reference", |keys, text| {
        let value = |name: &str| base64(&sha256(part(text, name).as_bytes()));
        let (body, timestamp) = (value("Body"), value("Timestamp"));
        let exchanged = digest_again(text, |name| match name.split(' ').next() {
            Some("Body") => Some(timestamp.clone()),
            Some("Timestamp") => Some(body.clone()),
            _ => None,
        });
        Some(value_again(&exchanged, |info| base64(&keys.sign(&exchanged, info.as_bytes()))))
    }),
    digest("SHA-1 computed", "other-digest-method", |keys, text| {
        let value = hash(&SHA1_FOR_LEGACY_USE_ONLY, part(text, "Body").as_bytes());
        Some(sign_body_as(keys, text, &base64(&value)))
    }),
    digest("SHA-512 computed", "other-digest-method", |keys, text| {
        let value = hash(&SHA512, part(text, "Body").as_bytes());
        Some(sign_body_as(keys, text, &base64(&value)))
    }),
    digest("digest in hexadecimal", "digest-encoding", |keys, text| {
        Some(sign_body_as(keys, text, &hex(&sha256(part(text, "Body").as_bytes()))))
    }),
    digest("base64 of the hexadecimal digest", "digest-encoding", |keys, text| {
        Some(sign_body_as(keys, text, &base64(hex(&sha256(part(text, "Body").as_bytes())).as_bytes())))
    }),
    digest("nothing hashed", "empty-input", |keys, text| Some(sign_body(keys, text, ""))),
    digest("text changed", "changed-content", |_, text| {
        Some(text.replacen("ADVISORY_PHYSICIAN</", "ADVISORY_PHYSICIANS</", 1))
    }),
    signature("ECDSA in DER", "der-value", |keys, text| {
        let text = Some(text).filter(|text| is_ec(text))?;
        Some(value_again(text, |info| base64(&keys.sign_der(info.as_bytes()))))
    }),
    signature("SHA-512 signed", "other-hash", |keys, text| {
        let text = Some(text).filter(|text| !is_ec(text))?;
        Some(value_again(text, |info| base64(&keys.sign_rsa(&RSA_PKCS1_SHA512, info.as_bytes()))))
    }),
    signature("PSS", "padding", |keys, text| {
        let text = Some(text).filter(|text| !is_ec(text))?;
        Some(value_again(text, |info| base64(&keys.sign_rsa(&RSA_PSS_SHA256, info.as_bytes()))))
    }),
    signature("PKCS #1 v1.5 under the name of PSS", "padding", |keys, text| {
        let text = Some(text).filter(|text| !is_ec(text))?;
        let text = text.replace("2001/04/xmldsig-more#rsa-sha256", "2007/05/xmldsig-more#sha256-rsa-MGF1");
        Some(sign_again(keys, &text))
    }),
    signature("digest of SignedInfo signed", "digest-signed", |keys, text| {
        Some(value_again(text, |info| base64(&keys.sign(text, &sha256(info.as_bytes())))))
    }),
    signature("hexadecimal digest of SignedInfo signed", "digest-signed", |keys, text| {
        Some(value_again(text, |info| base64(&keys.sign(text, hex(&sha256(info.as_bytes())).as_bytes()))))
    }),
    signature("base64 of the digest of SignedInfo signed", "digest-signed", |keys, text| {
        Some(value_again(text, |info| base64(&keys.sign(text, base64(&sha256(info.as_bytes())).as_bytes()))))
    }),
    signature("signed with empty digests", "digests-replaced", |keys, text| {
        Some(value_again(text, |info| {
            let empty = replace_values(info, "DigestValue", |_| String::new());
            base64(&keys.sign(text, empty.as_bytes()))
        }))
    }),
    signature("signature in hexadecimal", "value-encoding", |keys, text| {
        Some(value_again(text, |info| hex(&keys.sign(text, info.as_bytes()))))
    }),
    signature("signature with its bytes reversed", "value-encoding", |keys, text| {
        Some(value_again(text, |info| {
            let mut value = keys.sign(text, info.as_bytes());
            value.reverse();
            base64(&value)
        }))
    }),
    signature("SignedInfo pretty-printed after signing", "space-added", |_, text| {
        Some(change(text, "SignedInfo", |info| indent(info, "  ", 0)))
    }),
    signature("SignedInfo by inclusive C14N", "inclusive-c14n", |keys, text| {
        let text = with_unused(text);
        let scope = in_scope(&text, &["Envelope", "Header", "Security", "Signature"]);
        Some(value_again(&text, |info| base64(&keys.sign(&text, inclusive(info, &scope).as_bytes()))))
    }),
    signature("bytes of SignedInfo in the file signed", "not-canonical", |keys, text| {
        let text = change_tag(text, "SignedInfo", |tag| format!("{tag} Id='zz'"));
        let text = digest_again(&text, |_| None);
        let written = std::cell::RefCell::new(String::new());
        change(&text, "SignedInfo", |info| {
            info.clone_into(&mut written.borrow_mut());
            info.to_owned()
        });
        let written = written.into_inner();
        Some(value_again(&text, |_| base64(&keys.sign(&text, written.as_bytes()))))
    }),
    signature("SignedInfo changed, RSA", "changed-signed-info", |keys, text| {
        let text = Some(text).filter(|text| !is_ec(text))?;
        Some(value_again(text, |_| base64(&keys.sign(text, b"something else"))))
    }),
    signature("SignedInfo changed, ECDSA", "key-or-signed-info", |keys, text| {
        let text = Some(text).filter(|text| is_ec(text))?;
        Some(value_again(text, |_| base64(&keys.sign(text, b"something else"))))
    }),
];

/// A declaration that no name uses.
const UNUSED: &str = " xmlns:zz=\"urn:zz\"";

/// `CanonicalizationMethod`, from its local name to the end of its attribute.
const ALGORITHM: &str = "CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"";

/// A list with the unused prefix.
const LIST: &str = "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"zz\"/>";

/// The message without white space in what is signed.
pub fn plain(keys: &Keys, text: &str) -> String {
    let text = change(text, "Body", compact);
    sign_again(keys, &change(&text, "SignedInfo", compact))
}

/// The message with a line end in its body, signed.
fn with_line(keys: &Keys, text: &str) -> String {
    sign_again(keys, &text.replacen("<criteria", "\n<criteria", 1))
}

/// The message with an unused declaration on its envelope.
fn with_unused(text: &str) -> String {
    change_tag(text, "Envelope", |tag| format!("{tag}{UNUSED}"))
}

/// The declarations of these elements.
fn in_scope(text: &str, names: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for declaration in names.iter().flat_map(|name| declarations(&tag(text, name))) {
        let prefix = |declaration: &str| declaration.split('=').next().unwrap_or_default().to_owned();
        found.retain(|outer| prefix(outer) != prefix(&declaration));
        found.push(declaration);
    }
    found
}

/// The message with the unused prefix in the list of `CanonicalizationMethod`.
fn with_info_list(text: &str) -> String {
    let (before, after) = text.split_once(ALGORITHM).expect("it");
    if let Some((between, rest)) = after.split_once("PrefixList=\"").filter(|(between, _)| between.len() < 100) {
        return format!("{before}{ALGORITHM}{between}PrefixList=\"zz {rest}");
    }
    let prefix = before.rsplit('<').next().expect("a tag");
    let rest = after.trim_start().strip_prefix("/>").expect("an empty element");
    format!("{before}{ALGORITHM}>{LIST}</{prefix}CanonicalizationMethod>{rest}")
}

/// The message with the unused prefix in the list of the body's reference.
fn with_prefix_list(text: &str) -> String {
    let id = tag(text, "Body").split("Id=\"").nth(1).expect("an id").split('"').next().expect("its end").to_owned();
    let at = text.find(&format!("\"#{id}\"")).expect("the reference");
    let (before, after) = text.split_at(at);
    let algorithm = "Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"";
    let (between, rest) = after.split_once(algorithm).expect("the transform");
    let prefix = between.rsplit('<').next().expect("a tag");
    let rest = rest.trim_start().strip_prefix("/>").expect("an empty element");
    format!("{before}{between}{algorithm}>{LIST}</{prefix}Transform>{rest}")
}
