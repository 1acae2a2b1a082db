//! The SoapUI project: one interface a service with its WSDL inside, one test case a row of the
//! catalogue.
//!
//! SoapUI reads client certificates from PKCS#12 files, which `docs/guides/collections.md` "SoapUI"
//! makes from those of the demo. A request names its key store by the name of the file.

use std::collections::BTreeSet;

use ehealth_core::lookup::Operation;
use soap::{example, names, wsdl};

use super::cases::Case;

/// Name of the project's file.
pub const FILE: &str = "ehealth-attributes-soapui-project.xml";

/// Address of the demo; a user changes the property `url` of the project.
const URL: &str = "https://localhost:8443";

/// Password of the key stores. They hold keys of the demo alone.
const PASSWORD: &str = "changeit";

/// XPath of the status code of an answer, and of the reason code of a fault.
const STATUS_CODE: &str = "//*[local-name()='status']/*[local-name()='code']";
const REASON_CODE: &str = "//*[local-name()='detail']//*[local-name()='reasonCode']";

/// Writes the project.
pub fn project(cases: &[Case]) -> String {
    let interfaces: String = Operation::ALL.into_iter().map(interface).collect();
    let suites: String = Operation::ALL.into_iter().map(|operation| suite(operation, cases)).collect();
    let callers: BTreeSet<_> = cases.iter().map(|case| case.caller.as_str()).collect();
    let stores: String = callers.into_iter().map(key_store).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <con:soapui-project id=\"ehealth-attributes\" name=\"ehealth-attributes\" soapui-version=\"5.7.0\" \
         resourceRoot=\"${{projectDir}}\" activeEnvironment=\"Default\" runType=\"SEQUENTIAL\" \
         xmlns:con=\"http://eviware.com/soapui/config\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n\
         <con:settings/>\n{interfaces}{suites}\
         <con:properties>\n  <con:property><con:name>url</con:name><con:value>{URL}</con:value></con:property>\n\
         </con:properties>\n\
         <con:wssContainer>\n{stores}</con:wssContainer>\n\
         </con:soapui-project>\n"
    )
}

/// Names of the binding, of its namespace and of the WSDL's operation.
fn binding(operation: Operation) -> (&'static str, &'static str) {
    match operation {
        Operation::ConsultAttributes => {
            ("eHealthAttributesServiceHTTPBinding", "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1")
        }
        Operation::SendTestMessage => {
            ("TestConnectionServiceServiceHTTPBinding", "http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1")
        }
    }
}

fn endpoint(operation: Operation) -> String {
    format!("${{#Project#url}}{}", names::path(operation))
}

/// The service with its WSDL inside, so that SoapUI needs no certificate to load it.
fn interface(operation: Operation) -> String {
    let (name, namespace) = binding(operation);
    let definition = format!("{URL}{}?singleWsdl", names::path(operation));
    let (code, action) = (operation.code(), names::soap_action(operation));
    let call = request("call", "Example", operation, "fund", example(operation), "");
    format!(
        "<con:interface xsi:type=\"con:WsdlInterface\" id=\"{name}\" name=\"{name}\" type=\"wsdl\" \
         bindingName=\"{{{namespace}}}{name}\" soapVersion=\"1_1\" wsaVersion=\"NONE\" anonymous=\"optional\" \
         definition=\"{definition}\">\n\
         <con:settings/>\n\
         <con:definitionCache type=\"TEXT\" rootPart=\"{definition}\">\n<con:part>\n\
         <con:url>{definition}</con:url>\n<con:content>{wsdl}</con:content>\n\
         <con:type>http://schemas.xmlsoap.org/wsdl/</con:type>\n</con:part>\n</con:definitionCache>\n\
         <con:endpoints><con:endpoint>{endpoint}</con:endpoint></con:endpoints>\n\
         <con:operation id=\"{code}\" name=\"{code}\" bindingOperationName=\"{code}\" action=\"{action}\" \
         type=\"Request-Response\" inputName=\"\" isOneWay=\"false\" sendsAttachments=\"false\" \
         receivesAttachments=\"false\" anonymous=\"optional\">\n<con:settings/>\n{call}</con:operation>\n\
         </con:interface>\n",
        wsdl = character_data(&wsdl::single_wsdl(operation, URL)),
        endpoint = endpoint(operation),
    )
}

