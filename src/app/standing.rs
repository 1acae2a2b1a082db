//! What is wrong, or will be, with files that were loaded: expired certificates, names that callers
//! refuse, issuers without a revocation list. None of it keeps the service from starting.

use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::finding::{Finding, Severity};
use super::operators::OperatorSides;
use crate::config::Settings;
use crate::server::ActiveConfig;
use crate::server::tls::{RevocationFiles, is_valid_for};
use certificates::{Facts, Profile, may_be_server};
use ehealth_core::model::Timestamp;
use ehealth_core::policy::{PolicyWarning, find_revoked_signers, find_warnings};

/// A certificate with less time left gives a warning: enough time to get another one.
const RENEWAL: Duration = Duration::from_secs(30 * 86_400);

/// Findings about the loaded files at `now`; never an error.
pub(super) fn find_standing(
    settings: &Settings,
    active_config: &ActiveConfig,
    operators: &OperatorSides,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = find_in_certificates(settings, active_config, operators, now);
    findings.extend(of_lists(settings, active_config, now));
    let warning = PolicyWarning::BuiltInContexts;
    if find_warnings(&active_config.register, now.brussels_day()).contains(&warning) {
        let finding = Finding::new(Severity::Warning, settings, "policy.file", warning.to_string());
        findings.push(finding.in_file(&settings.policy).remedy("copy the sections of the packaged policy.toml"));
    }
    if settings.tls.revocation == RevocationFiles::None {
        let warnings = find_revoked_signers(&active_config.register);
        findings.extend(warnings.iter().map(|warning| {
            let finding = Finding::new(Severity::Warning, settings, "trust.revocation", warning.to_string());
            finding.in_file(&settings.policy).remedy("name the CRLs of the authorities in trust.revocation")
        }));
    }
    findings
}

/// Findings about the loaded certificates at `now`.
pub(super) fn find_in_certificates(
    settings: &Settings,
    active_config: &ActiveConfig,
    operators: &OperatorSides,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = of_own_certificate(settings, &active_config.chain);
    findings.extend(of_validity(settings, "server.certificate", &active_config.chain, now));
    for (side, certificate, client_ca) in [
        (&operators.admin, "admin.certificate", "admin.client_ca"),
        (&operators.metrics, "metrics.certificate", "metrics.client_ca"),
    ] {
        if let Some(side) = side {
            findings.extend(of_validity(settings, certificate, &side.chain, now));
            findings.extend(of_validity(settings, client_ca, &side.authorities, now));
        }
    }
    let signer = active_config.response_signer.as_ref().filter(|_| settings.response_signer.is_some());
    let signing = signer.map(|signer| CertificateDer::from(signer.0.certificate.clone()));
    findings.extend(of_validity(settings, "message_signature.certificate", signing.as_slice(), now));
    findings.extend(of_authorities(settings, active_config, now));
    findings
}

