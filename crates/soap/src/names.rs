//! Every word of the contract: names, namespaces, `SOAPAction`s, paths. A real WSDL is dropped in by changing the contract
//! files and this one.
//!
//! Names only: which element may stand where is said in `request` and `response`, what a value may be in [`ehealth_core::model`].

use ehealth_core::lookup::Operation;

/// `authorCode` of every fault: who speaks.
pub const AUTHOR_CODE: &str = "eHealthAttributesService";

/// The address that WS-Addressing 1.0 gives to "the other end of this connection".
pub const ADDRESS_ANONYMOUS: &str = "http://www.w3.org/2005/08/addressing/anonymous";

/// The address to which WS-Addressing 1.0 sends nothing.
pub const ADDRESS_NONE: &str = "http://www.w3.org/2005/08/addressing/none";

/// The actor that is whoever reads the message next: us (SOAP 1.1, section 4.2.2).
pub const ACTOR_NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";

/// `Action` of a fault that SOAP itself defines (WS-Addressing 1.0 SOAP binding, section 6).
pub const ACTION_SOAP_FAULT: &str = "http://www.w3.org/2005/08/addressing/soap/fault";

/// The operation whose messages are posted to this path.
#[must_use]
pub fn operation_at(path: &str) -> Option<Operation> {
    Operation::ALL.into_iter().find(|operation| self::path(*operation) == path)
}

/// The path of an operation: service, version, operation.
#[must_use]
pub const fn path(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => "/eHealthAttributesService/v1/consultAttributes",
        Operation::SendTestMessage => "/TestConnectionService/v1/sendTestMessage",
    }
}

/// What `SOAPAction` says, if it says anything, and what `Action` of WS-Addressing says.
#[must_use]
pub const fn soap_action(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => "http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes",
        Operation::SendTestMessage => "http://kszbcss.fgov.be/TestConnectionService/sendTestMessage",
    }
}

/// `Action` of a response: namespace, port type, output (WS-Addressing 1.0 Metadata, section 4.4.4).
#[must_use]
pub const fn response_action(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => {
            "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1/\
             eHealthAttributesServicePortType/consultAttributesResponse"
        }
        Operation::SendTestMessage => {
            "http://kszbcss.fgov.be/intf/TestConnectionService/v1/TestConnectionServicePortType/sendTestMessageResponse"
        }
    }
}

/// `Action` of a fault with a detail: namespace, port type, operation, `Fault`, fault (as [`response_action`]).
#[must_use]
pub const fn fault_action(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => {
            "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1/\
             eHealthAttributesServicePortType/consultAttributes/Fault/consultAttributesFault"
        }
        Operation::SendTestMessage => {
            "http://kszbcss.fgov.be/intf/TestConnectionService/v1/\
             TestConnectionServicePortType/sendTestMessage/Fault/sendTestMessageFault"
        }
    }
}

ehealth_core::closed_enum! {
    /// A namespace of the contract.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Namespace {
        /// SOAP 1.1 envelopes.
        Envelope,
        /// WS-Addressing 1.0.
        Addressing,
        /// Message elements of `eHealthAttributesService`.
        Intf,
        /// Types of `eHealthAttributesService`.
        Attr,
        /// KSZ's common types, version 3.
        Common,
        /// `TestConnectionService`.
        Test,
        /// XML Schema.
        Schema,
        /// Attributes of XML Schema in a document.
        SchemaInstance,
        /// Namespace of the prefix `xml`.
        Xml,
    }
}

impl Namespace {
    /// URI of the namespace.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Envelope => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::Addressing => "http://www.w3.org/2005/08/addressing",
            Self::Intf => "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1",
            Self::Attr => "http://kszbcss.fgov.be/types/eHealthAttributes/v1",
            Self::Common => "http://kszbcss.fgov.be/types/common/v3",
            Self::Test => "http://kszbcss.fgov.be/intf/TestConnectionService/v1",
            Self::Schema => "http://www.w3.org/2001/XMLSchema",
            Self::SchemaInstance => "http://www.w3.org/2001/XMLSchema-instance",
            Self::Xml => "http://www.w3.org/XML/1998/namespace",
        }
    }

    /// The prefix under which we write it.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Envelope => "soap",
            Self::Addressing => "wsa",
            Self::Intf => "intf",
            Self::Attr => "attr",
            Self::Common => "common",
            Self::Test => "test",
            Self::Schema => "xs",
            Self::SchemaInstance => "xsi",
            Self::Xml => "xml",
        }
    }

    /// The namespace of this name; `None` for any that the contract does not know. Compared letter by letter
    /// (Namespaces in XML 1.0, section 2.3).
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|namespace| namespace.uri() == uri)
    }
}

/// The namespace that belongs to `xmlns` and can be bound to nothing (Namespaces in XML 1.0, section 3).
pub const XMLNS_URI: &str = "http://www.w3.org/2000/xmlns/";

/// An element of the contract: how it is called, and the type that its schema declares for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// `None`: local elements are unqualified.
    pub namespace: Option<Namespace>,
    /// The local name.
    pub name: &'static str,
    /// Namespace and name of the declared type: what `xsi:type` may name.
    pub declared_type: (Namespace, &'static str),
}

