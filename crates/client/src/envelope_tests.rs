//! Valid and invalid envelopes. The literals follow `docs/reference/contract.md`.

use soap::limits::ATTRIBUTES;

use super::*;
use crate::messages::{ConsultResponse, TestRequest, TestResponse};

const ENVELOPE: &str = Namespace::Envelope.uri();

const TEST_RESPONSE: &str = "\
<t:sendTestMessageResponse xmlns:t=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\">
  <informationCBSS>
    <ticketCBSS>5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f</ticketCBSS>
    <timestampReceive>2026-01-15T09:30:00.125Z</timestampReceive>
    <timestampReply>2026-01-15T09:30:00.127Z</timestampReply>
  </informationCBSS>
  <echo> a &lt;b&gt; <!-- no --><![CDATA[c & d]]>&#13; </echo>
  <sslCertificate>CN=CBE=0999010126</sslCertificate>
</t:sendTestMessageResponse>";

const FAULT: &str = "\
<e:Fault>
  <faultcode>e:Client</faultcode>
  <faultstring>The request was refused.</faultstring>
  <detail>
    <c:consultAttributesFault xmlns:c=\"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1\">
      <informationCBSS>
        <ticketCBSS>5f0c3a52-1c1e-4b5e-9d0a-6d7a3c2b1e0f</ticketCBSS>
        <timestampReceive>2026-01-15T09:30:00.125Z</timestampReceive>
        <timestampReply>2026-01-15T09:30:00.127Z</timestampReply>
      </informationCBSS>
      <detail>
        <severity>FATAL</severity>
        <reasonCode>SOA-01001</reasonCode>
        <diagnostic>The caller is not known.</diagnostic>
        <authorCode>eHealthAttributesService</authorCode>
      </detail>
    </c:consultAttributesFault>
  </detail>
</e:Fault>";

fn envelope(payload: &str) -> String {
    format!(
        "\u{feff}<?xml version='1.0' encoding='utf-8'?>\n<e:Envelope xmlns:e=\"{ENVELOPE}\">\
         <e:Header><w:RelatesTo xmlns:w=\"http://www.w3.org/2005/08/addressing\">urn:1<e:Body/></w:RelatesTo></e:Header>\
         \n<e:Body e:encodingStyle=\"\">\n{payload}\n</e:Body>\n</e:Envelope>\n"
    )
}

fn read_test(payload: &str) -> Result<TestResponse, NotUnderstood> {
    match read::<TestResponse>(envelope(payload).as_bytes())? {
        Reply::Response(message) => Ok(message),
        Reply::Fault(..) => panic!("a fault"),
    }
}

fn refusal(document: &str) -> NotUnderstood {
    match read::<TestResponse>(document.as_bytes()) {
        Err(reason) => reason,
        Ok(_) => panic!("let pass: {document}"),
    }
}

#[test]
fn text_is_read_by_the_rules_of_xml() {
    let response = read_test(TEST_RESPONSE).expect("of the contract");
    assert_eq!(response.echo, " a <b> c & d\r ");
}

#[test]
fn every_prefix_and_the_default_namespace_are_valid() {
    let none = TEST_RESPONSE.replace("xmlns:t", "xmlns").replace("t:", "");
    assert_eq!(read_test(&none).err(), Some(NotUnderstood::Shape), "the default namespace reaches the local elements");
    let undone = none
        .replace("<informationCBSS>", "<informationCBSS xmlns=\"\">")
        .replace("<echo>", "<echo xmlns=\"\">")
        .replace("<sslCertificate>", "<sslCertificate xmlns=''>");
    assert!(read_test(&undone).is_ok());
}

#[test]
fn elements_other_than_those_of_the_schema_are_refused() {
    let echo = "<echo> a &lt;b&gt; <!-- no --><![CDATA[c & d]]>&#13; </echo>";
    let certificate = "<sslCertificate>CN=CBE=0999010126</sslCertificate>";
    for (what, wrong) in [
        ("twice", TEST_RESPONSE.replace(echo, "<echo>a</echo><echo>b</echo>")),
        ("unknown", TEST_RESPONSE.replace(certificate, &format!("{certificate}<tenth>1</tenth>"))),
        ("missing", TEST_RESPONSE.replace(echo, "")),
        ("out of order", TEST_RESPONSE.replace(echo, "").replace(certificate, &format!("{certificate}{echo}"))),
        ("text beside", TEST_RESPONSE.replace(echo, &format!("beside{echo}"))),
        ("an element in a text", TEST_RESPONSE.replace("<echo> a", "<echo><a/>")),
        ("qualified", TEST_RESPONSE.replace("<echo>", "<t:echo>").replace("</echo>", "</t:echo>")),
    ] {
        assert_eq!(read_test(&wrong).err(), Some(NotUnderstood::Shape), "{what}");
    }
}

