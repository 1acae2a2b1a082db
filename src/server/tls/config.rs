//! TLS configurations, made from the operator's files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};

use super::client_verifier::ClientVerifier;
use super::trust::{AuthorityError, Revocation, Trust};
use ehealth_core::model::Clock;
use tls_files::{
    ClientTlsError, FileError, describe_error, provider, read_all_certificates, read_all_revocation_lists,
    read_certificates, read_private_key, root_store,
};

/// Files of the service's TLS configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The service's certificate, followed by those of its issuers (PEM).
    pub certificate: PathBuf,
    /// The certificate's private key (PEM: PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
    /// Authorities whose clients are admitted, roots and intermediates: files or folders, PEM or
    /// DER.
    pub client_ca: Vec<PathBuf>,
    /// Source of revocation lists.
    pub revocation: RevocationFiles,
}

/// Files of the operators' TLS configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorFiles {
    /// The certificate of the operators' listener, followed by its issuers (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
    /// Authorities whose clients are operators (PEM).
    pub client_ca: PathBuf,
}

impl OperatorFiles {
    /// Every file that is read: to be watched for changes.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.certificate, &self.key, &self.client_ca].into_iter()
    }
}

/// Source of revocation lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationFiles {
    /// None: revoked certificates are admitted.
    None,
    /// Files or folders, PEM or DER.
    Lists(Vec<PathBuf>),
}

impl TlsFiles {
    /// Every file and folder that is read: to be watched for changes.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let lists = match &self.revocation {
            RevocationFiles::None => &[][..],
            RevocationFiles::Lists(lists) => lists.as_slice(),
        };
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca).chain(lists)
    }
}

/// Why TLS cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A certificate in this file cannot be a client authority.
    #[error("`{}`: {reason}", .file.display())]
    Authority {
        /// The file, in one of the paths of `trust.client_ca`.
        file: PathBuf,
        /// What is wrong with it.
        reason: AuthorityError,
    },
    /// The client authorities together cannot be used.
    #[error("trust.client_ca: {0}")]
    Authorities(AuthorityError),
    /// The certificate and the key do not match, or one of them cannot be used.
    #[error("cannot use the certificate and its private key: {}", describe_error(.0))]
    Identity(#[from] rustls::Error),
    /// A certificate of the operators' authorities cannot be a trust anchor.
    #[error("`{}`: {reason}", .file.display())]
    Anchor {
        /// File of the authorities.
        file: PathBuf,
        /// Which certificate, and why.
        reason: ClientTlsError,
    },
    /// The operators' authorities cannot be used.
    #[error("cannot use the operators' authorities: {0}")]
    Operators(#[from] VerifierBuilderError),
}

/// A clock as the TLS library wants it.
struct ClockTime(Arc<dyn Clock>);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = self.0.now().as_millis() / 1_000;
        u64::try_from(seconds).ok().map(|seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl std::fmt::Debug for ClockTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClockTime")
    }
}

/// Time provider with which TLS validates certificates.
#[must_use]
pub fn time_of(clock: Arc<dyn Clock>) -> Arc<dyn TimeProvider> {
    Arc::new(ClockTime(clock))
}

/// Reads the files and makes the service's TLS configuration, which validates certificates by
/// `clock`.
///
/// # Errors
/// Every [`TlsError`] of every file: all of them are read.
pub fn load(
    files: &TlsFiles,
    clock: &Arc<dyn Clock>,
) -> Result<(Arc<ServerConfig>, Arc<ClientVerifier>), Vec<TlsError>> {
    load_with_verifier(files, clock, |own| own)
}

/// As [`load`], but the TLS configuration has the verifier that `replace` makes of the service's own:
/// of a simulation.
///
/// # Errors
/// As [`load`].
pub fn load_with_verifier(
    files: &TlsFiles,
    clock: &Arc<dyn Clock>,
    replace: impl FnOnce(Arc<dyn ClientCertVerifier>) -> Arc<dyn ClientCertVerifier>,
) -> Result<(Arc<ServerConfig>, Arc<ClientVerifier>), Vec<TlsError>> {
    let mut errors = Vec::new();
    let client_verifier = load_client_verifier((&files.client_ca, &files.revocation), clock, &mut errors);
    let mut keep = |error: FileError| errors.push(error.into());
    let certificates = read_certificates(&files.certificate).map_err(&mut keep).ok();
    let key = read_private_key(&files.key).map_err(&mut keep).ok();
    let (Some(client_verifier), Some(certificates), Some(key)) = (client_verifier, certificates, key) else {
        return Err(errors);
    };
    match configure(replace(Arc::clone(&client_verifier) as _), clock, certificates, key) {
        Ok(config) if errors.is_empty() => Ok((Arc::new(config), client_verifier)),
        Ok(_) => Err(errors),
        Err(error) => {
            errors.push(error.into());
            Err(errors)
        }
    }
}

