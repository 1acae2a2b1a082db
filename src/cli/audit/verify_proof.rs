//! `audit verify-proof`: what a proof proves, in sentences.

use std::path::PathBuf;

use clap::Args;

use super::inputs::{Failure, failed, public_key, read};
use super::record::{describe, facts};
use crate::cli::exit::Exit;
use audit_verify::verify_proof;

/// Text behind the arguments.
pub(super) const VERIFY_PROOF_HELP: &str = "\
Examples:
  ehealth-attributes audit verify-proof --key audit-log.pub proof
  ehealth-attributes audit verify-proof --key audit-log.pub --json proof

Says what the proof proves and what it does not, and prints the record. If it is invalid, says which step
failed (form, checkpoint, path, record) and what to do.

Exit codes:
  0  valid; the record is printed
  1  invalid, or a file cannot be read";

/// Arguments of `audit verify-proof`.
#[derive(Debug, Args)]
pub struct VerifyProofArguments {
    /// File of the public key
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// File of the proof
    pub file: PathBuf,
}

/// Verifies a proof, and says what it proves.
pub(super) fn run_verify_proof(arguments: &VerifyProofArguments) -> Result<Exit, Failure> {
    let VerifyProofArguments { key, json, file } = arguments;
    let (proof, key) = (read(file)?, public_key(key)?);
    let proven = match verify_proof(&proof, &key) {
        Ok(proven) => proven,
        Err(error) if *json => {
            println!("{}", error.to_json());
            return Ok(Exit::Failed);
        }
        Err(error) => return Err(failed(format_args!("{}: {}", file.display(), error.describe()))),
    };
    let record = audit_log::parse_record(&proven.record).ok().map(|record| record.event);
    if *json {
        let mut object = proven.to_json();
        if let (Some(object), Some(event)) = (object.as_object_mut(), &record) {
            let facts = facts(event).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            object.insert("facts".to_owned(), serde_json::Value::Object(facts));
        }
        println!("{object}");
        return Ok(Exit::Done);
    }
    println!("{proven}");
    if let Some(event) = record {
        print!("The record says:\n{}", describe(&event));
    }
    Ok(Exit::Done)
}
