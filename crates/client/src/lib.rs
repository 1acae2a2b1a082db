//! Client of eHealthAttributesService: sends an SSIN and a legal context over mutual TLS, and
//! returns a typed answer.
//!
//! [`messages`] binds the messages of the contract apart from the service's own codec; tests
//! compare the two. The client stores no answer and logs nothing. It repeats a call by itself only
//! where that cannot cause a second disclosure ([`Repeat`]). An [`Answer`] follows the contract
//! exactly, and answers the question that was asked.
//!
//! | to | see |
//! |---|---|
//! | ask | [`Client`], [`Settings`], [`Question`] |
//! | read an answer | [`Answer`], [`Answer::competent_service`], [`Answer::fund`] |
//! | know who must act on an error, and whether to repeat the call | [`ClientError::blame`], [`ClientError::retry`] |
//! | sign requests, verify signed responses | [`Settings::signing`], [`Settings::verify_responses`] |
//! | see the wire | [`messages`], [`envelope`] |
//!
//! # Example
//!
//! ```no_run
//! use client::{Client, Disclosed, Question, Retry, Settings};
//! use ehealth_core::model::{CbeNumber, CustomerId, Date, LegalContext, Ssin};
//!
//! # async fn route(typed: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::new(
//!     "https://localhost:8443",
//!     std::fs::read("ca.pem")?,
//!     std::fs::read("fund.pem")?,
//!     std::fs::read("fund-key.pem")?,
//! );
//! let client = Client::new(&settings)?;
//!
//! let fund = CbeNumber::parse("0999010126").map(CustomerId::Cbe).ok_or("ten digits")?;
//! let day = Date::parse("2026-01-15")?;
//! let question = Question::new(fund, LegalContext::ADVISORY_PHYSICIAN, Ssin::parse(typed)?).on(day);
//!
//! match client.consult(&question).await {
//!     Ok(answer) => {
//!         for competence in answer.competent_service(day)? {
//!             if let Disclosed::Found(service) = competence.service {
//!                 println!("the file goes to {:?}, affiliated since {:?}", service.number, service.affiliation);
//!             }
//!         }
//!     }
//!     Err(error) => match error.retry() {
//!         Retry::Later { after } => println!("{error}; again after {after:?}"),
//!         Retry::OnlyIfTwiceIsFine | Retry::Never => return Err(error.into()),
//!     },
//! }
//! # Ok(())
//! # }
//! ```

// The client: settings, connections, calls, errors.
mod call;
mod connection;
mod error;
mod retry;
mod settings;

// Signed messages.
mod response_signature;
mod response_signature_error;
mod signing;

// The wire: messages, their envelope, and what can be wrong with them.
mod binding;
pub mod envelope;
mod fault_code;
pub mod messages;
mod not_understood;

// The question and its answer.
mod answer;
mod fault;
mod question;
mod ticket;
mod verdict;

// Validation of replies.
#[cfg(test)]
mod answer_tests;
mod mask;
mod validate;
mod validate_fault;

pub use answer::{
    Answer, Employment, Findings, Information, Outcome, PreventionService, Status, TestReply, WrongDate, WrongDates,
};
pub use call::{Client, Echo};
pub use error::{ClientError, Progress};
pub use fault::{Reason, Severity, SoapFault};
pub use fault_code::FaultCode;
pub use not_understood::NotUnderstood;
pub use question::{Question, QuestionError};
pub use response_signature_error::ResponseSignatureError;
pub use retry::{Blame, Retry};
pub use settings::{Part, Repeat, Settings, SettingsError, SigningPem, VerifyResponses};
pub use ticket::CbssTicket;
pub use verdict::{Competence, Disclosed, NoVerdict};
