//! `certificates`: shows what a certificate names, whether the service would accept it, and replaces
//! the service's own; gets the server's certificate from an ACME server.
//!
//! The decisions are those of the service: its client verifier, its reader of names, its policy.

#[cfg(feature = "acme")]
mod acme;
mod failure;
mod fitness;
mod inspect;
mod inspection;
mod json;
mod purpose;
mod replaced;
mod rotate;
mod text;
mod trust;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::Exit;
use super::log::LogWriter;
#[cfg(feature = "acme")]
pub use acme::AcmeArguments;
use purpose::Purpose;
use rotate::RotateArguments;

const INSPECT_HELP: &str = "\
Examples:
  ehealth-attributes certificates inspect fund.pem
  ehealth-attributes certificates inspect fund.pem --ca clients-ca.pem --json
  ehealth-attributes certificates inspect fund.pem --config /etc/ehealth-attributes/config.toml
  ehealth-attributes certificates inspect --p12 fund.p12 --p12-password-file fund.password
  ehealth-attributes certificates inspect server.pem --purpose server

The first certificate is inspected; those behind it are its issuers, as a client sends them. With --ca
the path to an authority is verified, without revocation. With --config everything is decided as the
service does: authorities, revocation lists, environment, pins, and the consumer of the policy. A
private key in the file is neither read nor printed.

Exit codes:
  0   the certificate is valid and fit for its purpose and, with --ca or --config, accepted
  1   a file cannot be read, or has no certificate
  2   an argument is invalid
  3   the settings or the policy have errors
  12  the certificate would be refused; the reasons are printed";

/// Commands under `certificates`.
#[derive(Debug, Subcommand)]
pub enum CertificatesCommand {
    /// Show a certificate: holder, validity, key, uses, and who would accept it
    #[command(after_help = INSPECT_HELP)]
    Inspect(InspectArguments),
    /// Replace a certificate of the service after it was checked, with the old files kept
    #[command(after_help = rotate::HELP)]
    Rotate(Box<RotateArguments>),
    /// Get the server's certificate from an ACME server, or renew it
    #[cfg(feature = "acme")]
    #[command(after_help = acme::HELP)]
    Acme(AcmeArguments),
}

/// Runs the command to its end.
#[cfg_attr(not(feature = "acme"), allow(unused_variables, reason = "only the command `acme` has a runtime"))]
pub(super) fn run(command: &CertificatesCommand, log: &mut LogWriter) -> Exit {
    match command {
        CertificatesCommand::Inspect(arguments) => inspect::run(arguments),
        CertificatesCommand::Rotate(arguments) => rotate::run(arguments),
        #[cfg(feature = "acme")]
        CertificatesCommand::Acme(arguments) => acme::run(arguments, log),
    }
}

/// Arguments of `certificates inspect`.
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// File with the certificate, PEM or DER
    #[arg(value_name = "FILE", required_unless_present = "p12", conflicts_with = "p12")]
    pub file: Option<PathBuf>,
    /// PKCS #12 file (.p12, .pfx) with the certificate
    ///
    /// The password is the first line of --p12-password-file, or the value of
    /// EHEALTH_ATTRIBUTES_P12_PASSWORD.
    #[arg(long, value_name = "FILE")]
    pub p12: Option<PathBuf>,
    /// File with the password of the PKCS #12 file
    #[arg(long, value_name = "FILE", requires = "p12")]
    pub p12_password_file: Option<PathBuf>,
    /// Use of the certificate that decides the exit code
    #[arg(long, value_enum, default_value_t = Purpose::Client)]
    pub purpose: Purpose,
    /// File or folder with the authorities of clients, PEM or DER
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    pub ca: Option<PathBuf>,
    /// Settings file of the service
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override a setting, for example trust.crl=/srv/crl
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    pub set: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
