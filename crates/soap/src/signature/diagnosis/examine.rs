//! Makes every check of a signed message, and goes on after one that fails.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ehealth_core::explained::Explained;
use ehealth_core::model::Timestamp;

use super::cause::{Cause, Explanation};
use super::report::{CanonicalForm, CheckFinding, Fault, Outcome, Report};
use super::tree::{Element, ElementIndex, Node, Tree};
use super::variants::Budget;
use super::{digests, signatures};
use crate::Charset;
use crate::message_error::BadMessage;
use crate::reader::Document;
use crate::reader::characters::is_space;
use crate::signature::block::{REFERENCES, Reference, SecurityBlock, Target, TimeRule};
use crate::signature::digests::{Computed, Digests, differs};
use crate::signature::key::VerificationKey;
use crate::signature::problem::{Check, Problem, SignatureError};
use crate::signature::read::{MessageKind, ReadError, read_security};

/// Characters of base64 that a certificate has at least.
const CERTIFICATE_CHARS: usize = 300;

/// What only the caller knows.
pub struct Context<'c> {
    /// The time of the check.
    pub now: Timestamp,
    /// Limits of the timestamp.
    pub rule: TimeRule,
    /// Makes the checks that need more than the message.
    pub service: &'c dyn Fn(&SecurityBlock) -> ServiceChecks,
    /// Reads the `SubjectPublicKeyInfo` (DER) of a certificate (DER); `None` for other bytes.
    pub public_key: &'c dyn Fn(&[u8]) -> Option<Vec<u8>>,
    /// Other public keys that may have signed: a name and a `SubjectPublicKeyInfo` (DER).
    pub other_keys: &'c [(String, Vec<u8>)],
}

/// Checks of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceChecks {
    /// Outcome of [`Check::Certificate`].
    pub certificate: Outcome,
    /// Outcome of [`Check::Signer`].
    pub signer: Outcome,
    /// Outcome of [`Check::Replay`].
    pub replay: Outcome,
    /// `SubjectPublicKeyInfo` (DER) of the token's certificate; `None`: it is no certificate.
    pub public_key: Option<Vec<u8>>,
}

/// Examines a signed message. Costs much more than a verification: a digest that differs is compared
/// with those of some hundred forms.
///
/// # Errors
/// [`BadMessage`] if the message is not well-formed.
pub fn examine(
    bytes: &[u8],
    charset: Option<Charset>,
    kind: MessageKind,
    context: &Context<'_>,
) -> Result<Report, Explained<BadMessage>> {
    let document = Document::from_bytes(bytes, charset)?;
    let tree = Tree::read(&document)?;
    match read_security(&document, kind) {
        Ok(Some(block)) => Ok(Examination::new(&document, &tree, &block)?.run(context)),
        Ok(None) => {
            let expected = "a wsse:Security block for this service";
            Ok(unread(Problem::new(SignatureError::Missing, expected, "none")))
        }
        Err(ReadError::Problem(problem)) => Ok(unread(*problem)),
        Err(ReadError::Document(bad)) => Err(bad),
    }
}

/// The report on a block that cannot be read.
fn unread(problem: Problem) -> Report {
    let mut findings = vec![CheckFinding { check: Check::Structure, outcome: Outcome::wrong(problem) }];
    let others = Check::ALL.into_iter().filter(|check| *check != Check::Structure);
    let reason = "Correct the structure first: the parts of the signature are not known.";
    findings.extend(others.map(|check| CheckFinding { check, outcome: Outcome::NotChecked(reason.to_owned()) }));
    Report { findings, canonical: Vec::new() }
}

struct Examination<'e> {
    tree: &'e Tree<'e>,
    block: &'e SecurityBlock,
    digests: Digests,
    /// Canonical octets: of each reference, by its index; last those of `SignedInfo`.
    octets: Vec<Vec<u8>>,
    budget: Budget,
}

impl<'e> Examination<'e> {
    fn new(
        document: &Document<'_>,
        tree: &'e Tree<'e>,
        block: &'e SecurityBlock,
    ) -> Result<Self, Explained<BadMessage>> {
        let count = block.references.len();
        let mut octets = vec![Vec::new(); count.saturating_add(1)];
        let mut keep = |index: Option<usize>, piece: &[u8]| {
            if let Some(part) = octets.get_mut(index.unwrap_or(count)) {
                part.extend_from_slice(piece);
            }
        };
        let digests = match Digests::observe(document, block, &mut keep) {
            Ok(digests) => digests,
            Err(ReadError::Document(bad)) => return Err(bad),
            // The walk itself returns no problem: it keeps them.
            Err(ReadError::Problem(_)) => Digests::nothing(),
        };
        Ok(Self { tree, block, digests, octets, budget: Budget::new() })
    }

    fn run(mut self, context: &Context<'_>) -> Report {
        let ServiceChecks { certificate, signer, replay, public_key } = (context.service)(self.block);
        let digests = self.digests();
        let signature = self.signature(public_key.as_deref(), context);
        let outcomes = [
            (Check::Structure, Outcome::Fine(self.structure())),
            (Check::Algorithms, self.algorithms()),
            (Check::Timestamp, self.timestamp(context)),
            (Check::Certificate, self.at_token(certificate)),
            (Check::Signer, signer),
            (Check::Digests, digests),
            (Check::Signature, signature),
            (Check::Position, self.position()),
            (Check::Replay, replay),
        ];
        let findings = outcomes.into_iter().map(|(check, outcome)| CheckFinding { check, outcome }).collect();
        Report { findings, canonical: self.canonical() }
    }

