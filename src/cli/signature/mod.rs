//! `signature`: signs a message, and finds out why a signature is refused.
//!
//! The service answers every bad signature with one fault. These commands make the checks of the
//! service on a stored message, where a precise answer helps its author and no attacker.

mod check;
#[cfg(feature = "testkit")]
mod explainer;
mod json;
mod service_checks;
mod sign;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
#[cfg(feature = "testkit")]
pub(super) use explainer::Explainer;

use super::exit::Exit;
use crate::config::parse_duration;
use ehealth_core::model::Timestamp;
use soap::limits::DOCUMENT_BYTES;
use soap::signature::MessageKind;

const CHECK_HELP: &str = "\
Examples:
  ehealth-attributes signature check request.xml
  ehealth-attributes signature check request.xml --at 2026-01-15T09:30:00Z --ca clients-ca.pem
  ehealth-attributes signature check - --canonical < request.xml

Save the request with the exact bytes that were sent. Each check of the service is printed in its
order: fine, WRONG with the likely cause and what to do, or not checked. A check that finds something
wrong does not end the command. The checks `signer` and `replay` need the service; without --ca, the
issuer of the certificate is not verified. Certificate revocation is never checked.

Where a digest or the signature differs, the known errors of signers are tried until one gives the
value of the message. --canonical prints the content of the message.

Exit codes:
  0   nothing that was checked is wrong
  1   a file cannot be read, or FILE is not a well-formed message
  2   an argument is invalid
  11  a check found something wrong";

const SIGN_HELP: &str = "\
Examples:
  ehealth-attributes signature sign request.xml --cert fund.pem --key fund.key > signed.xml
  ehealth-attributes signature sign request.xml --cert fund.pem --key fund.key \\
      --at 2026-01-15T09:30:00Z --out signed.xml --explain
  ehealth-attributes signature sign request.xml --cert fund.pem --key fund.key \\
      | ehealth-attributes signature check -

Signs Body, Timestamp and token of a request in the form that the service accepts. FILE is an
envelope without signature, in UTF-8. To compare your own signer with this one, use --explain: it
prints the octets that are hashed, and so the content of the message.

Exit codes:
  0  signed
  1  a file cannot be read or written, or the message cannot be signed; the message gives the reason
  2  an argument is invalid";

/// Commands under `signature`.
#[derive(Debug, Subcommand)]
pub enum SignatureCommand {
    /// Make every check of a signed message, and name the cause of each failure
    #[command(after_help = CHECK_HELP)]
    Check(CheckArguments),
    /// Sign a request
    #[command(after_help = SIGN_HELP)]
    Sign(SignArguments),
}

/// Arguments of `signature check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// File with the signed message; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Time of the check, such as 2026-01-15T09:30:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub at: Option<Timestamp>,
    /// File or folder with the authorities of the signing certificate, PEM or DER
    #[arg(long, value_name = "PATH")]
    pub ca: Option<PathBuf>,
    /// File or folder with other certificates whose keys may have signed, PEM or DER
    #[arg(long, value_name = "PATH")]
    pub other_cert: Option<PathBuf>,
    /// Print the canonical octets of each reference and of SignedInfo
    #[arg(long)]
    pub canonical: bool,
    /// Kind of the message
    #[arg(long, value_enum, default_value_t = Kind::Request)]
    pub kind: Kind,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `signature sign`.
#[derive(Debug, Args)]
pub struct SignArguments {
    /// File with the envelope; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Certificate of the signer (PEM)
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,
    /// Private key of the certificate (PEM, unencrypted): RSA of at least 2048 bits, P-256 or P-384
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Time of signing, such as 2026-01-15T09:30:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub at: Option<Timestamp>,
    /// Time from Created to Expires
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_lifetime)]
    pub lifetime: Duration,
    /// File for the signed message; it is replaced [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the input and the result of each step: to standard output with --out, or else to
    /// standard error
    #[arg(long)]
    pub explain: bool,
}

/// Kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A request
    Request,
    /// A response or a fault
    Response,
}

impl From<Kind> for MessageKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Request => Self::Request,
            Kind::Response => Self::Response,
        }
    }
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_zoned(text).map_err(|_| "must be a time with its zone, such as 2026-01-15T09:30:00Z".to_owned())
}

fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = parse_duration(text)?;
    if (1..=86_400).contains(&lifetime.as_secs()) { Ok(lifetime) } else { Err("must be from 1s to 1d".to_owned()) }
}

pub(super) fn run(command: &SignatureCommand) -> Exit {
    match command {
        SignatureCommand::Check(arguments) => check::run(arguments),
        SignatureCommand::Sign(arguments) => sign::run(arguments),
    }
}

/// Reads a message as it is: no byte of it may change. The service reads no longer ones.
fn read_message(file: &Path) -> Result<Vec<u8>, String> {
    let limit = u64::try_from(DOCUMENT_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().take(limit.saturating_add(1)).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|opened| opened.take(limit.saturating_add(1)).read_to_end(&mut bytes))
    };
    match read {
        Err(error) => Err(format!("{}: cannot be read: {error}", name(file))),
        Ok(_) if bytes.len() > DOCUMENT_BYTES => Err(format!("{}: longer than {DOCUMENT_BYTES} bytes", name(file))),
        Ok(_) => Ok(bytes),
    }
}

/// Name of a message's file in errors.
fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}
