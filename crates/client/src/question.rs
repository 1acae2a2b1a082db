//! The question: customer, legal context, SSIN and dates.
//!
//! A question is typed, so that an invalid SSIN or a 30 February is found by the caller and not by
//! the service. To test how the service answers invalid values, write them as text
//! ([`Question::from_text`]). Every text has only characters that XML allows, and a length that the
//! schema allows.

use std::fmt;

use super::messages::{ClosedPeriod, ConsultRequest, Criteria, InformationCustomer, Organization};
use ehealth_core::model::{CustomerId, Date, EndUser, LegalContext, Ssin, Timestamp, Window};

/// Maximum length of a text for which the schema has no limit: longer than any SSIN or date.
const MAX_TEXT: usize = 256;

/// One question to `consultAttributes`. `Debug` does not show the SSIN.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    customer: CustomerId,
    ticket: Option<String>,
    sent: Option<Timestamp>,
    legal_context: String,
    ssin: String,
    dates: Dates,
    end_user: Option<EndUser>,
}

#[derive(Clone, PartialEq, Eq)]
enum Dates {
    Today,
    On(String),
    Between(String, String),
}

/// A text cannot be sent. The error does not have the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// The text is longer than the schema allows.
    #[error("{element} is too long: at most {at_most} characters")]
    TooLong {
        /// Name of the element.
        element: &'static str,
        /// Maximum number of characters.
        at_most: usize,
    },
    /// The text has a character that XML does not allow (XML 1.0, production 2).
    #[error("{0} has a character that XML does not allow")]
    NotXml(&'static str),
}

impl Question {
    /// Makes a question about today, on behalf of `customer`.
    #[must_use]
    pub fn new(customer: CustomerId, context: LegalContext, ssin: Ssin) -> Self {
        Self {
            customer,
            ticket: None,
            sent: None,
            legal_context: context.code().to_owned(),
            ssin: digits(ssin),
            dates: Dates::Today,
            end_user: None,
        }
    }

    /// Makes a question about today with a legal context and an SSIN that are not validated.
    ///
    /// # Errors
    /// [`QuestionError`] if a text cannot be sent.
    pub fn from_text(customer: CustomerId, context: &str, ssin: &str) -> Result<Self, QuestionError> {
        Ok(Self {
            customer,
            ticket: None,
            sent: None,
            legal_context: check("legalContext", context, 64)?,
            ssin: check("ssin", ssin, MAX_TEXT)?,
            dates: Dates::Today,
            end_user: None,
        })
    }

    /// Sets the reference date.
    #[must_use]
    pub fn on(self, day: Date) -> Self {
        Self { dates: Dates::On(day.to_string()), ..self }
    }

    /// Sets a period.
    #[must_use]
    pub fn between(self, window: Window) -> Self {
        Self { dates: Dates::Between(window.from().to_string(), window.to().to_string()), ..self }
    }

    /// Sets a reference date that is not validated.
    ///
    /// # Errors
    /// [`QuestionError`] if the text cannot be sent.
    pub fn on_text(self, day: &str) -> Result<Self, QuestionError> {
        Ok(Self { dates: Dates::On(check("referenceDate", day, MAX_TEXT)?), ..self })
    }

    /// Sets a period that is not validated.
    ///
    /// # Errors
    /// [`QuestionError`] if a text cannot be sent.
    pub fn between_text(self, begin: &str, end: &str) -> Result<Self, QuestionError> {
        let (begin, end) = (check("beginDate", begin, MAX_TEXT)?, check("endDate", end, MAX_TEXT)?);
        Ok(Self { dates: Dates::Between(begin, end), ..self })
    }

    /// Sets the caller's own ticket, at most 36 characters. The answer returns it.
    ///
    /// # Errors
    /// [`QuestionError`] if the ticket is longer, or cannot be sent.
    pub fn with_ticket(self, ticket: &str) -> Result<Self, QuestionError> {
        Ok(Self { ticket: Some(check("ticket", ticket, 36)?), ..self })
    }

    /// Names the person for whom the question is asked. The service records the name, encrypted; a
    /// legal context may demand it.
    #[must_use]
    pub fn asked_by(self, end_user: EndUser) -> Self {
        Self { end_user: Some(end_user), ..self }
    }

    /// Sets the moment at which the question is sent, by the caller's clock (`timestampSent`).
    #[must_use]
    pub fn sent_at(self, now: Timestamp) -> Self {
        Self { sent: Some(now), ..self }
    }

    /// The SSIN as it is sent, to show it to the person who typed it. There is no other access to
    /// it.
    #[must_use]
    pub fn ssin_text(&self) -> &str {
        &self.ssin
    }

    /// The person for whom the question is asked.
    #[must_use]
    pub fn end_user(&self) -> Option<&EndUser> {
        self.end_user.as_ref()
    }

    /// The question as a message.
    #[must_use]
    pub fn message(&self) -> ConsultRequest {
        let (reference_date, period) = match &self.dates {
            Dates::Today => (None, None),
            Dates::On(day) => (Some(day.clone()), None),
            Dates::Between(begin, end) => {
                (None, Some(ClosedPeriod { begin_date: begin.clone(), end_date: end.clone() }))
            }
        };
        ConsultRequest {
            information_customer: InformationCustomer {
                ticket: self.ticket.clone(),
                timestamp_sent: self.sent.map(|moment| moment.to_string()),
                customer_identification: name(self.customer),
            },
            legal_context: self.legal_context.clone(),
            criteria: Criteria { ssin: self.ssin.clone(), reference_date, period },
        }
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            // No other field: each is a text that a person wrote.
            .field("customer", &self.customer)
            .finish_non_exhaustive()
    }
}

fn name(customer: CustomerId) -> Organization {
    match customer {
        CustomerId::Cbe(number) => Organization { cbe_number: Some(number.to_string()), ..Organization::default() },
        CustomerId::Pair { sector, institution } => Organization {
            sector: Some(sector.to_string()),
            institution: Some(institution.to_string()),
            ..Organization::default()
        },
    }
}

fn digits(ssin: Ssin) -> String {
    ssin.digits().into_iter().map(char::from).collect()
}

/// Checks that a text can be the content of this element.
pub(super) fn check(element: &'static str, text: &str, at_most: usize) -> Result<String, QuestionError> {
    if text.chars().count() > at_most {
        return Err(QuestionError::TooLong { element, at_most });
    }
    if !text.chars().all(is_xml) {
        return Err(QuestionError::NotXml(element));
    }
    Ok(text.to_owned())
}

/// XML 1.0, production 2. A `char` is never a surrogate.
fn is_xml(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ehealth_core::model::CbeNumber;

    fn fund() -> CustomerId {
        CustomerId::Cbe(CbeNumber::parse("0999010126").expect("ten digits"))
    }

    #[test]
    fn debug_output_has_no_ssin() {
        let question = Question::from_text(fund(), "A:B", "85073099932").expect("short");
        assert!(!format!("{question:?}").contains("850730"));
    }

    #[test]
    fn text_that_cannot_be_sent_is_refused() {
        let ask = |context: &str, ssin: &str| Question::from_text(fund(), context, ssin);
        assert_eq!(ask("A:B", "a\0b"), Err(QuestionError::NotXml("ssin")));
        assert_eq!(ask("A:B", "\u{ffff}"), Err(QuestionError::NotXml("ssin")));
        assert_eq!(ask(&"é".repeat(65), ""), Err(QuestionError::TooLong { element: "legalContext", at_most: 64 }));
        assert!(ask(&"é".repeat(64), "").is_ok_and(|question| question.with_ticket(&"é".repeat(36)).is_ok()));
    }
}
