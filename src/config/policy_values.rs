//! Values that policy files and files of expectations have in common.

use super::document::Section;
use super::value::Value;
use ehealth_core::model::{CbeNumber, CustomerId, Date, EnterpriseNumber, Field, FieldSet, PairNumber, Period};
use ehealth_core::policy::{Deliberation, Relation, SignatureRule};

/// Reads `valid_from` and `valid_to`.
pub(super) fn read_validity(section: &mut Section<'_>) -> Option<Period> {
    let valid_from = section.required("valid_from", read_date);
    let valid_to = section.optional("valid_to", read_date);
    match Period::from_days(valid_from?, valid_to) {
        Ok(valid) => Some(valid),
        Err(_) => {
            section.report("valid_to must not be before valid_from");
            None
        }
    }
}

pub(super) fn read_deliberation(value: Value<'_>) -> Result<Deliberation, String> {
    Deliberation::parse(value.text()?).map_err(|error| error.to_string())
}

pub(super) fn read_signature_rule(value: Value<'_>) -> Result<SignatureRule, String> {
    SignatureRule::parse(value.text()?).ok_or_else(|| "must be one of off, accept, require".to_owned())
}

pub(super) fn read_organisation(value: Value<'_>) -> Result<EnterpriseNumber, String> {
    EnterpriseNumber::parse(value.text()?).map_err(|error| error.to_string())
}

pub(super) fn read_date(value: Value<'_>) -> Result<Date, String> {
    Date::parse(value.text()?).map_err(|_| "must be a date, written \"YYYY-MM-DD\"".to_owned())
}

/// Parses a customer as an operator writes it: ten digits, or SECTOR/INSTITUTION.
///
/// # Errors
/// The accepted forms.
pub fn parse_customer(text: &str) -> Result<CustomerId, String> {
    let customer = match text.split_once('/') {
        None => CbeNumber::parse(text).map(CustomerId::Cbe),
        Some((sector, institution)) => {
            let part = |text: &str| text.parse().ok().filter(|number| *number <= 999).map(PairNumber::new);
            part(sector).zip(part(institution)).map(|(sector, institution)| CustomerId::Pair { sector, institution })
        }
    };
    customer.ok_or_else(|| "must be a number of ten digits, or SECTOR/INSTITUTION".to_owned())
}

/// Reads a list of field numbers.
pub(super) fn read_fields(value: Value<'_>) -> Result<FieldSet, String> {
    let fields = value.list(|item| {
        let number = u8::try_from(item.integer(1, 9)?).map_err(|error| error.to_string())?;
        Field::from_number(number).ok_or_else(|| "must be a field number from 1 to 9".to_owned())
    })?;
    Ok(fields.into_iter().collect())
}

pub(super) fn read_relation(value: Value<'_>) -> Result<Relation, String> {
    Relation::parse(value.text()?).ok_or_else(|| one_of(&Relation::ALL.map(Relation::code)))
}

pub(super) fn one_of(codes: &[&str]) -> String {
    format!("must be one of {}", codes.join(", "))
}
