//! Details of a message error: what was expected, what is known of what was found, what to do.
//!
//! Like the sentences of [`MessageError`](super::MessageError), a detail is made of fixed texts: it
//! cannot contain text of the caller.

use std::fmt;

use super::names::{self, Namespace};
use super::well_known::{FoundNamespace, WellKnown};
use super::xml_error::XmlError;
use ehealth_core::lookup::Operation;

/// Detail of a message error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Note {
    /// How the message is not well-formed.
    XmlError(XmlError),
    /// What was expected there, in the words of the contract.
    Expected(&'static str),
    /// The name is right and the namespace is not.
    Namespace {
        /// Namespace of the contract; `None` for a local element.
        expected: Option<Namespace>,
        /// Namespace that was found.
        found: FoundNamespace,
    },
    /// The `SOAPAction` of the operation.
    SoapAction(Operation),
    /// A well-known attribute that is not accepted.
    Attribute(KnownAttribute),
    /// An `xsi:type` other than the declared type.
    Type {
        /// The declared type.
        expected: (Namespace, &'static str),
        /// The type that was found, if it is known.
        found: Option<(Namespace, &'static str)>,
    },
    /// The specification of a header block that must be understood.
    HeaderBlock(WellKnown),
}

ehealth_core::closed_enum! {
    /// A well-known attribute that is not accepted in the payload.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum KnownAttribute {
        /// `xsi:nil`, other than false.
        Nil,
        /// `xsi:type` on an element whose type has no name.
        Type,
        /// `encodingStyle` of the envelope's namespace, or any attribute of SOAP's encoding.
        Encoding,
        /// `href` or `id`, which the encoding of SOAP uses.
        Reference,
        /// `Id` of WS-Security, to which a signature refers.
        SignatureId,
    }
}

impl KnownAttribute {
    /// Its name, and what to do, in one sentence.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Nil => "xsi:nil is not accepted: leave the element out.",
            Self::Type => "xsi:type is not accepted here: leave the attribute out.",
            Self::Encoding => "encodingStyle belongs to rpc/encoded: use document/literal.",
            Self::Reference => "href and id are multi-reference encoding of rpc/encoded: use document/literal.",
            Self::SignatureId => "wsu:Id is not accepted: signatures are not read; send the message unsigned.",
        }
    }
}

impl fmt::Display for Note {
    /// One sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::XmlError(error) => f.write_str(error.sentence()),
            Self::Expected(expected) => write!(f, "Expected: {expected}."),
            Self::Namespace { expected, found } => {
                let expected = expected.map_or("none", Namespace::uri);
                write!(f, "Expected namespace: {expected}; found: {}.", found.shown())
            }
            Self::SoapAction(operation) => {
                write!(f, "Expected: {}, in double quotes or without quotes.", names::soap_action(*operation))
            }
            Self::Attribute(attribute) => f.write_str(attribute.remedy()),
            Self::Type { expected: (namespace, name), found } => {
                write!(f, "Leave xsi:type out. Expected: {}:{name}; found: ", namespace.prefix())?;
                match found {
                    Some((namespace, name)) => write!(f, "{}:{name}.", namespace.prefix()),
                    None => f.write_str("*."),
                }
            }
            Self::HeaderBlock(namespace) => f.write_str(namespace.header_remedy().unwrap_or_default()),
        }
    }
}
