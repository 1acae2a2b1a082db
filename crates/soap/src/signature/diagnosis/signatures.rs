//! Finds why a signature does not verify.

use aws_lc_rs::digest::{Algorithm, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cause::{Cause, Explanation};
use super::digests::{ALGORITHMS, lists_of, prefixes, reencoded};
use super::form::{Declarations, Form};
use super::recovered::{Recovered, hash_of, recover};
use super::schemes::{Fit, TrialKey};
use super::tree::{ElementIndex, Tree};
use super::variants::{Budget, PrefixLists, find};
use crate::signature::block::SecurityBlock;

/// A signature that does not verify.
pub(super) struct Subject<'s> {
    pub(super) tree: &'s Tree<'s>,
    pub(super) block: &'s SecurityBlock,
    pub(super) signed_info: ElementIndex,
    /// Its canonical octets.
    pub(super) octets: &'s [u8],
    /// The computed digests of the references, in base64.
    pub(super) digests: Vec<Option<String>>,
}

/// Explains a signature that does not verify with the key of the token.
pub(super) fn explain(
    subject: &Subject<'_>,
    public_key: &[u8],
    others: &[(String, Vec<u8>)],
    budget: &mut Budget,
) -> Explanation {
    let key = &TrialKey::parse(public_key);
    of_scheme(subject, key)
        .or_else(|| of_value(subject, key))
        .or_else(|| of_other_key(subject, others))
        .or_else(|| of_digest(subject, key))
        .or_else(|| of_replaced_digests(subject, key, budget))
        .or_else(|| {
            let Subject { tree, block, signed_info, .. } = subject;
            let lists = PrefixLists::of(tree, *signed_info, prefixes(&block.prefixes), lists_of(block));
            find(tree, *signed_info, &lists, budget, &mut |octets| key.verifies(block, octets, &block.value))
        })
        .unwrap_or_else(|| of_padding(subject, public_key))
}

/// What the padding of an RSA signature shows: whether the key is right, and which hash was signed.
fn of_padding(subject: &Subject<'_>, public_key: &[u8]) -> Explanation {
    let Subject { block, octets, .. } = subject;
    match recover(public_key, &block.value) {
        Some(Recovered::Pkcs1(content)) => {
            let is_bare = |(_, algorithm): &(&str, &'static Algorithm)| digest(algorithm, octets).as_ref() == content;
            if let Some((name, _)) = ALGORITHMS.iter().find(|one| is_bare(one)) {
                return Explanation::new(Cause::DigestSigned, format!("{name}, padded without its DigestInfo"));
            }
            let detail = match hash_of(&content) {
                Some(hash) => format!("the hash that was signed is {}", STANDARD.encode(hash)),
                None => "what was signed is no DigestInfo".to_owned(),
            };
            Explanation::new(Cause::ChangedSignedInfo, detail)
        }
        Some(Recovered::Unknown) => Explanation::new(Cause::OtherKey, "none of the certificates that were tried fits"),
        Some(Recovered::PerhapsPss) | None => Explanation::new(Cause::KeyOrSignedInfo, ""),
    }
}

/// The right octets and key, by another algorithm or with a value in DER.
fn of_scheme(subject: &Subject<'_>, key: &TrialKey) -> Option<Explanation> {
    let Subject { block, octets, .. } = subject;
    let Fit { scheme, is_der } = key.find(octets, &block.value)?;
    let detail = format!("the signature is {}", scheme.name);
    let by_scheme = if !scheme.has_padding_of(block.method) {
        Some(Cause::Padding)
    } else if !scheme.has_hash_of(block.method) {
        Some(Cause::OtherHash)
    } else {
        None
    };
    match (by_scheme, is_der) {
        (Some(cause), is_der) => {
            Some(Explanation { also: is_der.then_some(Cause::DerValue), ..Explanation::new(cause, detail) })
        }
        (None, true) => Some(Explanation::new(Cause::DerValue, "")),
        (None, false) => None,
    }
}

/// The right octets and key, with the value in another encoding.
fn of_value(subject: &Subject<'_>, key: &TrialKey) -> Option<Explanation> {
    let Subject { block, octets, .. } = subject;
    let mut reversed = block.value.clone();
    reversed.reverse();
    let mut readings = vec![("least significant byte first", reversed)];
    readings.extend(reencoded(&block.value));
    let found = readings.into_iter().find(|(_, value)| key.find(octets, value).is_some());
    found.map(|(detail, _)| Explanation::new(Cause::ValueEncoding, detail))
}

fn of_other_key(subject: &Subject<'_>, others: &[(String, Vec<u8>)]) -> Option<Explanation> {
    let Subject { block, octets, .. } = subject;
    let verifies = |(_, key): &&(String, Vec<u8>)| TrialKey::parse(key).find(octets, &block.value).is_some();
    let (name, _) = others.iter().find(verifies)?;
    Some(Explanation::new(Cause::OtherKey, format!("the key of {name} fits")))
}

/// Whether the digest of `SignedInfo` was signed.
fn of_digest(subject: &Subject<'_>, key: &TrialKey) -> Option<Explanation> {
    let Subject { block, octets, .. } = subject;
    for (name, algorithm) in ALGORITHMS {
        let bytes = digest(algorithm, octets);
        let hex: String = bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let upper = hex.to_uppercase();
        let base64 = STANDARD.encode(bytes.as_ref());
        let forms: [(&[u8], &str); 4] = [
            (bytes.as_ref(), "its bytes"),
            (hex.as_bytes(), "hexadecimal"),
            (upper.as_bytes(), "hexadecimal"),
            (base64.as_bytes(), "base64"),
        ];
        let found = forms.into_iter().find(|(message, _)| key.verifies(block, message, &block.value));
        if let Some((_, form)) = found {
            return Some(Explanation::new(Cause::DigestSigned, format!("{name}, {form}")));
        }
    }
    None
}

/// Whether `SignedInfo` was signed with other digests: those of the elements as they are, or none.
fn of_replaced_digests(subject: &Subject<'_>, key: &TrialKey, budget: &mut Budget) -> Option<Explanation> {
    let Subject { tree, block, signed_info, digests, .. } = subject;
    let end = tree.element(*signed_info)?.end_tag.1;
    let inside = tree.elements.iter().enumerate().skip(*signed_info);
    let is_digest = |name: &str| name.rsplit(':').next() == Some("DigestValue");
    let values: Vec<_> = inside
        .take_while(|(_, element)| element.start_tag.0 < end)
        .filter(|(_, element)| is_digest(&element.name))
        .map(|(index, _)| index)
        .collect();
    let computed = || values.iter().copied().zip(digests.iter().map(|digest| digest.clone().unwrap_or_default()));
    let zero = STANDARD.encode(vec![0; block.method.digest().algorithm().output_len()]);
    let replaced = [
        (computed().collect::<Vec<_>>(), "the digests of the elements as they are"),
        (values.iter().map(|index| (*index, String::new())).collect(), "empty digest values"),
        (values.iter().map(|index| (*index, zero.clone())).collect(), "zeros"),
    ];
    let declarations = Declarations::Exclusive(prefixes(&block.prefixes));
    for (texts, detail) in replaced {
        let form = Form { declarations: declarations.clone(), texts, ..Form::default() };
        let octets = budget.write(tree, *signed_info, &form)?;
        if key.verifies(block, &octets, &block.value) {
            return Some(Explanation::new(Cause::DigestsReplaced, format!("signed were {detail}")));
        }
    }
    None
}
