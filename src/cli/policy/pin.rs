//! `policy pin`: the lines of the policy file that pin a certificate.

use std::path::Path;

use super::super::exit::{Exit, fail};
use crate::certificates::Facts;
use crate::server::tls::{find_issuer_key, provider, read_all_certificates, read_certificates};

/// Prints the pins of the first certificate of a file.
pub(super) fn pin(certificate: &Path, issuer: Option<&Path>) -> Exit {
    let chain = match read_certificates(certificate) {
        Ok(chain) => chain,
        Err(error) => return fail(Exit::Failed, &error),
    };
    let Some((leaf, sent)) = chain.split_first() else {
        return fail(Exit::Failed, &format_args!("{}: no certificate in the file", certificate.display()));
    };
    let facts = match Facts::from_der(leaf) {
        Ok(facts) => facts,
        Err(error) => return fail(Exit::Failed, &format_args!("{}: {error}", certificate.display())),
    };
    let mut errors = Vec::new();
    let others = issuer.map(|path| read_all_certificates(&[path.to_owned()], &mut errors)).unwrap_or_default();
    if let Some(error) = errors.first() {
        return fail(Exit::Failed, error);
    }
    let candidates = sent.iter().chain(others.iter().map(|(_, certificate)| certificate));
    let signer = find_issuer_key(leaf, candidates, provider().signature_verification_algorithms);
    if let (None, Some(path)) = (signer, issuer) {
        let certificate = certificate.display();
        return fail(
            Exit::Failed,
            &format_args!("--issuer {}: no certificate there signed {certificate}", path.display()),
        );
    }
    println!("# {}", facts.subject);
    if let Some(application) = facts.application {
        println!("# applications = [\"{application}\"]");
    }
    println!("pinned_keys = [\"{}\"]", facts.key);
    match signer {
        Some(key) => println!("pinned_issuers = [\"{key}\"]"),
        None => println!("# For pinned_issuers, name the issuer's certificate: policy pin --issuer PATH"),
    }
    Exit::Done
}