/// A request, as `con:call` of an operation or `con:request` of a test step.
fn request(element: &str, name: &str, operation: Operation, caller: &str, body: &str, assertions: &str) -> String {
    format!(
        "<con:{element} id=\"{element}-{name}-{code}\" name=\"{name}\" sslKeystore=\"{caller}.p12\">\n<con:settings/>\n\
         <con:encoding>UTF-8</con:encoding>\n<con:endpoint>{endpoint}</con:endpoint>\n\
         <con:request>{body}</con:request>\n{assertions}\
         <con:credentials><con:authType>No Authorization</con:authType></con:credentials>\n\
         <con:wsaConfig mustUnderstand=\"NONE\" version=\"200508\"/>\n</con:{element}>\n",
        code = operation.code(),
        endpoint = endpoint(operation),
        body = character_data(body),
    )
}

fn suite(operation: Operation, cases: &[Case]) -> String {
    let cases: String = cases.iter().filter(|case| case.operation == operation).map(test_case).collect();
    let code = operation.code();
    format!(
        "<con:testSuite id=\"suite-{code}\" name=\"{code}\">\n<con:settings/>\n\
         <con:runType>SEQUENTIAL</con:runType>\n{cases}</con:testSuite>\n"
    )
}

fn test_case(case: &Case) -> String {
    let (name, shows) = (&case.name, escaped(&case.shows));
    let request = request("request", name, case.operation, &case.caller, &case.body, &assertions(case));
    let (interface, _) = binding(case.operation);
    format!(
        "<con:testCase id=\"case-{name}\" name=\"{name}\" failOnError=\"true\" failTestCaseOnErrors=\"true\" \
         keepSession=\"false\" searchProperties=\"true\">\n\
         <con:description>{shows}</con:description>\n<con:settings/>\n\
         <con:testStep id=\"step-{name}\" name=\"{name}\" type=\"request\">\n<con:settings/>\n\
         <con:config xsi:type=\"con:RequestStep\">\n<con:interface>{interface}</con:interface>\n\
         <con:operation>{code}</con:operation>\n{request}</con:config>\n</con:testStep>\n\
         <con:properties/>\n</con:testCase>\n",
        code = case.operation.code(),
    )
}

/// The checks of an answer: HTTP status, schema, code, and how many organisations it discloses.
fn assertions(case: &Case) -> String {
    let status = format!(
        "<con:assertion type=\"Valid HTTP Status Codes\" id=\"status-{}\" name=\"HTTP status\">\
         <con:configuration><codes>{}</codes></con:configuration></con:assertion>\n\
         <con:assertion type=\"Schema Compliance\" id=\"schema-{}\" name=\"Schema\"><con:configuration/></con:assertion>\n",
        case.name, case.status, case.name
    );
    let mut matches = Vec::new();
    let is_true = || "true".to_owned();
    match &case.code {
        None => matches.push(("Certificate", "count(//*[local-name()='sslCertificate'])=1".to_owned(), is_true())),
        Some(code) => {
            let path = if case.status == 200 { STATUS_CODE } else { REASON_CODE };
            matches.push(("Code", path.to_owned(), code.clone()));
            matches.push(("Organisations", organisations("true()", case.disclosed.len()), is_true()));
        }
    }
    for number in case.disclosed.iter().collect::<BTreeSet<_>>() {
        let count = case.disclosed.iter().filter(|other| *other == number).count();
        matches.push((number, organisations(&format!(".='{number}'"), count), is_true()));
    }
    let matches = matches.iter().enumerate().map(|(place, (label, path, content))| {
        format!(
            "<con:assertion type=\"XPath Match\" id=\"match-{}-{place}\" name=\"{label}\"><con:configuration>\
             <path>{path}</path><content>{content}</content><allowWildcards>false</allowWildcards>\
             <ignoreNamspaceDifferences>false</ignoreNamspaceDifferences><ignoreComments>false</ignoreComments>\
             </con:configuration></con:assertion>\n",
            case.name
        )
    });
    format!("{status}{}", matches.collect::<String>())
}

/// XPath: this number of enterprise numbers of `result` meets a condition.
fn organisations(condition: &str, count: usize) -> String {
    format!("count(//*[local-name()='result']//*[local-name()='cbeNumber'][{condition}])={count}")
}

/// A key store of the demo's caller.
fn key_store(caller: &str) -> String {
    format!(
        "  <con:crypto><con:source>../../demo/clients/{caller}.p12</con:source><con:password>{PASSWORD}</con:password>\
         <con:type>KEYSTORE</con:type></con:crypto>\n"
    )
}

fn character_data(text: &str) -> String {
    assert!(!text.contains("]]>"), "a text with the end of a CDATA section");
    format!("<![CDATA[{text}]]>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