/// A local element.
const fn local(name: &'static str, namespace: Namespace, declared_type: &'static str) -> Element {
    Element { namespace: None, name, declared_type: (namespace, declared_type) }
}

/// A message element.
const fn message(namespace: Namespace, name: &'static str, types: Namespace, declared_type: &'static str) -> Element {
    Element { namespace: Some(namespace), name, declared_type: (types, declared_type) }
}

/// The message element of a request.
#[must_use]
pub const fn request(operation: Operation) -> Element {
    use Namespace::{Attr, Intf, Test};
    match operation {
        Operation::ConsultAttributes => message(Intf, "consultAttributesRequest", Attr, "ConsultAttributesRequestType"),
        Operation::SendTestMessage => message(Test, "sendTestMessageRequest", Test, "SendTestMessageRequestType"),
    }
}

/// The message element of a response.
#[must_use]
pub const fn response(operation: Operation) -> Element {
    use Namespace::{Attr, Intf, Test};
    match operation {
        Operation::ConsultAttributes => message(Intf, "consultAttributesResponse", Attr, "ConsultAttributesReplyType"),
        Operation::SendTestMessage => message(Test, "sendTestMessageResponse", Test, "SendTestMessageReplyType"),
    }
}

/// The message element of a fault's detail.
#[must_use]
pub const fn fault(operation: Operation) -> Element {
    use Namespace::{Common, Intf, Test};
    match operation {
        Operation::ConsultAttributes => message(Intf, "consultAttributesFault", Common, "CBSSFaultType"),
        Operation::SendTestMessage => message(Test, "sendTestMessageFault", Common, "CBSSFaultType"),
    }
}

/// The elements of a SOAP 1.1 envelope, all in [`Namespace::Envelope`].
pub mod envelope {
    /// The root.
    pub const ENVELOPE: &str = "Envelope";
    /// The optional header.
    pub const HEADER: &str = "Header";
    /// The body.
    pub const BODY: &str = "Body";
    /// The body's child, where something went wrong.
    pub const FAULT: &str = "Fault";
    /// Attribute: whether a header block must be understood.
    pub const MUST_UNDERSTAND: &str = "mustUnderstand";
    /// Attribute: who must understand it.
    pub const ACTOR: &str = "actor";
}

/// The header blocks of WS-Addressing 1.0, all in [`Namespace::Addressing`].
pub mod addressing {
    /// What the message wants.
    pub const ACTION: &str = "Action";
    /// The message's own name.
    pub const MESSAGE_ID: &str = "MessageID";
    /// The message that is answered.
    pub const RELATES_TO: &str = "RelatesTo";
    /// To whom the message goes.
    pub const TO: &str = "To";
    /// From whom it comes.
    pub const FROM: &str = "From";
    /// Where the answer shall go.
    pub const REPLY_TO: &str = "ReplyTo";
    /// Where a fault shall go.
    pub const FAULT_TO: &str = "FaultTo";
    /// Inside an endpoint reference: its address.
    pub const ADDRESS: &str = "Address";
}

/// The attributes in [`Namespace::SchemaInstance`] that mean something to us.
pub mod instance {
    /// The type that an element claims to have.
    pub const TYPE: &str = "type";
    /// Whether an element claims to have no value.
    pub const NIL: &str = "nil";
    /// A hint where a schema lies. Never followed.
    pub const SCHEMA_LOCATION: &str = "schemaLocation";
    /// The same for elements without namespace. Never followed.
    pub const NO_NAMESPACE_SCHEMA_LOCATION: &str = "noNamespaceSchemaLocation";
}

/// The local elements of the messages.
pub mod element {
    use super::Namespace::{Attr, Common, Schema, Test};
    use super::{Element, local};

