//! Bytes of responses and faults.
//!
//! The answers come from the pipeline itself, over a directory of one person. The tests of the
//! gateway check many answers against the schema.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::ExchangeFault;
use crate::message_error::{BadMessage, Location, MessageError};
use crate::reader::{Document, Reader, Token};
use ehealth_core::lookup::{
    AuditSink, Caller, Directory, DirectoryError, Exchange, FreshnessLimits, Pending, Permission, Presented, record,
};
use ehealth_core::model::{
    Affiliation, AskedCriteria, AskedDates, CbeNumber, Dataset, DatasetState, DatasetStates, Date, Digest,
    EmploymentPeriod, EnterpriseNumber, LegalContext, Membership, PairNumber, Question, ServiceKind,
};
use ehealth_core::policy::{Certified, Consumer, ContextDefinition, Contexts, Deliberation, Grant, Register};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
const HANDLING: &str = "<informationCBSS><ticketCBSS>07070707-0707-4707-8707-070707070707</ticketCBSS>\
    <timestampReceive>2026-11-22T05:19:00.000Z</timestampReceive>\
    <timestampReply>2026-11-22T05:19:00.042Z</timestampReply></informationCBSS>";

struct DurableAtOnce;

impl AuditSink for DurableAtOnce {
    fn append(&self, pending: Pending) {
        pending.durable(0);
    }
}

fn day(text: &str) -> Date {
    Date::parse(text).expect("a day")
}

fn number(text: &str) -> EnterpriseNumber {
    EnterpriseNumber::parse(text).expect("right check digits")
}

fn period(begin: &str, end: Option<&str>) -> Period {
    Period::from_days(day(begin), end.map(day)).expect("not reversed")
}

fn handling() -> Handling {
    let received = Timestamp::parse("2026-11-22T05:19:00Z").expect("a moment");
    Handling { ticket: Ticket::new([7; 16]), received, replied: Timestamp::from_millis(received.as_millis() + 42) }
}

fn customer() -> Customer {
    Customer {
        ticket: Some("A&B <1>".to_owned()),
        timestamp_sent: Some("2026-11-22T06:19:00+01:00".to_owned()),
        id: CustomerId::Cbe(CbeNumber::from(number("0202239951"))),
    }
}

fn message_id() -> Addressing {
    Addressing { message_id: Some("urn:uuid:a&b".to_owned()) }
}

/// One person with one employment, two services and a fund.
struct OnePerson;

impl Directory for OnePerson {
    fn states(&mut self) -> Result<DatasetStates, DirectoryError> {
        let state = DatasetState { serial: 1, created: handling().received };
        Ok(Dataset::ALL.into_iter().fold(DatasetStates::default(), |states, dataset| states.with(dataset, state)))
    }

    fn family(&mut self, ssin: Ssin, into: &mut Vec<Ssin>) -> Result<Ssin, DirectoryError> {
        into.push(ssin);
        Ok(ssin)
    }

    fn employment_periods(&mut self, _: Ssin, into: &mut Vec<EmploymentPeriod>) -> Result<(), DirectoryError> {
        into.push(EmploymentPeriod { employer: number("0999000228"), period: period("2020-01-01", None) });
        Ok(())
    }

    fn affiliations(
        &mut self,
        kind: ServiceKind,
        _: EnterpriseNumber,
        into: &mut Vec<Affiliation>,
    ) -> Result<(), DirectoryError> {
        let (service, period) = match kind {
            ServiceKind::Internal => ("0999000228", period("2021-01-01", Some("2026-12-31"))),
            ServiceKind::External => ("0999000327", period("2019-01-01", None)),
        };
        into.push(Affiliation { service: number(service), period });
        Ok(())
    }

    fn memberships(&mut self, _: Ssin, into: &mut Vec<Membership>) -> Result<(), DirectoryError> {
        into.push(Membership { fund: number("0202239951"), period: period("2010-01-01", None) });
        Ok(())
    }
}

