//! The files of the contract, checked by independent validators and against the agreed names.
//!
//! `schemas/` and `wsdl/` must comply with their standards (two XML Schema validators, the schema
//! of WSDL 1.1), must be usable for a strict SOAP client (zeep), must declare what was agreed (the
//! two tables below), and must accept and refuse the samples in `fixtures/contract`. Other tests
//! check that the program complies with the contract: they pass its answers to
//! [`python::validate_envelopes`], which is tested here.

use crate::support::python::{self, Python, project};

/// Each WSDL as a SOAP client reads it. `tests/it/support/describe.py` explains the notation.
const SERVICES: &str = "
TestConnectionServiceV1.wsdl: service TestConnectionServiceService, port TestConnectionServiceService
  address https://localhost:8443/TestConnectionServiceService/sendTestMessage
  operation sendTestMessage (Soap11Binding, document)
  SOAPAction http://kszbcss.fgov.be/TestConnectionServiceService/sendTestMessage
  input {http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1}sendTestMessageRequest of {http://kszbcss.fgov.be/types/TestConnectionService/v1}SendTestMessageRequestType
  output {http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1}sendTestMessageResponse of {http://kszbcss.fgov.be/types/TestConnectionService/v1}SendTestMessageResponseType
eHealthAttributesServiceV1.wsdl: service eHealthAttributesServiceV1, port eHealthAttributesServicePort
  address https://localhost:8443/eHealthAttributesService/v1/consult
  operation consultAttributes (Soap11Binding, document)
  SOAPAction http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes
  input {http://kszbcss.fgov.be/intf/eHealthAttributesService/v1}consultAttributesRequest of {http://kszbcss.fgov.be/types/eHealthAttributes/v1}ConsultAttributesRequestType
  output {http://kszbcss.fgov.be/intf/eHealthAttributesService/v1}consultAttributesResponse of {http://kszbcss.fgov.be/types/eHealthAttributes/v1}ConsultAttributesReplyType
  fault consultAttributesFault {http://kszbcss.fgov.be/intf/eHealthAttributesService/v1}consultAttributesFault of {http://kszbcss.fgov.be/types/common/v3}CBSSFaultType
";

/// Every type and global element. `tests/it/support/describe.py` explains the notation.
const TYPES: &str = r"
CommonV3.xsd: http://kszbcss.fgov.be/types/common/v3, unqualified
  InformationCustomerType = ticket:common:TicketType? timestampSent:xs:dateTime? customerIdentification:common:OrganizationIdentificationType
  InformationCBSSType = ticketCBSS:common:UUIDType timestampReceive:xs:dateTime timestampReply:xs:dateTime
  OrganizationIdentificationType = (cbeNumber:common:CbeNumberType | sector:{xs:unsignedShort maxInclusive=999} institution:{xs:unsignedShort maxInclusive=999})
  TicketType = xs:string maxLength=36
  UUIDType = xs:string pattern=[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}
  CbeNumberType = xs:string pattern=[0-9]{10}
  EnterpriseNumberType = xs:string pattern=[01][0-9]{9}
  LegalContextType = xs:string maxLength=64
  SsinType = xs:string pattern=[0-9]{2}(0[0-9]|1[0-2])([0-2][0-9]|3[01])(00[1-9]|0[1-9][0-9]|[1-9][0-9]{2})([0-8][0-9]|9[0-7]) pattern=[0-9]{2}(2[0-9]|3[0-2])([0-2][0-9]|3[01])[0-9]{3}([0-8][0-9]|9[0-7]) pattern=[0-9]{2}(4[0-9]|5[0-2])([0-2][0-9]|3[01])[0-9]{3}([0-8][0-9]|9[0-7])
  PeriodType = beginDate:xs:date endDate:xs:date
  OpenPeriodType = beginDate:xs:date endDate:xs:date?
  InformationType = fieldName:{xs:string maxLength=64} fieldValue:{xs:string maxLength=256}?
  DataFiltersType = filteredElement:xs:string+
  BaseRequestType = informationCustomer:common:InformationCustomerType informationCBSS:common:InformationCBSSType? legalContext:common:LegalContextType
  BaseResponseType = informationCustomer:common:InformationCustomerType informationCBSS:common:InformationCBSSType legalContext:common:LegalContextType
  CBSSFaultType = informationCustomer:common:InformationCustomerType? informationCBSS:common:InformationCBSSType detail:common:MessageType[1..30]
  MessageType = severity:common:SeverityType reasonCode:{xs:string maxLength=16} diagnostic:{xs:string maxLength=256} authorCode:{xs:string maxLength=64} information:common:InformationType[0..15]
  SeverityType = xs:string enumeration=INFORMATION enumeration=WARNING enumeration=FATAL
EndUserV1.xsd: urn:ehealth-attributes:end-user:v1, unqualified
  <endUser> user:EndUserType
  EndUserType = id:user:EndUserTextType quality:user:EndUserTextType consentReference:user:EndUserTextType?
  EndUserTextType = xs:token minLength=1 maxLength=64
FeedNotificationV1.xsd: no namespace, unqualified
  <notification> NotificationType
  NotificationType = snapshot:FeedFileType delta:FeedFileType* @version:own:required @dataset:DatasetType:required @session:SessionType:required @serial:SerialType:required @created:CreatedType:required
  FeedFileType = @serial:SerialType:required @uri:FeedUriType:required @sha256:Sha256Type:required @bytes:CountType:required @records:CountType:required
  DatasetType = xs:string enumeration=dimona enumeration=coprev enumeration=federated enumeration=insurance enumeration=persons
  SessionType = xs:string pattern=[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}
  CreatedType = xs:dateTime pattern=.*(Z|[+\-][0-9]{2}:[0-9]{2})
  SerialType = xs:long minInclusive=1
  CountType = xs:long minInclusive=0
  Sha256Type = xs:string pattern=[0-9A-Fa-f]{64}
  FeedUriType = xs:string pattern=(\.?[A-Za-z0-9_\-][A-Za-z0-9._\-]*|\.\.[A-Za-z0-9._\-]+)(/(\.?[A-Za-z0-9_\-][A-Za-z0-9._\-]*|\.\.[A-Za-z0-9._\-]+))*
TestConnectionServiceV1.xsd: http://kszbcss.fgov.be/types/TestConnectionService/v1, unqualified
  SendTestMessageRequestType = echo:xs:string
  SendTestMessageResponseType = informationCBSS:test:InformationCBSSType? echo:xs:string sslCertificate:xs:string
  InformationCBSSType = ticketCBSS:test:UUIDType timestampReceive:xs:dateTime timestampReply:xs:dateTime
  UUIDType = xs:string pattern=[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}
eHealthAttributesV1.xsd: http://kszbcss.fgov.be/types/eHealthAttributes/v1, unqualified
  ConsultAttributesRequestType = common:BaseRequestType + criteria:attr:CriteriaType
  CriteriaType = ssin:common:SsinType (referenceDate:xs:date | period:common:PeriodType)?
  ConsultAttributesReplyType = common:BaseResponseType + criteria:attr:CriteriaType? status:attr:GlobalStatusType ssin:attr:AnnotatedSsinType? dataFilters:common:DataFiltersType? sources:attr:SourcesType? result:attr:ResultType?
  GlobalStatusType = value:attr:GlobalStatusValueType code:{xs:string maxLength=16} description:{xs:string maxLength=256}? information:common:InformationType[0..15]
  GlobalStatusValueType = xs:string enumeration=DATA_FOUND enumeration=NO_DATA_FOUND enumeration=INCOMPLETE_DATA enumeration=NO_RESULT
  AnnotatedSsinType = common:SsinType + @replacedBy:common:SsinType:optional
  SourcesType = source:attr:SourceType[1..4]
  SourceType = attr:SourceStatusType + @name:attr:SourceNameType:required
  SourceNameType = xs:string enumeration=dimona enumeration=coprev enumeration=federated enumeration=insurance
  SourceStatusType = xs:string enumeration=DATA_FOUND enumeration=NO_DATA_FOUND enumeration=NO_RESULT enumeration=TECHNICAL_ERROR
  ResultType = ssin:common:SsinType? employment:attr:EmploymentType* healthInsuranceFund:attr:HealthInsuranceFundType?
  EmploymentType = employer:attr:EmployerType? period:common:OpenPeriodType? preventionService:attr:PreventionServiceType*
  EmployerType = cbeNumber:common:EnterpriseNumberType
  PreventionServiceType = cbeNumber:common:EnterpriseNumberType? type:attr:PreventionServiceTypeCode? affiliation:common:OpenPeriodType?
  PreventionServiceTypeCode = xs:string enumeration=INTERNAL enumeration=EXTERNAL
  HealthInsuranceFundType = cbeNumber:common:EnterpriseNumberType
TestConnectionServiceV1.wsdl: http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1, unqualified
  <sendTestMessageRequest> test:SendTestMessageRequestType
  <sendTestMessageResponse> test:SendTestMessageResponseType
eHealthAttributesServiceV1.wsdl: http://kszbcss.fgov.be/intf/eHealthAttributesService/v1, unqualified
  <consultAttributesRequest> attr:ConsultAttributesRequestType
  <consultAttributesResponse> attr:ConsultAttributesReplyType
  <consultAttributesFault> common:CBSSFaultType
";

/// An envelope around `body`, in a namespace prefix `s`.
fn envelope(body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>"#
    )
}

/// A sample of `fixtures/contract/valid`, to stand inside an envelope.
fn sample(name: &str) -> String {
    let path = project().join("fixtures/contract/valid").join(name);
    std::fs::read_to_string(path).expect("the sample is in the repository")
}

/// A SOAP fault with `code` and all that follows the fault's string.
fn fault(code: &str, rest: &str) -> String {
    format!("<s:Fault><faultcode>{code}</faultcode><faultstring>No.</faultstring>{rest}</s:Fault>")
}

/// Result of `validate_envelopes` for these files (name and text); `None` without Python.
fn validate(files: &[(&str, String)]) -> Option<Result<(), String>> {
    Python::find()?;
    let folder = tempfile::tempdir().expect("a folder for the envelopes");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file in that folder");
    }
    Some(python::validate_envelopes(folder.path()))
}

/// Runs a script of `tests/it/support` that reports by its exit code.
fn must_succeed(script: &str, arguments: &[&str]) {
    let Some(python) = Python::find() else { return };
    let arguments = arguments.iter().map(|argument| project().join(argument));
    if let Err(printed) = python.run(script, arguments) {
        panic!("{script}:\n{printed}");
    }
}

/// Compares the output of `describe.py` with a table.
fn must_be_described(what: &str, table: &str) {
    let Some(python) = Python::find() else { return };
    let described = python.run("describe.py", [what]).unwrap_or_else(|printed| panic!("describe.py:\n{printed}"));
    let (described, agreed): (Vec<_>, Vec<_>) = (described.lines().collect(), table.trim().lines().collect());
    for (line, (described, agreed)) in described.iter().zip(&agreed).enumerate() {
        assert_eq!(described, agreed, "line {} of the table of {what}", line + 1);
    }
    assert_eq!(described.len(), agreed.len(), "lines of the table of {what}");
}

#[test]
fn every_schema_and_wsdl_is_valid() {
    must_succeed("check_documents.py", &[]);
}

#[test]
fn a_strict_client_finds_the_agreed_services() {
    must_be_described("services", SERVICES);
}

#[test]
fn the_schemas_hold_the_agreed_types() {
    must_be_described("types", TYPES);
}

#[test]
fn both_validators_agree_with_the_samples() {
    must_succeed("check_instances.py", &["fixtures/contract/valid", "fixtures/contract/invalid"]);
}

#[test]
fn the_validators_accept_valid_envelopes() {
    let detail = format!("<detail>{}</detail>", sample("fault-with-customer.xml"));
    let files = [
        ("request.xml", envelope(&sample("request-on-a-day.xml"))),
        ("response.xml", envelope(&sample("response-with-all-nine-fields.xml"))),
        ("test.xml", envelope(&sample("test-response.xml"))),
        ("client.xml", envelope(&fault("s:Client", &detail))),
        ("server.xml", envelope(&fault("s:Server", &detail))),
        ("version.xml", envelope(&fault("s:VersionMismatch", ""))),
        ("header.xml", envelope(&fault("s:MustUnderstand", ""))),
    ];
    if let Some(verdict) = validate(&files) {
        assert_eq!(verdict, Ok(()));
    }
}

#[test]
fn the_validators_name_every_invalid_envelope() {
    let right = sample("fault-with-customer.xml");
    let detail = format!("<detail>{right}</detail>");
    let twice = format!("<detail>{right}{right}</detail>");
    let response = sample("response-with-all-nine-fields.xml");
    let after = envelope(&response).replace("</s:Body>", r#"</s:Body><a:b xmlns:a="urn:a"/>"#);
    let soap_1_2 = envelope(&response)
        .replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope");
    let files = [
        ("no-xml.xml", "<s:Envelope".to_owned()),
        ("no-envelope.xml", response.clone()),
        ("soap-1.2.xml", soap_1_2),
        ("empty-body.xml", envelope("")),
        ("two-in-the-body.xml", envelope(&format!("{response}{response}"))),
        ("after-the-body.xml", after),
        ("unknown-element.xml", envelope("<answer/>")),
        ("bad-ssin.xml", envelope(&response.replace("<ssin>", "<ssin> "))),
        ("no-fault-string.xml", envelope("<s:Fault><faultcode>s:MustUnderstand</faultcode></s:Fault>")),
        ("unknown-code.xml", envelope(&fault("s:Client.Authentication", &detail))),
        ("code-without-namespace.xml", envelope(&fault("Client", &detail))),
        ("no-detail.xml", envelope(&fault("s:Client", ""))),
        ("empty-detail.xml", envelope(&fault("s:Server", "<detail/>"))),
        ("two-details.xml", envelope(&fault("s:Client", &twice))),
        ("detail-is-no-fault.xml", envelope(&fault("s:Client", &format!("<detail>{response}</detail>")))),
        ("detail-not-allowed.xml", envelope(&fault("s:VersionMismatch", &detail))),
        ("bad-detail.xml", envelope(&fault("s:Client", &detail.replace("FATAL", "ERROR")))),
    ];
    let Some(verdict) = validate(&files) else { return };
    let printed = verdict.expect_err("all are invalid");
    for (name, _) in &files {
        assert!(printed.contains(&format!("{name}: ")), "{name} was accepted:\n{printed}");
    }
}

#[test]
fn the_validators_refuse_an_empty_folder() {
    if let Some(verdict) = validate(&[]) {
        assert!(verdict.is_err());
    }
}