fn configure(
    verifier: Arc<dyn ClientCertVerifier>,
    clock: &Arc<dyn Clock>,
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_details(provider(), time_of(Arc::clone(clock)))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates, key)?;
    // The IDs of both versions that are answered (IANA, RFC 7301): curl --http1.0 offers its own alone.
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// TLS of the operators' listener, and the certificates that it uses.
#[derive(Debug, Clone)]
pub struct OperatorSide {
    /// TLS configuration.
    pub config: Arc<ServerConfig>,
    /// The listener's certificate, followed by its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// Authorities whose clients are operators.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// Reads the files and makes the operators' TLS configuration. Operators' certificates are few, and
/// their authority is the institution's own: no revocation lists are required.
///
/// # Errors
/// Every [`TlsError`] of every file: all of them are read.
pub fn load_for_operators(files: &OperatorFiles, clock: &Arc<dyn Clock>) -> Result<OperatorSide, Vec<TlsError>> {
    let mut errors = Vec::new();
    let authorities = read_certificates(&files.client_ca).map_err(TlsError::from);
    let anchored = authorities.and_then(|authorities| {
        let roots = Arc::new(anchor(&files.client_ca, authorities.clone())?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build()?;
        Ok((authorities, verifier))
    });
    let anchored = anchored.map_err(|error| errors.push(error)).ok();
    let chain = read_certificates(&files.certificate).map_err(|error| errors.push(error.into())).ok();
    let key = read_private_key(&files.key).map_err(|error| errors.push(error.into())).ok();
    let (Some((authorities, verifier)), Some(chain), Some(key)) = (anchored, chain, key) else { return Err(errors) };
    let config = configure(verifier, clock, chain.clone(), key).map_err(|error| vec![error.into()])?;
    Ok(OperatorSide { config: Arc::new(config), chain, authorities })
}

/// Reads authorities and revocation lists, and makes the client verifier of the service.
///
/// # Errors
/// Every [`TlsError`] of every file: all of them are read.
pub fn load_verifier(
    client_ca: &[PathBuf],
    revocation: &RevocationFiles,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<ClientVerifier>, Vec<TlsError>> {
    let mut errors = Vec::new();
    load_client_verifier((client_ca, revocation), clock, &mut errors).ok_or(errors)
}

fn load_client_verifier(
    (client_ca, revocation): (&[PathBuf], &RevocationFiles),
    clock: &Arc<dyn Clock>,
    errors: &mut Vec<TlsError>,
) -> Option<Arc<ClientVerifier>> {
    let mut file_errors = Vec::new();
    let authorities = read_all_certificates(client_ca, &mut file_errors);
    let (revocation, lists) = match revocation {
        RevocationFiles::None => (Revocation::None, Vec::new()),
        RevocationFiles::Lists(lists) => {
            let read = read_all_revocation_lists(lists, &mut file_errors);
            (Revocation::Lists(read.iter().map(|(_, list)| list.clone()).collect()), read)
        }
    };
    if !file_errors.is_empty() {
        errors.extend(file_errors.into_iter().map(TlsError::from));
        return None;
    }
    let algorithms = provider().signature_verification_algorithms;
    let certificates = authorities.iter().map(|(_, certificate)| certificate.clone()).collect();
    match Trust::new(certificates, &revocation, algorithms) {
        Ok(trust) => {
            let unused =
                lists.into_iter().filter(|(_, list)| !trust.is_issuer_of(list)).map(|(file, _)| file).collect();
            let verifier = ClientVerifier::new(trust, Arc::clone(clock), algorithms);
            Some(Arc::new(verifier.with_unused_lists(unused)))
        }
        Err(reason) => {
            errors.push(locate(reason, authorities));
            None
        }
    }
}

/// Adds the file whose certificate cannot be an authority.
fn locate(reason: AuthorityError, authorities: Vec<(PathBuf, CertificateDer<'static>)>) -> TlsError {
    match reason {
        AuthorityError::Malformed | AuthorityError::MayNotSign => {
            let found = authorities.into_iter().find(|(_, certificate)| Trust::check(certificate) == Err(reason));
            found.map_or(TlsError::Authorities(reason), |(file, _)| TlsError::Authority { file, reason })
        }
        AuthorityError::NoRoot => TlsError::Authorities(reason),
    }
}

/// Authorities of a PEM file as trust anchors, for clients of this service.
///
/// # Errors
/// [`TlsError`] if the file cannot be read, holds no certificate, or one of them cannot be an
/// anchor.
pub fn load_authorities(file: &Path) -> Result<RootCertStore, TlsError> {
    anchor(file, read_certificates(file)?)
}

fn anchor(file: &Path, authorities: Vec<CertificateDer<'static>>) -> Result<RootCertStore, TlsError> {
    root_store(authorities).map_err(|reason| TlsError::Anchor { file: file.to_owned(), reason })
}
