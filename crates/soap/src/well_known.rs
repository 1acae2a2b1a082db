//! Namespaces and types that are no part of the contract and that callers often use: a fault may
//! name them, because they are no text of the caller.

use super::names::{self, Namespace, element as e, end_user};
use ehealth_core::lookup::Operation;

ehealth_core::closed_enum! {
    /// A well-known namespace outside the contract.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum WellKnown {
        /// SOAP 1.2 envelopes.
        Soap12,
        /// Encoding of SOAP 1.1, section 5.
        SoapEncoding,
        /// WS-Security 1.0.
        Security,
        /// Identifiers and timestamps of WS-Security 1.0.
        SecurityUtility,
        /// Additions of WS-Security 1.1.
        Security11,
        /// WS-Security before its standard.
        SecurityDraft,
        /// WS-Addressing of August 2004.
        Addressing200408,
        /// WS-Addressing of March 2004.
        Addressing200403,
        /// Headers of .NET for messages without WS-Addressing.
        AddressingNone,
        /// WS-ReliableMessaging 1.1.
        ReliableMessaging,
        /// WS-ReliableMessaging of February 2005.
        ReliableMessaging200502,
        /// XML Signature.
        Signature,
        /// XOP, which MTOM uses.
        Xop,
        /// Message elements of `TestConnectionService` in version 0.1.
        TestOfVersion01,
    }
}

impl WellKnown {
    /// URI of the namespace.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Soap12 => "http://www.w3.org/2003/05/soap-envelope",
            Self::SoapEncoding => "http://schemas.xmlsoap.org/soap/encoding/",
            Self::Security => "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
            Self::SecurityUtility => {
                "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
            }
            Self::Security11 => "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd",
            Self::SecurityDraft => "http://schemas.xmlsoap.org/ws/2002/12/secext",
            Self::Addressing200408 => "http://schemas.xmlsoap.org/ws/2004/08/addressing",
            Self::Addressing200403 => "http://schemas.xmlsoap.org/ws/2004/03/addressing",
            Self::AddressingNone => "http://schemas.microsoft.com/ws/2005/05/addressing/none",
            Self::ReliableMessaging => "http://docs.oasis-open.org/ws-rx/wsrm/200702",
            Self::ReliableMessaging200502 => "http://schemas.xmlsoap.org/ws/2005/02/rm",
            Self::Signature => "http://www.w3.org/2000/09/xmldsig#",
            Self::Xop => "http://www.w3.org/2004/08/xop/include",
            Self::TestOfVersion01 => "http://kszbcss.fgov.be/intf/TestConnectionService/v1",
        }
    }

    /// Returns the namespace with this URI, if it is one of these.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|namespace| namespace.uri() == uri)
    }

    /// Name of the specification whose header blocks are in this namespace, and what to do about a
    /// block that must be understood; `None` for a namespace without header blocks.
    #[must_use]
    pub const fn header_remedy(self) -> Option<&'static str> {
        match self {
            Self::Security | Self::Security11 | Self::SecurityDraft => Some(
                "It belongs to WS-Security: send the message without it; the TLS client certificate identifies the caller.",
            ),
            Self::Addressing200408 => Some(
                "It belongs to WS-Addressing of August 2004: use WS-Addressing 1.0 \
                 http://www.w3.org/2005/08/addressing, or no addressing.",
            ),
            Self::Addressing200403 => Some(
                "It belongs to WS-Addressing of March 2004: use WS-Addressing 1.0 \
                 http://www.w3.org/2005/08/addressing, or no addressing.",
            ),
            Self::AddressingNone => Some(
                "It belongs to Microsoft's addressing/none: send the message without it, or with WS-Addressing 1.0; in \
                 .NET, do not set Headers.Action.",
            ),
            Self::ReliableMessaging | Self::ReliableMessaging200502 => {
                Some("It belongs to WS-ReliableMessaging: switch reliable messaging off.")
            }
            Self::Soap12
            | Self::SoapEncoding
            | Self::SecurityUtility
            | Self::Signature
            | Self::Xop
            | Self::TestOfVersion01 => None,
        }
    }
}

/// A namespace that was found where another was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FoundNamespace {
    /// No namespace.
    None,
    /// A namespace of the contract.
    Contract(Namespace),
    /// A well-known namespace.
    WellKnown(WellKnown),
    /// Any other: its name could be a person's number.
    Other,
}

impl FoundNamespace {
    /// Classifies a URI; the empty one is no namespace.
    #[must_use]
    pub fn of(uri: &str) -> Self {
        if uri.is_empty() {
            return Self::None;
        }
        let well_known = || WellKnown::from_uri(uri).map(Self::WellKnown);
        Namespace::from_uri(uri).map(Self::Contract).or_else(well_known).unwrap_or(Self::Other)
    }

    /// Its URI, `none`, or `*`.
    #[must_use]
    pub const fn shown(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Contract(namespace) => namespace.uri(),
            Self::WellKnown(namespace) => namespace.uri(),
            Self::Other => "*",
        }
    }
}

/// A type of the contract, or one that XML Schema itself defines.
pub(super) fn known_type(namespace: Namespace, name: &str) -> Option<(Namespace, &'static str)> {
    const BUILT_IN: [&str; 15] = [
        "anyType",
        "boolean",
        "date",
        "dateTime",
        "decimal",
        "int",
        "integer",
        "long",
        "nonNegativeInteger",
        "normalizedString",
        "short",
        "string",
        "token",
        "unsignedInt",
        "unsignedShort",
    ];
    let of_contract = [
        names::request(Operation::ConsultAttributes),
        names::request(Operation::SendTestMessage),
        e::INFORMATION_CUSTOMER,
        e::TICKET,
        e::CUSTOMER_IDENTIFICATION,
        e::CBE_NUMBER,
        e::INFORMATION_CBSS,
        e::TICKET_CBSS,
        e::LEGAL_CONTEXT,
        e::CRITERIA,
        e::SSIN,
        e::PERIOD,
        e::AFFILIATION,
        end_user::BLOCK,
        end_user::ID,
    ];
    let built_in = BUILT_IN.into_iter().map(|name| (Namespace::Schema, name));
    let mut known = of_contract.into_iter().filter_map(|element| element.declared_type).chain(built_in);
    known.find(|known| *known == (namespace, name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_well_known_namespace_is_of_the_contract() {
        let uris: HashSet<_> = WellKnown::ALL.map(WellKnown::uri).into_iter().collect();
        assert_eq!(uris.len(), WellKnown::ALL.len());
        assert!(uris.iter().all(|uri| Namespace::from_uri(uri).is_none()));
    }

    #[test]
    fn an_unknown_namespace_is_not_repeated() {
        assert_eq!(FoundNamespace::of("urn:85.07.30-999.32").shown(), "*");
        assert_eq!(FoundNamespace::of("").shown(), "none");
        assert_eq!(FoundNamespace::of("http://www.w3.org/2003/05/soap-envelope").shown(), WellKnown::Soap12.uri());
        assert_eq!(FoundNamespace::of(Namespace::Attr.uri()).shown(), Namespace::Attr.uri());
        assert_eq!(known_type(Namespace::Schema, "string"), Some((Namespace::Schema, "string")));
        assert_eq!(known_type(Namespace::Common, "string"), None);
        assert_eq!(known_type(Namespace::Common, "SsinType"), Some((Namespace::Common, "SsinType")));
    }
}