    /// What the customer says of itself.
    pub const INFORMATION_CUSTOMER: Element = local("informationCustomer", Common, "InformationCustomerType");
    /// The customer's own reference.
    pub const TICKET: Element = local("ticket", Common, "TicketType");
    /// When the customer sent the message.
    pub const TIMESTAMP_SENT: Element = local("timestampSent", Schema, "dateTime");
    /// For whom the customer asks.
    pub const CUSTOMER_IDENTIFICATION: Element =
        local("customerIdentification", Common, "OrganizationIdentificationType");
    /// An organisation's number.
    pub const CBE_NUMBER: Element = local("cbeNumber", Common, "CbeNumberType");
    /// A sector of the KSZ network.
    pub const SECTOR: Element = local("sector", Common, "SectorType");
    /// An institution in a sector.
    pub const INSTITUTION: Element = local("institution", Common, "InstitutionType");
    /// What the service says of its handling.
    pub const INFORMATION_CBSS: Element = local("informationCBSS", Common, "InformationCBSSType");
    /// The service's reference.
    pub const TICKET_CBSS: Element = local("ticketCBSS", Common, "TicketCBSSType");
    /// When the service received the request.
    pub const TIMESTAMP_RECEIVE: Element = local("timestampReceive", Common, "TimestampCBSSType");
    /// When the service replied.
    pub const TIMESTAMP_REPLY: Element = local("timestampReply", Common, "TimestampCBSSType");
    /// On which ground is asked.
    pub const LEGAL_CONTEXT: Element = local("legalContext", Common, "LegalContextType");
    /// About whom and when is asked.
    pub const CRITERIA: Element = local("criteria", Attr, "CriteriaType");
    /// The person's number.
    pub const SSIN: Element = local("ssin", Common, "SsinType");
    /// One day.
    pub const REFERENCE_DATE: Element = local("referenceDate", Schema, "date");
    /// A span of days. In an employment its end may be absent, there its type is `OpenPeriodType`.
    pub const PERIOD: Element = local("period", Common, "PeriodType");
    /// The first day.
    pub const BEGIN_DATE: Element = local("beginDate", Schema, "date");
    /// The last day.
    pub const END_DATE: Element = local("endDate", Schema, "date");
    /// How it ended.
    pub const STATUS: Element = local("status", Common, "StatusType");
    /// The class of the outcome.
    pub const VALUE: Element = local("value", Common, "StatusValueType");
    /// What software acts upon.
    pub const CODE: Element = local("code", Common, "MessageCodeType");
    /// One sentence.
    pub const DESCRIPTION: Element = local("description", Common, "DescriptionType");
    /// A named fact.
    pub const INFORMATION: Element = local("information", Common, "InformationType");
    /// Its name.
    pub const FIELD_NAME: Element = local("fieldName", Common, "FieldNameType");
    /// Its value.
    pub const FIELD_VALUE: Element = local("fieldValue", Common, "FieldValueType");
    /// What was left out by policy.
    pub const DATA_FILTERS: Element = local("dataFilters", Common, "DataFiltersType");
    /// One field that was left out.
    pub const FILTERED_ELEMENT: Element = local("filteredElement", Schema, "string");
    /// The nine fields.
    pub const RESULT: Element = local("result", Attr, "ResultType");
    /// An employment.
    pub const EMPLOYMENT: Element = local("employment", Attr, "EmploymentType");
    /// Who employs.
    pub const EMPLOYER: Element = local("employer", Attr, "EmployerType");
    /// A prevention service.
    pub const PREVENTION_SERVICE: Element = local("preventionService", Attr, "PreventionServiceType");
    /// Its kind.
    pub const TYPE: Element = local("type", Attr, "PreventionServiceTypeCode");
    /// The employer's affiliation to it.
    pub const AFFILIATION: Element = local("affiliation", Common, "OpenPeriodType");
    /// The fund.
    pub const HEALTH_INSURANCE_FUND: Element = local("healthInsuranceFund", Attr, "HealthInsuranceFundType");
    /// One thing that went wrong.
    pub const DETAIL: Element = local("detail", Common, "MessageType");
    /// How grave it is.
    pub const SEVERITY: Element = local("severity", Common, "SeverityType");
    /// Its code.
    pub const REASON_CODE: Element = local("reasonCode", Common, "MessageCodeType");
    /// Its sentence.
    pub const DIAGNOSTIC: Element = local("diagnostic", Common, "DescriptionType");
    /// Who says so.
    pub const AUTHOR_CODE: Element = local("authorCode", Common, "AuthorCodeType");
    /// A text that comes back.
    pub const ECHO: Element = local("echo", Test, "EchoType");
    /// The caller's certificate.
    pub const SSL_CERTIFICATE: Element = local("sslCertificate", Schema, "string");
    /// The name by which the caller is known.
    pub const CONSUMER: Element = local("consumer", Schema, "string");
}

/// The contract's spelling of an element name, if it is one that a request can have. Any other name could be a person's
/// number, and is not repeated.
#[must_use]
pub fn known(name: &str) -> Option<&'static str> {
    use element as e;
    const WORDS: [&str; 35] = [
        envelope::ENVELOPE,
        envelope::HEADER,
        envelope::BODY,
        addressing::ACTION,
        addressing::MESSAGE_ID,
        addressing::RELATES_TO,
        addressing::TO,
        addressing::FROM,
        addressing::REPLY_TO,
        addressing::FAULT_TO,
        addressing::ADDRESS,
        request(Operation::ConsultAttributes).name,
        request(Operation::SendTestMessage).name,
        e::INFORMATION_CUSTOMER.name,
        e::TICKET.name,
        e::TIMESTAMP_SENT.name,
        e::CUSTOMER_IDENTIFICATION.name,
        e::CBE_NUMBER.name,
        e::SECTOR.name,
        e::INSTITUTION.name,
        e::INFORMATION_CBSS.name,
        e::TICKET_CBSS.name,
        e::TIMESTAMP_RECEIVE.name,
        e::TIMESTAMP_REPLY.name,
        e::LEGAL_CONTEXT.name,
        e::CRITERIA.name,
        e::SSIN.name,
        e::REFERENCE_DATE.name,
        e::PERIOD.name,
        e::BEGIN_DATE.name,
        e::END_DATE.name,
        e::ECHO.name,
        response(Operation::ConsultAttributes).name,
        response(Operation::SendTestMessage).name,
        envelope::FAULT,
    ];
    WORDS.into_iter().find(|word| *word == name)
}
