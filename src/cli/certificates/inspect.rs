//! Runs `certificates inspect`.

use std::path::Path;

use rustls::pki_types::CertificateDer;

use super::failure::Failure;
use super::fitness::Inspected;
use super::inspection::Inspection;
use super::purpose::Purpose;
use super::trust::Verdict;
use super::{InspectArguments, json, text};
use crate::app::SystemClock;
use crate::cli::exit::{Exit, fail};
use crate::cli::lookup::read_password;
use crate::server::tls::read_certificates;
use certificates::{CertificateError, Profile};
use ehealth_core::model::Clock;
use tls_files::read_pkcs12_certificates;

/// Runs the command to its end.
pub(super) fn run(arguments: &InspectArguments) -> Exit {
    match inspect(arguments) {
        Ok(exit) => exit,
        Err((exit, message)) => fail(exit, &message),
    }
}

fn inspect(arguments: &InspectArguments) -> Result<Exit, Failure> {
    if arguments.purpose == Purpose::Server && (arguments.ca.is_some() || arguments.config.is_some()) {
        let message = "--purpose server: --ca and --config decide which clients the service accepts; leave them out";
        return Err((Exit::Usage, message.to_owned()));
    }
    let (file, chain) = read(arguments)?;
    let failed = |error: CertificateError| (Exit::Failed, format!("`{}`: {error}", file.display()));
    let (leaf, issuers) = chain.split_first().ok_or_else(|| failed(CertificateError::Malformed))?;
    let inspection = Inspection {
        file,
        now: SystemClock.now(),
        purpose: arguments.purpose,
        leaf: Inspected::from_der(leaf).map_err(failed)?,
        issuers: issuers
            .iter()
            .map(|issuer| Ok((issuer.to_vec(), Profile::from_der(issuer)?)))
            .collect::<Result<_, _>>()
            .map_err(failed)?,
        trust: Verdict::of(arguments, &chain)?,
    };
    if arguments.json {
        println!("{:#}", json::write(&inspection));
    } else {
        print!("{}", text::write(&inspection));
    }
    Ok(if inspection.is_refused() { Exit::CertificateRefused } else { Exit::Done })
}

fn read(arguments: &InspectArguments) -> Result<(&Path, Vec<CertificateDer<'static>>), Failure> {
    if let Some(file) = &arguments.p12 {
        let password = read_password(file, arguments.p12_password_file.as_deref());
        let password = password.map_err(|error| (error.exit(), error.to_string()))?;
        let chain = read_pkcs12_certificates(file, &password);
        return Ok((file, chain.map_err(|error| (Exit::Failed, error.to_string()))?));
    }
    let file = arguments.file.as_deref().unwrap_or(Path::new(""));
    Ok((file, read_certificates(file).map_err(|error| (Exit::Failed, error.to_string()))?))
}