/// The answer to a question of the organisation 0202239951, granted this context and no other.
fn answer(granted: LegalContext, asked: &str, ssin: &str, dates: AskedDates) -> Answer {
    let deliberation = Deliberation::parse("16/108").expect("a number");
    let definition = Arc::new(ContextDefinition::built_in(granted).expect("one of the three"));
    let grant = Grant::at_ceiling(definition, period("2020-01-01", None), deliberation);
    let organisation = number("0202239951");
    let consumer = Consumer { grants: vec![Arc::new(grant)], ..Consumer::new(organisation, "Fund") };
    let register = Register::new(Contexts::built_in(), vec![consumer]).expect("valid");

    let nothing = Digest::new([0; 32]);
    let certified = Certified::new(organisation, nothing, nothing);
    let caller = Caller { certified: Some(certified), fingerprint: nothing };
    let exchange = Exchange { ticket: handling().ticket, received: handling().received, caller, relay: None };
    let criteria = AskedCriteria { ssin: Ssin::parse(ssin), dates };
    let question = Question { customer: customer(), legal_context: asked.to_owned(), end_user: None, criteria };
    let identified = Presented::new(exchange, question, &register).identify(&register).expect("its own organisation");
    let hour = Duration::from_secs(3_600);
    let limits = FreshnessLimits { dimona: hour, coprev: hour, federated: hour, insurance: hour, persons: hour };
    let resolved = match identified.permit() {
        Permission::Permitted(permitted) => permitted.resolve(&mut OnePerson, &limits).expect("readable"),
        Permission::Refused(resolved, _) => resolved,
        Permission::EndUser(_, fault) => unreachable!("{fault}"),
    };
    let (settle, settled) = mpsc::channel();
    record(resolved, &DurableAtOnce, move |recorded| settle.send(recorded).expect("awaited"));
    settled.recv().expect("settled").expect("durable")
}

fn text(bytes: Vec<u8>) -> String {
    let document = Document::from_bytes(&bytes, None).expect("characters");
    let mut reader = Reader::new(&document);
    while reader.next_token().expect("well-formed") != Token::End {}
    String::from_utf8(bytes).expect("characters")
}

#[test]
fn writes_an_answer_in_the_order_of_the_schema() {
    let platform = LegalContext::EHEALTH_PLATFORM;
    let dates = AskedDates::ReferenceDate(Ok(day("2026-11-20")));
    let answer = answer(platform, platform.code(), "85073099932", dates);
    let written = text(write_answer(&answer, handling().replied, &Addressing::default()));
    let expected = [
        DECLARATION,
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>",
        "<intf:consultAttributesResponse xmlns:intf=\"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1\">",
        "<informationCustomer><ticket>A&amp;B &lt;1&gt;</ticket><timestampSent>2026-11-22T06:19:00+01:00</timestampSent>",
        "<customerIdentification><cbeNumber>0202239951</cbeNumber></customerIdentification></informationCustomer>",
        HANDLING,
        "<legalContext>BACKTOWORK:EHEALTH_PLATFORM</legalContext>",
        "<criteria><ssin>85073099932</ssin><referenceDate>2026-11-20</referenceDate></criteria>",
        "<status><value>DATA_FOUND</value><code>MSG00000</code><description>Data were found.</description></status>",
        "<sources><source name=\"dimona\">DATA_FOUND</source><source name=\"coprev\">DATA_FOUND</source>",
        "<source name=\"federated\">DATA_FOUND</source><source name=\"insurance\">DATA_FOUND</source></sources>",
        "<result><ssin>85073099932</ssin><employment><employer><cbeNumber>0999000228</cbeNumber></employer>",
        "<period><beginDate>2020-01-01</beginDate></period>",
        "<preventionService><cbeNumber>0999000228</cbeNumber><type>INTERNAL</type>",
        "<affiliation><beginDate>2021-01-01</beginDate><endDate>2026-12-31</endDate></affiliation></preventionService>",
        "<preventionService><cbeNumber>0999000327</cbeNumber><type>EXTERNAL</type>",
        "<affiliation><beginDate>2019-01-01</beginDate></affiliation></preventionService></employment>",
        "<healthInsuranceFund><cbeNumber>0202239951</cbeNumber></healthInsuranceFund></result>",
        "</intf:consultAttributesResponse></soap:Body></soap:Envelope>",
    ];
    assert_eq!(written, expected.concat());
}

