//! `certificates rotate`: checks the next certificate of a connection, shows what changes, and
//! installs it with `--write`.

mod certificates;
mod holder;
mod install;
mod plan;
mod report;

use std::path::PathBuf;

use clap::Args;
use rustls::pki_types::PrivateKeyDer;
use tls_files::{read_pkcs12, read_private_key};

use self::holder::{Holder, parse_holder};
use self::plan::Plan;
use super::failure::{Failure, failed};
use crate::app::SystemClock;
use crate::cli::exit::{Exit, fail};
use crate::cli::lookup::read_password;
use crate::cli::settings_file::SettingsFile;
use crate::server::tls::read_certificates;
use ehealth_core::model::Clock;

pub(super) const HELP: &str = "\
Examples:
  ehealth-attributes certificates rotate server --cert new.pem
  ehealth-attributes certificates rotate server --cert new.pem --key new.key --write
  ehealth-attributes certificates rotate feed-dimona --p12 new.p12 --p12-password-file new.password
  ehealth-attributes certificates rotate server --cert server.pem.previous --key server.key.previous

CONNECTION is one of server, admin, metrics, response-signing, database, feed-dimona, feed-coprev,
feed-federated, feed-insurance, feed-persons. The settings name its files. The new certificate must be
valid now, fit for its purpose, followed by its issuers, and belong to the key; that of the server must
have the host name of server.public_url. Without --key the present key is kept, and no restart is
needed. Without --write nothing is changed. With --write the old files stay beside the new ones, with
the ending .previous; owner and permissions are kept.

Exit codes:
  0   shown, or installed
  1   a file cannot be read or written
  2   an argument is invalid
  3   the settings have errors
  12  the new certificate cannot be used; the reasons are printed";

/// Arguments of `certificates rotate`.
#[derive(Debug, Args)]
pub struct RotateArguments {
    /// Connection whose certificate is replaced
    #[arg(value_name = "CONNECTION", value_parser = parse_holder)]
    holder: Holder,
    /// File with the new certificate, followed by its issuers, PEM or DER
    #[arg(long, value_name = "FILE", required_unless_present = "p12", conflicts_with = "p12")]
    cert: Option<PathBuf>,
    /// File with the new private key, PEM or DER [default: the key is kept]
    #[arg(long, value_name = "FILE", conflicts_with = "p12")]
    key: Option<PathBuf>,
    /// PKCS #12 file (.p12, .pfx) with the new certificate and its key
    #[arg(long, value_name = "FILE")]
    p12: Option<PathBuf>,
    /// File with the password of the PKCS #12 file [default: EHEALTH_ATTRIBUTES_P12_PASSWORD]
    #[arg(long, value_name = "FILE", requires = "p12")]
    p12_password_file: Option<PathBuf>,
    /// Settings
    #[command(flatten)]
    settings: SettingsFile,
    /// Install the certificate
    #[arg(long)]
    write: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command to its end.
pub(super) fn run(arguments: &RotateArguments) -> Exit {
    match rotate(arguments) {
        Ok(exit) => exit,
        Err((exit, message)) => fail(exit, &message),
    }
}

fn rotate(arguments: &RotateArguments) -> Result<Exit, Failure> {
    let settings = arguments.settings.read().map_err(|problems| (Exit::Configuration, problems.to_string()))?;
    let credentials = arguments.settings.credentials();
    let files = arguments.holder.files(&settings, &credentials).map_err(|message| (Exit::Usage, message))?;
    let (chain, key) = read_new(arguments)?;
    let plan = Plan::make((arguments.holder, files), (chain, key), &settings.server.public_url, SystemClock.now())?;
    let is_written = arguments.write && plan.problems.is_empty();
    if is_written {
        install::install(&plan)?;
    }
    if arguments.json {
        println!("{:#}", report::as_json(&plan, is_written));
    } else {
        report::print(&plan, arguments.write);
    }
    Ok(if plan.problems.is_empty() { Exit::Done } else { Exit::CertificateRefused })
}

/// The new certificate with its issuers, and its key if the key changes.
fn read_new(arguments: &RotateArguments) -> Result<(certificates::Chain, Option<PrivateKeyDer<'static>>), Failure> {
    if let Some(file) = &arguments.p12 {
        let password = read_password(file, arguments.p12_password_file.as_deref());
        let password = password.map_err(|error| (error.exit(), error.to_string()))?;
        let identity = read_pkcs12(file, &password).map_err(|error| failed(&error))?;
        return Ok((certificates::Chain::new(file, identity.chain)?, Some(identity.key)));
    }
    let file = arguments.cert.clone().unwrap_or_default();
    let chain = read_certificates(&file).map_err(|error| failed(&error))?;
    let key = arguments.key.as_deref().map(read_private_key).transpose().map_err(|error| failed(&error))?;
    Ok((certificates::Chain::new(&file, chain)?, key))
}
