//! `policy`: checks a policy file, explains a decision, pins a certificate.
//!
//! A decision comes from the functions that the service uses, and names the rule that made it. No
//! data are read: the relation cannot be checked here, because that would be a lookup without a
//! record in the audit log.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::argument_errors::ArgumentErrors;
use super::exit::{Exit, fail};
use crate::app::SystemClock;
use crate::certificates::Facts;
use crate::config::{parse_customer, read_policy};
use crate::server::tls::{find_issuer_key, provider, read_all_certificates, read_certificates};
use ehealth_core::model::{
    Application, AskedCriteria, AskedDates, CbeNumber, Clock, Customer, CustomerId, Date, EnterpriseNumber, FieldSet,
    Question, Ssin,
};
use ehealth_core::policy::{Denied, Permit, Register, decide};

/// SSIN used without `--ssin`: a valid number that belongs to no person.
const DEFAULT_SSIN: &str = "85073099932";

const CHECK_HELP: &str = "\
Example:
  ehealth-attributes policy check /etc/ehealth-attributes/policy.toml

Exit codes:
  0  no errors
  3  errors; all of them are printed with file, line and key";

const EXPLAIN_HELP: &str = "\
Example:
  ehealth-attributes policy explain --policy policy.toml --cbe 0999010126 \\
      --legal-context BACKTOWORK:ADVISORY_PHYSICIAN --date 2026-01-15

Exit codes:
  0  explained, whatever the decision is
  1  an argument is invalid
  3  the policy file has errors";

const PIN_HELP: &str = "\
Examples:
  ehealth-attributes policy pin partner.pem
  ehealth-attributes policy pin partner.pem --issuer /etc/ehealth-attributes/tls/clients-ca

`pinned_issuers` has the SHA-256 of the public key that signed the certificate. The issuer's
certificate is read from the file, behind the certificate, or from --issuer.

Exit codes:
  0  printed; without the issuer's certificate, only pinned_keys
  1  a file has no readable certificate, or --issuer has not the certificate of the issuer";

/// Commands under `policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check a policy file
    #[command(after_help = CHECK_HELP)]
    Check {
        /// Policy file
        file: PathBuf,
    },
    /// Show the decision on a request and the rule that makes it; reads no data
    #[command(after_help = EXPLAIN_HELP)]
    Explain(ExplainArguments),
    /// Print the policy lines that pin a certificate to its consumer
    #[command(after_help = PIN_HELP)]
    Pin {
        /// Certificate file (PEM); its first certificate is pinned
        certificate: PathBuf,
        /// File or folder with the issuer's certificate, PEM or DER [default: the rest of the
        /// certificate file]
        #[arg(long, value_name = "PATH")]
        issuer: Option<PathBuf>,
    },
}

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

pub(super) fn run(command: &PolicyCommand) -> Exit {
    match command {
        PolicyCommand::Check { file } => check(file),
        PolicyCommand::Explain(arguments) => match read_policy(&arguments.policy) {
            Ok(register) => match explain(&register, arguments) {
                Ok(decision) => {
                    print!("{decision}");
                    Exit::Done
                }
                Err(errors) => fail(Exit::Usage, &errors),
            },
            Err(problems) => fail(Exit::Configuration, &problems),
        },
        PolicyCommand::Pin { certificate, issuer } => pin(certificate, issuer.as_deref()),
    }
}

fn check(file: &Path) -> Exit {
    match read_policy(file) {
        Ok(register) => {
            let consumers = register.consumers().count();
            let grants: usize = register.consumers().map(|consumer| consumer.grants.len()).sum();
            println!("{}: no errors; {consumers} consumers with {grants} grants", file.display());
            Exit::Done
        }
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}

fn explain(register: &Register, arguments: &ExplainArguments) -> Result<String, ArgumentErrors> {
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
        None => Some(SystemClock.now().brussels_day()),
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
        Err(refused) => return Ok(format!("refused with a fault: {refused}\n")),
    };
    let who = format!("{} ({})", consumer.name, consumer.id());
    Ok(match decide(&consumer, organisation, &question, today) {
        Ok(permit) => format!("{who}: the lookup is permitted\n{}", describe(&permit)),
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

fn pin(certificate: &Path, issuer: Option<&Path>) -> Exit {
    let chain = match read_certificates(certificate) {
        Ok(chain) => chain,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let Some((leaf, sent)) = chain.split_first() else {
        return fail(Exit::Failed, &format_args!("{}: no certificate in the file", certificate.display()));
    };
    let facts = match Facts::from_der(leaf) {
        Ok(facts) => facts,
        Err(error) => return fail(Exit::Failed, &format_args!("{}: {error}", certificate.display())),
    };
    let mut errors = Vec::new();
    let others = issuer.map(|path| read_all_certificates(&[path.to_owned()], &mut errors)).unwrap_or_default();
    if let Some(error) = errors.first() {
        return fail(Exit::Failed, error);
    }
    let candidates = sent.iter().chain(others.iter().map(|(_, certificate)| certificate));
    let signer = find_issuer_key(leaf, candidates, provider().signature_verification_algorithms);
    if let (None, Some(path)) = (signer, issuer) {
        let certificate = certificate.display();
        return fail(
            Exit::Failed,
            &format_args!("--issuer {}: no certificate there signed {certificate}", path.display()),
        );
    }
    println!("# {}", facts.subject);
    if let Some(application) = facts.application {
        println!("# applications = [\"{application}\"]");
    }
    println!("pinned_keys = [\"{}\"]", facts.key);
    match signer {
        Some(key) => println!("pinned_issuers = [\"{key}\"]"),
        None => println!("# For pinned_issuers, name the issuer's certificate: policy pin --issuer PATH"),
    }
    Exit::Done
}