#[test]
fn names_filtered_fields_and_today_as_the_default_date() {
    let physician = LegalContext::ADVISORY_PHYSICIAN;
    let answer = answer(physician, physician.code(), "85073099932", AskedDates::Today);
    let written = text(write_answer(&answer, handling().replied, &Addressing::default()));
    assert!(written.contains("<criteria><ssin>85073099932</ssin><referenceDate>2026-11-22</referenceDate></criteria>"));
    let filters =
        "</status><dataFilters><filteredElement>healthInsuranceFund/cbeNumber</filteredElement></dataFilters>";
    assert!(written.contains(&[filters, "<sources>"].concat()), "{written}");
    assert!(!written.contains("<healthInsuranceFund>"));
}

#[test]
fn a_refused_question_has_neither_criteria_nor_result() {
    let platform = LegalContext::EHEALTH_PLATFORM;
    let today = AskedDates::Today;
    let reversed = AskedDates::Period { begin: Ok(day("2026-02-02")), end: Ok(day("2026-02-01")) };
    for (asked, ssin, dates, status) in [
        ("", "85073099932", today, "<code>MSG00013</code>"),
        (platform.code(), "85073099933", today, "<code>MSG00011</code>"),
        (
            platform.code(),
            "85073099932",
            reversed,
            "<fieldName>period</fieldName><fieldValue>REVERSED</fieldValue></information></status>",
        ),
    ] {
        let written =
            text(write_answer(&answer(platform, asked, ssin, dates), handling().replied, &Addressing::default()));
        assert!(written.contains(status), "{written}");
        assert!(written.contains("</legalContext><status>"), "{written}");
        assert!(written.contains("</status></intf:consultAttributesResponse>"), "{written}");
        assert!(!written.contains("85073099"), "{written}");
    }
}

#[test]
fn a_status_contains_its_information() {
    let physician = LegalContext::ADVISORY_PHYSICIAN;
    let mut writer = Writer::new();
    let ssin = Ssin::parse("85073099932").expect("a number");
    let organisation = number("0202239951");
    write_status(&mut writer, Status::NoRelation { ssin, organisation });
    write_status(&mut writer, Status::Replaced { by: ssin });
    write_status(&mut writer, Status::Incomplete([Dataset::Persons, Dataset::Dimona].into_iter().collect()));
    let written = String::from_utf8(writer.into_bytes()).expect("characters");
    for (name, value) in [
        ("ssin", "85073099932"),
        ("cbeNumber", "0202239951"),
        ("newSSIN", "85073099932"),
        ("source", "dimona"),
        ("source", "persons"),
    ] {
        let fact = format!("<information><fieldName>{name}</fieldName><fieldValue>{value}</fieldValue></information>");
        assert!(written.contains(&fact), "{name} in {written}");
    }
    // A period comes back as a period.
    let dates = AskedDates::Period { begin: Ok(day("2026-01-01")), end: Ok(day("2026-02-01")) };
    let written = text(write_answer(
        &answer(physician, physician.code(), "85073099932", dates),
        handling().replied,
        &message_id(),
    ));
    assert!(
        written.contains("<period><beginDate>2026-01-01</beginDate><endDate>2026-02-01</endDate></period></criteria>")
    );
}

