//! Names of the contract: elements, namespaces, `SOAPAction`s, paths. To adopt another WSDL, change
//! the contract files and this file.
//!
//! Names only: `request` and `response` define the structure, [`ehealth_core::model`] the values.

use ehealth_core::lookup::Operation;

/// `authorCode` of every fault.
pub const AUTHOR_CODE: &str = "eHealthAttributesService";

/// Anonymous address of WS-Addressing 1.0: the answer goes back on the same connection.
pub const ADDRESS_ANONYMOUS: &str = "http://www.w3.org/2005/08/addressing/anonymous";

/// None address of WS-Addressing 1.0: no answer is sent to it.
pub const ADDRESS_NONE: &str = "http://www.w3.org/2005/08/addressing/none";

/// Actor `next`: the first receiver of the message, which is this service (SOAP 1.1, section
/// 4.2.2).
pub const ACTOR_NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";

/// `Action` of a fault that SOAP defines (WS-Addressing 1.0 SOAP binding, section 6).
pub const ACTION_SOAP_FAULT: &str = "http://www.w3.org/2005/08/addressing/soap/fault";

/// Path of `consultAttributes` in version 0.1, which is served too.
pub const CONSULT_ALIAS: &str = "/eHealthAttributesService/v1/consultAttributes";

/// Segment below which KSZ's platform serves `TestConnectionService`; served too.
pub const PLATFORM: &str = "/SOA4520";

/// Returns the operation whose messages are posted to this path.
#[must_use]
pub fn operation_at(path: &str) -> Option<Operation> {
    if path == CONSULT_ALIAS {
        return Some(Operation::ConsultAttributes);
    }
    if path.strip_prefix(PLATFORM) == Some(self::path(Operation::SendTestMessage)) {
        return Some(Operation::SendTestMessage);
    }
    Operation::ALL.into_iter().find(|operation| self::path(*operation) == path)
}

/// Name of the operation's service.
#[must_use]
pub const fn service(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => "eHealthAttributesService",
        Operation::SendTestMessage => "TestConnectionService",
    }
}

/// Path of an operation, by which the WSDL gives the address of its service.
#[must_use]
pub const fn path(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => "/eHealthAttributesService/v1/consult",
        Operation::SendTestMessage => "/TestConnectionServiceService/sendTestMessage",
    }
}

/// Value of `SOAPAction` (unless empty) and of `Action` of WS-Addressing, in a request.
#[must_use]
pub const fn soap_action(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => "http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes",
        Operation::SendTestMessage => "http://kszbcss.fgov.be/TestConnectionServiceService/sendTestMessage",
    }
}

/// `Action` of a response: namespace, port type, output (WS-Addressing 1.0 Metadata, section
/// 4.4.4).
#[must_use]
pub const fn response_action(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => {
            "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1/\
             eHealthAttributesPortType/consultAttributesResponse"
        }
        Operation::SendTestMessage => {
            "http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1/\
             TestConnectionServicePortType/sendTestMessageResponse"
        }
    }
}

/// `Action` of a fault with a detail: namespace, port type, operation, `Fault`, fault (as
/// [`response_action`]).
#[must_use]
pub const fn fault_action(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => {
            "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1/\
             eHealthAttributesPortType/consultAttributes/Fault/consultAttributesFault"
        }
        Operation::SendTestMessage => {
            "http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1/\
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
        /// Message elements of `TestConnectionService`.
        Test,
        /// Types of `TestConnectionService`.
        TestTypes,
        /// Header block of the end user.
        EndUser,
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
            Self::Test => "http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1",
            Self::TestTypes => "http://kszbcss.fgov.be/types/TestConnectionService/v1",
            Self::EndUser => "urn:ehealth-attributes:end-user:v1",
            Self::Schema => "http://www.w3.org/2001/XMLSchema",
            Self::SchemaInstance => "http://www.w3.org/2001/XMLSchema-instance",
            Self::Xml => "http://www.w3.org/XML/1998/namespace",
        }
    }

    /// Prefix in messages that the service writes.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Envelope => "soap",
            Self::Addressing => "wsa",
            Self::Intf => "intf",
            Self::Attr => "attr",
            Self::Common => "common",
            Self::Test => "test",
            Self::TestTypes => "testtypes",
            Self::EndUser => "user",
            Self::Schema => "xs",
            Self::SchemaInstance => "xsi",
            Self::Xml => "xml",
        }
    }

    /// Returns the namespace with this URI; `None` if it is not in the contract. URIs are compared
    /// character by character (Namespaces in XML 1.0, section 2.3).
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|namespace| namespace.uri() == uri)
    }
}

/// Namespace of the prefix `xmlns`, which no declaration may bind (Namespaces in XML 1.0, section
/// 3).
pub const XMLNS_URI: &str = "http://www.w3.org/2000/xmlns/";

