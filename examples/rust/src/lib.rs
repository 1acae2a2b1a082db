//! A client of eHealthAttributesService and TestConnectionService whose types are generated from the contract.
//!
//! `build.rs` generates the module [`contract`] with `xsd-parser`. The names of its types are those of the schemas,
//! in a module for each namespace; a date is a `String`, which no time zone can change. This file adds what no
//! generator for Rust makes: the envelope, HTTP and TLS with a client certificate.

use std::sync::Arc;
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::Event;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig};
use xsd_parser_types::quick_xml::{DeserializeSync, Serializer, SliceReader, WithSerializer};

use contract::soap::{BodyElementType as Body, Envelope, Fault, Header};

/// Generated types: `attr` and `common` have those of questions and answers.
#[allow(missing_docs, unused, clippy::all)]
pub mod contract {
    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}

const CONSULT: (&str, &str) =
    ("/eHealthAttributesService/v1/consult", "\"http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes\"");
const TEST: (&str, &str) = (
    "/TestConnectionServiceService/sendTestMessage",
    "\"http://kszbcss.fgov.be/TestConnectionServiceService/sendTestMessage\"",
);
/// Time limit of the connection: a host that drops packets must not block a thread for the two minutes of TCP.
const CONNECT: Duration = Duration::from_secs(5);
/// Largest answer. Real ones have a few KiB.
const LARGEST_ANSWER: u64 = 8 << 20;

/// Why there is no reply.
#[derive(Debug)]
pub enum Error {
    /// A SOAP fault: the question was not answered.
    Fault {
        /// The fault.
        fault: Box<Fault>,
        /// `Retry-After` of the response.
        retry_after: Option<Duration>,
    },
    /// Another HTTP status than 200 and 500.
    Http {
        /// The status.
        status: u16,
        /// `Retry-After` of the response.
        retry_after: Option<Duration>,
    },
    /// No whole answer in time. The question may have been answered and recorded.
    Timeout,
    /// The connection was refused, or lost before the first byte of an answer.
    NoAnswer(std::io::Error),
    /// Wrong settings, or a wrong certificate on one of the two sides.
    Connection(ureq::Error),
    /// The answer broke off.
    BrokenOff(ureq::Error),
    /// The answer is not of this contract.
    Unreadable(xsd_parser_types::quick_xml::Error),
    /// The answer is a message of another operation.
    AnotherMessage,
    /// A text of the request contains `]]>`, which the generated code does not write.
    Unwritable(xsd_parser_types::quick_xml::Error),
}

impl Error {
    /// The code of a fault to act on. SOAP has the element `detail`, and KSZ's type has another one in it.
    #[must_use]
    pub fn reason_code(&self) -> Option<&str> {
        let Self::Fault { fault, .. } = self else { return None };
        let content = fault.detail.as_ref()?.consult_attributes_fault.as_ref()?;
        content.detail.first().map(|message| message.reason_code.as_str())
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fault { fault, .. } => {
                write!(f, "{} {}", self.reason_code().unwrap_or(&fault.faultcode), fault.faultstring)
            }
            Self::Http { status, .. } => write!(f, "HTTP {status}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::NoAnswer(error) => write!(f, "no connection: {error}"),
            Self::Connection(error) => write!(f, "{error}"),
            Self::BrokenOff(error) => write!(f, "the answer broke off: {error}"),
            Self::Unreadable(error) => write!(f, "the answer is not of this contract: {error}"),
            Self::AnotherMessage => f.write_str("the answer is a message of another operation"),
            Self::Unwritable(error) => write!(f, "the request cannot be written: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<ureq::Error> for Error {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                Self::NoAnswer(std::io::ErrorKind::TimedOut.into())
            }
            ureq::Error::Timeout(_) => Self::Timeout,
            // rustls reports a wrong certificate as invalid data.
            ureq::Error::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => Self::NoAnswer(error),
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                Self::NoAnswer(std::io::ErrorKind::ConnectionRefused.into())
            }
            other => Self::Connection(other),
        }
    }
}

/// One service, with one client certificate. It keeps connections open.
pub struct Client {
    agent: ureq::Agent,
    url: String,
}