#[test]
fn relates_to_the_message_id_of_the_request() {
    let reply = TestReply { echo: "]]>\r\n\u{0}", ssl_certificate: "CN=a, O=\"b\"" };
    let written = text(write_test_reply(reply, handling(), &message_id()));
    let expected = [
        DECLARATION,
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header>",
        "<wsa:Action xmlns:wsa=\"http://www.w3.org/2005/08/addressing\">http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1/\
         TestConnectionServicePortType/sendTestMessageResponse</wsa:Action>",
        "<wsa:RelatesTo xmlns:wsa=\"http://www.w3.org/2005/08/addressing\">urn:uuid:a&amp;b</wsa:RelatesTo></soap:Header>",
        "<soap:Body><test:sendTestMessageResponse xmlns:test=\"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1\">",
        HANDLING,
        "<echo>]]&gt;&#13;\n\u{fffd}</echo><sslCertificate>CN=a, O=\"b\"</sslCertificate>",
        "</test:sendTestMessageResponse></soap:Body></soap:Envelope>",
    ];
    assert_eq!(written, expected.concat());
}

#[test]
fn a_fault_contains_the_error_and_its_location() {
    let location = Location { line: 12, path: "/Envelope/Body".to_owned() };
    let fault = Fault::from(BadMessage::new(MessageError::BodyStructure.into(), Some(location)));
    let bare = Customer {
        ticket: None,
        timestamp_sent: None,
        id: CustomerId::Pair { sector: PairNumber::written(11, 3), institution: PairNumber::new(7) },
    };
    let operation = Operation::ConsultAttributes;
    let written = text(write_fault(&fault, operation, handling(), Some(&bare), &message_id()));
    let expected = [
        DECLARATION,
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header>",
        "<wsa:Action xmlns:wsa=\"http://www.w3.org/2005/08/addressing\">",
        "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1/\
         eHealthAttributesPortType/consultAttributes/Fault/consultAttributesFault</wsa:Action>",
        "<wsa:RelatesTo xmlns:wsa=\"http://www.w3.org/2005/08/addressing\">urn:uuid:a&amp;b</wsa:RelatesTo></soap:Header>",
        "<soap:Body><soap:Fault><faultcode>soap:Client</faultcode><faultstring>A Body has exactly one child element.</faultstring>",
        "<detail><intf:consultAttributesFault xmlns:intf=\"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1\">",
        "<informationCustomer><customerIdentification><sector>011</sector><institution>7</institution>",
        "</customerIdentification></informationCustomer>",
        HANDLING,
        "<detail><severity>FATAL</severity><reasonCode>MSG90024</reasonCode>",
        "<diagnostic>A Body has exactly one child element. Line 12, /Envelope/Body.</diagnostic>",
        "<authorCode>eHealthAttributesService</authorCode></detail>",
        "</intf:consultAttributesFault></detail></soap:Fault></soap:Body></soap:Envelope>",
    ];
    assert_eq!(written, expected.concat());
}

#[test]
fn a_fault_of_the_envelope_has_no_detail() {
    for (error, code) in
        [(MessageError::VersionMismatch, "VersionMismatch"), (MessageError::MustUnderstand, "MustUnderstand")]
    {
        let fault = Fault::from(BadMessage::new(error.into(), None));
        let operation = Operation::SendTestMessage;
        let written = text(write_fault(&fault, operation, handling(), Some(&customer()), &message_id()));
        assert!(written.contains(&format!("<faultcode>soap:{code}</faultcode>")), "{written}");
        assert!(written.contains("addressing/soap/fault</wsa:Action>"), "{written}");
        assert!(!written.contains("<detail>") && !written.contains("0202239951"), "{written}");
    }
}

#[test]
fn each_operation_has_its_own_fault_element() {
    for (operation, element) in [
        (Operation::ConsultAttributes, "<intf:consultAttributesFault "),
        (Operation::SendTestMessage, "<test:sendTestMessageFault "),
    ] {
        let written = text(write_fault(
            &Fault::from(ExchangeFault::Internal),
            operation,
            handling(),
            None,
            &Addressing::default(),
        ));
        assert!(written.contains("<faultcode>soap:Server</faultcode><faultstring>Internal error.</faultstring>"));
        assert!(written.contains(element) && !written.contains("<soap:Header>"), "{written}");
    }
}
