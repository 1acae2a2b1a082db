//! Signs a message in the form of the profile: token, timestamp, and a signature of body, timestamp
//! and token.
//!
//! The message is written with empty digests and an empty signature first. It is then read, and its
//! digests are computed, by the code that verifies: what signs and what verifies cannot differ.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use ehealth_core::model::Timestamp;

use super::algorithms::{DigestMethod, EXCLUSIVE_C14N};
use super::block::Target;
use super::digests::Digests;
use super::elements::{BASE64_BINARY, ReadError, X509_V3, ids};
use super::kind::MessageKind;
use super::read::read_security;
use super::signing_key::SigningKey;
use crate::envelope::is_for_us;
use crate::names::{Namespace, envelope};
use crate::reader::{Document, Reader, Token};
use crate::well_known::WellKnown;

/// Who signs: a key and its certificate.
#[derive(Debug)]
pub struct SigningIdentity {
    /// The key.
    pub key: SigningKey,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
}

/// What is signed besides the body, and until when it is valid.
#[derive(Debug, Clone, Copy)]
pub struct SigningOptions<'a> {
    /// Kind of the message. The block of a request must be understood.
    pub kind: MessageKind,
    /// `Created`.
    pub created: Timestamp,
    /// `Expires`.
    pub expires: Timestamp,
    /// Values of the request's signatures, which a response confirms.
    pub confirmations: &'a [Vec<u8>],
}

/// A signed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedMessage {
    /// The message, UTF-8.
    pub message: Vec<u8>,
    /// Value of its signature.
    pub value: Vec<u8>,
    /// The octets of which digests and signature were made, in order.
    pub steps: Vec<SigningStep>,
}

/// Input of one step of signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningStep {
    /// What is hashed; `None`: `SignedInfo`.
    pub target: Option<Target>,
    /// Its canonical octets.
    pub octets: Vec<u8>,
}

/// Why a message cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It is no SOAP 1.1 envelope with a body.
    #[error("the message is no SOAP 1.1 envelope with a body")]
    NotAnEnvelope,
    /// It is not UTF-8, or not well-formed.
    #[error("the message cannot be read: {0}")]
    Document(String),
    /// It is in another encoding.
    #[error("the message is not UTF-8 without byte order mark; convert it first")]
    Encoding,
    /// It has a signature.
    #[error("the message has a wsse:Security block already; sign the message without it")]
    AlreadySigned,
    /// The library refused the key, or has no random numbers.
    #[error("the key cannot sign")]
    Key,
    /// The signed message is not of the profile.
    #[error("the signed message would not be accepted: {0}")]
    Refused(String),
}

impl From<ReadError> for SignError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Problem(problem) => Self::Refused(problem.to_string()),
            ReadError::Document(bad) => Self::Document(bad.reason().to_string()),
        }
    }
}

/// Signs a message.
///
/// # Errors
/// [`SignError`].
pub fn sign(
    message: &[u8],
    identity: &SigningIdentity,
    options: SigningOptions<'_>,
) -> Result<SignedMessage, SignError> {
    let places = Places::find(message, options.kind)?;
    let draft = Draft { message, places, identity, options, suffix: random_suffix()? };
    let length = DigestMethod::Sha256.algorithm().output_len();
    let mut parts = Parts { digests: vec![vec![0; length]; draft.targets().len()], value: draft.empty_value() };
    let mut steps = Vec::new();
    let mut record = |target: Option<usize>, octets: &[u8]| add_step(&mut steps, target, octets);
    parts.digests = digests_of(&draft.write(&parts), options.kind, &mut record)?;
    steps.retain(|(index, _)| index.is_some());
    let mut info = Vec::new();
    let mut take_info = |target: Option<usize>, octets: &[u8]| {
        if target.is_none() {
            info.extend_from_slice(octets);
        }
    };
    digests_of(&draft.write(&parts), options.kind, &mut take_info)?;
    parts.value = identity.key.sign(&info).ok_or(SignError::Key)?;
    steps.push((None, info));
    let targets = draft.targets();
    let name = |index: usize| targets.get(index).map(|(target, _)| *target);
    let steps = steps.into_iter().map(|(index, octets)| SigningStep { target: index.and_then(name), octets });
    Ok(SignedMessage { message: draft.write(&parts), steps: steps.collect(), value: parts.value })
}

fn add_step(steps: &mut Vec<(Option<usize>, Vec<u8>)>, index: Option<usize>, octets: &[u8]) {
    match steps.iter_mut().find(|(of, _)| *of == index) {
        Some((_, found)) => found.extend_from_slice(octets),
        None => steps.push((index, octets.to_vec())),
    }
}

