//! The messages of contract.md as yaserde binds them: element for element, text for text.
//!
//! Every name and namespace that the client writes or reads is in this file. Nothing is judged here: a number is the text
//! that stood on the wire, and [`super::Answer`] is made of it elsewhere. What yaserde cannot express is done by hand and
//! said where: a choice between an element and a sequence ([`Organization`]), and the envelope ([`super::envelope`]).
//! `Debug` shows a message's name alone:
//! most of them hold an SSIN.
//!
//! yaserde writes what it reads and writes to the `log` facade, at level `debug`. A program that installs a logger for
//! that facade must keep the targets `yaserde` and `yaserde_derive` off, or its log holds SSINs.

use std::fmt;

use yaserde::{YaDeserialize, YaSerialize};

/// SOAP 1.1's envelope (section 3).
pub const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The message elements of `consultAttributes`.
pub const INTF: &str = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1";
/// The message elements of `sendTestMessage`.
pub const TEST: &str = "http://kszbcss.fgov.be/intf/TestConnectionService/v1";

/// A message that stands in a body: which element it is.
pub trait Message: YaSerialize + YaDeserialize {
    /// The element's namespace.
    const NAMESPACE: &'static str;
    /// The element's local name.
    const NAME: &'static str;
}

/// A message that asks: where it goes and what answers it.
pub trait Request: Message {
    /// The message that answers.
    type Response: Message;
    /// The path of the operation, below the service's base URL.
    const PATH: &'static str;
    /// The operation's SOAPAction, without quotes.
    const SOAP_ACTION: &'static str;
}

/// `consultAttributesRequest`. `informationCBSS` is never sent: the service ignores it.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
#[yaserde(
    rename = "consultAttributesRequest",
    prefix = "intf",
    namespaces = { "intf" = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1" }
)]
pub struct ConsultRequest {
    /// `informationCustomer`.
    #[yaserde(rename = "informationCustomer")]
    pub information_customer: InformationCustomer,
    /// `legalContext`.
    #[yaserde(rename = "legalContext")]
    pub legal_context: String,
    /// `criteria`.
    pub criteria: Criteria,
}

/// `consultAttributesResponse`.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
#[yaserde(
    rename = "consultAttributesResponse",
    prefix = "intf",
    namespaces = { "intf" = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1" }
)]
pub struct ConsultResponse {
    /// `informationCustomer`.
    #[yaserde(rename = "informationCustomer")]
    pub information_customer: InformationCustomer,
    /// `informationCBSS`.
    #[yaserde(rename = "informationCBSS")]
    pub information_cbss: InformationCbss,
    /// `legalContext`.
    #[yaserde(rename = "legalContext")]
    pub legal_context: String,
    /// `criteria`.
    pub criteria: Option<Criteria>,
    /// `status`.
    pub status: Status,
    /// `dataFilters`.
    #[yaserde(rename = "dataFilters")]
    pub data_filters: Option<DataFilters>,
    /// `result`.
    pub result: Option<ResultElement>,
}

/// `sendTestMessageRequest`.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
#[yaserde(
    rename = "sendTestMessageRequest",
    prefix = "test",
    namespaces = { "test" = "http://kszbcss.fgov.be/intf/TestConnectionService/v1" }
)]
pub struct TestRequest {
    /// `echo`.
    pub echo: String,
}

/// `sendTestMessageResponse`.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
#[yaserde(
    rename = "sendTestMessageResponse",
    prefix = "test",
    namespaces = { "test" = "http://kszbcss.fgov.be/intf/TestConnectionService/v1" }
)]
pub struct TestResponse {
    /// `informationCBSS`.
    #[yaserde(rename = "informationCBSS")]
    pub information_cbss: InformationCbss,
    /// `echo`.
    pub echo: String,
    /// `sslCertificate`.
    #[yaserde(rename = "sslCertificate")]
    pub ssl_certificate: String,
    /// `consumer`.
    pub consumer: Option<String>,
}

