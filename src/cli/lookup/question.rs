//! The question that the arguments ask.

use super::args::LookupArguments;
use super::caller::Caller;
use super::error::LookupError;
use super::input_line::parse_ssin;
use crate::cli::argument_errors::ArgumentErrors;
use client::Question;
use ehealth_core::model::{
    CbeNumber, CriteriaDates, CustomerId, Date, EndUser, EndUserError, LegalContext, Ssin, Window,
};

/// A question without its person.
#[derive(Debug, Clone)]
pub(super) struct QuestionTemplate {
    pub customer: CustomerId,
    pub context: LegalContext,
    /// Requested dates; `None`: today, by the clock of the service.
    pub dates: Option<CriteriaDates>,
    /// Person for whom the question is asked.
    pub end_user: Option<EndUser>,
}

impl QuestionTemplate {
    /// Reads the arguments that all questions share; `None` if one is invalid.
    pub fn read(arguments: &LookupArguments, caller: &Caller, errors: &mut ArgumentErrors) -> Option<Self> {
        let organisation = CbeNumber::parse(caller.organisation.as_deref().unwrap_or_default());
        let customer = errors.take("--organisation", organisation.ok_or("an enterprise number has ten digits"));
        let context = errors.take("--legal-context", caller.context.ok_or("is missing"));
        let dates = read_dates(arguments, errors);
        let end_user = read_end_user(arguments, errors);
        Some(Self { customer: customer.map(CustomerId::Cbe)?, context: context?, dates: dates?, end_user: end_user? })
    }

    /// The question about a person.
    pub fn about(&self, ssin: Ssin) -> Question {
        let question = Question::new(self.customer, self.context, ssin);
        let question = match &self.end_user {
            Some(end_user) => question.asked_by(end_user.clone()),
            None => question,
        };
        match self.dates {
            Some(CriteriaDates::ReferenceDate(day)) => question.on(day),
            Some(CriteriaDates::Period(window)) => question.between(window),
            None => question,
        }
    }
}

/// The end user; `Some(None)`: none.
fn read_end_user(arguments: &LookupArguments, errors: &mut ArgumentErrors) -> Option<Option<EndUser>> {
    let Some(id) = &arguments.end_user else { return Some(None) };
    let quality = arguments.quality.clone().unwrap_or_default();
    let mut is_valid = true;
    for (option, text) in [
        ("--end-user", Some(id)),
        ("--quality", Some(&quality)),
        ("--consent-reference", arguments.consent_reference.as_ref()),
    ] {
        let checked = if text.is_none_or(|text| EndUser::is_text(text)) { Ok(()) } else { Err(EndUserError) };
        is_valid &= errors.take(option, checked).is_some();
    }
    let end_user = EndUser::new(id.clone(), quality, arguments.consent_reference.clone()).ok();
    is_valid.then_some(end_user)
}

/// The requested dates; `Some(None)`: none, so that the service takes today.
fn read_dates(arguments: &LookupArguments, errors: &mut ArgumentErrors) -> Option<Option<CriteriaDates>> {
    match (&arguments.date, &arguments.from, &arguments.to) {
        (Some(date), ..) => Some(Some(CriteriaDates::ReferenceDate(errors.take("--date", Date::parse(date))?))),
        (None, Some(from), Some(to)) => {
            let (from, to) = (errors.take("--from", Date::parse(from)), errors.take("--to", Date::parse(to)));
            let window = errors.take("--to", Window::from_days(from?, to?));
            Some(Some(CriteriaDates::Period(window?)))
        }
        (None, _, _) => Some(None),
    }
}

/// Reads the SSIN of `--ssin`, from standard input if it is `-`; `None` if it is invalid.
pub(super) fn read_ssin(arguments: &LookupArguments, errors: &mut ArgumentErrors) -> Result<Option<Ssin>, LookupError> {
    let argument = arguments.ssin.as_deref().unwrap_or_default();
    let mut text = argument.to_owned();
    if argument == "-" {
        let read = text_file::read_line(std::io::stdin().lock());
        text = read.map_err(|reason| LookupError::Text { file: "standard input".to_owned(), reason })?;
    }
    Ok(errors.take("--ssin", parse_ssin(text.trim_end())))
}
