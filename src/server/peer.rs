//! The client at the other end of a connection.

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;

use super::active_config::ActiveConfig;
use super::tls::client_verifier::VerifiedClient;
use super::tls::trust::Admission;
use crate::certificates::Facts;
use crate::peer_event;
use crate::peer_log::PeerLog;
use ehealth_core::lookup::Caller;
use ehealth_core::model::Timestamp;
use ehealth_core::policy::Certified;

/// Client of one connection, read once from its certificate. Whether it is still admitted is
/// checked for every request.
#[derive(Debug)]
pub(super) struct Peer {
    pub caller: Caller,
    facts: Arc<Facts>,
    chain: Vec<CertificateDer<'static>>,
    admission: Mutex<CheckedAdmission>,
}

/// An admission, and the configuration under which it was decided.
#[derive(Debug)]
struct CheckedAdmission {
    config: Arc<ActiveConfig>,
    admission: Admission,
}

impl Peer {
    /// Holder of a certificate that the TLS handshake accepted; `None` if it is no longer admitted.
    pub fn new(chain: Vec<CertificateDer<'static>>, config: Arc<ActiveConfig>, log: &PeerLog) -> Option<Self> {
        let (leaf, sent) = chain.split_first()?;
        let VerifiedClient { admission, facts } = config.client_verifier.admit(leaf, sent).ok()?;
        let certify = |organisation| Certified { organisation, key: facts.key, issuer: facts.issuer };
        let caller = Caller { certified: facts.organisation.ok().map(certify), fingerprint: facts.fingerprint };
        if let Err(error) = facts.organisation {
            peer_event!(log, WARN, "the certificate identifies no organisation", error.code(), facts.fingerprint;
                fingerprint = %facts.fingerprint, subject = facts.subject);
        }
        Some(Self { caller, facts, admission: Mutex::new(CheckedAdmission { config, admission }), chain })
    }

    /// Subject of the certificate, with SSINs masked.
    pub fn subject(&self) -> &str {
        &self.facts.subject
    }

    /// Whether the client is admitted at `now` under the active configuration. After a reload the
    /// certificate path is verified again.
    pub fn is_admitted(&self, active_config: &Arc<ActiveConfig>, now: Timestamp, log: &PeerLog) -> bool {
        let mut checked = self.admission.lock();
        if !Arc::ptr_eq(&checked.config, active_config) {
            let verified = self.chain.split_first().map(|(leaf, sent)| active_config.client_verifier.admit(leaf, sent));
            match verified {
                Some(Ok(VerifiedClient { admission, .. })) => {
                    *checked = CheckedAdmission { config: Arc::clone(active_config), admission };
                }
                Some(Err(refused)) => {
                    peer_event!(log, INFO, "certificate refused on an open connection", refused.code(),
                        self.facts.fingerprint;
                        %refused, subject = self.facts.subject, fingerprint = %self.facts.fingerprint);
                    return false;
                }
                None => return false,
            }
        }
        checked.admission.holds(now)
    }
}