/// SOAP 1.1's `Fault` (section 4.4), whose own children are unqualified.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
#[yaserde(
    rename = "Fault",
    prefix = "s",
    namespaces = { "s" = "http://schemas.xmlsoap.org/soap/envelope/" }
)]
pub struct Fault {
    /// `faultcode`: a qualified name. Its prefix is resolved by [`super::envelope`], because yaserde knows no names in
    /// content.
    pub faultcode: String,
    /// `faultstring`.
    pub faultstring: String,
    /// `faultactor`.
    pub faultactor: Option<String>,
    /// `detail`.
    pub detail: Option<FaultDetail>,
}

/// The `detail` of a fault: the Fault element of one of the operations.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
#[yaserde(
    rename = "detail",
    namespaces = {
        "intf" = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1",
        "test" = "http://kszbcss.fgov.be/intf/TestConnectionService/v1"
    }
)]
pub struct FaultDetail {
    /// `consultAttributesFault`.
    #[yaserde(rename = "consultAttributesFault", prefix = "intf")]
    pub consult: Option<CbssFault>,
    /// `sendTestMessageFault`.
    #[yaserde(rename = "sendTestMessageFault", prefix = "test")]
    pub test: Option<CbssFault>,
}

/// CBSSFaultType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct CbssFault {
    /// `informationCustomer`.
    #[yaserde(rename = "informationCustomer")]
    pub information_customer: Option<InformationCustomer>,
    /// `informationCBSS`.
    #[yaserde(rename = "informationCBSS")]
    pub information_cbss: InformationCbss,
    /// `detail`, one for each thing that is wrong.
    pub detail: Vec<FaultMessage>,
}

/// MessageType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct FaultMessage {
    /// `severity`.
    pub severity: String,
    /// `reasonCode`.
    #[yaserde(rename = "reasonCode")]
    pub reason_code: String,
    /// `diagnostic`.
    pub diagnostic: String,
    /// `authorCode`.
    #[yaserde(rename = "authorCode")]
    pub author_code: String,
    /// `information`.
    pub information: Vec<Information>,
}

/// InformationCustomerType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct InformationCustomer {
    /// `ticket`.
    pub ticket: Option<String>,
    /// `timestampSent`.
    #[yaserde(rename = "timestampSent")]
    pub timestamp_sent: Option<String>,
    /// `customerIdentification`.
    #[yaserde(rename = "customerIdentification")]
    pub customer_identification: Organization,
}

/// OrganizationIdentificationType: `cbe_number`, or `sector` with `institution`.
///
/// The schema has a choice between an element and a sequence of two. yaserde's choice is an enum of single elements, so
/// all three are optional here, and whoever reads this looks that it is one or the other.
#[derive(Clone, PartialEq, Eq, Default, YaSerialize, YaDeserialize)]
pub struct Organization {
    /// `cbeNumber`.
    #[yaserde(rename = "cbeNumber")]
    pub cbe_number: Option<String>,
    /// `sector`.
    pub sector: Option<String>,
    /// `institution`.
    pub institution: Option<String>,
}

/// InformationCBSSType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct InformationCbss {
    /// `ticketCBSS`.
    #[yaserde(rename = "ticketCBSS")]
    pub ticket_cbss: String,
    /// `timestampReceive`.
    #[yaserde(rename = "timestampReceive")]
    pub timestamp_receive: String,
    /// `timestampReply`.
    #[yaserde(rename = "timestampReply")]
    pub timestamp_reply: String,
}

/// CriteriaType: without either date, today.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct Criteria {
    /// `ssin`.
    pub ssin: String,
    /// `referenceDate`.
    #[yaserde(rename = "referenceDate")]
    pub reference_date: Option<String>,
    /// `period`.
    pub period: Option<ClosedPeriod>,
}

/// PeriodType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct ClosedPeriod {
    /// `beginDate`.
    #[yaserde(rename = "beginDate")]
    pub begin_date: String,
    /// `endDate`.
    #[yaserde(rename = "endDate")]
    pub end_date: String,
}