/// The digests of a message, by the code that verifies it.
fn digests_of(
    message: &[u8],
    kind: MessageKind,
    observe: &mut dyn FnMut(Option<usize>, &[u8]),
) -> Result<Vec<Vec<u8>>, SignError> {
    let document = Document::from_bytes(message, None).map_err(ReadError::from)?;
    let block = read_security(&document, kind)?.ok_or(SignError::NotAnEnvelope)?;
    let digests = Digests::observe(&document, &block, observe)?;
    digests.check_position(&block).map_err(ReadError::from)?;
    let digest = |computed: &super::digests::Computed| computed.digest.map(|digest| digest.as_ref().to_vec());
    digests.references.iter().map(digest).collect::<Option<_>>().ok_or(SignError::NotAnEnvelope)
}

fn random_suffix() -> Result<String, SignError> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SignError::Key)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Where a message is changed, in bytes from its beginning.
struct Places {
    /// Prefix of the envelope's namespace, with its colon; empty: the default namespace.
    prefix: String,
    /// Where the block goes.
    block: usize,
    header: HeaderForm,
    /// Where the body's attributes go.
    body: usize,
    /// The id that the body has.
    body_id: Option<String>,
}

/// The header of a message that is to be signed.
enum HeaderForm {
    /// The envelope has no header.
    Absent,
    /// An empty-element tag, which begins here.
    Empty,
    /// A start and an end tag.
    Open,
}

impl Places {
    fn find(message: &[u8], kind: MessageKind) -> Result<Self, SignError> {
        let document = Document::from_bytes(message, None).map_err(ReadError::from)?;
        let (declaration, content) = document.split();
        if declaration.len().saturating_add(content.len()) != message.len() {
            return Err(SignError::Encoding);
        }
        let offset = declaration.len();
        let reader = &mut Reader::with_limits(&document, kind.limits());
        let is = |name: crate::reader::Name<'_>, local| name.is_in(Namespace::Envelope, local);
        let envelope_found =
            matches!(reader.next_token().map_err(ReadError::from)?, Token::Open(name) if is(name, envelope::ENVELOPE));
        if !envelope_found {
            return Err(SignError::NotAnEnvelope);
        }
        let prefix = reader.written_name().split_once(':').map_or(String::new(), |(prefix, _)| format!("{prefix}:"));
        let mut block = offset.saturating_add(reader.next_position());
        let mut header = HeaderForm::Absent;
        let mut part = reader.next_child().map_err(ReadError::from)?.ok_or(SignError::NotAnEnvelope)?;
        if is(part, envelope::HEADER) {
            let (begin, end) = (reader.position(), reader.next_position());
            let is_empty = content.get(begin..end).is_some_and(|tag| tag.ends_with("/>"));
            header = if is_empty { HeaderForm::Empty } else { HeaderForm::Open };
            block = offset.saturating_add(end);
            while reader.next_child().map_err(ReadError::from)?.is_some() {
                let is_security = reader.uri() == WellKnown::Security.uri();
                if is_security && is_for_us(reader).map_err(ReadError::from)? {
                    return Err(SignError::AlreadySigned);
                }
                reader.skip_rest().map_err(ReadError::from)?;
            }
            part = reader.next_child().map_err(ReadError::from)?.ok_or(SignError::NotAnEnvelope)?;
        }
        if !is(part, envelope::BODY) {
            return Err(SignError::NotAnEnvelope);
        }
        let name = reader.position().saturating_add("<".len()).saturating_add(reader.written_name().len());
        let body_id = ids(reader).next().map(str::to_owned);
        Ok(Self { prefix, block, header, body: offset.saturating_add(name), body_id })
    }
}

/// A message that is being signed.
struct Draft<'a> {
    message: &'a [u8],
    places: Places,
    identity: &'a SigningIdentity,
    options: SigningOptions<'a>,
    /// Makes the ids unique.
    suffix: String,
}

/// The parts that are filled in.
struct Parts {
    /// Digests, in the order of the references.
    digests: Vec<Vec<u8>>,
    value: Vec<u8>,
}

