//! One call: a message out, its answer in, within a deadline.
//!
//! Puts the other files together and adds nothing of its own but what HTTP says around a reply.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use tokio::time::timeout;

use super::answer::{Answer, TestReply};
use super::connection::{Connections, Journey, Outgoing, Received};
use super::envelope::{self, Reply};
use super::error::{ClientError, NotUnderstood};
use super::fault::{Aside, judge};
use super::judge::{judge_answer, judge_test};
use super::messages::{Request, TestRequest};
use super::question::{self, Question, QuestionError};
use super::settings::{Repeat, Settings, SettingsError, Target};
use super::ticket::CbssTicket;

/// The longest echo that contract.md's EchoType allows, in characters.
const ECHO_AT_MOST: usize = 256;

/// A client of one service, as one organisation. Cheap to share by reference: calls run side by side, each on a connection
/// of its own, and connections are kept for later calls.
pub struct Client {
    connections: Connections,
    deadline: Duration,
    repeat: Repeat,
}

/// A text for `sendTestMessage` that the schema allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo(String);

impl Echo {
    /// Takes up to 256 characters that XML can hold.
    ///
    /// # Errors
    /// [`QuestionError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, QuestionError> {
        question::check("echo", text, ECHO_AT_MOST).map(Self)
    }
}

impl Client {
    /// A client of these settings. Opens no connection: the first call does.
    ///
    /// # Errors
    /// [`SettingsError`] names the part that is wrong.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let target = Target::new(settings)?;
        Ok(Self {
            connections: Connections::new(target, settings.connect_timeout),
            deadline: settings.deadline,
            repeat: settings.repeat,
        })
    }

    /// Asks `consultAttributes`. Every status is an answer, those without a result as well.
    ///
    /// Must be called on a tokio runtime with time and I/O. Dropping the future drops the call's connection.
    ///
    /// # Errors
    /// [`ClientError`] says whose fault it is and whether to ask again.
    pub async fn consult(&self, question: &Question) -> Result<Answer, ClientError> {
        let response = self.call(&question.message()).await?;
        Ok(judge_answer(question, response)?)
    }

    /// Asks `sendTestMessage`: whether the connection and the certificate are right. No person is concerned.
    ///
    /// # Errors
    /// As [`Client::consult`].
    pub async fn test_message(&self, echo: &Echo) -> Result<TestReply, ClientError> {
        let response = self.call(&TestRequest { echo: echo.0.clone() }).await?;
        Ok(judge_test(&echo.0, &response)?)
    }

    async fn call<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        let envelope = envelope::write(request);
        let soap_action =
            HeaderValue::from_str(&format!("\"{}\"", R::SOAP_ACTION)).unwrap_or(HeaderValue::from_static("\"\""));
        let outgoing = Outgoing { path: R::PATH, soap_action, envelope: Bytes::from(envelope) };
        let journey = Journey::default();
        let exchange = self.connections.exchange(&outgoing, self.repeat, &journey);
        match timeout(self.deadline, exchange).await {
            Ok(received) => understand::<R::Response>(&received?),
            Err(_) => Err(ClientError::Deadline { after: self.deadline, progress: journey.progress() }),
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("deadline", &self.deadline).field("repeat", &self.repeat).finish_non_exhaustive()
    }
}

fn understand<M: super::messages::Message>(received: &Received) -> Result<M, ClientError> {
    let aside = read_aside(&received.headers);
    let is_xml = is_xml(&received.headers);
    match received.status {
        StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR if is_xml => match envelope::read::<M>(&received.body)? {
            Reply::Response(message) if received.status == StatusCode::OK => Ok(message),
            Reply::Response(_) => Err(NotUnderstood::NotTheMessage.into()),
            Reply::Fault(code, fault) => Err(ClientError::Fault(Box::new(judge(code, *fault, aside)?))),
        },
        StatusCode::OK => Err(NotUnderstood::MediaType.into()),
        status => Err(ClientError::Refused {
            status: status.as_u16(),
            retry_after: aside.retry_after,
            request_id: aside.request_id,
        }),
    }
}

fn read_aside(headers: &HeaderMap) -> Aside {
    let text =
        |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::trim).map(str::to_owned);
    Aside {
        request_id: text(headers.get("X-Request-Id")).and_then(|id| CbssTicket::parse(&id)),
        retry_after: text(headers.get(RETRY_AFTER)).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
    }
}

/// Whether the media type is `text/xml`, of UTF-8 if it names a charset.
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
