//! `signature sign`: signs a request, and shows each step.

use std::path::Path;

use super::{SignArguments, name, read_message};
use crate::app::SystemClock;
use crate::cli::exit::{Exit, fail};
use crate::server::tls::read_certificates;
use certificates::Facts;
use ehealth_core::model::Clock;
use soap::signature::diagnosis::describe_steps;
use soap::signature::{MessageKind, SigningIdentity, SigningKey, SigningOptions, sign};

pub(super) fn run(arguments: &SignArguments) -> Exit {
    match sign_file(arguments) {
        Ok(()) => Exit::Done,
        Err(error) => fail(Exit::Failed, &error),
    }
}

fn sign_file(arguments: &SignArguments) -> Result<(), String> {
    let message = read_message(&arguments.file)?;
    let identity = read_identity(&arguments.cert, &arguments.key)?;
    let created = arguments.at.unwrap_or_else(|| SystemClock.now());
    let lifetime = i64::try_from(arguments.lifetime.as_millis()).unwrap_or(i64::MAX);
    let options = SigningOptions {
        kind: MessageKind::Request,
        created,
        expires: created.plus_millis(lifetime),
        confirmations: &[],
    };
    let signed = sign(&message, &identity, options).map_err(|error| format!("{}: {error}", name(&arguments.file)))?;
    let steps = arguments.explain.then(|| describe_steps(&signed, identity.key.method()));
    let text = String::from_utf8_lossy(&signed.message);
    match &arguments.out {
        Some(out) => {
            std::fs::write(out, &signed.message)
                .map_err(|error| format!("{}: cannot be written: {error}", out.display()))?;
            print!("{}", steps.unwrap_or_default());
        }
        None => {
            print!("{text}");
            if let Some(steps) = steps {
                eprintln!("{}", steps.trim_end());
            }
        }
    }
    Ok(())
}

/// Reads key and certificate, which must belong together.
fn read_identity(certificate: &Path, key: &Path) -> Result<SigningIdentity, String> {
    let chain = read_certificates(certificate).map_err(|error| error.to_string())?;
    let Some(leaf) = chain.first() else {
        return Err(format!("{}: no certificate in the file", certificate.display()));
    };
    let facts = Facts::from_der(leaf).map_err(|error| format!("{}: {error}", certificate.display()))?;
    let der = tls_files::read_private_key(key).map_err(|error| error.to_string())?;
    let Some(signing) = SigningKey::from_der(der.secret_der()) else {
        let expected = "a key of another kind; expected RSA of at least 2048 bits, or EC on P-256 or P-384";
        return Err(format!("{}: {expected}", key.display()));
    };
    if !signing.belongs_to(&facts.public_key) {
        let (key, certificate) = (key.display(), certificate.display());
        return Err(format!("{key}: not the key of the certificate in {certificate}"));
    }
    Ok(SigningIdentity { key: signing, certificate: leaf.to_vec() })
}