/// An element of the contract: its name, and the type that its schema declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// Namespace; `None` for local elements, which are unqualified.
    pub namespace: Option<Namespace>,
    /// Local name.
    pub name: &'static str,
    /// Namespace and name of the declared type, the only one that `xsi:type` may name; `None` for a
    /// type without a name.
    pub declared_type: Option<(Namespace, &'static str)>,
}

/// A local element.
const fn local(name: &'static str, namespace: Namespace, declared_type: &'static str) -> Element {
    Element { namespace: None, name, declared_type: Some((namespace, declared_type)) }
}

/// A local element whose type has no name.
const fn unnamed(name: &'static str) -> Element {
    Element { namespace: None, name, declared_type: None }
}

/// A message element.
const fn message(namespace: Namespace, name: &'static str, types: Namespace, declared_type: &'static str) -> Element {
    Element { namespace: Some(namespace), name, declared_type: Some((types, declared_type)) }
}

/// Message element of a request.
#[must_use]
pub const fn request(operation: Operation) -> Element {
    use Namespace::{Attr, Intf, Test, TestTypes};
    match operation {
        Operation::ConsultAttributes => message(Intf, "consultAttributesRequest", Attr, "ConsultAttributesRequestType"),
        Operation::SendTestMessage => message(Test, "sendTestMessageRequest", TestTypes, "SendTestMessageRequestType"),
    }
}

/// Message element of a response.
#[must_use]
pub const fn response(operation: Operation) -> Element {
    use Namespace::{Attr, Intf, Test, TestTypes};
    match operation {
        Operation::ConsultAttributes => message(Intf, "consultAttributesResponse", Attr, "ConsultAttributesReplyType"),
        Operation::SendTestMessage => {
            message(Test, "sendTestMessageResponse", TestTypes, "SendTestMessageResponseType")
        }
    }
}

/// Message element of a fault's detail. The WSDL of `TestConnectionService` declares none, as KSZ's.
#[must_use]
pub const fn fault(operation: Operation) -> Element {
    use Namespace::{Common, Intf, Test};
    match operation {
        Operation::ConsultAttributes => message(Intf, "consultAttributesFault", Common, "CBSSFaultType"),
        Operation::SendTestMessage => message(Test, "sendTestMessageFault", Common, "CBSSFaultType"),
    }
}

pub mod end_user;

/// Elements and attributes of a SOAP 1.1 envelope, all in [`Namespace::Envelope`].
pub mod envelope {
    /// Root element.
    pub const ENVELOPE: &str = "Envelope";
    /// Optional header.
    pub const HEADER: &str = "Header";
    /// Body, which contains the payload.
    pub const BODY: &str = "Body";
    /// Child of the body in a fault.
    pub const FAULT: &str = "Fault";
    /// Attribute: whether a header block must be understood.
    pub const MUST_UNDERSTAND: &str = "mustUnderstand";
    /// Attribute: the node that a header block is for.
    pub const ACTOR: &str = "actor";
    /// Attribute: how the payload is encoded. Only accepted outside the payload.
    pub const ENCODING_STYLE: &str = "encodingStyle";
}

/// Header blocks of WS-Addressing 1.0, all in [`Namespace::Addressing`].
pub mod addressing {
    /// Purpose of the message.
    pub const ACTION: &str = "Action";
    /// Identifier of the message.
    pub const MESSAGE_ID: &str = "MessageID";
    /// `MessageID` of the message that is answered.
    pub const RELATES_TO: &str = "RelatesTo";
    /// Destination of the message.
    pub const TO: &str = "To";
    /// Source of the message.
    pub const FROM: &str = "From";
    /// Address for the answer.
    pub const REPLY_TO: &str = "ReplyTo";
    /// Address for a fault.
    pub const FAULT_TO: &str = "FaultTo";
    /// Address in an endpoint reference.
    pub const ADDRESS: &str = "Address";
}

/// Attributes in [`Namespace::SchemaInstance`] that the reader checks.
pub mod instance {
    /// Type of the element.
    pub const TYPE: &str = "type";
    /// Whether the element has no value.
    pub const NIL: &str = "nil";
    /// Location hint of a schema. Never followed.
    pub const SCHEMA_LOCATION: &str = "schemaLocation";
    /// Location hint of a schema without namespace. Never followed.
    pub const NO_NAMESPACE_SCHEMA_LOCATION: &str = "noNamespaceSchemaLocation";
}

/// Attributes of local elements in a response. They have no namespace.
pub mod attribute {
    /// The SSIN that replaced the one in the element.
    pub const REPLACED_BY: &str = "replacedBy";
    /// Name of the dataset whose status is in the element.
    pub const NAME: &str = "name";
}

/// Local elements of the messages.
pub mod element {
    use super::Namespace::{Attr, Common, Schema};
    use super::{Element, local, unnamed};