    fn structure(&self) -> Vec<String> {
        let block = self.block;
        let references = block.references.iter().map(|reference| format!("'#{}'", reference.id));
        vec![
            format!("token: {} bytes of DER, line {}", block.certificate.len(), self.line(block.places.token)),
            format!("references: {}", references.collect::<Vec<_>>().join(", ")),
        ]
    }

    fn line(&self, position: usize) -> usize {
        self.tree.at_position(position).and_then(|index| self.tree.element(index)).map_or(0, |element| element.line)
    }

    /// The same outcome; its faults are at the token.
    fn at_token(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Wrong { faults, facts } => {
                let locate =
                    |fault: Fault| Fault { problem: self.locate(fault.problem, self.block.places.token), ..fault };
                Outcome::Wrong { faults: faults.into_iter().map(locate).collect(), facts }
            }
            Outcome::Fine(_) | Outcome::NotChecked(_) => outcome,
        }
    }

    /// The problem at the element that begins here.
    fn locate(&self, problem: Problem, position: usize) -> Problem {
        match self.tree.at_position(position).and_then(|index| self.tree.element(index)) {
            Some(element) if problem.line == 0 => problem.at(element.line, element.path.clone()),
            Some(_) | None => problem,
        }
    }

    fn algorithms(&self) -> Outcome {
        match self.block.check_algorithms() {
            Err(problem) => Outcome::wrong(*problem),
            Ok(()) => {
                let mut digests: Vec<_> =
                    self.block.references.iter().map(|reference| reference.method.code()).collect();
                digests.dedup();
                Outcome::Fine(vec![
                    format!("signature: {}", self.block.method.code()),
                    format!("digests: {}", digests.join(", ")),
                    "canonicalisation: exclusive C14N".to_owned(),
                ])
            }
        }
    }

    fn timestamp(&self, context: &Context<'_>) -> Outcome {
        let SecurityBlock { created, expires, places, .. } = self.block;
        match self.block.check_time(context.now, context.rule) {
            Err(problem) => Outcome::wrong(self.locate(*problem, places.timestamp)),
            Ok(()) => Outcome::Fine(vec![format!("Created {created}, Expires {expires}; checked at {}", context.now)]),
        }
    }

    fn position(&self) -> Outcome {
        match self.digests.check_position(self.block) {
            Err(problem) => Outcome::wrong(*problem),
            Ok(()) => {
                let signed = self.digests.references.iter().filter_map(|computed| computed.target);
                let signed: Vec<_> = signed.map(Target::name).collect();
                Outcome::Fine(vec![format!("signed: {}", signed.join(", "))])
            }
        }
    }

    /// Why digests and signature are not compared, if they cannot be.
    fn unknown_algorithm(&self) -> Option<Outcome> {
        self.block.check_algorithms().is_err().then(|| {
            let reason = "Set the algorithms first: digests and signature are compared by those of the profile.";
            Outcome::NotChecked(reason.to_owned())
        })
    }

    fn digests(&mut self) -> Outcome {
        if let Some(outcome) = self.unknown_algorithm() {
            return outcome;
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
                    let problem = self.locate_reference(differs(reference, computed, &digest), reference);
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

    fn signature(&mut self, public_key: Option<&[u8]>, context: &Context<'_>) -> Outcome {
        if let Some(outcome) = self.unknown_algorithm() {
            return outcome;
        }
        let block = self.block;
        let Some(public_key) = public_key else {
            return Outcome::NotChecked("Send a certificate in the token: its key verifies the signature.".to_owned());
        };
        let key = match VerificationKey::parse(block.method, public_key) {
            Ok(key) => key,
            Err(problem) => return Outcome::wrong(self.locate(*problem, block.places.token)),
        };
        let Err(problem) = self.digests.check_signature(block, &key) else {
            return Outcome::Fine(vec![format!("{} bytes, by the key of the token", block.value.len())]);
        };
        let problem = self.locate(*problem, block.places.signed_info);
        let mut others = context.other_keys.to_vec();
        others.extend(self.keys_in_message(context));
        let explanation = self.explain_signature(public_key, &others);
        Outcome::Wrong { faults: vec![Fault::explained(problem, explanation)], facts: Vec::new() }
    }

    fn explain_signature(&mut self, public_key: &[u8], others: &[(String, Vec<u8>)]) -> Explanation {
        let signed_info = self.tree.at_position(self.block.places.signed_info);
        let (Some(signed_info), Some(octets)) = (signed_info, self.octets.last()) else {
            return Explanation::new(Cause::KeyOrSignedInfo, "");
        };
        let encode = |computed: &Computed| computed.digest.map(|digest| STANDARD.encode(digest.as_ref()));
        let digests = self.digests.references.iter().map(encode).collect();
        let subject = signatures::Subject { tree: self.tree, block: self.block, signed_info, octets, digests };
        signatures::explain(&subject, public_key, others, &mut self.budget)
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

    fn canonical(self) -> Vec<CanonicalForm> {
        let names = self.block.references.iter().zip(&self.digests.references).map(|(reference, computed)| {
            format!("{} '#{}'", computed.target.map_or("element", Target::name), reference.id)
        });
        let names = names.chain(["SignedInfo".to_owned()]);
        names.zip(self.octets).map(|(name, octets)| CanonicalForm { name, octets }).collect()
    }
}
