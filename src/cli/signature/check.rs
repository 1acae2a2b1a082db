//! `signature check`: every check of a signed message, with the cause of each failure.

use std::path::{Path, PathBuf};

use super::json::report_json;
use super::{CheckArguments, name, read_message, service_checks};
use crate::app::SystemClock;
use crate::cli::exit::{Exit, fail};
use crate::server::tls::trust::{Revocation, Trust};
use crate::server::tls::{provider, read_all_certificates};
use certificates::Facts;
use ehealth_core::model::Clock;
use rustls::pki_types::CertificateDer;
use soap::signature::TimeRule;
use soap::signature::diagnosis::{CanonicalForm, Context, examine};

pub(super) fn run(arguments: &CheckArguments) -> Exit {
    match check(arguments) {
        Ok(exit) => exit,
        Err(error) => fail(Exit::Failed, &error),
    }
}

fn check(arguments: &CheckArguments) -> Result<Exit, String> {
    let message = read_message(&arguments.file)?;
    let trust = arguments.ca.as_deref().map(load_trust).transpose()?;
    let other_keys = arguments.other_cert.as_deref().map(read_keys).transpose()?.unwrap_or_default();
    let now = arguments.at.unwrap_or_else(|| SystemClock.now());
    let context = Context {
        now,
        rule: TimeRule::default(),
        service: &|block| service_checks::check(block, trust.as_ref(), now),
        public_key: &|certificate| Facts::from_der(certificate).ok().map(|facts| facts.public_key),
        other_keys: &other_keys,
    };
    let report = examine(&message, None, arguments.kind.into(), &context)
        .map_err(|bad| format!("{}: {}", name(&arguments.file), bad.reason()))?;
    if arguments.json {
        println!("{:#}", report_json(arguments, now, &report));
    } else {
        print!("{report}");
        if arguments.canonical {
            report.canonical.iter().for_each(print_canonical);
        }
    }
    Ok(if report.wrong().next().is_none() { Exit::Done } else { Exit::SignatureWrong })
}

fn print_canonical(form: &CanonicalForm) {
    let CanonicalForm { name, octets } = form;
    println!("\n--- {name}: {} octets\n{}", octets.len(), String::from_utf8_lossy(octets));
}

/// The certificates of a file or of a folder.
fn read(path: &Path) -> Result<Vec<(PathBuf, CertificateDer<'static>)>, String> {
    let mut errors = Vec::new();
    let certificates = read_all_certificates(&[path.to_owned()], &mut errors);
    match errors.first() {
        Some(error) => Err(error.to_string()),
        None => Ok(certificates),
    }
}

fn load_trust(path: &Path) -> Result<Trust, String> {
    let authorities = read(path)?.into_iter().map(|(_, certificate)| certificate).collect();
    let trust = Trust::new(authorities, &Revocation::None, provider().signature_verification_algorithms);
    trust.map_err(|error| format!("--ca {}: {error}", path.display()))
}

/// The public keys of certificates, each with its subject.
fn read_keys(path: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let keys = read(path)?.into_iter().map(|(file, certificate)| {
        let facts = Facts::from_der(&certificate).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok((format!("{} ({})", file.display(), facts.subject), facts.public_key))
    });
    keys.collect()
}
