//! Runs `lookup`.

use std::path::Path;

use super::args::LookupArguments;
use super::batch::{self, BatchOptions};
use super::connection::{exit_of, open_client};
use super::error::LookupError;
use super::input::read_ssins;
use super::question::{QuestionTemplate, read_ssin};
use super::results::{BatchQuestion, LineFormat};
use super::single::{Asked, OutputFormat, ask};
use crate::app::SystemClock;
use crate::cli::exit::{Exit, fail};
use client::{Client, Echo, Question};
use ehealth_core::model::{Clock, CriteriaDates, Window};

/// Runs the command to its end.
pub(in crate::cli) async fn run(arguments: &LookupArguments) -> Exit {
    let client = match open_client(&arguments.url, &arguments.ca, &arguments.cert, &arguments.key) {
        Ok(client) => client,
        Err(error) => return fail(Exit::Failed, &error),
    };
    if arguments.test {
        return test(&client).await;
    }
    let exit = match &arguments.input {
        Some(input) => run_batch(arguments, client, input).await,
        None => run_single(arguments, &client).await,
    };
    exit.unwrap_or_else(|error| fail(Exit::Failed, &error))
}

async fn run_single(arguments: &LookupArguments, client: &Client) -> Result<Exit, LookupError> {
    let format = if arguments.json { OutputFormat::Json } else { OutputFormat::Text };
    let (question, asked) = read_question(arguments)?;
    Ok(ask(client, &question, asked, format).await)
}

async fn run_batch(arguments: &LookupArguments, client: Client, input: &Path) -> Result<Exit, LookupError> {
    let template = QuestionTemplate::read(arguments)?;
    let options = BatchOptions {
        question: describe(arguments, &template),
        out: arguments.out.clone(),
        format: if arguments.json { LineFormat::Json } else { LineFormat::Csv },
        parallel: usize::from(arguments.parallel),
    };
    Ok(batch::run(options, client, read_ssins(input)?, |ssin| template.about(ssin)).await)
}

async fn test(client: &Client) -> Exit {
    let echo = match Echo::parse("ehealth-attributes lookup --test") {
        Ok(echo) => echo,
        Err(error) => return fail(Exit::Failed, &error),
    };
    match client.test_message(&echo).await {
        Ok(reply) => {
            println!("The connection works. Your certificate: {}", reply.ssl_certificate);
            match reply.consumer {
                Some(consumer) => println!("Registered as: {consumer}"),
                None => println!("Not registered: ask the operator of the service to register your organisation."),
            }
            Exit::Done
        }
        Err(error) => fail(exit_of(&error), &error),
    }
}

fn read_question(arguments: &LookupArguments) -> Result<(Question, Asked), LookupError> {
    let template = QuestionTemplate::read(arguments)?;
    let ssin = read_ssin(arguments)?;
    let window = match template.dates {
        Some(CriteriaDates::ReferenceDate(day)) => Window::new(day),
        Some(CriteriaDates::Period(window)) => window,
        None => Window::new(SystemClock.now().brussels_day()),
    };
    Ok((template.about(ssin), Asked { ssin, window }))
}

/// The question of a batch, as the lines of its results name it.
fn describe(arguments: &LookupArguments, template: &QuestionTemplate) -> BatchQuestion {
    let dates = match template.dates {
        Some(CriteriaDates::ReferenceDate(day)) => day.to_string(),
        Some(CriteriaDates::Period(window)) => format!("{}/{}", window.from(), window.to()),
        None => String::new(),
    };
    let organisation = arguments.organisation.clone().unwrap_or_default();
    BatchQuestion { organisation, context: template.context.code().to_owned(), dates }
}
