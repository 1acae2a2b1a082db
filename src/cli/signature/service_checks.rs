//! The checks of the service that are not about the message alone: certificate, signer, replay.

use rustls::pki_types::CertificateDer;

use crate::server::tls::trust::Trust;
use certificates::Facts;
use ehealth_core::model::Timestamp;
use soap::signature::diagnosis::{Outcome, ServiceChecks};
use soap::signature::{Problem, SecurityBlock, SignatureError, TimeRule};

/// Makes the checks as far as they can be made here. Without `trust`, the issuer is not verified.
pub(super) fn check(block: &SecurityBlock, trust: Option<&Trust>, now: Timestamp) -> ServiceChecks {
    let until = block.expires.plus_millis(TimeRule::default().skew_millis);
    let replay = Outcome::NotChecked(format!(
        "The service remembers the signature value until {until}, and refuses the message if it comes again."
    ));
    let certificate = CertificateDer::from(block.certificate.as_slice());
    let Ok(facts) = Facts::from_der(&certificate) else {
        let problem = Problem::new(SignatureError::Certificate, "an X.509 certificate in DER", "other bytes");
        let signer = "Send a certificate first: its subject names the organisation of the signer.".to_owned();
        let certificate = Outcome::wrong(problem);
        return ServiceChecks { certificate, signer: Outcome::NotChecked(signer), replay, public_key: None };
    };
    let signer = match facts.organisation {
        Ok(organisation) => Outcome::NotChecked(format!(
            "The certificate names {organisation}. The service checks that this is the organisation of the TLS \
             client certificate, or one of its registered signers."
        )),
        Err(error) => Outcome::wrong(Problem::new(
            SignatureError::UnknownSigner,
            "a certificate whose subject names an organisation",
            error.to_string(),
        )),
    };
    let certificate = check_certificate(&certificate, &facts, trust, now);
    ServiceChecks { certificate, signer, replay, public_key: Some(facts.public_key) }
}

fn check_certificate(
    certificate: &CertificateDer<'_>,
    facts: &Facts,
    trust: Option<&Trust>,
    now: Timestamp,
) -> Outcome {
    let Facts { subject, not_before, not_after, .. } = facts;
    let organisation =
        facts.organisation.map_or_else(|error| error.to_string(), |organisation| organisation.to_string());
    let mut found = vec![
        format!("subject: {subject}"),
        format!("organisation: {organisation}"),
        format!("valid from {not_before} to {not_after}"),
    ];
    let refuse = |expected: String, error: String| {
        let problem = Problem::new(SignatureError::Certificate, expected, error);
        match Outcome::wrong(problem) {
            Outcome::Wrong { faults, .. } => Outcome::Wrong { faults, facts: found.clone() },
            outcome @ (Outcome::Fine(_) | Outcome::NotChecked(_)) => outcome,
        }
    };
    if now < *not_before || now > *not_after {
        return refuse(
            format!("a certificate that is valid at {now}"),
            format!("valid from {not_before} to {not_after}"),
        );
    }
    match trust.map(|trust| trust.admit(certificate, &[], now)) {
        Some(Err(refused)) => {
            return refuse("a certificate that a TLS client may have".to_owned(), refused.to_string());
        }
        Some(Ok(_)) => found.push("issued by an authority of --ca; revocation is not checked".to_owned()),
        None => found.push("issuer and use are not verified: name the authorities with --ca".to_owned()),
    }
    Outcome::Fine(found)
}
