//! `policy add`: the section of a new consumer, from its certificate and a legal context.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::pin::{Pinned, read_pinned};
use super::{parse_day, today};
use crate::app::SystemClock;
use crate::cli::exit::{Exit, fail};
use crate::config::{Policy, parse_policy, read_policy, write_text};
use ehealth_core::model::{Clock, Date, Field};
use ehealth_core::policy::{ContextDefinition, PolicyWarning, Relation, find_warnings};

pub(super) const HELP: &str = "\
Examples:
  ehealth-attributes policy add fund.pem --name 'De Linde' \\
      --legal-context BACKTOWORK:ADVISORY_PHYSICIAN
  ehealth-attributes policy add fund.pem --name 'De Linde' \\
      --legal-context BACKTOWORK:ADVISORY_PHYSICIAN --fields 1,2,8 --from 2026-12-01 \\
      --pin --issuer /etc/ehealth-attributes/tls/clients-ca --write

The organisation is that of the certificate. Without --fields the grant has all fields of the legal
context; without --relation, its only relation. The whole policy with the new section is checked as
`policy check` does. Without --write nothing is changed. A running service loads the file by itself.

Exit codes:
  0  printed, or written
  1  a file cannot be read or written
  2  an argument is invalid
  3  the policy has errors, without or with the new section";

/// Arguments of `policy add`.
#[derive(Debug, Args)]
pub struct AddArguments {
    /// Certificate file of the consumer (PEM)
    certificate: PathBuf,
    /// Name for operators, and in the report to a person
    #[arg(long)]
    name: String,
    /// Legal context of the grant
    #[arg(long, value_name = "CODE")]
    legal_context: String,
    /// Policy file
    #[arg(long, value_name = "FILE", default_value = "/etc/ehealth-attributes/policy.toml")]
    policy: PathBuf,
    /// Fields of the grant, 1 to 9, with commas between them [default: all of the legal context]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=9))]
    fields: Vec<u8>,
    /// Relation that the grant demands [default: the only one of the legal context]
    #[arg(long)]
    relation: Option<String>,
    /// First day of the grant, YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    from: Option<Date>,
    /// Last day of the grant, YYYY-MM-DD [default: until withdrawn]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    to: Option<Date>,
    /// Only the application that the certificate names may ask
    #[arg(long)]
    application: bool,
    /// Accept only this certificate's key; with --issuer, only certificates of this issuer
    #[arg(long)]
    pin: bool,
    /// File or folder with the issuer's certificate, PEM or DER
    #[arg(long, value_name = "PATH", requires = "pin")]
    issuer: Option<PathBuf>,
    /// What is done with the section
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Output {
    /// Append the section to the policy file
    #[arg(long)]
    write: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Exit code and message of a failure.
type Failure = (Exit, String);

/// Runs the command to its end.
pub(super) fn run(arguments: &AddArguments) -> Exit {
    match add(arguments) {
        Ok(()) => Exit::Done,
        Err((exit, message)) => fail(exit, &message),
    }
}

fn add(arguments: &AddArguments) -> Result<(), Failure> {
    let configuration = |problems: &dyn std::fmt::Display| (Exit::Configuration, problems.to_string());
    let file = &arguments.policy;
    let Policy { register, text } = read_policy(file).map_err(|problems| configuration(&problems))?;
    let pinned = read_pinned(&arguments.certificate, arguments.issuer.as_deref()).map_err(|e| (Exit::Failed, e))?;
    let context = register.contexts().find(&arguments.legal_context).ok_or_else(|| {
        let known: Vec<_> = register.contexts().iter().map(|context| context.context.code()).collect();
        let code = &arguments.legal_context;
        (Exit::Usage, format!("--legal-context: the policy has no `{code}`; it has {}", known.join(", ")))
    })?;
    let section = write_section(arguments, &pinned, context)?;
    let old = String::from_utf8(text).map_err(|_| (Exit::Failed, format!("{}: not UTF-8", file.display())))?;
    let blank = if old.is_empty() || old.ends_with('\n') { "\n" } else { "\n\n" };
    let whole = format!("{old}{blank}{section}");
    let register = parse_policy(file, whole.as_bytes()).map_err(|problems| configuration(&problems))?;
    let mut warnings: Vec<_> = find_warnings(&register, today()).iter().map(PolicyWarning::to_string).collect();
    if pinned.facts.not_after < SystemClock.now() {
        warnings.push(format!("{}: the certificate has expired", arguments.certificate.display()));
    }
    if arguments.output.write {
        durable_file::replace_alike(file, whole.as_bytes()).map_err(|error| (Exit::Failed, error.to_string()))?;
    }
    print(arguments, &section, &warnings);
    Ok(())
}

fn write_section(arguments: &AddArguments, pinned: &Pinned, context: &ContextDefinition) -> Result<String, Failure> {
    let Pinned { facts, issuer } = pinned;
    let certificate = arguments.certificate.display();
    let organisation = facts.organisation.map_err(|error| {
        (Exit::Usage, format!("{certificate}: the certificate names no organisation that can be registered: {error}"))
    })?;
    let mut lines = vec![
        format!("# {}", facts.subject),
        "[[consumer]]".to_owned(),
        format!("organisation = \"{organisation}\""),
        format!("name = {}", write_text(&arguments.name)),
    ];
    if arguments.application {
        let application = facts.application.as_ref().ok_or_else(|| {
            (Exit::Usage, format!("--application: {certificate} names no application beside the organisation"))
        })?;
        lines.push(format!("applications = [{}]", write_text(&application.to_string())));
    }
    if arguments.pin {
        lines.push(format!("pinned_keys = [\"{}\"]", facts.key));
        lines.extend(issuer.iter().map(|key| format!("pinned_issuers = [\"{key}\"]")));
    }
    let own: Vec<_> = context.fields.iter().map(Field::number).collect();
    let fields = if arguments.fields.is_empty() { own } else { arguments.fields.clone() };
    let fields: Vec<_> = fields.iter().map(ToString::to_string).collect();
    lines.extend([
        String::new(),
        "[[consumer.grant]]".to_owned(),
        format!("legal_context = \"{}\"", context.context.code()),
        format!("fields = [{}]", fields.join(", ")),
        format!("relation = {}", write_text(&relation(arguments, context)?)),
        format!("valid_from = \"{}\"", arguments.from.unwrap_or_else(today)),
    ]);
    lines.extend(arguments.to.map(|day| format!("valid_to = \"{day}\"")));
    Ok(lines.join("\n") + "\n")
}

/// The relation of the arguments, or the only one of the context.
fn relation(arguments: &AddArguments, context: &ContextDefinition) -> Result<String, Failure> {
    match (&arguments.relation, context.relations.as_slice()) {
        (Some(relation), _) => Ok(relation.clone()),
        (None, [only]) => Ok(only.code().to_owned()),
        (None, several) => {
            let codes: Vec<_> = several.iter().copied().map(Relation::code).collect();
            Err((Exit::Usage, format!("--relation: the legal context has several, name one of {}", codes.join(", "))))
        }
    }
}

fn print(arguments: &AddArguments, section: &str, warnings: &[String]) {
    let file = arguments.policy.display().to_string();
    if arguments.output.json {
        let found =
            json!({ "policy": file, "written": arguments.output.write, "section": section, "warnings": warnings });
        println!("{found:#}");
        return;
    }
    print!("{section}");
    warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    if arguments.output.write {
        eprintln!("{file}: written; a running service loads it within 2 s");
    } else {
        eprintln!("{file}: not changed; run the command again with --write");
    }
}
