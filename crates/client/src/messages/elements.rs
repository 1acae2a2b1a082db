//! Names of the elements, in the order of the schema. Every name that the client writes or reads is
//! in this file, except those of the envelope.

use soap::names::Namespace;

use super::{
    AnnotatedSsin, CbssFault, ClosedPeriod, ConsultRequest, ConsultResponse, Criteria, DataFilters, Employment,
    FaultDetail, FaultMessage, Information, InformationCbss, InformationCustomer, Message, Numbered, OpenPeriod,
    Organization, PreventionService, Request, ResultElement, Source, Sources, Status, TestRequest, TestResponse,
};
use crate::binding::{Attributed, ElementName, bind};

const fn in_namespace(namespace: Namespace, local: &'static str) -> ElementName {
    ElementName { namespace: Some(namespace), local }
}

bind! {
    ConsultRequest {
        information_customer: None, "informationCustomer",
        legal_context: None, "legalContext",
        criteria: None, "criteria",
    }
    ConsultResponse {
        information_customer: None, "informationCustomer",
        information_cbss: None, "informationCBSS",
        legal_context: None, "legalContext",
        criteria: None, "criteria",
        status: None, "status",
        ssin: None, "ssin",
        data_filters: None, "dataFilters",
        sources: None, "sources",
        result: None, "result",
    }
    TestRequest {
        echo: None, "echo",
    }
    TestResponse {
        information_cbss: None, "informationCBSS",
        echo: None, "echo",
        ssl_certificate: None, "sslCertificate",
    }
    FaultDetail {
        consult: Some(Namespace::Intf), "consultAttributesFault",
        test: Some(Namespace::Test), "sendTestMessageFault",
    }
    CbssFault {
        information_customer: None, "informationCustomer",
        information_cbss: None, "informationCBSS",
        detail: None, "detail",
    }
    FaultMessage {
        severity: None, "severity",
        reason_code: None, "reasonCode",
        diagnostic: None, "diagnostic",
        author_code: None, "authorCode",
        information: None, "information",
    }
    InformationCustomer {
        ticket: None, "ticket",
        timestamp_sent: None, "timestampSent",
        customer_identification: None, "customerIdentification",
    }
    Organization {
        cbe_number: None, "cbeNumber",
        sector: None, "sector",
        institution: None, "institution",
    }
    InformationCbss {
        ticket_cbss: None, "ticketCBSS",
        timestamp_receive: None, "timestampReceive",
        timestamp_reply: None, "timestampReply",
    }
    Criteria {
        ssin: None, "ssin",
        reference_date: None, "referenceDate",
        period: None, "period",
    }
    ClosedPeriod {
        begin_date: None, "beginDate",
        end_date: None, "endDate",
    }
    OpenPeriod {
        begin_date: None, "beginDate",
        end_date: None, "endDate",
    }
    Status {
        value: None, "value",
        code: None, "code",
        description: None, "description",
        information: None, "information",
    }
    Information {
        field_name: None, "fieldName",
        field_value: None, "fieldValue",
    }
    DataFilters {
        filtered_element: None, "filteredElement",
    }
    Sources {
        source: None, "source",
    }
    ResultElement {
        ssin: None, "ssin",
        employment: None, "employment",
        health_insurance_fund: None, "healthInsuranceFund",
    }
    Employment {
        employer: None, "employer",
        period: None, "period",
        prevention_service: None, "preventionService",
    }
    Numbered {
        cbe_number: None, "cbeNumber",
    }
    PreventionService {
        cbe_number: None, "cbeNumber",
        kind: None, "type",
        affiliation: None, "affiliation",
    }
}

impl Attributed for AnnotatedSsin {
    const ATTRIBUTE: &'static str = "replacedBy";

    fn from_texts(attribute: Option<String>, text: String) -> Self {
        Self { ssin: text, replaced_by: attribute }
    }

    fn texts(&self) -> (Option<&str>, &str) {
        (self.replaced_by.as_deref(), &self.ssin)
    }
}

impl Attributed for Source {
    const ATTRIBUTE: &'static str = "name";

    fn from_texts(attribute: Option<String>, text: String) -> Self {
        Self { status: text, name: attribute }
    }

    fn texts(&self) -> (Option<&str>, &str) {
        (self.name.as_deref(), &self.status)
    }
}

impl Message for ConsultRequest {
    const NAME: ElementName = in_namespace(Namespace::Intf, "consultAttributesRequest");
}

impl Request for ConsultRequest {
    type Response = ConsultResponse;
    const PATH: &'static str = "/eHealthAttributesService/v1/consult";
    const SOAP_ACTION: &'static str = "http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes";
}

impl Message for ConsultResponse {
    const NAME: ElementName = in_namespace(Namespace::Intf, "consultAttributesResponse");
}

impl Message for TestRequest {
    const NAME: ElementName = in_namespace(Namespace::Test, "sendTestMessageRequest");
}

impl Request for TestRequest {
    type Response = TestResponse;
    const PATH: &'static str = "/TestConnectionServiceService/sendTestMessage";
    const SOAP_ACTION: &'static str = "http://kszbcss.fgov.be/TestConnectionServiceService/sendTestMessage";
}

impl Message for TestResponse {
    const NAME: ElementName = in_namespace(Namespace::Test, "sendTestMessageResponse");
}
