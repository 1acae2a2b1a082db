//! The messages of the contract (`docs/reference/contract.md` "consultAttributes",
//! "sendTestMessage"), element for element, text for text.
//!
//! Values stay text here; [`super::Answer`] is made of them in `validate`. `Debug` shows only the
//! name of a message, because most of them have an SSIN.

mod elements;

use std::fmt;

use crate::binding::{Content, ElementName};

/// A message in a body: which element it is.
pub trait Message: Content {
    /// Name of the message element.
    const NAME: ElementName;
}

/// A request: its path, its SOAPAction and its response.
pub trait Request: Message {
    /// Response of the operation.
    type Response: Message;
    /// Path of the operation, below the base URL of the service.
    const PATH: &'static str;
    /// SOAPAction of the operation, without quotes.
    const SOAP_ACTION: &'static str;
}

/// `consultAttributesRequest`. `informationCBSS` is never sent: the service ignores it.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsultRequest {
    /// `informationCustomer`.
    pub information_customer: InformationCustomer,
    /// `legalContext`.
    pub legal_context: String,
    /// `criteria`.
    pub criteria: Criteria,
}

/// `consultAttributesResponse`.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsultResponse {
    /// `informationCustomer`.
    pub information_customer: InformationCustomer,
    /// `informationCBSS`.
    pub information_cbss: InformationCbss,
    /// `legalContext`.
    pub legal_context: String,
    /// `criteria`.
    pub criteria: Option<Criteria>,
    /// `status`.
    pub status: Status,
    /// `ssin`.
    pub ssin: Option<AnnotatedSsin>,
    /// `dataFilters`.
    pub data_filters: Option<DataFilters>,
    /// `sources`.
    pub sources: Option<Sources>,
    /// `result`.
    pub result: Option<ResultElement>,
}

/// `sendTestMessageRequest`.
#[derive(Clone, PartialEq, Eq)]
pub struct TestRequest {
    /// `echo`.
    pub echo: String,
}

/// `sendTestMessageResponse`.
#[derive(Clone, PartialEq, Eq)]
pub struct TestResponse {
    /// `informationCBSS`.
    pub information_cbss: InformationCbss,
    /// `echo`.
    pub echo: String,
    /// `sslCertificate`.
    pub ssl_certificate: String,
}

/// SOAP 1.1's `Fault` (section 4.4), whose own children are unqualified.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault {
    /// `faultcode` as written, with its prefix; [`super::envelope::FaultCode`] is what it means.
    pub faultcode: String,
    /// `faultstring`.
    pub faultstring: String,
    /// `faultactor`.
    pub faultactor: Option<String>,
    /// `detail`.
    pub detail: Option<FaultDetail>,
}

/// The `detail` of a fault: the Fault element of one of the operations.
#[derive(Clone, PartialEq, Eq)]
pub struct FaultDetail {
    /// `consultAttributesFault`.
    pub consult: Option<CbssFault>,
    /// `sendTestMessageFault`.
    pub test: Option<CbssFault>,
}

/// CBSSFaultType.
#[derive(Clone, PartialEq, Eq)]
pub struct CbssFault {
    /// `informationCustomer`.
    pub information_customer: Option<InformationCustomer>,
    /// `informationCBSS`.
    pub information_cbss: InformationCbss,
    /// `detail`, one for each thing that is wrong.
    pub detail: Vec<FaultMessage>,
}

/// MessageType.
#[derive(Clone, PartialEq, Eq)]
pub struct FaultMessage {
    /// `severity`.
    pub severity: String,
    /// `reasonCode`.
    pub reason_code: String,
    /// `diagnostic`.
    pub diagnostic: String,
    /// `authorCode`.
    pub author_code: String,
    /// `information`.
    pub information: Vec<Information>,
}

/// InformationCustomerType.
#[derive(Clone, PartialEq, Eq)]
pub struct InformationCustomer {
    /// `ticket`.
    pub ticket: Option<String>,
    /// `timestampSent`.
    pub timestamp_sent: Option<String>,
    /// `customerIdentification`.
    pub customer_identification: Organization,
}