    /// Facts from the customer about the message.
    pub const INFORMATION_CUSTOMER: Element = local("informationCustomer", Common, "InformationCustomerType");
    /// Reference of the customer.
    pub const TICKET: Element = local("ticket", Common, "TicketType");
    /// Time at which the customer sent the message.
    pub const TIMESTAMP_SENT: Element = local("timestampSent", Schema, "dateTime");
    /// Organisation on whose behalf the customer asks.
    pub const CUSTOMER_IDENTIFICATION: Element =
        local("customerIdentification", Common, "OrganizationIdentificationType");
    /// Number of an organisation.
    pub const CBE_NUMBER: Element = local("cbeNumber", Common, "CbeNumberType");
    /// A sector of the KSZ network.
    pub const SECTOR: Element = unnamed("sector");
    /// An institution in a sector.
    pub const INSTITUTION: Element = unnamed("institution");
    /// Facts from the service about its handling.
    pub const INFORMATION_CBSS: Element = local("informationCBSS", Common, "InformationCBSSType");
    /// Reference of the service.
    pub const TICKET_CBSS: Element = local("ticketCBSS", Common, "UUIDType");
    /// Time at which the service received the request.
    pub const TIMESTAMP_RECEIVE: Element = local("timestampReceive", Schema, "dateTime");
    /// Time at which the service replied.
    pub const TIMESTAMP_REPLY: Element = local("timestampReply", Schema, "dateTime");
    /// Legal context of the question.
    pub const LEGAL_CONTEXT: Element = local("legalContext", Common, "LegalContextType");
    /// Person and days of the question.
    pub const CRITERIA: Element = local("criteria", Attr, "CriteriaType");
    /// SSIN of a person.
    pub const SSIN: Element = local("ssin", Common, "SsinType");
    /// A single day.
    pub const REFERENCE_DATE: Element = local("referenceDate", Schema, "date");
    /// A period. In an employment its end may be absent, and its type is `OpenPeriodType`.
    pub const PERIOD: Element = local("period", Common, "PeriodType");
    /// First day of a period.
    pub const BEGIN_DATE: Element = local("beginDate", Schema, "date");
    /// Last day of a period.
    pub const END_DATE: Element = local("endDate", Schema, "date");
    /// Status of the answer.
    pub const STATUS: Element = local("status", Attr, "GlobalStatusType");
    /// Class of the outcome.
    pub const VALUE: Element = local("value", Attr, "GlobalStatusValueType");
    /// Code that software acts upon.
    pub const CODE: Element = unnamed("code");
    /// Sentence for people.
    pub const DESCRIPTION: Element = unnamed("description");
    /// Named fact of a status.
    pub const INFORMATION: Element = local("information", Common, "InformationType");
    /// Name of a fact.
    pub const FIELD_NAME: Element = unnamed("fieldName");
    /// Value of a fact.
    pub const FIELD_VALUE: Element = unnamed("fieldValue");
    /// SSIN of the question, which was replaced.
    pub const REPLACED_SSIN: Element = local("ssin", Attr, "AnnotatedSsinType");
    /// Fields that policy left out.
    pub const DATA_FILTERS: Element = local("dataFilters", Common, "DataFiltersType");
    /// Path of a field that was left out.
    pub const FILTERED_ELEMENT: Element = local("filteredElement", Schema, "string");
    /// Sources of the answer.
    pub const SOURCES: Element = local("sources", Attr, "SourcesType");
    /// Status of one source.
    pub const SOURCE: Element = local("source", Attr, "SourceType");
    /// Disclosure of the nine fields.
    pub const RESULT: Element = local("result", Attr, "ResultType");
    /// Employment of the person.
    pub const EMPLOYMENT: Element = local("employment", Attr, "EmploymentType");
    /// Employer of an employment.
    pub const EMPLOYER: Element = local("employer", Attr, "EmployerType");
    /// Prevention service of an employer.
    pub const PREVENTION_SERVICE: Element = local("preventionService", Attr, "PreventionServiceType");
    /// Type of a prevention service.
    pub const TYPE: Element = local("type", Attr, "PreventionServiceTypeCode");
    /// Affiliation of the employer to the service.
    pub const AFFILIATION: Element = local("affiliation", Common, "OpenPeriodType");
    /// Health-insurance fund of the person.
    pub const HEALTH_INSURANCE_FUND: Element = local("healthInsuranceFund", Attr, "HealthInsuranceFundType");
    /// One error of a fault.
    pub const DETAIL: Element = local("detail", Common, "MessageType");
    /// Severity of an error.
    pub const SEVERITY: Element = local("severity", Common, "SeverityType");
    /// Code of an error.
    pub const REASON_CODE: Element = unnamed("reasonCode");
    /// Sentence of an error.
    pub const DIAGNOSTIC: Element = unnamed("diagnostic");
    /// Author of an error.
    pub const AUTHOR_CODE: Element = unnamed("authorCode");
    /// Text that is returned unchanged.
    pub const ECHO: Element = local("echo", Schema, "string");
    /// Subject of the caller's certificate.
    pub const SSL_CERTIFICATE: Element = local("sslCertificate", Schema, "string");
}