/// What callers refuse, whatever the day: another name, another use, a chain out of order.
fn of_own_certificate(settings: &Settings, chain: &[CertificateDer<'static>]) -> Vec<Finding> {
    let file = &settings.tls.certificate;
    let failure = |setting, text: String| Finding::new(Severity::Failure, settings, setting, text).in_file(file);
    let mut findings = Vec::new();
    let url = &settings.server.public_url;
    if let Some(leaf) = chain.first() {
        if !is_valid_for(leaf, url) {
            let text = format!("the certificate is not valid for the host of {url}: callers of this URL refuse it");
            let remedy = "get a certificate for this host, or set server.public_url to a host of the certificate";
            findings.push(failure("server.public_url", text).remedy(remedy));
        }
        if may_be_server(leaf) == Ok(false) {
            let text = "the certificate's extended key usage lacks serverAuth: callers refuse it".to_owned();
            findings.push(failure("server.certificate", text).remedy("get a server certificate"));
        }
    }
    let profiles: Vec<_> = chain.iter().filter_map(|certificate| Profile::from_der(certificate).ok()).collect();
    for (number, pair) in (1..).zip(profiles.windows(2)) {
        if let [issued, issuer] = pair
            && issued.issuer != issuer.subject
        {
            let text = format!("certificate {} is not that of the issuer of certificate {number}", number + 1);
            let remedy = "write the server certificate first, then each certificate's issuer behind it";
            findings.push(failure("server.certificate", text).remedy(remedy));
        }
    }
    findings
}

fn of_validity(
    settings: &Settings,
    setting: &str,
    certificates: &[CertificateDer<'static>],
    now: Timestamp,
) -> Vec<Finding> {
    let facts = certificates.iter().filter_map(|certificate| Facts::from_der(certificate).ok());
    facts
        .filter_map(|facts| validity(settings, setting, &facts.subject, facts.not_before, facts.not_after, now))
        .collect()
}

fn of_authorities(settings: &Settings, active_config: &ActiveConfig, now: Timestamp) -> Vec<Finding> {
    let authorities = active_config.client_verifier.trust().authorities(now);
    let find = |profile: &Profile| {
        let subject = profile.subject_text();
        validity(settings, "trust.client_ca", &subject, profile.not_before, profile.not_after, now)
    };
    authorities.filter_map(|authority| find(authority.profile)).collect()
}

fn validity(
    settings: &Settings,
    setting: &str,
    subject: &str,
    not_before: Timestamp,
    not_after: Timestamp,
    now: Timestamp,
) -> Option<Finding> {
    let finding = |severity, text| Finding::new(severity, settings, setting, text);
    if now > not_after {
        let text = format!("the certificate of {subject} expired at {not_after}");
        return Some(finding(Severity::Failure, text).remedy("install a renewed certificate"));
    }
    if now < not_before {
        let text = format!("the certificate of {subject} is not valid before {not_before}");
        return Some(finding(Severity::Failure, text).remedy("correct the clock, or wait"));
    }
    let is_due = not_after.since(now) < RENEWAL;
    let text = format!("the certificate of {subject} expires at {not_after}");
    is_due.then(|| finding(Severity::Warning, text).remedy("renew it"))
}

fn of_lists(settings: &Settings, active_config: &ActiveConfig, now: Timestamp) -> Vec<Finding> {
    let verifier = &active_config.client_verifier;
    let finding = |severity, text: String| Finding::new(severity, settings, "trust.revocation", text);
    match settings.tls.revocation {
        RevocationFiles::None => {
            let text = "revocation is not checked: revoked certificates are accepted".to_owned();
            vec![finding(Severity::Warning, text).remedy("name files or folders with one CRL for each CA")]
        }
        RevocationFiles::Lists(_) => {
            let closed = verifier.trust().closed_issuers(now).map(|(issuer, why)| {
                let text = format!("clients of {} are refused: {why}", issuer.subject_text());
                finding(Severity::Failure, text).remedy("install the current revocation list of this issuer")
            });
            let unused = verifier.unused_lists().iter().map(|file| {
                let text = "the revocation list has no effect: no authority of trust.client_ca issued it".to_owned();
                let remedy = "add its authority to trust.client_ca, or remove the list";
                finding(Severity::Warning, text).in_file(file).remedy(remedy)
            });
            closed.chain(unused).collect()
        }
    }
}

/// Which failures are logged when: each when it begins, and once a day while it lasts.
#[derive(Debug, Default)]
pub(super) struct StandingLog {
    day: Option<i64>,
    known: Vec<Finding>,
}

impl StandingLog {
    /// The findings to log at `now`, of those that hold then.
    pub fn take_due(&mut self, now: Timestamp, findings: Vec<Finding>) -> Vec<Finding> {
        let day = now.as_millis().div_euclid(86_400_000);
        let is_new_day = self.day.replace(day) != Some(day);
        let failures: Vec<_> = findings.into_iter().filter(|finding| finding.severity == Severity::Failure).collect();
        let due = failures.iter().filter(|finding| is_new_day || !self.known.contains(finding)).cloned().collect();
        self.known = failures;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::finding::Cause;
    use crate::config::Origin;

    fn finding(severity: Severity, text: &str) -> Finding {
        let (origin, setting) = (Origin::Default, "server.certificate".to_owned());
        let (cause, text, remedy) = (Cause::Configuration, text.to_owned(), String::new());
        Finding { severity, cause, origin, setting, file: None, text, remedy }
    }

    #[test]
    fn a_failure_is_logged_when_it_begins_and_then_once_a_day() {
        let at = |text: &str| Timestamp::parse(text).expect("a timestamp");
        let (old, new) = (finding(Severity::Failure, "old"), finding(Severity::Failure, "new"));
        let warning = finding(Severity::Warning, "soon");
        let mut log = StandingLog::default();
        let mut due = |now: &str, findings: &[&Finding]| {
            log.take_due(at(now), findings.iter().map(|finding| (*finding).clone()).collect())
        };
        assert_eq!(due("2026-01-15T09:30:00Z", &[&old, &warning]), std::slice::from_ref(&old));
        assert_eq!(due("2026-01-15T09:31:00Z", &[&old, &warning]), []);
        assert_eq!(due("2026-01-15T09:32:00Z", &[&old, &new]), std::slice::from_ref(&new));
        assert_eq!(due("2026-01-16T00:00:00Z", &[&old, &new]), [old.clone(), new.clone()]);
        assert_eq!(due("2026-01-16T00:01:00Z", &[&new]), []);
        assert_eq!(due("2026-01-16T00:02:00Z", &[&old, &new]), std::slice::from_ref(&old), "it begins again");
    }
}
