//! `policy explain`: the decision on a request, and the rule that makes it.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::super::argument_errors::ArgumentErrors;
use super::super::exit::Exit;
use super::decision::Decision;
use crate::config::{DescribedQuestion, Verdict, parse_customer, parse_legal_context};
use ehealth_core::model::{
    Application, AskedDates, CbeNumber, CustomerId, Date, EnterpriseNumber, Field, FieldSet, OutcomeCode,
};
use ehealth_core::policy::{Permit, Register};

/// The request to explain.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// Policy file
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// Enterprise number in the caller's certificate, ten digits
    #[arg(long, visible_alias = "cbe", value_name = "NUMBER")]
    pub organisation: String,
    /// Application in the caller's certificate [default: none]
    #[arg(long, value_name = "NAME")]
    pub application: Option<String>,
    /// Customer on whose behalf the caller asks: ten digits, or SECTOR/INSTITUTION [default: the
    /// caller]
    #[arg(long, value_name = "CUSTOMER")]
    pub customer: Option<String>,
    /// Legal context as in the request, or a word of `lookup --legal-context`
    #[arg(long, value_name = "CONTEXT")]
    pub legal_context: String,
    /// The request names an end user
    #[arg(long)]
    pub end_user: bool,
    /// SSIN of the person [default: a valid one]
    #[arg(long)]
    pub ssin: Option<String>,
    /// Reference date, YYYY-MM-DD [default: today]
    #[arg(long)]
    pub date: Option<String>,
    /// Day of the request, YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DAY")]
    pub on: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Explains the decision: its text, and the exit code.
///
/// # Errors
/// Every invalid argument.
pub(super) fn explain(register: &Register, arguments: &ExplainArguments) -> Result<(String, Exit), ArgumentErrors> {
    let question = read(arguments)?;
    let decision = Decision::new(register, &question);
    let exit = match decision.verdict() {
        Verdict::Permitted => Exit::Done,
        Verdict::Refused => Exit::Refused,
    };
    let text = if arguments.json { format!("{:#}\n", to_json(register, &decision)) } else { to_text(&decision) };
    Ok((text, exit))
}

fn read(arguments: &ExplainArguments) -> Result<DescribedQuestion, ArgumentErrors> {
    let mut errors = ArgumentErrors::default();
    let caller = errors.take("--organisation", EnterpriseNumber::parse(&arguments.organisation));
    let application = arguments.application.as_deref().map(Application::parse).transpose();
    let application = errors.take("--application", application);
    let customer = match &arguments.customer {
        Some(text) => errors.take("--customer", parse_customer(text)),
        None => caller.map(|caller| CustomerId::Cbe(CbeNumber::from(caller))),
    };
    let on = errors.take("--on", arguments.on.as_deref().map(Date::parse).transpose());
    let dates = arguments.date.as_ref().map_or(AskedDates::Today, |text| AskedDates::ReferenceDate(Date::parse(text)));
    let read = caller.zip(application).zip(customer.zip(on));
    let ((caller, application), (customer, on)) = errors.into_result(read)?;
    Ok(DescribedQuestion {
        caller,
        application,
        customer,
        legal_context: code_of(&arguments.legal_context),
        has_end_user: arguments.end_user,
        ssin: DescribedQuestion::ssin(arguments.ssin.as_deref()),
        dates,
        on,
    })
}

/// Code of a legal context; another text stays as it is, because the service refuses it as it is.
fn code_of(context: &str) -> String {
    parse_legal_context(context).map_or_else(|_| context.to_owned(), |context| context.code().to_owned())
}

fn to_text(decision: &Decision) -> String {
    let who = decision.consumer.as_ref().map(|consumer| format!("{} ({})", consumer.name, consumer.id()));
    let who = who.unwrap_or_else(|| "the caller".to_owned());
    let rule = decision.rule().code();
    match (decision.permit(), decision.refused_with()) {
        (Some(permit), _) => format!("{who}: the lookup is permitted\n  rule: {rule}\n{}", describe(permit)),
        (None, code) => {
            let code = code.map_or("", OutcomeCode::code);
            format!("{who}: refused with {code}\n  rule: {rule}: {}\n", decision.reason())
        }
    }
}

fn describe(permit: &Permit) -> String {
    let grant = permit.grant();
    let numbers = |fields: FieldSet| if fields.is_empty() { "none".to_owned() } else { fields.numbers(", ") };
    let window = permit.criteria().window();
    format!(
        "  grant: {} under deliberation {}, valid from {}{}\n  on behalf of: {}\n  days: {} to {}\n  \
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

fn to_json(register: &Register, decision: &Decision) -> Value {
    let numbers = |fields: FieldSet| fields.iter().map(Field::number).collect::<Vec<_>>();
    let consumer = decision
        .consumer
        .as_ref()
        .map(|consumer| json!({ "consumer": consumer.id().to_string(), "name": consumer.name }));
    let permit = decision.permit().map(|permit| {
        let (grant, window) = (permit.grant(), permit.criteria().window());
        json!({
            "legalContext": grant.context.code(),
            "deliberation": grant.deliberation.as_str(),
            "onBehalfOf": permit.organisation().to_string(),
            "days": { "from": window.from().to_string(), "to": window.to().to_string() },
            "fields": numbers(grant.fields),
            "filtered": numbers(grant.fields.complement()),
            "relation": grant.relation.code(),
        })
    });
    json!({
        "verdict": decision.verdict().code(),
        "rule": decision.rule().code(),
        "reason": Some(decision.reason()).filter(|reason| !reason.is_empty()),
        "refusedWith": decision.refused_with().map(OutcomeCode::code),
        "caller": consumer,
        "grant": permit,
        "policySha256": register.policy().map(|policy| policy.to_string()),
    })
}
