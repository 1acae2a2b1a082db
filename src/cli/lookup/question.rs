//! The question that the arguments ask.

use std::io::Read;

use super::args::LookupArguments;
use super::error::LookupError;
use client::Question;
use ehealth_core::model::{CbeNumber, CriteriaDates, CustomerId, Date, LegalContext, Ssin, Window};

/// A question without its person.
#[derive(Debug, Clone, Copy)]
pub(super) struct QuestionTemplate {
    pub customer: CustomerId,
    pub context: LegalContext,
    /// Requested dates; `None`: today, by the clock of the service.
    pub dates: Option<CriteriaDates>,
}

impl QuestionTemplate {
    /// Reads the arguments that all questions share.
    pub fn read(arguments: &LookupArguments) -> Result<Self, LookupError> {
        let organisation = arguments.organisation.as_deref().unwrap_or_default();
        let customer = CbeNumber::parse(organisation)
            .map(CustomerId::Cbe)
            .ok_or_else(|| LookupError::argument("--organisation", &"an enterprise number has ten digits"))?;
        let context = arguments.context.map(LegalContext::from);
        let context = context.ok_or_else(|| LookupError::argument("--context", &"is missing"))?;
        Ok(Self { customer, context, dates: read_dates(arguments)? })
    }

    /// The question about a person.
    pub fn about(self, ssin: Ssin) -> Question {
        let question = Question::new(self.customer, self.context, ssin);
        match self.dates {
            Some(CriteriaDates::ReferenceDate(day)) => question.on(day),
            Some(CriteriaDates::Period(window)) => question.between(window),
            None => question,
        }
    }
}

fn read_dates(arguments: &LookupArguments) -> Result<Option<CriteriaDates>, LookupError> {
    let day = |argument, text: &str| Date::parse(text).map_err(|error| LookupError::argument(argument, &error));
    Ok(match (&arguments.date, &arguments.from, &arguments.to) {
        (Some(date), ..) => Some(CriteriaDates::ReferenceDate(day("--date", date)?)),
        (None, Some(from), Some(to)) => {
            let window = Window::from_days(day("--from", from)?, day("--to", to)?);
            Some(CriteriaDates::Period(window.map_err(|error| LookupError::argument("--to", &error))?))
        }
        _ => None,
    })
}

/// Reads the SSIN of `--ssin`, from standard input if it is `-`.
pub(super) fn read_ssin(arguments: &LookupArguments) -> Result<Ssin, LookupError> {
    let argument = arguments.ssin.as_deref().unwrap_or_default();
    let mut text = argument.to_owned();
    if argument == "-" {
        text.clear();
        let read = std::io::stdin().take(64).read_to_string(&mut text);
        read.map_err(|reason| LookupError::File { file: "standard input".to_owned(), reason })?;
    }
    Ssin::parse(text.trim_end()).map_err(|error| LookupError::argument("--ssin", &error))
}
