//! `policy explain`: the decision on a request, and the rule that makes it.

use std::path::PathBuf;

use clap::Args;

use super::super::argument_errors::ArgumentErrors;
use super::super::exit::Exit;
use super::today;
use crate::config::parse_customer;
use ehealth_core::model::{
    Application, AskedCriteria, AskedDates, CbeNumber, Customer, CustomerId, Date, EnterpriseNumber, FieldSet,
    Question, Ssin,
};
use ehealth_core::policy::{Denied, Permit, Register, decide};

/// SSIN used without `--ssin`: a valid number that belongs to no person.
const DEFAULT_SSIN: &str = "85073099932";

/// The request to explain.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// Policy file
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// Enterprise number in the caller's certificate, ten digits
    #[arg(long, value_name = "NUMBER")]
    pub cbe: String,
    /// Application in the caller's certificate [default: none]
    #[arg(long, value_name = "NAME")]
    pub application: Option<String>,
    /// Customer on whose behalf the caller asks: ten digits, or SECTOR/INSTITUTION [default: the
    /// caller]
    #[arg(long, value_name = "CUSTOMER")]
    pub customer: Option<String>,
    /// Legal context as in the request
    #[arg(long, value_name = "CONTEXT")]
    pub legal_context: String,
    /// SSIN of the person [default: a valid one]
    #[arg(long)]
    pub ssin: Option<String>,
    /// Reference date, YYYY-MM-DD [default: today]
    #[arg(long)]
    pub date: Option<String>,
    /// Day of the request, YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DAY")]
    pub on: Option<String>,
}

/// Explains the decision: its text, and the exit code.
///
/// # Errors
/// Every invalid argument.
pub(super) fn explain(register: &Register, arguments: &ExplainArguments) -> Result<(String, Exit), ArgumentErrors> {
    let mut errors = ArgumentErrors::default();
    let caller = errors.take("--cbe", EnterpriseNumber::parse(&arguments.cbe));
    let application = arguments.application.as_deref().map(Application::parse).transpose();
    let application = errors.take("--application", application);
    let customer = match &arguments.customer {
        Some(text) => errors.take("--customer", parse_customer(text)),
        None => caller.map(|caller| CustomerId::Cbe(CbeNumber::from(caller))),
    };
    let today = match &arguments.on {
        Some(text) => errors.take("--on", Date::parse(text)),
        None => Some(today()),
    };
    let (caller, (application, (customer, today))) =
        errors.into_result(caller.zip(application.zip(customer.zip(today))))?;
    let dates = arguments.date.as_ref().map_or(AskedDates::Today, |text| AskedDates::ReferenceDate(Date::parse(text)));
    let criteria = AskedCriteria { ssin: Ssin::parse(arguments.ssin.as_deref().unwrap_or(DEFAULT_SSIN)), dates };
    let question = Question {
        customer: Customer { ticket: None, timestamp_sent: None, id: customer },
        legal_context: arguments.legal_context.clone(),
        criteria,
    };
    // Environment and pins are not checked: there is no certificate here.
    let (consumer, organisation) = match register.identify_organisation(caller, application, customer) {
        Ok(identified) => identified,
        Err(refused) => return Ok((format!("refused with a fault: {refused}\n"), Exit::Refused)),
    };
    let who = format!("{} ({})", consumer.name, consumer.id());
    Ok(match decide(&consumer, organisation, &question, today) {
        Ok(permit) => (format!("{who}: the lookup is permitted\n{}", describe(&permit)), Exit::Done),
        Err(Denied { refusal, .. }) => {
            let status = refusal.status();
            (format!("{who}: {} {}\n  rule: {refusal}\n", status.value(), status.code()), Exit::Refused)
        }
    })
}

fn describe(permit: &Permit) -> String {
    let grant = permit.grant();
    let numbers = |fields: FieldSet| if fields.is_empty() { "none".to_owned() } else { fields.numbers(", ") };
    let window = permit.criteria().window();
    format!(
        "  rule: the grant for {} under deliberation {}, valid from {}{}\n  on behalf of: {}\n  days: {} to {}\n  \
         disclosed fields: {}; filtered: {}\n  required relation: {}\n",
        grant.context.code(),
        grant.deliberation.as_str(),
        grant.valid.begin(),
        grant.valid.end().map_or_else(String::new, |end| format!(" to {end}")),
        permit.organisation(),
        window.from(),
        window.to(),
        numbers(grant.fields),
        numbers(grant.fields.complement()),
        grant.relation.code(),
    )
}
