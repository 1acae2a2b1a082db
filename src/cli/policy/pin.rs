//! `policy pin`: the lines of the policy file that pin a certificate.

use std::fmt;
use std::path::{Path, PathBuf};

use super::super::exit::{Exit, fail};
use crate::server::tls::{find_issuer_key, provider, read_all_certificates, read_certificates};
use certificates::Facts;
use ehealth_core::model::Digest;

/// A certificate, and the key of its issuer.
pub(super) struct Pinned {
    pub facts: Facts,
    /// SHA-256 of the public key that signed the certificate; `None`: the issuer's certificate is not there.
    pub issuer: Option<Digest>,
}

/// Reads the first certificate of a file, and finds its issuer behind it or in `issuer`.
///
/// # Errors
/// The message: the file has no readable certificate, or `issuer` not that of the issuer.
pub(super) fn read_pinned(certificate: &Path, issuer: Option<&Path>) -> Result<Pinned, String> {
    let named = |error: &dyn fmt::Display| format!("{}: {error}", certificate.display());
    let chain = read_certificates(certificate).map_err(|error| error.to_string())?;
    let (leaf, sent) = chain.split_first().ok_or_else(|| named(&"no certificate in the file"))?;
    let facts = Facts::from_der(leaf).map_err(|error| named(&error))?;
    let mut errors = Vec::new();
    let others = issuer.map(|path| read_all_certificates(&[PathBuf::from(path)], &mut errors)).unwrap_or_default();
    if let Some(error) = errors.first() {
        return Err(error.to_string());
    }
    let candidates = sent.iter().chain(others.iter().map(|(_, certificate)| certificate));
    let signer = find_issuer_key(leaf, candidates, provider().signature_verification_algorithms);
    match (signer, issuer) {
        (None, Some(path)) => {
            Err(format!("--issuer {}: no certificate there signed {}", path.display(), certificate.display()))
        }
        (signer, _) => Ok(Pinned { facts, issuer: signer }),
    }
}

/// Prints the pins of the first certificate of a file.
pub(super) fn pin(certificate: &Path, issuer: Option<&Path>) -> Exit {
    let Pinned { facts, issuer } = match read_pinned(certificate, issuer) {
        Ok(pinned) => pinned,
        Err(error) => return fail(Exit::Failed, &error),
    };
    println!("# {}", facts.subject);
    if let Some(application) = facts.application {
        println!("# applications = [\"{application}\"]");
    }
    println!("pinned_keys = [\"{}\"]", facts.key);
    match issuer {
        Some(key) => println!("pinned_issuers = [\"{key}\"]"),
        None => println!("# For pinned_issuers, name the issuer's certificate: policy pin --issuer PATH"),
    }
    Exit::Done
}
