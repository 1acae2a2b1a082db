//! The client: one call sends a message and reads the answer, within a deadline.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use rustls::time_provider::TimeProvider;
use soap::consumer_header;
use soap::limits::EVENTS;
use tokio::time::timeout;

use ehealth_core::model::EndUser;

use super::answer::{Answer, TestReply};
use super::connection::{Connections, Outgoing, Received, SendProgress};
use super::envelope::{self, Reply};
use super::error::ClientError;
use super::messages::{Message, Request, TestRequest};
use super::not_understood::NotUnderstood;
use super::question::{self, Question, QuestionError};
use super::response_signature::{ResponseContext, ResponseVerifier};
use super::settings::{Repeat, Settings, SettingsError, Target, VerifyResponses};
use super::signing::{RequestSigner, now};
use super::ticket::CbssTicket;
use super::validate::{validate_answer, validate_test};
use super::validate_fault::{ReplyHeaders, validate_fault};

/// Maximum length of an echo, in characters. The schema has no limit. An escaped character is a parser
/// event: half of the events that a message may have (`docs/reference/contract.md` "Limits") leave room
/// for the envelope, and 8 192 characters of any kind are within the limits on texts and documents.
const ECHO_AT_MOST: usize = EVENTS / 2;

/// Client of one service for one organisation.
///
/// Share it by reference: calls run in parallel, each on its own connection, and connections are
/// reused.
pub struct Client {
    connections: Connections,
    deadline: Duration,
    repeat: Repeat,
    /// `None`: requests are not signed.
    signer: Option<RequestSigner>,
    /// `None`: responses are not verified.
    verifier: Option<ResponseVerifier>,
    time: Arc<dyn TimeProvider>,
}

/// Text for `sendTestMessage`, valid according to the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo(String);

impl Echo {
    /// Accepts up to 8 192 characters that XML allows.
    ///
    /// # Errors
    /// [`QuestionError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, QuestionError> {
        question::check("echo", text, ECHO_AT_MOST).map(Self)
    }
}

impl Client {
    /// Makes a client. Opens no connection: the first call does.
    ///
    /// # Errors
    /// [`SettingsError`] names the invalid part of the settings.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let target = Target::new(settings)?;
        let verifier = match &settings.verify_responses {
            VerifyResponses::Off => None,
            VerifyResponses::Required { signers_pem } => Some(ResponseVerifier::new(signers_pem.as_deref())?),
        };
        Ok(Self {
            connections: Connections::new(target, settings.connect_timeout),
            deadline: settings.deadline,
            repeat: settings.repeat,
            signer: settings.signing.as_ref().map(RequestSigner::new).transpose()?,
            verifier,
            time: Arc::clone(&settings.time),
        })
    }

    /// Calls `consultAttributes`. Every status is an answer, also one without a result.
    ///
    /// Needs a tokio runtime with time and I/O. Dropping the future closes the connection of the
    /// call.
    ///
    /// # Errors
    /// [`ClientError`] says who must act and whether to repeat the call.
    pub async fn consult(&self, question: &Question) -> Result<Answer, ClientError> {
        let (response, _) = self.call(&question.message(), question.end_user()).await?;
        Ok(validate_answer(question, response)?)
    }

    /// Calls `sendTestMessage`, which tests the connection and the certificate. It concerns no
    /// person.
    ///
    /// # Errors
    /// As [`Client::consult`].
    pub async fn test_message(&self, echo: &Echo) -> Result<TestReply, ClientError> {
        let (response, headers) = self.call(&TestRequest { echo: echo.0.clone() }, None).await?;
        Ok(validate_test(&echo.0, &response, read_consumer(&headers)?)?)
    }

    async fn call<R: Request>(
        &self,
        request: &R,
        end_user: Option<&EndUser>,
    ) -> Result<(R::Response, HeaderMap), ClientError> {
        let envelope = envelope::write_by(request, end_user);
        let soap_action =
            HeaderValue::from_str(&format!("\"{}\"", R::SOAP_ACTION)).unwrap_or(HeaderValue::from_static("\"\""));
        let outgoing = Outgoing {
            path: R::PATH,
            soap_action,
            envelope: Bytes::from(envelope),
            signer: self.signer.as_ref(),
            time: &*self.time,
        };
        let progress = SendProgress::default();
        let exchange = self.connections.exchange(&outgoing, self.repeat, &progress);
        match timeout(self.deadline, exchange).await {
            Ok(received) => {
                let received = received?;
                Ok((self.read_reply::<R::Response>(&received)?, received.headers))
            }
            Err(_) => Err(ClientError::Deadline { after: self.deadline, progress: progress.get() }),
        }
    }

    fn read_reply<M: Message>(&self, received: &Received) -> Result<M, ClientError> {
        let headers = read_headers(&received.headers);
        let is_xml = is_xml(&received.headers);
        match received.status {
            StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR if is_xml => {
                self.verify(received)?;
                match envelope::read::<M>(&received.body)? {
                    Reply::Response(message) if received.status == StatusCode::OK => Ok(message),
                    Reply::Response(_) => Err(NotUnderstood::NotTheMessage.into()),
                    Reply::Fault(code, fault) => {
                        Err(ClientError::Fault(Box::new(validate_fault(code, *fault, headers)?)))
                    }
                }
            }
            StatusCode::OK => Err(NotUnderstood::MediaType.into()),
            status => Err(ClientError::Refused {
                status: status.as_u16(),
                retry_after: headers.retry_after,
                request_id: headers.request_id,
            }),
        }
    }

    /// Verifies the signature of a response, if the settings require one.
    fn verify(&self, received: &Received) -> Result<(), ClientError> {
        let Some(verifier) = &self.verifier else { return Ok(()) };
        let context = ResponseContext {
            server_certificate: received.server_certificate.as_ref(),
            request_signature: received.request_signature.as_deref(),
            now: now(&*self.time)?,
        };
        verifier.verify(&received.body, context)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("deadline", &self.deadline).field("repeat", &self.repeat).finish_non_exhaustive()
    }
}

fn read_headers(headers: &HeaderMap) -> ReplyHeaders {
    let text =
        |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::trim).map(str::to_owned);
    ReplyHeaders {
        request_id: text(headers.get("X-Request-Id")).and_then(|id| CbssTicket::parse(&id)),
        retry_after: text(headers.get(RETRY_AFTER)).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
    }
}

/// Name in `X-Consumer`; `None` without the header.
///
/// # Errors
/// [`NotUnderstood::Value`] for two of them, and for a value that encodes no name.
fn read_consumer(headers: &HeaderMap) -> Result<Option<String>, NotUnderstood> {
    let mut values = headers.get_all(consumer_header::NAME).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let name = value.to_str().ok().and_then(consumer_header::decode).filter(|_| values.next().is_none());
    name.map(Some).ok_or(NotUnderstood::Value(consumer_header::NAME))
}

/// Whether the media type is `text/xml`, and UTF-8 if it names a charset.
fn is_xml(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(Ok(value)), None) = (values.next().map(HeaderValue::to_str), values.next()) else { return false };
    let mut parts = value.split(';').map(str::trim);
    let is_xml = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("text/xml"));
    is_xml
        && parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
            !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}
