//! Reads `ds:Signature` (XML Signature 1.1, section 4), in the form of the profile.

use super::algorithms::{DigestMethod, ENVELOPED_SIGNATURE, EXCLUSIVE_C14N, SignatureMethod};
use super::block::{Places, REFERENCES, Reference, SIGNATURE_BYTES};
use super::elements::{ReadError, X509_V3, attribute, base64, is, next_child, once, required, unexpected};
use super::prefix_list::PrefixList;
use super::problem::{Problem, SignatureError};
use crate::reader::Reader;
use crate::well_known::WellKnown;

/// Size of the longest digest.
const DIGEST_BYTES: usize = 64;

/// A `ds:Signature`.
pub(super) struct SignaturePart {
    pub(super) method: SignatureMethod,
    pub(super) value: Vec<u8>,
    pub(super) prefixes: PrefixList,
    pub(super) references: Vec<Reference>,
    /// Id of the token that holds the key.
    pub(super) key_id: String,
    pub(super) refused_algorithm: Option<Box<Problem>>,
}

/// The first algorithm outside the profile. Reading goes on: structure is checked first.
#[derive(Default)]
struct Algorithms {
    refused: Option<Box<Problem>>,
}

impl Algorithms {
    fn refuse(&mut self, reader: &Reader<'_>, error: SignatureError, expected: &'static str, found: &str) {
        if self.refused.is_none() {
            let found = if found.is_empty() { "none" } else { found };
            self.refused = Some(Problem::here(reader, error, expected, found));
        }
    }
}

/// Reads the signature that was opened.
pub(super) fn read_signature(reader: &mut Reader<'_>, places: &mut Places) -> Result<SignaturePart, ReadError> {
    let mut algorithms = Algorithms::default();
    let (mut info, mut value, mut key) = (None, None, None);
    while next_child(reader)?.is_some() {
        if is(reader, WellKnown::Signature, "SignedInfo") {
            places.signed_info = reader.position();
            let read = read_signed_info(reader, &mut algorithms)?;
            once(reader, &mut info, read)?;
        } else if is(reader, WellKnown::Signature, "SignatureValue") {
            let read = base64(reader, SIGNATURE_BYTES, "a signature in base64", SignatureError::Value)?;
            once(reader, &mut value, read)?;
        } else if is(reader, WellKnown::Signature, "KeyInfo") {
            let read = read_key_info(reader)?;
            once(reader, &mut key, read)?;
        } else {
            return Err(unexpected(reader, "ds:SignedInfo, ds:SignatureValue, ds:KeyInfo"));
        }
    }
    let SignedInfo { method, prefixes, references } = required(reader, info, "ds:SignedInfo")?;
    let value = required(reader, value, "ds:SignatureValue")?;
    let key_id = required(reader, key, "ds:KeyInfo")?;
    Ok(SignaturePart { method, value, prefixes, references, key_id, refused_algorithm: algorithms.refused })
}

struct SignedInfo {
    method: SignatureMethod,
    prefixes: PrefixList,
    references: Vec<Reference>,
}

fn read_signed_info(reader: &mut Reader<'_>, algorithms: &mut Algorithms) -> Result<SignedInfo, ReadError> {
    let (mut prefixes, mut method) = (None, None);
    let mut references: Vec<Reference> = Vec::new();
    while next_child(reader)?.is_some() {
        if is(reader, WellKnown::Signature, "CanonicalizationMethod") {
            if attribute(reader, "Algorithm") != EXCLUSIVE_C14N {
                let found = attribute(reader, "Algorithm");
                algorithms.refuse(reader, SignatureError::CanonicalizationMethod, EXCLUSIVE_C14N, found);
            }
            let read = read_prefixes(reader, algorithms)?;
            once(reader, &mut prefixes, read)?;
        } else if is(reader, WellKnown::Signature, "SignatureMethod") {
            let read = read_method(reader, algorithms)?;
            once(reader, &mut method, read)?;
        } else if is(reader, WellKnown::Signature, "Reference") {
            let read = read_reference(reader, algorithms)?;
            if references.len() >= REFERENCES || references.iter().any(|other| other.id == read.id) {
                let expected = "at most 16 references, each to another element";
                return Err(Problem::here(reader, SignatureError::References, expected, read.id).into());
            }
            references.push(read);
        } else {
            return Err(unexpected(reader, "ds:CanonicalizationMethod, ds:SignatureMethod, ds:Reference"));
        }
    }
    let prefixes = required(reader, prefixes, "ds:CanonicalizationMethod")?;
    let method = required(reader, method, "ds:SignatureMethod")?;
    if references.is_empty() {
        return Err(
            Problem::here(reader, SignatureError::References, "references to Body and Timestamp", "none").into()
        );
    }
    Ok(SignedInfo { method, prefixes, references })
}

