//! `policy`: judge a policy file, explain a verdict, pin a certificate.
//!
//! A verdict comes from the functions that serve, and names the rule that gave it. Data are not read: whether a relation
//! holds cannot be told here, and asking it would be a look-up without evidence.

use std::path::Path;

use super::args::{ExplainArguments, PolicyCommand};
use super::{Exit, fail};
use crate::app::SystemClock;
use crate::certificates::Facts;
use crate::config::{parse_customer, read_policy};
use crate::server::tls::load_certificates;
use ehealth_core::model::{
    AskedCriteria, AskedDates, CbeNumber, Clock, Customer, CustomerId, Date, EnterpriseNumber, FieldSet, Question, Ssin,
};
use ehealth_core::policy::{Denied, Permit, Register, decide};

/// Assumed where no SSIN is given: a right number of nobody.
const ANYBODY: &str = "85073000160";

pub(super) fn run(command: &PolicyCommand) -> Exit {
    match command {
        PolicyCommand::Check { file } => check(file),
        PolicyCommand::Explain(arguments) => match read_policy(&arguments.policy) {
            Ok(register) => match explain(&register, arguments) {
                Ok(verdict) => {
                    print!("{verdict}");
                    Exit::Done
                }
                Err(mistake) => fail(Exit::Failed, &mistake),
            },
            Err(problems) => fail(Exit::Configuration, &problems),
        },
        PolicyCommand::Pin { certificate } => pin(certificate),
    }
}

fn check(file: &Path) -> Exit {
    match read_policy(file) {
        Ok(register) => {
            let consumers = register.consumers().count();
            let grants: usize = register.consumers().map(|consumer| consumer.grants.len()).sum();
            println!("{}: no mistake; {consumers} consumers with {grants} grants", file.display());
            Exit::Done
        }
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}

fn explain(register: &Register, arguments: &ExplainArguments) -> Result<String, String> {
    let wrong = |argument: &str, error: &dyn std::fmt::Display| format!("{argument}: {error}");
    let caller = EnterpriseNumber::parse(&arguments.cbe).map_err(|error| wrong("--cbe", &error))?;
    let customer = match &arguments.customer {
        Some(text) => parse_customer(text).map_err(|error| wrong("--customer", &error))?,
        None => CustomerId::Cbe(CbeNumber::from(caller)),
    };
    let day = |argument: &str, text: &str| Date::parse(text).map_err(|error| wrong(argument, &error));
    let today = match &arguments.on {
        Some(text) => day("--on", text)?,
        None => SystemClock.now().brussels_day(),
    };
    let dates = arguments.date.as_ref().map_or(AskedDates::Today, |text| AskedDates::ReferenceDate(Date::parse(text)));
    let criteria = AskedCriteria { ssin: Ssin::parse(arguments.ssin.as_deref().unwrap_or(ANYBODY)), dates };
    let question = Question {
        customer: Customer { ticket: None, timestamp_sent: None, id: customer },
        legal_context: arguments.legal_context.clone(),
        criteria,
    };
    // Pins are a matter of the certificate, which is not asked for here.
    let (consumer, organisation) = match register.identify_organisation(caller, customer) {
        Ok(identified) => identified,
        Err(refused) => return Ok(format!("refused with a fault: {refused}\n")),
    };
    let who = format!("{} ({})", consumer.name, consumer.organisation);
    Ok(match decide(&consumer, organisation, &question, today) {
        Ok(permit) => format!("{who}: may be looked up\n{}", describe(&permit)),
        Err(Denied { refusal, .. }) => {
            let status = refusal.status();
            format!("{who}: {} {}\n  rule: {refusal}\n", status.value(), status.code())
        }
    })
}

fn describe(permit: &Permit) -> String {
    let grant = permit.grant();
    let numbers = |fields: FieldSet| {
        let numbers: Vec<_> = fields.iter().map(|field| field.number().to_string()).collect();
        if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") }
    };
    let window = permit.criteria().window();
    format!(
        "  rule: the grant for {} under deliberation {}, valid from {}{}\n  for: organisation {}\n  about: {} to {}\n  \
         fields told: {}; left out: {}\n  relation that the data must show: {}\n",
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

fn pin(certificate: &Path) -> Exit {
    let chain = match load_certificates(certificate) {
        Ok(chain) => chain,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let facts = chain.first().map(|leaf| Facts::from_der(leaf));
    match facts {
        Some(Ok(facts)) => {
            println!("# {}", facts.subject);
            println!("pinned_keys = [\"{}\"]\npinned_issuers = [\"{}\"]", facts.key, facts.issuer);
            Exit::Done
        }
        Some(Err(error)) => fail(Exit::Failed, &error),
        None => Exit::Failed,
    }
}
