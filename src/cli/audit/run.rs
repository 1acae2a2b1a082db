//! Runs the commands under `audit`.

use std::sync::Arc;

use super::args::{AuditCommand, ProveArguments, PruneArguments, SearchArguments, VerifyArguments};
use super::events::run_events;
use super::export::run_export;
use super::inputs::{Failure, audit_log_settings, exit_with_gaps, failed, keys, public_key, read, writable_audit_log};
use super::list::run_list;
use super::names::Names;
use super::nodes::{all_nodes, prove_in_all, run_rebuild};
use super::person::{read_argument, read_scope, report, subject};
use super::report::run_report;
use super::rotate_key::run_rotate_key;
use super::stats::run_stats;
use super::verify_proof::run_verify_proof;
use crate::admin::Verification;
use crate::app::{SystemClock, leave_verification};
use crate::cli::exit::{Exit, fail};
use crate::cli::settings_file::SettingsFile;
use audit_log::{self, AuditLog, IndexUse, Whom, find_signature, prove};
use audit_verify::verify_at;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ehealth_core::lookup::MessageSignature;
use ehealth_core::model::{Application, Clock, EndUser, EndUserError, Ticket};

/// Runs the command to its end.
pub(in crate::cli) fn run(command: &AuditCommand) -> Exit {
    let done = match command {
        AuditCommand::Verify(arguments) => run_verify(arguments),
        AuditCommand::Search(arguments) => run_search(arguments),
        AuditCommand::List(arguments) => run_list(arguments),
        AuditCommand::Stats(arguments) => run_stats(arguments),
        AuditCommand::Export(arguments) => run_export(arguments),
        AuditCommand::Events(arguments) => run_events(arguments),
        AuditCommand::Report(arguments) => run_report(arguments),
        AuditCommand::Prove(arguments) => run_prove(arguments),
        AuditCommand::VerifyProof(arguments) => run_verify_proof(arguments),
        AuditCommand::Prune(arguments) => run_prune(arguments),
        AuditCommand::Rebuild(arguments) => run_rebuild(arguments),
        AuditCommand::RotateKey(arguments) => run_rotate_key(arguments),
        AuditCommand::Checkpoint { settings, public_key } => run_checkpoint(settings, *public_key),
    };
    done.unwrap_or_else(|(exit, message)| fail(exit, &message))
}

fn run_verify(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let key = public_key(&arguments.key)?;
    let checkpoint = arguments.checkpoint.as_deref();
    let verdict = verify_at(&arguments.audit_log, &key, checkpoint, Some(SystemClock.now())).map_err(failed)?;
    if arguments.json {
        println!("{}", verdict.to_json());
    } else {
        println!("{verdict}");
    }
    if let Some(file) = &arguments.report {
        let found = Verification { at: SystemClock.now(), records: verdict.size, is_sound: verdict.is_sound() };
        leave_verification(file, &found).map_err(failed)?;
    }
    Ok(if verdict.is_sound() { Exit::Done } else { Exit::Failed })
}

fn run_search(arguments: &SearchArguments) -> Result<Exit, Failure> {
    let scope = &arguments.scope;
    let (whom, days) = match (&arguments.ssin, &arguments.end_user) {
        (Some(ssin), _) => {
            let text = read_argument(ssin)?;
            read_scope(scope, |errors| subject(&text, errors))?
        }
        (None, id) => {
            let text = read_argument(id.as_deref().unwrap_or_default())?;
            let text = text.trim();
            let id = if EndUser::is_text(text) { Ok(Whom::EndUser(text.to_owned())) } else { Err(EndUserError) };
            read_scope(scope, |errors| errors.take("--end-user", id))?
        }
    };
    let report = report(scope, &whom, days, Names::default())?;
    if arguments.json {
        print!("{}", report.render_lines());
        return Ok(exit_with_gaps(&report.gaps));
    }
    for disclosed in report.exchanges() {
        let caller = disclosed.caller.as_ref().map_or("-".to_owned(), |caller| caller.number.to_string());
        let context = disclosed.ground.as_ref().map_or("-", |ground| ground.context.code());
        let (sequence, received, ticket) = (disclosed.sequence, disclosed.received, disclosed.ticket);
        let fields = disclosed.fields.numbers(", ");
        let rule = disclosed.rule.as_ref().map_or("-", |rule| rule.as_str());
        let application = disclosed.application.as_ref().map_or("-", Application::as_str);
        let outcome = &disclosed.outcome;
        println!("{sequence} {received} {ticket} {caller} {context} {outcome} {{{fields}}} {rule} {application}");
    }
    Ok(exit_with_gaps(&report.gaps))
}

