//! TLS configurations of handshakes that fail on demand.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};

use crate::config::Settings;
use crate::server::Handshake;
use crate::server::tls::{self, TlsError, TlsFiles};
use ehealth_core::model::Clock;
use testkit::{ClientProblem, HandshakeFailure, ServerProblem, Workspace};

/// A TLS configuration for each failure.
pub(super) struct FailingHandshakes {
    servers: Vec<(ServerProblem, Arc<ServerConfig>)>,
    refusals: Vec<(ClientProblem, Arc<ServerConfig>)>,
}

impl FailingHandshakes {
    /// Reads the certificates that the workspace has for them.
    ///
    /// # Errors
    /// Every [`TlsError`] of every file.
    pub fn load(workspace: &Workspace, settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Self, Vec<TlsError>> {
        let servers = ServerProblem::ALL.into_iter().map(|problem| {
            let (certificate, key) = workspace.faulty_server(problem);
            let (config, _) = tls::load(&TlsFiles { certificate, key, ..settings.tls.clone() }, clock)?;
            Ok::<_, Vec<TlsError>>((problem, config))
        });
        let refusals = ClientProblem::ALL.into_iter().map(|problem| {
            let (config, _) = tls::load_with_verifier(&settings.tls, clock, |own| Arc::new(Refusing { problem, own }))?;
            Ok::<_, Vec<TlsError>>((problem, config))
        });
        Ok(Self { servers: servers.collect::<Result<_, _>>()?, refusals: refusals.collect::<Result<_, _>>()? })
    }

    /// The handshake that fails so. Without a configuration for it the connection is closed.
    pub fn of(&self, failure: HandshakeFailure) -> Handshake {
        let config = match failure {
            HandshakeFailure::ServerCertificate(problem) => find(&self.servers, problem),
            HandshakeFailure::ClientRefused(problem) => find(&self.refusals, problem),
            HandshakeFailure::Closed => None,
        };
        config.map_or(Handshake::Close, Handshake::With)
    }
}

fn find<T: PartialEq>(configs: &[(T, Arc<ServerConfig>)], problem: T) -> Option<Arc<ServerConfig>> {
    configs.iter().find(|(of, _)| *of == problem).map(|(_, config)| Arc::clone(config))
}

/// Refuses every client certificate for one reason.
#[derive(Debug)]
struct Refusing {
    problem: ClientProblem,
    /// Verifies everything else of the handshake.
    own: Arc<dyn ClientCertVerifier>,
}

impl ClientCertVerifier for Refusing {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.own.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let error = match self.problem {
            ClientProblem::Expired => CertificateError::Expired,
            ClientProblem::Revoked => CertificateError::Revoked,
            ClientProblem::UnknownAuthority => CertificateError::UnknownIssuer,
            ClientProblem::Purpose => CertificateError::InvalidPurpose,
            ClientProblem::Malformed => CertificateError::BadEncoding,
        };
        Err(rustls::Error::InvalidCertificate(error))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.own.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.own.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.own.supported_verify_schemes()
    }
}