/// OrganizationIdentificationType: `cbe_number`, or `sector` with `institution`.
///
/// The schema has a choice between an element and a sequence of two; here all three are optional,
/// and the values are checked where the answer is made of them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Organization {
    /// `cbeNumber`.
    pub cbe_number: Option<String>,
    /// `sector`.
    pub sector: Option<String>,
    /// `institution`.
    pub institution: Option<String>,
}

/// InformationCBSSType.
#[derive(Clone, PartialEq, Eq)]
pub struct InformationCbss {
    /// `ticketCBSS`.
    pub ticket_cbss: String,
    /// `timestampReceive`.
    pub timestamp_receive: String,
    /// `timestampReply`.
    pub timestamp_reply: String,
}

/// CriteriaType: without either date, today.
#[derive(Clone, PartialEq, Eq)]
pub struct Criteria {
    /// `ssin`.
    pub ssin: String,
    /// `referenceDate`.
    pub reference_date: Option<String>,
    /// `period`.
    pub period: Option<ClosedPeriod>,
}

/// PeriodType.
#[derive(Clone, PartialEq, Eq)]
pub struct ClosedPeriod {
    /// `beginDate`.
    pub begin_date: String,
    /// `endDate`.
    pub end_date: String,
}

/// OpenPeriodType.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenPeriod {
    /// `beginDate`.
    pub begin_date: String,
    /// `endDate`.
    pub end_date: Option<String>,
}

/// StatusType.
#[derive(Clone, PartialEq, Eq)]
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
#[derive(Clone, PartialEq, Eq)]
pub struct Information {
    /// `fieldName`.
    pub field_name: String,
    /// `fieldValue`.
    pub field_value: Option<String>,
}

/// DataFiltersType.
#[derive(Clone, PartialEq, Eq)]
pub struct DataFilters {
    /// `filteredElement`.
    pub filtered_element: Vec<String>,
}

/// AnnotatedSsinType.
#[derive(Clone, PartialEq, Eq)]
pub struct AnnotatedSsin {
    /// Text.
    pub ssin: String,
    /// `replacedBy`.
    pub replaced_by: Option<String>,
}

/// SourcesType.
#[derive(Clone, PartialEq, Eq)]
pub struct Sources {
    /// `source`.
    pub source: Vec<Source>,
}

/// SourceType.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// Text.
    pub status: String,
    /// `name`.
    pub name: Option<String>,
}

/// ResultType.
#[derive(Clone, PartialEq, Eq)]
pub struct ResultElement {
    /// `ssin`.
    pub ssin: Option<String>,
    /// `employment`.
    pub employment: Vec<Employment>,
    /// `healthInsuranceFund`.
    pub health_insurance_fund: Option<Numbered>,
}

/// EmploymentType.
#[derive(Clone, PartialEq, Eq)]
pub struct Employment {
    /// `employer`.
    pub employer: Option<Numbered>,
    /// `period`.
    pub period: Option<OpenPeriod>,
    /// `preventionService`.
    pub prevention_service: Vec<PreventionService>,
}

/// EmployerType and HealthInsuranceFundType: an organisation and its number.
#[derive(Clone, PartialEq, Eq)]
pub struct Numbered {
    /// `cbeNumber`.
    pub cbe_number: String,
}

/// PreventionServiceType.
#[derive(Clone, PartialEq, Eq)]
pub struct PreventionService {
    /// `cbeNumber`.
    pub cbe_number: Option<String>,
    /// `type`.
    pub kind: Option<String>,
    /// `affiliation`.
    pub affiliation: Option<OpenPeriod>,
}

/// Implements `Debug` without content: most of these types hold an SSIN.
macro_rules! debug_without_content {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

debug_without_content! {
    ConsultRequest
    ConsultResponse
    AnnotatedSsin
    Sources
    Source
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
