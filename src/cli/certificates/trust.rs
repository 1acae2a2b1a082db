//! Whether the service would accept a certificate: by its client verifier and its policy.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::InspectArguments;
use super::failure::Failure;
use crate::app::SystemClock;
use crate::cli::exit::Exit;
use crate::cli::settings_file::SettingsFile;
use crate::config::read_policy;
use crate::server::tls::trust::{ClosedIssuer, RefusedCertificate};
use crate::server::tls::{ClientVerifier, RevocationFiles, load_verifier};
use certificates::RevocationList;
use ehealth_core::model::{Clock, Digest, Timestamp};
use ehealth_core::policy::Register;

/// The verdict on one certificate.
pub(super) struct Verdict {
    /// File or folder that decided.
    pub by: String,
    pub admission: Result<Admitted, RefusedCertificate>,
    /// The consumer of the policy, or why the policy has none; `None` without a policy, or if it is not
    /// admitted.
    pub consumer: Option<Result<Recognised, String>>,
}

/// An admitted certificate.
pub(super) struct Admitted {
    /// First moment at which it is no longer admitted.
    pub until: Timestamp,
    pub issuer_key: Digest,
    /// Revocation list of its issuer; `None`: revocation is not checked.
    pub list: Option<ListState>,
}

/// Revocation list of an issuer.
pub(super) enum ListState {
    Current { this_update: Timestamp, next_update: Timestamp, revoked: usize },
    Closed(ClosedIssuer),
}

/// A consumer of the policy.
pub(super) struct Recognised {
    pub id: String,
    pub name: String,
}

impl Verdict {
    /// Decides as the service does; `None` without `--ca` and `--config`.
    ///
    /// # Errors
    /// If the authorities, the settings or the policy have errors.
    pub fn of(arguments: &InspectArguments, chain: &[CertificateDer<'static>]) -> Result<Option<Self>, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        if let Some(ca) = &arguments.ca {
            let verifier = open(std::slice::from_ref(ca), &RevocationFiles::None, &clock)?;
            return Ok(Some(decide(ca.display().to_string(), &verifier, chain, None)));
        }
        let Some(config) = &arguments.config else { return Ok(None) };
        let file = SettingsFile { config: config.clone(), set: arguments.set.clone() };
        let wrong = |problems: &dyn std::fmt::Display| (Exit::Configuration, problems.to_string());
        let settings = file.read().map_err(|problems| wrong(&problems))?;
        let policy = read_policy(&settings.policy).map_err(|problems| wrong(&problems))?;
        let register = policy.register.with_environment(settings.environment);
        let verifier = open(&settings.tls.client_ca, &settings.tls.revocation, &clock)?;
        Ok(Some(decide(config.display().to_string(), &verifier, chain, Some(&register))))
    }

    /// Whether the service would answer a request with this certificate.
    pub fn is_accepted(&self) -> bool {
        self.admission.is_ok() && self.consumer.as_ref().is_none_or(Result::is_ok)
    }
}

fn open(ca: &[PathBuf], revocation: &RevocationFiles, clock: &Arc<dyn Clock>) -> Result<Arc<ClientVerifier>, Failure> {
    load_verifier(ca, revocation, clock).map_err(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        (Exit::Configuration, errors.join("\n"))
    })
}

fn decide(
    by: String,
    verifier: &ClientVerifier,
    chain: &[CertificateDer<'static>],
    register: Option<&Register>,
) -> Verdict {
    let Some((leaf, sent)) = chain.split_first() else {
        return Verdict { by, admission: Err(RefusedCertificate::Malformed), consumer: None };
    };
    let verified = match verifier.admit(leaf, sent) {
        Ok(verified) => verified,
        Err(refused) => return Verdict { by, admission: Err(refused), consumer: None },
    };
    let consumer = register.map(|register| match register.recognise(verified.caller().certified) {
        Ok(consumer) => Ok(Recognised { id: consumer.id().to_string(), name: consumer.name.clone() }),
        Err(error) => Err(error.to_string()),
    });
    let issuer_key = verified.issuer_key;
    let list = find_list(verifier, issuer_key);
    Verdict { by, admission: Ok(Admitted { until: verified.admission.end(), issuer_key, list }), consumer }
}

/// The revocation list of the issuer with this key. An issuer that the client sent is not among the
/// configured authorities; it is admitted only if revocation is not checked.
fn find_list(verifier: &ClientVerifier, issuer_key: Digest) -> Option<ListState> {
    let current = |list: &RevocationList| ListState::Current {
        this_update: list.this_update(),
        next_update: list.next_update(),
        revoked: list.revoked_count(),
    };
    let mut authorities = verifier.trust().authorities(SystemClock.now());
    let issuer = authorities.find(|authority| authority.profile.key == issuer_key)?;
    issuer.list.map(|list| list.map_or_else(ListState::Closed, current))
}
