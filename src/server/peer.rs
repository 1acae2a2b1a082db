//! The client at the other end of a connection.

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;

use super::active_config::ActiveConfig;
use super::limits::request_rates::Taker;
use super::service::Service;
use super::tls::client_verifier::VerifiedClient;
use super::tls::trust::Admission;
use crate::peer_event;
use crate::peer_log::PeerLog;
use certificates::Facts;
use ehealth_core::lookup::Caller;

/// Client of one connection, read once from its certificate. Whether it is still admitted, and
/// whose limits it takes, is checked for every request.
#[derive(Debug)]
pub(super) struct Peer {
    pub caller: Caller,
    facts: Arc<Facts>,
    chain: Vec<CertificateDer<'static>>,
    checked: Mutex<Checked>,
}

/// What was decided about the client, and the configuration under which it was decided.
#[derive(Debug)]
struct Checked {
    config: Arc<ActiveConfig>,
    /// `None`: it is no longer admitted.
    admission: Option<Admission>,
    taker: Taker,
}

/// The client as one request sees it.
#[derive(Debug)]
pub(super) struct CheckedPeer {
    /// Whether its certificate is valid now, under the active configuration.
    pub is_admitted: bool,
    /// Whose limits the request takes. A client that is not admitted takes nothing of its
    /// organisation's.
    pub taker: Taker,
}

impl Peer {
    /// Holder of a certificate that the TLS handshake accepted; `None` if it is no longer admitted.
    pub fn new(chain: Vec<CertificateDer<'static>>, config: Arc<ActiveConfig>, service: &Service) -> Option<Self> {
        let (leaf, sent) = chain.split_first()?;
        let verified = config.client_verifier.admit(leaf, sent).ok()?;
        let caller = verified.caller();
        let VerifiedClient { admission, facts, .. } = verified;
        if let Err(error) = facts.organisation {
            peer_event!(service.peer_log, WARN, "the certificate identifies no organisation", error.code(), facts.fingerprint;
                fingerprint = %facts.fingerprint, subject = facts.subject);
        }
        let taker = service.request_rates.taker(&caller, &config.register);
        let checked = Mutex::new(Checked { config, admission: Some(admission), taker });
        Some(Self { caller, facts, chain, checked })
    }

    /// Subject of the certificate, with SSINs masked.
    pub fn subject(&self) -> &str {
        &self.facts.subject
    }

    /// The certificates that it sent besides its own.
    pub fn intermediates(&self) -> &[CertificateDer<'static>] {
        self.chain.get(1..).unwrap_or_default()
    }

    /// The client now, under the active configuration. After a reload the certificate path is
    /// verified again, and the pins are checked again.
    pub fn check(&self, active_config: &Arc<ActiveConfig>, service: &Service) -> CheckedPeer {
        let Service { request_rates, peer_log, clock, .. } = service;
        let mut checked = self.checked.lock();
        if !Arc::ptr_eq(&checked.config, active_config) {
            let admission = self.verify_again(active_config, peer_log);
            let taker = request_rates.taker(&self.caller, &active_config.register);
            *checked = Checked { config: Arc::clone(active_config), admission, taker };
        }
        let is_admitted = checked.admission.is_some_and(|admission| admission.holds(clock.now()));
        let taker = if is_admitted { checked.taker.clone() } else { request_rates.not_admitted() };
        CheckedPeer { is_admitted, taker }
    }

    fn verify_again(&self, active_config: &ActiveConfig, log: &PeerLog) -> Option<Admission> {
        let (leaf, sent) = self.chain.split_first()?;
        match active_config.client_verifier.admit(leaf, sent) {
            Ok(VerifiedClient { admission, .. }) => Some(admission),
            Err(refused) => {
                peer_event!(log, INFO, "certificate refused on an open connection", refused.code(),
                    self.facts.fingerprint;
                    %refused, subject = self.facts.subject, fingerprint = %self.facts.fingerprint);
                None
            }
        }
    }
}