#[test]
fn invalid_envelopes_are_refused() {
    let right = envelope(TEST_RESPONSE);
    for (what, wrong) in [
        ("SOAP 1.2", right.replace(ENVELOPE, "http://www.w3.org/2003/05/soap-envelope")),
        ("no envelope", TEST_RESPONSE.to_owned()),
        ("an empty body", envelope("")),
        ("two in the body", envelope(&TEST_RESPONSE.repeat(2))),
        ("text in the body", envelope(&format!("text{TEST_RESPONSE}"))),
        ("after the body", right.replace("</e:Body>\n", "</e:Body><a/>")),
        ("text after the body", right.replace("</e:Body>\n", "</e:Body>text")),
        ("the body first", right.replace("<e:Header>", "<e:Body><a/></e:Body><e:Header>")),
    ] {
        assert_eq!(refusal(&wrong), NotUnderstood::NotAnEnvelope, "{what}");
    }
    assert_eq!(refusal(&envelope("<a/>")), NotUnderstood::NotTheMessage);
    let request = write(&TestRequest { echo: String::new() });
    assert_eq!(refusal(&request), NotUnderstood::NotTheMessage);
}

#[test]
fn error_of_malformed_xml_has_the_line_and_no_text() {
    for wrong in [
        envelope(&TEST_RESPONSE.replace("</echo>", "</ecco>")),
        envelope(&TEST_RESPONSE.replace("&lt;", "&nbsp;")),
        envelope(&TEST_RESPONSE.replace("&#13;", "&#0;")),
        envelope(TEST_RESPONSE).replace("?>\n", "?><!DOCTYPE e [<!ENTITY a 'b'>]>\n"),
        envelope("<?php ?>"),
        format!("{}<a/>", envelope(TEST_RESPONSE)),
        String::new(),
        "<".to_owned(),
    ] {
        assert!(matches!(refusal(&wrong), NotUnderstood::NotXml { line: 1.. }), "{wrong}");
    }
    assert_eq!(refusal(&envelope(TEST_RESPONSE).replace("utf-8", "iso-8859-1")), NotUnderstood::NotUtf8);
    assert_eq!(read::<TestResponse>(b"\xff\xfe<\0").err(), Some(NotUnderstood::NotUtf8));
}

#[test]
fn documents_beyond_the_limits_are_refused() {
    let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
    assert_eq!(refusal(&envelope(&deep)), NotUnderstood::TooLarge);
    assert_eq!(
        refusal(&envelope(&format!("<a>{}</a>", "<b/>".repeat(ReaderLimits::REPLY.events)))),
        NotUnderstood::TooLarge
    );
    let attributes: String = (0..=ATTRIBUTES).map(|n| [" a", &n.to_string(), "=''"].concat()).collect();
    assert!(matches!(refusal(&envelope(&format!("<a{attributes}/>"))), NotUnderstood::NotXml { .. }));
}

#[test]
fn prefix_of_the_fault_code_is_resolved() {
    let read_fault = |payload: &str| match read::<ConsultResponse>(envelope(payload).as_bytes()) {
        Ok(Reply::Fault(code, fault)) => Ok((code, fault)),
        Ok(Reply::Response(_)) => panic!("no fault"),
        Err(reason) => Err(reason),
    };
    let (code, fault) = read_fault(FAULT).unwrap_or_else(|reason| panic!("{reason}"));
    assert_eq!(code, FaultCode::Client);
    assert_eq!(fault.faultstring, "The request was refused.");
    assert!(fault.detail.is_some_and(|detail| detail.consult.is_some() && detail.test.is_none()));

    let own = FAULT.replace("<faultcode>e:", &format!("<faultcode xmlns:own='{ENVELOPE}'> own:"));
    assert!(read_fault(&own).is_ok());
    let bare = FAULT.replace("<faultcode>e:", "<faultcode>");
    assert_eq!(read_fault(&bare).err(), Some(NotUnderstood::Value("faultcode")));
    let other = FAULT.replace("<faultcode>e:Client", "<faultcode>e:Client.Other");
    assert_eq!(read_fault(&other).err(), Some(NotUnderstood::Value("faultcode")));
}

#[test]
fn written_message_is_read_unchanged() {
    for echo in ["", " ", "a\r\nb\tc\n", "<&>'\"]]>", "é€😀", "\u{85}\u{2028}", "a--b"] {
        let written = write(&TestRequest { echo: echo.to_owned() });
        let message: TestRequest =
            read_message(written.as_bytes()).unwrap_or_else(|reason| panic!("{echo:?}: {reason}"));
        assert_eq!(message.echo, echo);
    }
}