fn read_method(reader: &mut Reader<'_>, algorithms: &mut Algorithms) -> Result<SignatureMethod, ReadError> {
    let uri = attribute(reader, "Algorithm");
    let method = SignatureMethod::parse(uri);
    if method.is_none() {
        let expected = "rsa-sha256, rsa-sha384, rsa-sha512, sha256-rsa-MGF1, sha384-rsa-MGF1, sha512-rsa-MGF1, \
                        ecdsa-sha256 or ecdsa-sha384";
        algorithms.refuse(reader, SignatureError::SignatureMethod, expected, uri);
    }
    // Parameters belong to algorithms that are refused.
    let refused = method.is_none();
    while next_child(reader)?.is_some() {
        if !refused {
            return Err(unexpected(reader, "no child"));
        }
        reader.skip_rest()?;
    }
    Ok(method.unwrap_or(SignatureMethod::RsaSha256))
}

/// Reads the children of a canonicalisation: at most one `InclusiveNamespaces`.
fn read_prefixes(reader: &mut Reader<'_>, algorithms: &mut Algorithms) -> Result<PrefixList, ReadError> {
    let mut prefixes = None;
    while next_child(reader)?.is_some() {
        if reader.uri() != EXCLUSIVE_C14N || !reader.written_name().ends_with("InclusiveNamespaces") {
            // A refused algorithm may have parameters.
            if algorithms.refused.is_some() {
                reader.skip_rest()?;
                continue;
            }
            return Err(unexpected(reader, "ec:InclusiveNamespaces"));
        }
        let written = attribute(reader, "PrefixList");
        let list = PrefixList::parse(written).unwrap_or_else(|error| {
            algorithms.refuse(reader, SignatureError::PrefixList, "at most 16 prefixes", &error.to_string());
            PrefixList::default()
        });
        if next_child(reader)?.is_some() {
            return Err(unexpected(reader, "no child"));
        }
        once(reader, &mut prefixes, list)?;
    }
    Ok(prefixes.unwrap_or_default())
}

fn read_reference(reader: &mut Reader<'_>, algorithms: &mut Algorithms) -> Result<Reference, ReadError> {
    let uri = attribute(reader, "URI");
    let id = match uri.strip_prefix('#') {
        // `#xpointer(...)` is no id.
        Some(id) if !id.is_empty() && !id.contains(['(', '#']) => id.to_owned(),
        Some(_) | None => {
            let expected = "URI of # and the id of an element of this message";
            let found = if uri.is_empty() { "none".to_owned() } else { format!("'{uri}'") };
            return Err(Problem::here(reader, SignatureError::ReferenceUri, expected, found).into());
        }
    };
    let (mut prefixes, mut method, mut digest) = (None, None, None);
    while next_child(reader)?.is_some() {
        if is(reader, WellKnown::Signature, "Transforms") {
            let read = read_transforms(reader, algorithms)?;
            once(reader, &mut prefixes, read)?;
        } else if is(reader, WellKnown::Signature, "DigestMethod") {
            let read = DigestMethod::parse(attribute(reader, "Algorithm"));
            if read.is_none() {
                let expected = "xmlenc#sha256, xmldsig-more#sha384 or xmlenc#sha512";
                algorithms.refuse(reader, SignatureError::DigestMethod, expected, attribute(reader, "Algorithm"));
            }
            if next_child(reader)?.is_some() {
                return Err(unexpected(reader, "no child"));
            }
            once(reader, &mut method, read.unwrap_or(DigestMethod::Sha256))?;
        } else if is(reader, WellKnown::Signature, "DigestValue") {
            let read = base64(reader, DIGEST_BYTES, "a digest in base64", SignatureError::Value)?;
            once(reader, &mut digest, read)?;
        } else {
            return Err(unexpected(reader, "ds:Transforms, ds:DigestMethod, ds:DigestValue"));
        }
    }
    if prefixes.is_none() {
        // Without a transform, canonicalisation is inclusive (XML Signature 1.1, section 4.4.3.2).
        algorithms.refuse(reader, SignatureError::Transform, EXCLUSIVE_C14N, "no Transforms");
    }
    let method = required(reader, method, "ds:DigestMethod")?;
    let digest = required(reader, digest, "ds:DigestValue")?;
    Ok(Reference { id, prefixes: prefixes.unwrap_or_default(), method, digest })
}

