//! `contract`: writes the contract to files, for client generators.
//!
//! Most generators cannot send a client certificate, and an integrator needs classes before the
//! certificate is issued. The texts are those that the service serves.

mod folder;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::{Exit, fail};
use crate::config::parse_public_url;
use ehealth_core::lookup::Operation;
use folder::{Existing, Outcome, Written, write_all};
use soap::wsdl::{Form, ON_DISK_URL, files};

const EXPORT_HELP: &str = "\
Examples:
  ehealth-attributes contract export wsdl
  ehealth-attributes contract export wsdl --public-url https://gateway.example.be
  ehealth-attributes contract export single-wsdl --single
  wsimport -Xnocompile wsdl/eHealthAttributesServiceV1.wsdl

Writes eHealthAttributesServiceV1.wsdl and TestConnectionServiceV1.wsdl, and beside them the schemas
that they import. No service, settings or certificate is needed. The text is what the service serves
under ?wsdl, ?xsd= and, with --single, ?singleWsdl; only schemaLocation differs.

A file with the same content is left as it is. If a file has other content, nothing is written: name
another folder, or replace the file with --force. Symbolic links in the folder are never followed.

Exit codes:
  0  every file has its content
  1  a file has other content, or cannot be written; the message names it
  2  an argument is invalid";

/// Commands under `contract`.
#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// Write the WSDLs of both services and their schemas to a folder
    #[command(after_help = EXPORT_HELP)]
    Export(ExportArguments),
}

/// Arguments of `contract export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Folder for the files; it is created if it does not exist
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Write each WSDL with its schemas inside, for generators that follow no import
    #[arg(long)]
    pub single: bool,
    /// URL of the service, as clients reach it: the beginning of soap:address. The default is the
    /// address of `demo`
    #[arg(long, value_name = "URL", default_value = ON_DISK_URL, value_parser = parse_public_url)]
    pub public_url: String,
    /// Replace files that have other content, and symbolic links with their names
    #[arg(long)]
    pub force: bool,
    /// Print the files as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(command: &ContractCommand) -> Exit {
    match command {
        ContractCommand::Export(arguments) => export(arguments),
    }
}

fn export(arguments: &ExportArguments) -> Exit {
    let form = if arguments.single { Form::Single } else { Form::Separate };
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    let wanted = Operation::ALL.into_iter().flat_map(|operation| files(operation, form, &arguments.public_url));
    match write_all(&arguments.folder, &wanted.collect::<Vec<_>>(), existing) {
        Ok(written) if arguments.json => {
            println!("{:#}", write_json(arguments, &written));
            Exit::Done
        }
        Ok(written) => {
            print_files(&arguments.folder, &written);
            Exit::Done
        }
        Err(error) => fail(Exit::Failed, &error),
    }
}

fn print_files(folder: &Path, written: &[Written]) {
    for file in written {
        println!("{}: {}", folder.join(file.name).display(), word(file.outcome));
    }
}

/// The files as JSON (`docs/reference/json.md` "Exported contract").
fn write_json(arguments: &ExportArguments, written: &[Written]) -> serde_json::Value {
    let files = written.iter().map(|file| {
        json!({
            "file": arguments.folder.join(file.name).display().to_string(),
            "bytes": file.bytes,
            "outcome": word(file.outcome),
        })
    });
    json!({
        "folder": arguments.folder.display().to_string(),
        "form": if arguments.single { "single" } else { "separate" },
        "publicUrl": arguments.public_url,
        "files": files.collect::<Vec<_>>(),
    })
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "created",
        Outcome::Replaced => "replaced",
        Outcome::Unchanged => "unchanged",
    }
}