impl Draft<'_> {
    /// What is signed, and its id, in the order of the references.
    fn targets(&self) -> Vec<(Target, String)> {
        let body = self.places.body_id.clone().unwrap_or_else(|| format!("body-{}", self.suffix));
        let mut targets = vec![
            (Target::Body, body),
            (Target::Timestamp, format!("timestamp-{}", self.suffix)),
            (Target::Token, format!("token-{}", self.suffix)),
        ];
        let confirmations = self.options.confirmations.iter().enumerate();
        targets.extend(
            confirmations.map(|(index, _)| (Target::Confirmation, format!("confirmation-{index}-{}", self.suffix))),
        );
        targets
    }

    fn empty_value(&self) -> Vec<u8> {
        vec![0; self.identity.key.value_bytes()]
    }

    fn write(&self, parts: &Parts) -> Vec<u8> {
        let Self { message, places, .. } = self;
        let block = self.block(parts);
        let head = message.get(..places.block).unwrap_or_default();
        let between = message.get(places.block..places.body).unwrap_or_default();
        let tail = message.get(places.body..).unwrap_or_default();
        let mut out = Vec::with_capacity(message.len().saturating_add(block.len()).saturating_add(256));
        let (open, close) = (format!("<{}Header>", places.prefix), format!("</{}Header>", places.prefix));
        let (open, close) = match places.header {
            HeaderForm::Absent => (open, close),
            // Attributes of an empty header are kept.
            HeaderForm::Empty => (String::new(), close),
            HeaderForm::Open => (String::new(), String::new()),
        };
        match places.header {
            HeaderForm::Empty => {
                out.extend_from_slice(head.strip_suffix(b"/>").unwrap_or(head));
                out.push(b'>');
            }
            HeaderForm::Absent | HeaderForm::Open => out.extend_from_slice(head),
        }
        for part in [open.as_bytes(), block.as_bytes(), close.as_bytes(), between] {
            out.extend_from_slice(part);
        }
        if places.body_id.is_none() {
            let id = format!(" xmlns:wsu=\"{}\" wsu:Id=\"body-{}\"", WellKnown::SecurityUtility.uri(), self.suffix);
            out.extend_from_slice(id.as_bytes());
        }
        out.extend_from_slice(tail);
        out
    }

    fn block(&self, parts: &Parts) -> String {
        let (wsse, wsu) = (WellKnown::Security.uri(), WellKnown::SecurityUtility.uri());
        let suffix = &self.suffix;
        let must_understand = match (self.options.kind, self.places.prefix.as_str()) {
            (MessageKind::Response, _) => String::new(),
            (MessageKind::Request, "") => {
                format!(" xmlns:env=\"{}\" env:mustUnderstand=\"1\"", Namespace::Envelope.uri())
            }
            (MessageKind::Request, prefix) => format!(" {prefix}mustUnderstand=\"1\""),
        };
        let token = STANDARD.encode(&self.identity.certificate);
        let SigningOptions { created, expires, .. } = self.options;
        let confirmations: String = self
            .options
            .confirmations
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let (uri, value) = (WellKnown::Security11.uri(), STANDARD.encode(value));
                format!(
                    "<wsse11:SignatureConfirmation xmlns:wsse11=\"{uri}\" wsu:Id=\"confirmation-{index}-{suffix}\" \
                     Value=\"{value}\"/>"
                )
            })
            .collect();
        format!(
            "<wsse:Security xmlns:wsse=\"{wsse}\" xmlns:wsu=\"{wsu}\"{must_understand}><wsse:BinarySecurityToken \
             EncodingType=\"{BASE64_BINARY}\" ValueType=\"{X509_V3}\" wsu:Id=\"token-{suffix}\">{token}\
             </wsse:BinarySecurityToken><wsu:Timestamp wsu:Id=\"timestamp-{suffix}\"><wsu:Created>{created}\
             </wsu:Created><wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>{confirmations}{}</wsse:Security>",
            self.signature(parts)
        )
    }

    fn signature(&self, parts: &Parts) -> String {
        let (ds, digest_method) = (WellKnown::Signature.uri(), DigestMethod::Sha256.code());
        let references: String = self
            .targets()
            .iter()
            .zip(&parts.digests)
            .map(|((_, id), digest)| {
                format!(
                    "<ds:Reference URI=\"#{id}\"><ds:Transforms><ds:Transform Algorithm=\"{EXCLUSIVE_C14N}\"/>\
                     </ds:Transforms><ds:DigestMethod Algorithm=\"{digest_method}\"/><ds:DigestValue>{}\
                     </ds:DigestValue></ds:Reference>",
                    STANDARD.encode(digest)
                )
            })
            .collect();
        format!(
            "<ds:Signature xmlns:ds=\"{ds}\"><ds:SignedInfo><ds:CanonicalizationMethod \
             Algorithm=\"{EXCLUSIVE_C14N}\"/><ds:SignatureMethod Algorithm=\"{}\"/>{references}</ds:SignedInfo>\
             <ds:SignatureValue>{}</ds:SignatureValue><ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference \
             URI=\"#token-{}\" ValueType=\"{X509_V3}\"/></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>",
            self.identity.key.method().code(),
            STANDARD.encode(&parts.value),
            self.suffix
        )
    }
}