/// Reads the transforms: exclusive C14N; before it may stand `enveloped-signature`.
fn read_transforms(reader: &mut Reader<'_>, algorithms: &mut Algorithms) -> Result<PrefixList, ReadError> {
    const EXPECTED: &str = "the transform http://www.w3.org/2001/10/xml-exc-c14n#, alone or after enveloped-signature";
    let mut found = Vec::new();
    let mut prefixes = PrefixList::default();
    while next_child(reader)?.is_some() {
        if !is(reader, WellKnown::Signature, "Transform") {
            return Err(unexpected(reader, "ds:Transform"));
        }
        let uri = attribute(reader, "Algorithm");
        match (uri, found.len()) {
            (EXCLUSIVE_C14N, 0) | (EXCLUSIVE_C14N, 1) if !found.contains(&EXCLUSIVE_C14N) => {
                found.push(EXCLUSIVE_C14N);
                prefixes = read_prefixes(reader, algorithms)?;
            }
            (ENVELOPED_SIGNATURE, 0) => {
                found.push(ENVELOPED_SIGNATURE);
                if next_child(reader)?.is_some() {
                    return Err(unexpected(reader, "no child"));
                }
            }
            (uri, _) => {
                algorithms.refuse(reader, SignatureError::Transform, EXPECTED, uri);
                reader.skip_rest()?;
            }
        }
    }
    if found.last() != Some(&EXCLUSIVE_C14N) {
        algorithms.refuse(reader, SignatureError::Transform, EXPECTED, found.last().copied().unwrap_or_default());
    }
    Ok(prefixes)
}

/// Reads `KeyInfo`: one `SecurityTokenReference` with one direct reference. Returns the id.
fn read_key_info(reader: &mut Reader<'_>) -> Result<String, ReadError> {
    const EXPECTED: &str = "wsse:SecurityTokenReference with a wsse:Reference to the wsse:BinarySecurityToken";
    let mut key = None;
    while next_child(reader)?.is_some() {
        if !is(reader, WellKnown::Security, "SecurityTokenReference") {
            return Err(Problem::here(reader, SignatureError::KeyReference, EXPECTED, reader.written_name()).into());
        }
        while next_child(reader)?.is_some() {
            if !is(reader, WellKnown::Security, "Reference") {
                return Err(Problem::here(reader, SignatureError::KeyReference, EXPECTED, reader.written_name()).into());
            }
            let (uri, value_type) = (attribute(reader, "URI"), attribute(reader, "ValueType"));
            let id = uri.strip_prefix('#').unwrap_or_default().to_owned();
            if id.is_empty() || !(value_type.is_empty() || value_type == X509_V3) {
                let found = format!("URI '{uri}', ValueType '{value_type}'");
                return Err(Problem::here(reader, SignatureError::KeyReference, EXPECTED, found).into());
            }
            if next_child(reader)?.is_some() {
                return Err(unexpected(reader, "no child"));
            }
            once(reader, &mut key, id)?;
        }
    }
    key.ok_or_else(|| Problem::here(reader, SignatureError::KeyReference, EXPECTED, "none").into())
}
