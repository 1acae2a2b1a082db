//! Makes every check of a signed message, and goes on after one that fails.

use ehealth_core::explained::Explained;
use ehealth_core::model::Timestamp;

use super::report::{CanonicalForm, CheckFinding, Fault, Outcome, Report};
use super::tree::Tree;
use super::variants::Budget;
use crate::Charset;
use crate::message_error::BadMessage;
use crate::reader::Document;
use crate::signature::MessageKind;
use crate::signature::block::{SecurityBlock, Target, TimeRule};
use crate::signature::digests::Digests;
use crate::signature::elements::ReadError;
use crate::signature::problem::{Check, Problem, SignatureError};
use crate::signature::read::read_security;

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

/// A message under examination.
pub(super) struct Examination<'e> {
    pub(super) tree: &'e Tree<'e>,
    pub(super) block: &'e SecurityBlock,
    pub(super) digests: Digests,
    /// Canonical octets: of each reference, by its index; last those of `SignedInfo`.
    pub(super) octets: Vec<Vec<u8>>,
    pub(super) budget: Budget,
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
    pub(super) fn locate(&self, problem: Problem, position: usize) -> Problem {
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

    fn canonical(self) -> Vec<CanonicalForm> {
        let names = self.block.references.iter().zip(&self.digests.references).map(|(reference, computed)| {
            format!("{} '#{}'", computed.target.map_or("element", Target::name), reference.id)
        });
        let names = names.chain(["SignedInfo".to_owned()]);
        names.zip(self.octets).map(|(name, octets)| CanonicalForm { name, octets }).collect()
    }
}
