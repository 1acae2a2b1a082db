//! Codes of outcomes: those of the statuses and those of the faults, in one closed list.

use std::fmt;

use super::StatusCode;

crate::closed_enum! {
    /// Code with which an exchange ends, on the wire, in records, metrics and logs.
    ///
    /// A new status or fault needs a variant here. The compiler then names every place that has to
    /// handle it: the status or fault that has the code, and [`OutcomeCode::status`]. The order is
    /// that of the texts.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum OutcomeCode {
        /// Status: a source is missing or stale; the answer may be incomplete.
        Incomplete => "HAN20200",
        /// Status: data were found.
        DataFound => "MSG00000",
        /// Fault: internal error.
        Internal => "MSG00003",
        /// Status: the SSIN was replaced.
        Replaced => "MSG00006",
        /// Status: a date is invalid or out of reach.
        WrongDates => "MSG00008",
        /// Status: the SSIN is invalid.
        NotAnSsin => "MSG00011",
        /// Status: no relation to the person.
        NoRelation => "MSG00012",
        /// Status: no valid grant for the legal context.
        NoGrant => "MSG00013",
        /// Status: no data were found.
        NoDataFound => "MSG00100",
        /// Fault: not well-formed XML.
        Malformed => "MSG90001",
        /// Fault: a DOCTYPE.
        Doctype => "MSG90002",
        /// Fault: a processing instruction.
        ProcessingInstruction => "MSG90003",
        /// Fault: another XML version than 1.0.
        XmlVersion => "MSG90004",
        /// Fault: another encoding than UTF-8 and UTF-16.
        UnreadEncoding => "MSG90005",
        /// Fault: contradicting encodings.
        EncodingConflict => "MSG90006",
        /// Fault: UTF-16 without a byte order mark.
        NoByteOrderMark => "MSG90007",
        /// Fault: elements nested too deep.
        Depth => "MSG90011",
        /// Fault: too many attributes.
        Attributes => "MSG90012",
        /// Fault: too many namespace declarations.
        NamespaceDeclarations => "MSG90013",
        /// Fault: too many children.
        Children => "MSG90014",
        /// Fault: a text is too long.
        TextLength => "MSG90015",
        /// Fault: a name is too long.
        NameLength => "MSG90016",
        /// Fault: too many parser events.
        Events => "MSG90017",
        /// Fault: not a SOAP envelope.
        NotAnEnvelope => "MSG90021",
        /// Fault: another SOAP version than 1.1.
        VersionMismatch => "MSG90022",
        /// Fault: wrong structure of the envelope.
        EnvelopeStructure => "MSG90023",
        /// Fault: wrong structure of the body.
        BodyStructure => "MSG90024",
        /// Fault: a header block without namespace.
        UnqualifiedHeader => "MSG90025",
        /// Fault: an invalid `mustUnderstand`.
        MustUnderstandValue => "MSG90026",
        /// Fault: a header block that must be understood and is not.
        MustUnderstand => "MSG90027",
        /// Fault: the request of another operation.
        WrongOperation => "MSG90028",
        /// Fault: wrong `SOAPAction`.
        WrongSoapAction => "MSG90029",
        /// Fault: wrong `Action` of WS-Addressing.
        WrongAction => "MSG90031",
        /// Fault: a reply address that is not supported.
        ReplyAddress => "MSG90032",
        /// Fault: an invalid `MessageID`.
        MessageId => "MSG90033",
        /// Fault: a repeated header block.
        RepeatedHeader => "MSG90034",
        /// Fault: an element that the schema does not allow there.
        Element => "MSG90041",
        /// Fault: text among elements.
        TextAmongElements => "MSG90042",
        /// Fault: an element in a value.
        ElementInValue => "MSG90043",
        /// Fault: an attribute that is not allowed.
        Attribute => "MSG90044",
        /// Fault: a value that its type does not allow.
        Value => "MSG90045",
        /// Fault: `customerIdentification` that the caller may not use.
        WrongIdentification => "MSG90051",
        /// Fault: the quota is exhausted.
        QuotaSpent => "MSG90052",
        /// Fault: the exchange could not be recorded.
        NotRecorded => "MSG90053",
        /// Fault: the legal context demands an end user, and the message names none.
        EndUserMissing => "MSG90054",
        /// Fault: the legal context allows no end user, and the message names one.
        EndUserRefused => "MSG90055",
        /// Fault: an unknown caller.
        UnknownCaller => "SOA-01001",
    }
}

