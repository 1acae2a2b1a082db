//! What a signed message signs, as canonical octets: an oracle of the signature verifier that knows
//! nothing of references and ids.

use soap::names::{Namespace, envelope};
use soap::reader::{Document, Reader, Token};
use soap::signature::{
    Canonicalizer, Digests, MessageKind, PrefixList, SecurityBlock, Target, VerificationKey, read_security, verify,
};

/// A message, and the key that verifies it.
pub struct Signed {
    pub message: Vec<u8>,
    pub kind: MessageKind,
    pub key: VerificationKey,
    block: SecurityBlock,
    nodes: Nodes,
}

/// Canonical octets of the elements at the positions of the signed ones.
#[derive(Debug, PartialEq, Eq)]
struct Nodes {
    /// Children `Body` of the envelope.
    bodies: Vec<Vec<u8>>,
    /// Children `Timestamp` of header blocks.
    timestamps: Vec<Vec<u8>>,
    /// Children `BinarySecurityToken` of header blocks.
    tokens: Vec<Vec<u8>>,
}

impl Signed {
    /// Reads a message that must verify.
    pub fn new(message: Vec<u8>, kind: MessageKind, public_key: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let document = Document::from_bytes(&message, None).expect("characters");
        let block = read_security(&document, kind).expect("of the profile").expect("signed");
        let key = VerificationKey::parse(block.method, &public_key(&block.certificate)).expect("its key");
        drop(document);
        let nodes = Nodes::of(&message).expect("well-formed");
        let signed = Self { message, kind, key, block, nodes };
        assert!(signed.verified(&signed.message).is_some(), "the original verifies");
        assert_eq!((signed.nodes.bodies.len(), signed.nodes.timestamps.len(), signed.nodes.tokens.len()), (1, 1, 1));
        signed
    }

    /// The block and the digests of a mutated message, if its signature is accepted.
    fn verified(&self, mutated: &[u8]) -> Option<(SecurityBlock, Digests)> {
        let document = Document::from_bytes(mutated, None).ok()?;
        let block = read_security(&document, self.kind).ok()??;
        block.check_algorithms().ok()?;
        let digests = verify(&document, &block, &self.key).ok()?;
        Some((block, digests))
    }

    /// Whether a mutated message is accepted.
    ///
    /// # Panics
    /// If it is, and a node that counts is not the original's.
    pub fn check(&self, mutated: &[u8]) -> bool {
        let Some((block, digests)) = self.verified(mutated) else { return false };
        let text = || String::from_utf8_lossy(mutated);
        let nodes = Nodes::of(mutated).expect("an accepted message is well-formed");
        // The first is the one that is read. What reads the message refuses a second.
        let [read, original] = [&nodes, &self.nodes].map(|nodes| nodes.bodies.first());
        assert_eq!(read, original, "the body of {}", text());
        assert!(nodes.timestamps.contains(&self.nodes.timestamps[0]), "the timestamp of {}", text());
        assert_eq!((block.created, block.expires), (self.block.created, self.block.expires), "{}", text());
        assert_eq!((&block.value, &block.confirmations), (&self.block.value, &self.block.confirmations), "{}", text());
        if digests.signs(Target::Token) {
            assert!(nodes.tokens.contains(&self.nodes.tokens[0]), "the token of {}", text());
            assert_eq!(block.certificate, self.block.certificate, "{}", text());
        }
        true
    }
}

impl Nodes {
    fn of(message: &[u8]) -> Option<Self> {
        let document = Document::from_bytes(message, None).ok()?;
        let mut reader = Reader::new(&document);
        let mut nodes = Self { bodies: Vec::new(), timestamps: Vec::new(), tokens: Vec::new() };
        let mut depth = 0;
        loop {
            match reader.next_token().ok()? {
                Token::Open(name) => {
                    depth += 1;
                    let is_body = depth == 2 && name.is_in(Namespace::Envelope, envelope::BODY);
                    let found = match (depth, name.local) {
                        (2, _) if is_body => &mut nodes.bodies,
                        (4, "Timestamp") => &mut nodes.timestamps,
                        (4, "BinarySecurityToken") => &mut nodes.tokens,
                        _ => continue,
                    };
                    let mut octets = Vec::new();
                    let mut sink = |piece: &[u8]| octets.extend_from_slice(piece);
                    Canonicalizer::new().canonicalize(&mut reader, &PrefixList::default(), &mut sink).ok()?;
                    depth -= 1;
                    found.push(octets);
                }
                Token::Text(_) => {}
                Token::Close => depth -= 1,
                Token::End => return Some(nodes),
            }
        }
    }
}