/// PEM of the authority of the server, and of the client's certificate and key.
pub struct Identity {
    /// Authority.
    pub authority: Vec<u8>,
    /// Certificate, with its chain if any.
    pub certificate: Vec<u8>,
    /// Private key.
    pub key: Vec<u8>,
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, ureq::Error> {
    let items = ureq::tls::parse_pem(pem).collect::<Result<Vec<_>, _>>()?;
    let certificates = items.into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    Ok(certificates.collect())
}

impl Client {
    /// Makes a client for a scheme and authority, such as `https://localhost:8443`. `limit` is that of a whole answer.
    ///
    /// # Errors
    /// A certificate or the key is not PEM.
    pub fn new(url: &str, identity: &Identity, limit: Duration) -> Result<Self, Error> {
        let own =
            ClientCert::new_with_certs(&certificates(&identity.certificate)?, PrivateKey::from_pem(&identity.key)?);
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(certificates(&identity.authority)?)))
            .client_cert(Some(own))
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(limit))
            // A fault has the status 500, and its body matters.
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Ok(Self { agent: agent.into(), url: url.trim_end_matches('/').to_owned() })
    }

    /// Asks about one person. Some legal contexts demand an end user.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn consult(
        &self,
        question: contract::intf::ConsultAttributesRequest,
        end_user: Option<contract::user::EndUser>,
    ) -> Result<contract::intf::ConsultAttributesResponse, Error> {
        match self.call(CONSULT, Body::ConsultAttributesRequest(question), end_user)? {
            Body::ConsultAttributesResponse(reply) => Ok(reply),
            _ => Err(Error::AnotherMessage),
        }
    }

    /// Sends a text, which comes back.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn test(&self, echo: &str) -> Result<contract::test::SendTestMessageResponseType, Error> {
        let message = contract::test::SendTestMessageRequestType { echo: echo.to_owned() };
        match self.call(TEST, Body::SendTestMessageRequest(message), None)? {
            Body::SendTestMessageResponse(reply) => Ok(reply),
            _ => Err(Error::AnotherMessage),
        }
    }

    fn call(
        &self,
        (path, action): (&str, &str),
        body: Body,
        end_user: Option<contract::user::EndUser>,
    ) -> Result<Body, Error> {
        let header = end_user.map(|end_user| Header { end_user: Some(end_user) });
        let request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("content-type", "text/xml; charset=utf-8")
            .header("soapaction", action);
        let mut response = request.send(write(&Envelope { header, body })?)?;
        let status = response.status().as_u16();
        // The service sends seconds, never a date.
        let text = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = text.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        // After the head, the question was answered: a connection that is lost here is another error than before.
        let answer =
            response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string().map_err(|error| match error {
                ureq::Error::Timeout(_) => Error::Timeout,
                other => Error::BrokenOff(other),
            })?;
        if status != 200 && status != 500 {
            return Err(Error::Http { status, retry_after });
        }
        match read(&answer)?.body {
            Body::Fault(fault) => Err(Error::Fault { fault: Box::new(fault), retry_after }),
            message => Ok(message),
        }
    }
}

/// Namespaces besides that of the envelope: the generated code declares only the one of the root.
const NAMESPACES: [(&str, &str); 3] = [
    ("xmlns:intf", "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1"),
    ("xmlns:testintf", "http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1"),
    ("xmlns:user", "urn:ehealth-attributes:end-user:v1"),
];

/// Writes an envelope.
///
/// # Errors
/// A text contains `]]>`, which the generated code does not write.
pub fn write(envelope: &Envelope) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::new(Vec::new());
    let events = envelope.serializer(Some("soap:Envelope"), true).map_err(Error::Unwritable)?;
    for event in events.into_iter() {
        let mut event = event.map_err(Error::Unwritable)?;
        if let Event::Start(start) = &mut event {
            match start.name().as_ref() {
                b"soap:Envelope" => NAMESPACES.iter().for_each(|attribute| start.push_attribute(*attribute)),
                // A service that does not know the block then refuses the question.
                b"user:endUser" => start.push_attribute(("soap:mustUnderstand", "1")),
                _ => {}
            }
        }
        writer.write_event(event).map_err(|error| Error::Unwritable(quick_xml::Error::from(error).into()))?;
    }
    Ok(writer.into_inner())
}

/// Reads an envelope.
///
/// # Errors
/// It is not well-formed, or has an element or value outside the schema.
pub fn read(answer: &str) -> Result<Envelope, Error> {
    let mut reader = SliceReader::new(answer);
    Envelope::deserialize(&mut reader).map_err(Error::Unreadable)
}
