//! Finds why a digest differs.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA224, SHA256, SHA384, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cause::{Cause, Explanation};
use super::form::{Declarations, Form};
use super::tree::{ElementIndex, Tree};
use super::variants::{Budget, PrefixLists, find};
use crate::signature::block::{Reference, SecurityBlock};
use crate::signature::prefix_list::PrefixList;

/// Digest algorithms that signers use.
pub(super) const ALGORITHMS: [(&str, &Algorithm); 5] = [
    ("SHA-1", &SHA1_FOR_LEGACY_USE_ONLY),
    ("SHA-224", &SHA224),
    ("SHA-256", &SHA256),
    ("SHA-384", &SHA384),
    ("SHA-512", &SHA512),
];

/// The prefixes of a list.
pub(super) fn prefixes(list: &PrefixList) -> Vec<String> {
    list.prefixes().map(str::to_owned).collect()
}

/// The lists of the other parts of the signature.
pub(super) fn lists_of(block: &SecurityBlock) -> Vec<(String, Vec<String>)> {
    let mut named = vec![("the list of CanonicalizationMethod".to_owned(), prefixes(&block.prefixes))];
    let of_references = block.references.iter();
    named.extend(of_references.map(|other| (format!("the list of '{}'", other.id), prefixes(&other.prefixes))));
    named
}

/// Explains a digest that differs. `hashed` is the element that the service hashed.
pub(super) fn explain(
    tree: &Tree<'_>,
    block: &SecurityBlock,
    reference: &Reference,
    hashed: Option<ElementIndex>,
    budget: &mut Budget,
) -> Explanation {
    let value = reference.digest.as_slice();
    let is_empty = |(_, algorithm): &(&str, &'static Algorithm)| digest(algorithm, b"").as_ref() == value;
    if let Some((name, _)) = ALGORITHMS.iter().find(|one| is_empty(one)) {
        return Explanation::new(Cause::EmptyInput, *name);
    }
    let own = prefixes(&reference.prefixes);
    let form = Form { declarations: Declarations::Exclusive(own.clone()), ..Form::default() };
    let of_element = hashed.and_then(|index| {
        let octets = budget.write(tree, index, &form)?;
        explain_value(&octets, value, reference.method.algorithm()).or_else(|| {
            let lists = PrefixLists::of(tree, index, own.clone(), lists_of(block));
            let algorithm = algorithm_of(value, reference.method.algorithm());
            find(tree, index, &lists, budget, &mut |octets| digest(algorithm, octets).as_ref() == value)
        })
    });
    of_element
        .or_else(|| of_other_element(tree, block, reference, hashed, budget))
        .unwrap_or_else(|| Explanation::new(Cause::ChangedContent, ""))
}

/// The algorithm by the length of its value; the named one for other lengths.
fn algorithm_of(value: &[u8], named: &'static Algorithm) -> &'static Algorithm {
    if named.output_len() == value.len() {
        return named;
    }
    ALGORITHMS.into_iter().find(|(_, other)| other.output_len() == value.len()).map_or(named, |(_, other)| other)
}

/// Explains the digest of the right octets: another algorithm, another encoding.
fn explain_value(octets: &[u8], value: &[u8], named: &'static Algorithm) -> Option<Explanation> {
    for (name, algorithm) in ALGORITHMS {
        let computed = digest(algorithm, octets);
        if computed.as_ref() == value {
            return Some(Explanation::new(Cause::OtherDigestMethod, format!("the digest is {name}")));
        }
        let encoded = reencoded(value).into_iter().find(|(_, value)| value == computed.as_ref());
        if let Some((encoding, _)) = encoded {
            let also = (algorithm != named).then_some(Cause::OtherDigestMethod);
            return Some(Explanation { also, ..Explanation::new(Cause::DigestEncoding, encoding) });
        }
    }
    None
}

/// Readings of a value that was encoded in another way.
pub(super) fn reencoded(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let written = STANDARD.encode(value);
    let inner = std::str::from_utf8(value).unwrap_or_default();
    let readings = [
        ("hexadecimal", decode_hex(&written)),
        ("base64 of its hexadecimal form", decode_hex(inner)),
        ("base64 of its base64", STANDARD.decode(inner).ok()),
    ];
    readings.into_iter().filter_map(|(name, bytes)| Some((name, bytes.filter(|bytes| !bytes.is_empty())?))).collect()
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}

/// Whether the digest is that of another element: one with the same id, or any other with an id.
fn of_other_element(
    tree: &Tree<'_>,
    block: &SecurityBlock,
    reference: &Reference,
    hashed: Option<ElementIndex>,
    budget: &mut Budget,
) -> Option<Explanation> {
    let value = reference.digest.as_slice();
    let algorithm = algorithm_of(value, reference.method.algorithm());
    let same: Vec<_> = tree.with_id(&reference.id).collect();
    let with_id = tree.elements.iter().enumerate().filter(|(_, element)| !element.ids.is_empty());
    let others = with_id.map(|(index, _)| index).filter(|index| !same.contains(index));
    let mut lists = vec![prefixes(&reference.prefixes), Vec::new()];
    lists.extend(block.references.iter().map(|other| prefixes(&other.prefixes)));
    for index in same.iter().copied().chain(others).filter(|index| Some(*index) != hashed) {
        for list in &lists {
            let form = Form { declarations: Declarations::Exclusive(list.clone()), ..Form::default() };
            if budget.write(tree, index, &form).is_some_and(|octets| digest(algorithm, &octets).as_ref() == value) {
                let cause = if same.contains(&index) { Cause::SameId } else { Cause::OtherReference };
                let element = tree.element(index)?;
                return Some(Explanation::new(cause, format!("line {}, {}", element.line, element.path)));
            }
        }
    }
    None
}
