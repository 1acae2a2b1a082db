//! `lookup`: one question to a running service, over mutual TLS, through the client that others use too; `batch` asks many.

use std::io::Read;
use std::path::Path;

use super::args::LookupArguments;
use super::{Exit, batch, fail, ledger, show};
use crate::app::SystemClock;
use client::{Client, ClientError, Echo, Outcome, Question, Settings};
use ehealth_core::model::{CbeNumber, Clock, CriteriaDates, CustomerId, Date, LegalContext, Ssin, Window};

/// Why nothing could be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// A file cannot be read.
    #[error("{file}: {reason}")]
    File { file: String, reason: std::io::Error },
    /// The certificate, the key or the URL cannot be used.
    #[error("{0}")]
    Settings(#[from] client::SettingsError),
    /// What was typed is no question.
    #[error("{argument}: {reason}")]
    Argument { argument: &'static str, reason: String },
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Json,
}

pub(super) async fn run(arguments: &LookupArguments) -> Exit {
    let form = if arguments.json { Form::Json } else { Form::Text };
    let client = match open_client(&arguments.url, &arguments.ca, &arguments.cert, &arguments.key) {
        Ok(client) => client,
        Err(error) => return fail(Exit::Failed, &error),
    };
    if arguments.test {
        return test(&client).await;
    }
    if let Some(input) = &arguments.input {
        return match read_batch(arguments).and_then(|batch| Ok((batch, batch::read_numbers(input)?))) {
            Ok(((common, asked), numbers)) => {
                batch::run(arguments, client, numbers, asked, |ssin| common.question(ssin)).await
            }
            Err(error) => fail(Exit::Failed, &error),
        };
    }
    match read_question(arguments) {
        Ok((question, asked)) => ask(&client, &question, asked, form).await,
        Err(error) => fail(Exit::Failed, &error),
    }
}

/// A client of the service at `url`, with the PEM files of whoever asks.
pub(super) fn open_client(url: &str, ca: &Path, certificate: &Path, key: &Path) -> Result<Client, AskError> {
    let read =
        |file: &Path| std::fs::read(file).map_err(|reason| AskError::File { file: file.display().to_string(), reason });
    Ok(Client::new(&Settings::new(url, read(ca)?, read(certificate)?, read(key)?))?)
}

/// What was asked, for the heading of the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub ssin: Ssin,
    pub window: Window,
}

/// Asks, and prints what comes back.
pub(super) async fn ask(client: &Client, question: &Question, asked: Asked, form: Form) -> Exit {
    match client.consult(question).await {
        Ok(answer) => {
            match form {
                Form::Text => print!("{}", show::text(&answer, asked.ssin, asked.window)),
                Form::Json => println!("{:#}", show::json(&answer)),
            }
            match answer.status.outcome {
                Outcome::DataFound | Outcome::NoDataFound => Exit::Done,
                _ => Exit::NoResult,
            }
        }
        Err(error) => fail(exit_of(&error), &error),
    }
}

async fn test(client: &Client) -> Exit {
    let echo = match Echo::parse("ehealth-attributes lookup --test") {
        Ok(echo) => echo,
        Err(error) => return fail(Exit::Failed, &error),
    };
    match client.test_message(&echo).await {
        Ok(reply) => {
            println!("the connection works; the service sees the certificate {}", reply.ssl_certificate);
            match reply.consumer {
                Some(consumer) => println!("and knows it as {consumer}"),
                None => println!("and knows no organisation by it: ask the operator to register yours"),
            }
            Exit::Done
        }
        Err(error) => fail(exit_of(&error), &error),
    }
}

pub(super) fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Connect(_) | ClientError::ConnectTimeout(_) | ClientError::Tls(_) => Exit::Unreachable,
        ClientError::Deadline { .. } | ClientError::ConnectionLost { .. } => Exit::Unreachable,
        ClientError::Refused { .. } | ClientError::NotUnderstood(_) => Exit::Failed,
        ClientError::Fault(_) => Exit::Fault,
    }
}

/// A question without its person.
#[derive(Debug, Clone, Copy)]
struct Common {
    customer: CustomerId,
    context: LegalContext,
    /// The days, and whether they are asked as one; `None`: today, as the service has it.
    dates: Option<CriteriaDates>,
}

impl Common {
    fn question(self, ssin: Ssin) -> Question {
        let question = Question::new(self.customer, self.context, ssin);
        match self.dates {
            Some(CriteriaDates::ReferenceDate(day)) => question.on(day),
            Some(CriteriaDates::Period(window)) => question.between(window),
            None => question,
        }
    }
}

fn wrong(argument: &'static str, reason: &dyn std::fmt::Display) -> AskError {
    AskError::Argument { argument, reason: reason.to_string() }
}

fn read_common(arguments: &LookupArguments) -> Result<Common, AskError> {
    let organisation = arguments.organisation.as_deref().unwrap_or_default();
    let customer = CbeNumber::parse(organisation)
        .map(CustomerId::Cbe)
        .ok_or_else(|| wrong("--organisation", &"an enterprise number has exactly 10 digits"))?;
    let context = arguments.context.map(LegalContext::from);
    let context = context.ok_or_else(|| wrong("--context", &"is missing"))?;
    let day = |argument, text: &str| Date::parse(text).map_err(|error| wrong(argument, &error));
    let dates = match (&arguments.date, &arguments.from, &arguments.to) {
        (Some(date), ..) => Some(CriteriaDates::ReferenceDate(day("--date", date)?)),
        (None, Some(from), Some(to)) => {
            let window = Window::from_days(day("--from", from)?, day("--to", to)?);
            Some(CriteriaDates::Period(window.map_err(|error| wrong("--to", &error))?))
        }
        _ => None,
    };
    Ok(Common { customer, context, dates })
}

fn read_question(arguments: &LookupArguments) -> Result<(Question, Asked), AskError> {
    let common = read_common(arguments)?;
    let ssin = Ssin::parse(&read_ssin(arguments.ssin.as_deref().unwrap_or_default())?);
    let ssin = ssin.map_err(|error| wrong("--ssin", &error))?;
    let window = match common.dates {
        Some(CriteriaDates::ReferenceDate(day)) => Window::new(day),
        Some(CriteriaDates::Period(window)) => window,
        None => Window::new(SystemClock.now().brussels_day()),
    };
    Ok((common.question(ssin), Asked { ssin, window }))
}

/// What many questions have in common, and how the file of their answers spells it.
fn read_batch(arguments: &LookupArguments) -> Result<(Common, ledger::Asked), AskError> {
    let common = read_common(arguments)?;
    let dates = match common.dates {
        Some(CriteriaDates::ReferenceDate(day)) => day.to_string(),
        Some(CriteriaDates::Period(window)) => format!("{}/{}", window.from(), window.to()),
        None => String::new(),
    };
    let organisation = arguments.organisation.clone().unwrap_or_default();
    Ok((common, ledger::Asked { organisation, context: common.context.code().to_owned(), dates }))
}

fn read_ssin(argument: &str) -> Result<String, AskError> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut text = String::new();
    let read = std::io::stdin().take(64).read_to_string(&mut text);
    read.map_err(|reason| AskError::File { file: "standard input".to_owned(), reason })?;
    Ok(text.trim_end().to_owned())
}
