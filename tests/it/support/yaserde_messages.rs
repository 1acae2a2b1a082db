//! The contract's messages as yaserde binds them: an independent check of what the client reads and
//! writes.
//!
//! The client shares its XML reader with the service. yaserde shares nothing with either: another
//! parser, another way to bind. It reads leniently (unknown elements, order, repetition), so it
//! does not say whether a message is valid, only whether the values of a valid one are the same.

use xml::reader::{EventReader, ParserConfig};
use yaserde::de::Deserializer;
use yaserde::{YaDeserialize, YaSerialize};

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
    /// `ssin`.
    pub ssin: Option<AnnotatedSsin>,
    /// `dataFilters`.
    #[yaserde(rename = "dataFilters")]
    pub data_filters: Option<DataFilters>,
    /// `sources`.
    pub sources: Option<Sources>,
    /// `result`.
    pub result: Option<ResultElement>,
}

/// `sendTestMessageRequest`.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
#[yaserde(
    rename = "sendTestMessageRequest",
    prefix = "test",
    namespaces = { "test" = "http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1" }
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
    namespaces = { "test" = "http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1" }
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
/// The schema has a choice between an element and a sequence of two. yaserde's choice is an enum of
/// single elements, so all three are optional here, and the reader checks that it is one or the
/// other.
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

/// AnnotatedSsinType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct AnnotatedSsin {
    /// `replacedBy`.
    #[yaserde(rename = "replacedBy", attribute = true)]
    pub replaced_by: Option<String>,
    /// Text.
    #[yaserde(text = true)]
    pub ssin: String,
}

/// SourcesType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct Sources {
    /// `source`.
    pub source: Vec<Source>,
}

/// SourceType.
#[derive(Clone, PartialEq, Eq, YaSerialize, YaDeserialize)]
pub struct Source {
    /// `name`.
    #[yaserde(attribute = true)]
    pub name: Option<String>,
    /// Text.
    #[yaserde(text = true)]
    pub status: String,
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

/// The element in the body of an envelope that the service or the client wrote, as text. Both
/// declare the namespaces of a message on the message itself.
pub fn payload(envelope: &str) -> &str {
    let begin = envelope.find("Body>").map(|at| at + "Body>".len()).expect("a body");
    let end = envelope.rfind("</").and_then(|at| envelope[..at].rfind("</")).expect("the end of the body");
    &envelope[begin..end]
}

/// The message in this envelope after yaserde has read and written it, in an envelope.
pub fn reread<M: YaSerialize + YaDeserialize>(envelope: &str) -> String {
    // As `yaserde::de::from_str`, but with the white space of values.
    let config = ParserConfig::new()
        .trim_whitespace(false)
        .whitespace_to_characters(true)
        .cdata_to_characters(true)
        .ignore_comments(true)
        .coalesce_characters(true);
    let reader = EventReader::new_with_config(payload(envelope).as_bytes(), config);
    let message = M::deserialize(&mut Deserializer::new(reader)).expect("yaserde reads it");
    let config = yaserde::ser::Config { write_document_declaration: false, ..yaserde::ser::Config::default() };
    let written = yaserde::ser::to_string_with_config(&message, &config).expect("yaserde writes it");
    // yaserde writes a carriage return unescaped, which a reader takes for a line feed (XML 1.0,
    // section 2.11).
    let written = written.replace('\r', "&#13;");
    format!("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{written}</s:Body></s:Envelope>")
}