/// OpenPeriodType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct OpenPeriod {
    /// `beginDate`.
    #[yaserde(rename = "beginDate")]
    pub begin_date: String,
    /// `endDate`.
    #[yaserde(rename = "endDate")]
    pub end_date: Option<String>,
}

/// StatusType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct Status {
    /// `value`.
    pub value: String,
    /// `code`.
    pub code: String,
    /// `description`.
    pub description: Option<String>,
    /// `information`.
    pub information: Vec<Information>,
}

/// InformationType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct Information {
    /// `fieldName`.
    #[yaserde(rename = "fieldName")]
    pub field_name: String,
    /// `fieldValue`.
    #[yaserde(rename = "fieldValue")]
    pub field_value: Option<String>,
}

/// DataFiltersType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct DataFilters {
    /// `filteredElement`.
    #[yaserde(rename = "filteredElement")]
    pub filtered_element: Vec<String>,
}

/// ResultType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct ResultElement {
    /// `ssin`.
    pub ssin: Option<String>,
    /// `employment`.
    pub employment: Vec<Employment>,
    /// `healthInsuranceFund`.
    #[yaserde(rename = "healthInsuranceFund")]
    pub health_insurance_fund: Option<Numbered>,
}

/// EmploymentType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct Employment {
    /// `employer`.
    pub employer: Option<Numbered>,
    /// `period`.
    pub period: Option<OpenPeriod>,
    /// `preventionService`.
    #[yaserde(rename = "preventionService")]
    pub prevention_service: Vec<PreventionService>,
}

/// EmployerType and HealthInsuranceFundType: an organisation and its number.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct Numbered {
    /// `cbeNumber`.
    #[yaserde(rename = "cbeNumber")]
    pub cbe_number: String,
}

/// PreventionServiceType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct PreventionService {
    /// `cbeNumber`.
    #[yaserde(rename = "cbeNumber")]
    pub cbe_number: Option<String>,
    /// `type`.
    #[yaserde(rename = "type")]
    pub kind: Option<String>,
    /// `affiliation`.
    pub affiliation: Option<OpenPeriod>,
}

impl Message for ConsultRequest {
    const NAMESPACE: &'static str = INTF;
    const NAME: &'static str = "consultAttributesRequest";
}

impl Request for ConsultRequest {
    type Response = ConsultResponse;
    const PATH: &'static str = "/eHealthAttributesService/v1/consultAttributes";
    const SOAP_ACTION: &'static str = "http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes";
}

impl Message for ConsultResponse {
    const NAMESPACE: &'static str = INTF;
    const NAME: &'static str = "consultAttributesResponse";
}

impl Message for TestRequest {
    const NAMESPACE: &'static str = TEST;
    const NAME: &'static str = "sendTestMessageRequest";
}

impl Request for TestRequest {
    type Response = TestResponse;
    const PATH: &'static str = "/TestConnectionService/v1/sendTestMessage";
    const SOAP_ACTION: &'static str = "http://kszbcss.fgov.be/TestConnectionService/sendTestMessage";
}

impl Message for TestResponse {
    const NAMESPACE: &'static str = TEST;
    const NAME: &'static str = "sendTestMessageResponse";
}

impl Message for Fault {
    const NAMESPACE: &'static str = ENVELOPE;
    const NAME: &'static str = "Fault";
}

/// `Debug` for types whose content is a person's.
macro_rules! show_the_name_alone {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

show_the_name_alone! {
    ConsultRequest
    ConsultResponse
    TestRequest
    TestResponse
    Fault
    FaultDetail
    CbssFault
    FaultMessage
    InformationCustomer
    Organization
    InformationCbss
    Criteria
    ClosedPeriod
    OpenPeriod
    Status
    Information
    DataFilters
    ResultElement
    Employment
    Numbered
    PreventionService
}
