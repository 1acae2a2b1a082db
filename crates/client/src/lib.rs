//! The client of this service, in Rust: an SSIN and a legal context in, a typed answer out, over mutual TLS.
//!
//! Written apart from the service's own reader and writer: [`messages`] binds the contract's messages with yaserde, and
//! the two sides are held against each other in tests. It imports the words of the domain and nothing else of the service,
//! keeps no answer, logs nothing, and asks again by itself only where that cannot make a second disclosure ([`Repeat`]).
//! After a call handed back an [`Answer`], that answer was the contract's to the letter, and to the question that was asked.
//!
//! | to | see |
//! |---|---|
//! | ask | [`Client`], [`Settings`], [`Question`] |
//! | read an answer | [`Answer`], [`Answer::competent_service`], [`Answer::fund`] |
//! | know whose fault it is, and whether to ask again | [`ClientError::blame`], [`ClientError::retry`] |
//! | see the wire | [`messages`], [`envelope`] |
//!
//! # Example
//!
//! ```no_run
//! use client::{Client, Question, Retry, Settings, Told};
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
//! let question = Question::new(fund, LegalContext::AdvisoryPhysician, Ssin::parse(typed)?).on(day);
//!
//! match client.consult(&question).await {
//!     Ok(answer) => {
//!         for competence in answer.competent_service(day)? {
//!             if let Told::Found(service) = competence.service {
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

mod answer;
#[cfg(test)]
mod answer_tests;
mod binding;
mod call;
mod connection;
pub mod envelope;
mod error;
mod fault;
mod judge;
pub mod messages;
mod question;
mod settings;
mod ticket;
mod verdict;

pub use answer::{
    Answer, Employment, Findings, Information, Outcome, PreventionService, Status, TestReply, WrongDates,
};
pub use call::{Client, Echo};
pub use envelope::FaultCode;
pub use error::{Blame, ClientError, NotUnderstood, Progress, Retry};
pub use fault::{Reason, Severity, SoapFault};
pub use question::{Question, QuestionError};
pub use settings::{Part, Repeat, Settings, SettingsError};
pub use ticket::CbssTicket;
pub use verdict::{Competence, NoVerdict, Told};
