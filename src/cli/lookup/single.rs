//! A question about one person.

use super::connection::exit_of;
use super::{json, text};
use crate::cli::exit::{Exit, fail};
use client::{Client, Outcome, Question};
use ehealth_core::model::{Ssin, Window};

/// Output format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum OutputFormat {
    Text,
    Json,
}

/// Person and days of the question, for the heading of the answer.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Asked {
    pub ssin: Ssin,
    pub window: Window,
}

/// Asks, and prints the answer.
pub(in crate::cli) async fn ask(client: &Client, question: &Question, asked: Asked, format: OutputFormat) -> Exit {
    match client.consult(question).await {
        Ok(answer) => {
            match format {
                OutputFormat::Text => print!("{}", text::write(&answer, asked.ssin, asked.window)),
                OutputFormat::Json => println!("{:#}", json::write(&answer)),
            }
            match answer.status.outcome {
                Outcome::DataFound | Outcome::NoDataFound => Exit::Done,
                Outcome::Incomplete(_)
                | Outcome::Replaced { .. }
                | Outcome::WrongDates(_)
                | Outcome::NotAnSsin
                | Outcome::NoRelation
                | Outcome::NoGrant => Exit::NoResult,
            }
        }
        Err(error) => fail(exit_of(&error), &error),
    }
}