impl OutcomeCode {
    /// The status that has this code; `None` for a fault.
    #[must_use]
    pub const fn status(self) -> Option<StatusCode> {
        match self {
            Self::Incomplete => Some(StatusCode::Incomplete),
            Self::DataFound => Some(StatusCode::DataFound),
            Self::Replaced => Some(StatusCode::Replaced),
            Self::WrongDates => Some(StatusCode::WrongDates),
            Self::NotAnSsin => Some(StatusCode::NotAnSsin),
            Self::NoRelation => Some(StatusCode::NoRelation),
            Self::NoGrant => Some(StatusCode::NoGrant),
            Self::NoDataFound => Some(StatusCode::NoDataFound),
            Self::Internal
            | Self::Malformed
            | Self::Doctype
            | Self::ProcessingInstruction
            | Self::XmlVersion
            | Self::UnreadEncoding
            | Self::EncodingConflict
            | Self::NoByteOrderMark
            | Self::Depth
            | Self::Attributes
            | Self::NamespaceDeclarations
            | Self::Children
            | Self::TextLength
            | Self::NameLength
            | Self::Events
            | Self::NotAnEnvelope
            | Self::VersionMismatch
            | Self::EnvelopeStructure
            | Self::BodyStructure
            | Self::UnqualifiedHeader
            | Self::MustUnderstandValue
            | Self::MustUnderstand
            | Self::WrongOperation
            | Self::WrongSoapAction
            | Self::WrongAction
            | Self::ReplyAddress
            | Self::MessageId
            | Self::RepeatedHeader
            | Self::Element
            | Self::TextAmongElements
            | Self::ElementInValue
            | Self::Attribute
            | Self::Value
            | Self::WrongIdentification
            | Self::QuotaSpent
            | Self::NotRecorded
            | Self::EndUserMissing
            | Self::EndUserRefused
            | Self::UnknownCaller => None,
        }
    }
}

impl StatusCode {
    /// `code`, typed.
    #[must_use]
    pub const fn outcome(self) -> OutcomeCode {
        match self {
            Self::NoGrant => OutcomeCode::NoGrant,
            Self::NotAnSsin => OutcomeCode::NotAnSsin,
            Self::WrongDates => OutcomeCode::WrongDates,
            Self::NoRelation => OutcomeCode::NoRelation,
            Self::Replaced => OutcomeCode::Replaced,
            Self::Incomplete => OutcomeCode::Incomplete,
            Self::DataFound => OutcomeCode::DataFound,
            Self::NoDataFound => OutcomeCode::NoDataFound,
        }
    }

    /// `code`: what software acts upon.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.outcome().code()
    }
}

impl fmt::Display for OutcomeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_ascending_and_parse_back() {
        assert!(OutcomeCode::ALL.is_sorted_by(|one, next| one.code() < next.code()));
        for outcome in OutcomeCode::ALL {
            assert_eq!(OutcomeCode::parse(outcome.code()), Some(outcome));
            assert!(outcome.code().len() <= 16, "{outcome} is longer than MessageCodeType");
        }
        for text in ["", "MSG00001", "msg00000", "MSG000000", "SOA-01001 "] {
            assert_eq!(OutcomeCode::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_status_has_a_code_of_its_own() {
        let codes = StatusCode::ALL.map(StatusCode::outcome);
        assert_eq!(codes.map(OutcomeCode::status), StatusCode::ALL.map(Some));
        let of_statuses = OutcomeCode::ALL.into_iter().filter(|outcome| outcome.status().is_some());
        assert_eq!(of_statuses.count(), StatusCode::ALL.len());
    }
}
