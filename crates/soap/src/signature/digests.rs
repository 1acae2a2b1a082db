//! Computes the digests of what a message signs, in one pass over the whole document.
//!
//! What may be signed is known by its position ([`Places`](super::block::Places)): an id only says
//! which reference is meant. Every id of the document is noted, so that one that occurs twice
//! refuses the message.

use aws_lc_rs::digest::{Context, Digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::algorithms::DigestMethod;
use super::block::{Reference, SecurityBlock, Target};
use super::c14n::{Canonicalizer, Progress};
use super::elements::{ReadError, ids};
use super::kind::MessageKind;
use super::octets::CanonicalizationError;
use super::prefix_list::PrefixList;
use super::problem::{Problem, SignatureError};
use crate::reader::{Document, Reader, Token};

/// Maximum ids of one document: clients write at most one for each signed element and for each part
/// of the block.
pub const IDS: usize = 64;

/// The digests of a message as it is.
pub struct Digests {
    /// For each reference of the block, in its order.
    pub(super) references: Vec<Computed>,
    /// Digest of `SignedInfo` for the signature algorithm.
    pub(super) signed_info: Option<Digest>,
    /// Why an element has no canonical form.
    refused: Option<Box<Problem>>,
    /// The first element whose digest is not the signed one.
    differs: Option<Box<Problem>>,
    /// What is wrong with ids and positions.
    misplaced: Option<Box<Problem>>,
}

/// What a reference refers to.
#[derive(Clone, Copy)]
pub(super) struct Computed {
    pub(super) target: Option<Target>,
    pub(super) digest: Option<Digest>,
}

/// Takes the canonical octets of a reference (`Some`, by its index) or of `SignedInfo`, to explain a
/// difference.
pub(super) type Observer<'o> = &'o mut dyn FnMut(Option<usize>, &[u8]);

impl Digests {
    /// Computes the digests of the document from which the block was read.
    ///
    /// # Errors
    /// [`ReadError::Document`] if the document is not well-formed.
    pub fn compute(document: &Document<'_>, block: &SecurityBlock) -> Result<Self, ReadError> {
        Walk::new(document, block, None).run()
    }

    /// The same; `observe` receives the canonical octets.
    pub(super) fn observe(
        document: &Document<'_>,
        block: &SecurityBlock,
        observe: Observer<'_>,
    ) -> Result<Self, ReadError> {
        Walk::new(document, block, Some(observe)).run()
    }

    /// No digest at all.
    pub(super) fn nothing() -> Self {
        Self { references: Vec::new(), signed_info: None, refused: None, differs: None, misplaced: None }
    }

    /// Why an element has no canonical form.
    pub(super) fn refused(&self) -> Option<&Problem> {
        self.refused.as_deref()
    }

    /// Compares the digests with those that are signed.
    ///
    /// # Errors
    /// [`Problem`] of the first element without a canonical form, or with another digest.
    pub fn check_digests(&self) -> Result<(), Box<Problem>> {
        self.refused.as_ref().or(self.differs.as_ref()).map_or(Ok(()), |problem| Err(problem.clone()))
    }

    /// Checks that what is signed is what the service reads, and that no id is ambiguous.
    ///
    /// # Errors
    /// [`Problem`].
    pub fn check_position(&self, block: &SecurityBlock) -> Result<(), Box<Problem>> {
        if let Some(misplaced) = &self.misplaced {
            return Err(misplaced.clone());
        }
        for (reference, computed) in block.references.iter().zip(&self.references) {
            if computed.target.is_none() {
                let expected = format!("an element with the id '{}'", reference.id);
                return Err(Box::new(Problem::new(SignatureError::UnknownId, expected, "none")));
            }
        }
        for target in [Target::Body, Target::Timestamp] {
            if !self.signs(target) {
                let expected = format!("a reference to the {}", target.name());
                return Err(Box::new(Problem::new(SignatureError::NotSigned, expected, "none")));
            }
        }
        Ok(())
    }

    /// Whether a reference signs such an element.
    #[must_use]
    pub fn signs(&self, target: Target) -> bool {
        self.references.iter().any(|computed| computed.target == Some(target))
    }

    /// Whether every confirmation of the block is signed.
    #[must_use]
    pub fn signs_confirmations(&self, block: &SecurityBlock) -> bool {
        let signed = self.references.iter().filter(|computed| computed.target == Some(Target::Confirmation)).count();
        signed == block.places.confirmations.len()
    }
}

/// The problem of an element whose digest is not the signed one.
pub(super) fn differs(reference: &Reference, target: Option<Target>, digest: &Digest) -> Problem {
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    let name = target.map_or("element", Target::name);
    let expected = format!("digest {} of the {name} '{}'", encode(&reference.digest), reference.id);
    Problem::new(SignatureError::Digest, expected, format!("digest {}", encode(digest.as_ref())))
}

/// One pass over the document.
struct Walk<'a, 'o> {
    reader: Reader<'a>,
    block: &'a SecurityBlock,
    canonicalizer: Canonicalizer,
    ids: Vec<String>,
    observer: Option<Observer<'o>>,
    digests: Digests,
}

impl<'a, 'o> Walk<'a, 'o> {
    fn new(document: &'a Document<'_>, block: &'a SecurityBlock, observer: Option<Observer<'o>>) -> Self {
        let references = vec![Computed { target: None, digest: None }; block.references.len()];
        let digests = Digests { references, signed_info: None, refused: None, differs: None, misplaced: None };
        let reader = Reader::with_limits(document, block.kind.limits());
        let canonicalizer = Canonicalizer::with_work(block.kind.canonical_work());
        Self { reader, block, canonicalizer, ids: Vec::new(), observer, digests }
    }

    fn run(mut self) -> Result<Digests, ReadError> {
        loop {
            match self.reader.next_token()? {
                Token::End => return Ok(self.digests),
                Token::Text(_) | Token::Close => {}
                Token::Open(_) => {
                    self.note_ids();
                    self.refuse_behind_the_body();
                    self.open()?;
                }
            }
        }
    }

    /// Refuses elements behind the body: the envelope has none, and the body that is read is its last child.
    fn refuse_behind_the_body(&mut self) {
        if self.reader.depth() == 2 && self.reader.position() > self.block.places.body {
            let expected = "nothing behind the Body";
            let problem = Problem::here(&self.reader, SignatureError::Position, expected, self.reader.written_name());
            self.misplace(problem);
        }
    }

    /// Computes the digest of the element that was opened, if it is signed or is `SignedInfo`.
    fn open(&mut self) -> Result<(), ReadError> {
        let (block, position) = (self.block, self.reader.position());
        if position == block.places.signed_info {
            self.digests.signed_info = self.digest(&block.prefixes, block.method.digest(), None)?;
            return Ok(());
        }
        let Some((index, reference)) = self.reference() else { return Ok(()) };
        let Some(target) = block.places.target(position) else {
            let expected = "references to Body, wsu:Timestamp, the token and WS-Addressing headers of this message";
            let found = format!("the id '{}' at another element", reference.id);
            let problem = Problem::here(&self.reader, SignatureError::Position, expected, found);
            self.misplace(problem);
            return Ok(());
        };
        let digest = self.digest(&reference.prefixes, reference.method, Some(index))?;
        if let Some(found) = digest.as_ref().filter(|digest| digest.as_ref() != reference.digest) {
            let problem = differs(reference, Some(target), found);
            let problem = problem.at(self.reader.line(), self.reader.written_path());
            self.digests.differs.get_or_insert_with(|| Box::new(problem));
        }
        if let Some(computed) = self.digests.references.get_mut(index) {
            *computed = Computed { target: Some(target), digest };
        }
        Ok(())
    }

    /// The reference to the element that was opened.
    fn reference(&self) -> Option<(usize, &'a Reference)> {
        let mut ids = ids(&self.reader);
        let id = ids.next()?;
        self.block.references.iter().enumerate().find(|(_, reference)| reference.id == id)
    }

    /// Digest of the element that was opened; `None` if it has no canonical form. Reads to its end.
    fn digest(
        &mut self,
        prefixes: &PrefixList,
        method: DigestMethod,
        index: Option<usize>,
    ) -> Result<Option<Digest>, ReadError> {
        let mut context = Context::new(method.algorithm());
        let mut observer = self.observer.take();
        let mut sink = |octets: &[u8]| {
            context.update(octets);
            if let Some(observe) = observer.as_deref_mut() {
                observe(index, octets);
            }
        };
        let written = self.canonicalize(prefixes, &mut sink);
        self.observer = observer;
        match written {
            Ok(()) => Ok(Some(context.finish())),
            Err(CanonicalizationError::Document(bad)) => Err(bad.into()),
            Err(error) => {
                let found = match error {
                    CanonicalizationError::RelativeNamespace => "a relative namespace URI",
                    CanonicalizationError::Length | CanonicalizationError::Document(_) => match self.block.kind {
                        MessageKind::Request => "more than 1 MiB",
                        MessageKind::Response => "more than 16 MiB",
                    },
                };
                let expected = "a canonical form";
                let problem = Problem::here(&self.reader, SignatureError::Canonicalization, expected, found);
                self.digests.refused.get_or_insert(problem);
                Ok(None)
            }
        }
    }

    fn canonicalize(
        &mut self,
        prefixes: &PrefixList,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(), CanonicalizationError> {
        let Self { reader, canonicalizer, ids, digests, .. } = self;
        let mut subtree = canonicalizer.open_subtree(reader, prefixes, sink)?;
        loop {
            let token = reader.next_token()?;
            if let Token::Open(_) = token {
                note_ids(reader, ids, &mut digests.misplaced);
            }
            match subtree.write(reader, &token)? {
                Progress::Open => {}
                Progress::Complete => return Ok(()),
            }
        }
    }

    fn note_ids(&mut self) {
        note_ids(&self.reader, &mut self.ids, &mut self.digests.misplaced);
    }

    fn misplace(&mut self, problem: Box<Problem>) {
        self.digests.misplaced.get_or_insert(problem);
    }
}

/// Notes the ids of the element that was opened. The first problem stays.
fn note_ids(reader: &Reader<'_>, noted: &mut Vec<String>, misplaced: &mut Option<Box<Problem>>) {
    let expected = "one id an element, and no id twice";
    for (index, id) in ids(reader).enumerate() {
        if index > 0 {
            misplaced.get_or_insert_with(|| {
                Problem::here(reader, SignatureError::AmbiguousId, expected, format!("a second id '{id}'"))
            });
        } else if noted.iter().any(|other| other == id) {
            misplaced.get_or_insert_with(|| {
                Problem::here(reader, SignatureError::AmbiguousId, expected, format!("the id '{id}' again"))
            });
        } else if noted.len() < IDS {
            noted.push(id.to_owned());
        } else {
            misplaced.get_or_insert_with(|| Problem::here(reader, SignatureError::Ids, "at most 64 ids", "more"));
        }
    }
}
