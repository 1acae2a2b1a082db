//! Compares digests and signature of a message, and explains what differs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cause::{Cause, Explanation};
use super::examine::{Context, Examination};
use super::report::{Fault, Outcome};
use super::tree::{Element, ElementIndex, Node};
use super::{digests, signatures};
use crate::reader::characters::is_space;
use crate::signature::block::{REFERENCES, Reference, Target};
use crate::signature::digests::{Computed, differs};
use crate::signature::key::VerificationKey;
use crate::signature::problem::Problem;

/// Characters of base64 that a certificate has at least.
const CERTIFICATE_CHARS: usize = 300;

impl Examination<'_> {
    /// Compares the digests of the references.
    pub(super) fn digests(&mut self) -> Outcome {
        if self.block.check_algorithms().is_err() {
            return self.foreign_digests();
        }
        let (mut faults, mut facts) = (Vec::new(), Vec::new());
        let (block, computed) = (self.block, self.digests.references.clone());
        for (reference, computed) in block.references.iter().zip(computed) {
            let name = format!("{} '#{}'", computed.target.map_or("element", Target::name), reference.id);
            match computed.digest {
                None => facts.push(format!("{name}: not computed; see position")),
                Some(digest) if digest.as_ref() == reference.digest => {
                    facts.push(format!("{name}: {}", STANDARD.encode(&reference.digest)));
                }
                Some(digest) => {
                    let problem = self.locate_reference(differs(reference, computed.target, &digest), reference);
                    let hashed = self.hashed(reference);
                    let explanation = digests::explain(self.tree, block, reference, hashed, &mut self.budget);
                    faults.push(Fault::explained(problem, explanation));
                }
            }
        }
        if let Some(refused) = self.digests.refused() {
            faults.push(Fault::new(refused.clone()));
        }
        if faults.is_empty() { Outcome::Fine(facts) } else { Outcome::Wrong { faults, facts } }
    }

    /// What the digests show if an algorithm is outside the profile.
    fn foreign_digests(&mut self) -> Outcome {
        let mut reason = "Set the algorithms first.".to_owned();
        let block = self.block;
        for (reference, computed) in block.references.iter().zip(self.digests.references.clone()) {
            let name = format!("{} '#{}'", computed.target.map_or("element", Target::name), reference.id);
            let hashed = self.hashed(reference);
            let is_right = computed.digest.is_some_and(|digest| digest.as_ref() == reference.digest);
            let explanation = digests::explain(self.tree, block, reference, hashed, &mut self.budget);
            let is_otherwise_right = explanation.cause == Cause::OtherDigestMethod && explanation.also.is_none();
            let found = if is_right {
                "the digest is right".to_owned()
            } else if is_otherwise_right {
                format!("otherwise right, {}", explanation.detail)
            } else {
                explanation.sentence()
            };
            reason.push_str(&format!(" {name}: {found}."));
        }
        Outcome::NotChecked(reason)
    }

    /// What the signature shows if an algorithm is outside the profile.
    fn foreign_signature(&mut self, public_key: &[u8], context: &Context<'_>) -> Outcome {
        let block = self.block;
        let key = VerificationKey::parse(block.method, public_key);
        let is_right = key.is_ok_and(|key| self.digests.check_signature(block, &key).is_ok());
        let explanation = self.explain_signature(public_key, context);
        let found = if is_right {
            "The signature is right".to_owned()
        } else if [Cause::OtherHash, Cause::Padding].contains(&explanation.cause) {
            format!("Otherwise right: {}", explanation.detail)
        } else {
            format!("With those of the profile: {}", explanation.sentence())
        };
        Outcome::NotChecked(format!("Set the algorithms first. {found}."))
    }

    /// The element that is hashed for a reference: the last with its id that may be signed.
    fn hashed(&self, reference: &Reference) -> Option<ElementIndex> {
        let may_be_signed = |index: &ElementIndex| {
            let element = self.tree.element(*index);
            element.is_some_and(|element| self.block.places.target(element.start_tag.0).is_some())
        };
        self.tree.with_id(&reference.id).filter(may_be_signed).last()
    }

    /// The problem at the `Reference`.
    fn locate_reference(&self, problem: Problem, reference: &Reference) -> Problem {
        let is_uri = |uri: &str| uri.strip_prefix('#') == Some(&reference.id);
        let mut elements =
            self.tree.elements.iter().filter(|element| element.start_tag.0 > self.block.places.signed_info);
        let found = elements.find(|element| {
            element.attributes.iter().any(|attribute| attribute.local == "URI" && is_uri(&attribute.value))
        });
        match found {
            Some(element) => problem.at(element.line, element.path.clone()),
            None => problem,
        }
    }

    /// Verifies the signature.
    pub(super) fn signature(&mut self, public_key: Option<&[u8]>, context: &Context<'_>) -> Outcome {
        let block = self.block;
        let Some(public_key) = public_key else {
            return Outcome::NotChecked("Send a certificate in the token: its key verifies the signature.".to_owned());
        };
        if block.check_algorithms().is_err() {
            return self.foreign_signature(public_key, context);
        }
        let key = match VerificationKey::parse(block.method, public_key) {
            Ok(key) => key,
            Err(problem) => return Outcome::wrong(self.locate(*problem, block.places.token)),
        };
        let Err(problem) = self.digests.check_signature(block, &key) else {
            return Outcome::Fine(vec![format!("{} bytes, by the key of the token", block.value.len())]);
        };
        let problem = self.locate(*problem, block.places.signed_info);
        let explanation = self.explain_signature(public_key, context);
        Outcome::Wrong { faults: vec![Fault::explained(problem, explanation)], facts: Vec::new() }
    }

    fn explain_signature(&mut self, public_key: &[u8], context: &Context<'_>) -> Explanation {
        let mut others = context.other_keys.to_vec();
        others.extend(self.keys_in_message(context));
        let signed_info = self.tree.at_position(self.block.places.signed_info);
        let (Some(signed_info), Some(octets)) = (signed_info, self.octets.last()) else {
            return Explanation::new(Cause::KeyOrSignedInfo, "");
        };
        let encode = |computed: &Computed| computed.digest.map(|digest| STANDARD.encode(digest.as_ref()));
        let digests = self.digests.references.iter().map(encode).collect();
        let subject = signatures::Subject { tree: self.tree, block: self.block, signed_info, octets, digests };
        signatures::explain(&subject, public_key, &others, &mut self.budget)
    }

    /// The keys of other certificates in the message.
    fn keys_in_message(&self, context: &Context<'_>) -> Vec<(String, Vec<u8>)> {
        let key = |element: &Element| {
            let [Node::Text(text)] = element.children.as_slice() else { return None };
            let text: String = text.chars().filter(|character| !is_space(*character)).collect();
            let bytes =
                Some(text).filter(|text| text.len() > CERTIFICATE_CHARS).and_then(|text| STANDARD.decode(text).ok())?;
            let key = if bytes == self.block.certificate { None } else { (context.public_key)(&bytes) };
            Some((format!("the certificate in line {}, {}", element.line, element.path), key?))
        };
        self.tree.elements.iter().filter_map(key).take(REFERENCES).collect()
    }
}
