//! The words of the pages in English.

use ehealth_core::lookup::Operation;
use ehealth_core::model::StatusCode;
use soap::ExchangeFault;

use super::terms::{Explanation, Words};

pub(super) const WORDS: Words = Words {
    skip: "Skip to the content",
    navigation: "Services and codes",
    services: "Services",
    services_about: "SOAP 1.1 services over mutual TLS. Each has a page with its WSDL, its schemas and an example request.",
    provenance: "Rebuilt from the public conventions of KSZ/BCSS, whose WSDL of eHealthAttributesService is not public. \
                 TestConnection and the common types are KSZ's; the messages of consultAttributes are this project's.",
    first: "What to do first",
    first_test: "Send the test message below with your certificate. The answer shows the certificate that the service \
                 sees. It contains no personal data.",
    first_generate: "Generate a client from the WSDL. If your tool does not follow imports, take the WSDL with its \
                     schemas inside.",
    first_ask: "Send the example request of consultAttributes. Its person and its organisation are fictitious: on a \
                service with real data, use your own organisation.",
    first_codes: "Handle every code that the service can return. The page of codes says what each means and what to do.",
    operations: "Operations",
    purpose,
    address: "Address:",
    post_to: "This is a SOAP 1.1 service (document/literal, over mutual TLS). POST an envelope to",
    post_end: "as text/xml.",
    contract: "Contract",
    wsdl: "WSDL",
    single_wsdl: "WSDL with its schemas inside",
    example: "Example request",
    select: "Click to select it.",
    fictitious: "Person and organisation are fictitious.",
    save_as: "Save it as request.xml and send it with:",
    command: "Command",
    codes: "Codes",
    codes_about: "What the service can answer, and what to do. Software acts on the code, never on the text. Log the \
                  ticketCBSS of each answer (also in the header X-Request-Id): the operator needs it to help you.",
    statuses: "Statuses",
    statuses_about: "HTTP 200, in the element status of the answer. In the order in which they are decided: the first \
                     that applies is the answer.",
    status,
    faults: "Faults",
    faults_about: "HTTP 500, in the element reasonCode of the fault.",
    fault,
    message_faults: "Faults of the message",
    message_faults_about: "The message does not follow the contract. The element diagnostic gives the element, the line \
                           and what was expected. Correct the message: the same message gets the same fault again. \
                           VersionMismatch and MustUnderstand have no detail: read faultstring.",
    refusals: "HTTP refusals",
    refusals_about: "Requests that are refused before they are read as SOAP. The answer is one line of plain text.",
    code: "Code",
    text: "Text",
};

fn purpose(operation: Operation) -> &'static str {
    match operation {
        Operation::ConsultAttributes => {
            "Returns a person's employer, competent prevention service and health-insurance fund for an SSIN, as far as \
             a grant allows."
        }
        Operation::SendTestMessage => {
            "Checks the connection, and returns the certificate that the service sees. It returns no personal data: call \
             it first."
        }
    }
}

fn status(status: StatusCode) -> Explanation {
    let remedy = match status {
        StatusCode::DataFound => {
            "Use result. dataFilters names what your grant leaves out: the absence of those elements says nothing."
        }
        StatusCode::NoDataFound => {
            "Nothing is known for these days. This is not an error, and asking again on the same day does not help."
        }
        StatusCode::Incomplete => {
            "information names each source that is missing or out of date. Use what is there, and ask again later."
        }
        StatusCode::Replaced => "Ask again with the newSSIN of information, and keep that number.",
        StatusCode::NoRelation => {
            "Check the number and the date. The answer is the same if the person is unknown. Do not ask again."
        }
        StatusCode::WrongDates => {
            "information names the element and the reason: NOT_A_DATE, REVERSED or OUTSIDE_GRANT. Ask for a day that \
             your grant reaches."
        }
        StatusCode::NotAnSsin => "Check the check digits before you send.",
        StatusCode::NoGrant => "Ask the operator which legal contexts your organisation may use.",
    };
    Explanation { meaning: status.description(), remedy }
}

fn fault(fault: ExchangeFault) -> Explanation {
    let remedy = match fault {
        ExchangeFault::Internal | ExchangeFault::NotRecorded => {
            "Ask again later, with growing pauses. If it goes on, give the operator the ticket."
        }
        ExchangeFault::UnknownCaller => {
            "Send a test message: it shows your certificate. Ask the operator to register it."
        }
        ExchangeFault::NoOrganisation => "Use a certificate that names your organisation.",
        ExchangeFault::OtherEnvironment => "Use the certificate for this environment: acceptance or production.",
        ExchangeFault::MessageSignature => "Sign the message, and check it with the command signature check.",
        ExchangeFault::WrongIdentification => {
            "Put your own enterprise number, or one for which you act, into the request."
        }
        ExchangeFault::QuotaSpent => "Wait for the seconds in the header Retry-After.",
        ExchangeFault::EndUserMissing => "Add the header block endUser with the id and the quality of the user.",
        ExchangeFault::EndUserRefused => "Leave the header block endUser out.",
    };
    Explanation { meaning: fault.sentence(), remedy }
}