fn run_prove(arguments: &ProveArguments) -> Result<Exit, Failure> {
    let whole = arguments.settings.read().map_err(|problems| (Exit::Configuration, problems.to_string()))?;
    let settings = &whole.audit_log;
    let ticket =
        Ticket::parse(&arguments.ticket).ok_or((Exit::Usage, "--ticket: not a UUID of version 4".to_owned()))?;
    let (proof, signature) = match all_nodes(&whole, &arguments.nodes) {
        Some(of_cluster) => {
            let note = arguments.checkpoint.as_deref().map(read).transpose()?;
            let wanted = (ticket, note.as_deref(), arguments.signature.is_some());
            prove_in_all(&whole, of_cluster, &arguments.nodes, wanted)?
        }
        None => prove_here(settings, ticket, arguments)?,
    };
    if let Some(file) = &arguments.signature {
        let signature = signature.ok_or((Exit::Failed, "the message of this exchange was not signed".to_owned()))?;
        durable_file::replace(file, describe_signature(ticket, &signature).as_bytes(), 0o600).map_err(failed)?;
    }
    print!("{proof}");
    Ok(Exit::Done)
}

/// Proves an exchange of the own log; with the signature of its message, if that is wanted.
fn prove_here(
    settings: &audit_log::Settings,
    ticket: Ticket,
    arguments: &ProveArguments,
) -> Result<(String, Option<MessageSignature>), Failure> {
    let newest = settings.folder.join("checkpoint");
    let note = read(arguments.checkpoint.as_ref().unwrap_or(&newest))?;
    let keys = keys(settings)?;
    let proof = prove(&settings.folder, &keys, IndexUse::Keep, ticket, &note).map_err(failed)?;
    let signature = match &arguments.signature {
        Some(_) => find_signature(&settings.folder, &keys, IndexUse::Keep, ticket).map_err(failed)?,
        None => None,
    };
    Ok((proof, signature))
}

/// A message signature as JSON.
fn describe_signature(ticket: Ticket, signature: &MessageSignature) -> String {
    let MessageSignature { message, value, certificate } = signature;
    let described = serde_json::json!({
        "ticketCBSS": ticket.to_string(),
        "messageSha256": message.to_string(),
        "signatureValue": STANDARD.encode(value),
        "certificate": STANDARD.encode(certificate),
    });
    format!("{described}\n")
}

fn run_prune(arguments: &PruneArguments) -> Result<Exit, Failure> {
    let retention = arguments.retention().map_err(failed)?;
    let log = AuditLog::open(&writable_audit_log(&arguments.settings)?, Arc::new(SystemClock)).map_err(failed)?;
    let pruned = log.prune(retention).map_err(failed)?;
    log.close();
    pruned.segments.iter().for_each(|segment| println!("removed {} from record {}", segment.month, segment.first));
    pruned.keys.iter().for_each(|key| println!("destroyed {key}"));
    if pruned.segments.is_empty() {
        println!("nothing is older than {} years", retention.years());
    }
    Ok(Exit::Done)
}

fn run_checkpoint(settings: &SettingsFile, public_key: bool) -> Result<Exit, Failure> {
    let settings = audit_log_settings(settings)?;
    if public_key {
        println!("{}", keys(&settings)?.verifying_key(&settings.checkpoints.origin).map_err(failed)?);
    } else {
        print!("{}", read(&settings.folder.join("checkpoint"))?);
    }
    Ok(Exit::Done)
}
