//! Runs `lookup`.

use std::path::Path;

use super::args::LookupArguments;
use super::batch::{self, BatchOptions};
use super::caller::Caller;
use super::connection::{Connection, SignatureFiles, connect, exit_of};
use super::error::LookupError;
use super::input::BatchInput;
use super::question::{QuestionTemplate, read_ssin};
use super::reorder::RowOrder;
use super::results::{BatchQuestion, LineFormat};
use super::single::{Asked, OutputFormat, ask};
use crate::app::SystemClock;
use crate::cli::argument_errors::ArgumentErrors;
use crate::cli::exit::{Exit, fail};
use certificates::Facts;
use client::{Client, Echo};
use ehealth_core::model::{Clock, CriteriaDates, NamedEnvironment, Window};
use tls_files::parse_certificates;

/// Runs the command to its end.
pub(in crate::cli) async fn run(arguments: &LookupArguments) -> Exit {
    run_command(arguments).await.unwrap_or_else(|error| fail(error.exit(), &error))
}

async fn run_command(arguments: &LookupArguments) -> Result<Exit, LookupError> {
    let caller = Caller::resolve(arguments)?;
    let connection = connect(&caller, SignatureFiles::of(arguments));
    if arguments.test {
        return Ok(test(&connection?).await);
    }
    let mut errors = ArgumentErrors::default();
    if let Err(LookupError::Url(error)) = &connection {
        errors.take("--url", Err::<(), _>(error));
    }
    let template = QuestionTemplate::read(arguments, &caller, &mut errors);
    match &arguments.batch.input {
        Some(input) => {
            let template = errors.into_result(template)?;
            run_batch((arguments, &caller), template, connection?.client, input).await
        }
        None => {
            let ssin = read_ssin(arguments, &mut errors)?;
            let (template, ssin) = errors.into_result(template.zip(ssin))?;
            let format = if arguments.json { OutputFormat::Json } else { OutputFormat::Text };
            let asked = Asked { ssin, window: window_of(&template) };
            Ok(ask(&connection?.client, &template.about(ssin), asked, format).await)
        }
    }
}

async fn run_batch(
    (arguments, caller): (&LookupArguments, &Caller),
    template: QuestionTemplate,
    client: Client,
    input: &Path,
) -> Result<Exit, LookupError> {
    let options = BatchOptions {
        question: describe(caller, &template),
        out: arguments.batch.out.clone(),
        format: if arguments.json { LineFormat::Json } else { LineFormat::Csv },
        order: if arguments.batch.unordered { RowOrder::Arrival } else { RowOrder::Input },
        parallel: usize::from(arguments.batch.parallel),
    };
    Ok(batch::run(options, client, BatchInput::read(input)?, |ssin| template.about(ssin)).await)
}

async fn test(connection: &Connection) -> Exit {
    let echo = match Echo::parse("ehealth-attributes lookup --test") {
        Ok(echo) => echo,
        Err(error) => return fail(Exit::Failed, &error),
    };
    match connection.client.test_message(&echo).await {
        Ok(reply) => {
            println!("The connection works. Your certificate: {}", reply.ssl_certificate);
            match reply.consumer {
                Some(consumer) => println!("Registered as: {consumer}"),
                None => println!("{}", advise_unregistered(&connection.certificate)),
            }
            Exit::Done
        }
        Err(error) => fail(exit_of(&error), &error),
    }
}

/// What to do about a certificate that the service does not know. Registration does not help if it
/// names no organisation.
fn advise_unregistered(certificate: &[u8]) -> String {
    let leaf = parse_certificates(certificate).ok().and_then(|chain| chain.into_iter().next());
    let Some(facts) = leaf.and_then(|leaf| Facts::from_der(&leaf).ok()) else {
        return "Not registered: ask the operator of the service to register your organisation.".to_owned();
    };
    let application =
        facts.application.map_or_else(|| "no application".to_owned(), |name| format!("application {name}"));
    let environment = match facts.environment {
        NamedEnvironment::Absent => "no environment".to_owned(),
        NamedEnvironment::One(environment) => format!("environment {}", environment.code()),
        NamedEnvironment::Two => "two environments".to_owned(),
        NamedEnvironment::Malformed => "a malformed environment".to_owned(),
    };
    match facts.organisation {
        Ok(number) => format!(
            "Not registered: ask the operator of the service to register your organisation.\n\
             Your certificate names organisation {number}, {application}, {environment}."
        ),
        Err(error) => format!(
            "Your certificate names no organisation: {error}.\n\
             Registration does not help: ask the certificate authority for a certificate with your enterprise number."
        ),
    }
}

/// The days that are asked about, as the answer is headed.
fn window_of(template: &QuestionTemplate) -> Window {
    match template.dates {
        Some(CriteriaDates::ReferenceDate(day)) => Window::new(day),
        Some(CriteriaDates::Period(window)) => window,
        None => Window::new(SystemClock.now().brussels_day()),
    }
}

/// The question of a batch, as the lines of its results name it.
fn describe(caller: &Caller, template: &QuestionTemplate) -> BatchQuestion {
    let dates = match template.dates {
        Some(CriteriaDates::ReferenceDate(day)) => day.to_string(),
        Some(CriteriaDates::Period(window)) => format!("{}/{}", window.from(), window.to()),
        None => String::new(),
    };
    let organisation = caller.organisation.clone().unwrap_or_default();
    BatchQuestion { organisation, context: template.context.code().to_owned(), dates }
}
