//! Mutual TLS: what the service shows, and whom it lets in, read from the operator's files.
//!
//! TLS 1.2 and 1.3 with AEAD and ephemeral key agreement alone, HTTP/1.1 by ALPN, a client certificate from one of the
//! configured authorities required. Sessions are not resumed: a resumed session would skip the look at the
//! certificate. Whether a certificate is let in is [`super::trust`]'s affair, which organisation it names
//! [`crate::certificates`]'s.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};

use super::gate::ClientVerifier;
use super::trust::{AuthorityError, Revocation, Trust};
use ehealth_core::model::Clock;

/// The files that make up the service's side of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The service's certificate, followed by those of its issuers (PEM).
    pub certificate: PathBuf,
    /// The certificate's private key (PEM: PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
    /// The authorities whose clients are let in, roots and intermediates: files, or folders of files, PEM or DER.
    pub client_ca: Vec<PathBuf>,
    /// What is done about revoked certificates.
    pub revocation: RevocationFiles,
}

/// The files of the operators' side of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorFiles {
    /// What operators are shown, followed by its issuers (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
    /// The authorities whose certificates make an operator (PEM).
    pub client_ca: PathBuf,
}

impl OperatorFiles {
    /// Every file that is read: to be watched for changes.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.certificate, &self.key, &self.client_ca].into_iter()
    }
}

/// Where revocation lists are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationFiles {
    /// Nowhere: revoked certificates are let in.
    None,
    /// Files, or folders of files, PEM or DER.
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

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file or folder cannot be read.
    #[error("{}: {reason}", .file.display())]
    Unreadable {
        /// Which one.
        file: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A file is neither PEM nor DER of what it should be.
    #[error("{}: {reason}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What was found instead.
        reason: pem::Error,
    },
    /// A file holds no certificate.
    #[error("{}: holds no certificate (a PEM block `CERTIFICATE` was looked for)", .0.display())]
    NoCertificate(PathBuf),
    /// An authority's certificate cannot be used.
    #[error("the client authorities cannot be used: {0}")]
    Authority(#[from] AuthorityError),
    /// The certificate and the key do not go together, or one of them cannot be used.
    #[error("the service's certificate and key cannot be used: {0}")]
    Identity(#[from] rustls::Error),
    /// The authorities of operators cannot be used.
    #[error("the operators' authorities cannot be used: {0}")]
    Operators(#[from] VerifierBuilderError),
}

/// The cryptography that every TLS end of this program uses.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The clock that is handed in, as TLS asks for it.
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

/// The time by which TLS judges certificates.
#[must_use]
pub fn time_of(clock: Arc<dyn Clock>) -> Arc<dyn TimeProvider> {
    Arc::new(ClockTime(clock))
}

/// Reads the files and makes the service's side of TLS, which judges certificates by the time of `clock`.
///
/// # Errors
/// Every [`TlsError`] there is: each file is looked at.
pub fn load(
    files: &TlsFiles,
    clock: &Arc<dyn Clock>,
) -> Result<(Arc<ServerConfig>, Arc<ClientVerifier>), Vec<TlsError>> {
    let mut errors = Vec::new();
    let gate = load_gate(files, clock, &mut errors);
    let mut keep = |error| errors.push(error);
    let certificates = load_certificates(&files.certificate).map_err(&mut keep).ok();
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|reason| keep(TlsError::File { file: files.key.clone(), reason }))
        .ok();
    let (Some(gate), Some(certificates), Some(key)) = (gate, certificates, key) else { return Err(errors) };
    match configure(&gate, clock, certificates, key) {
        Ok(config) if errors.is_empty() => Ok((Arc::new(config), gate)),
        Ok(_) => Err(errors),
        Err(error) => {
            errors.push(error.into());
            Err(errors)
        }
    }
}

fn configure(
    gate: &Arc<ClientVerifier>,
    clock: &Arc<dyn Clock>,
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    configure_for(Arc::clone(gate) as _, clock, certificates, key)
}

fn configure_for(
    verifier: Arc<dyn ClientCertVerifier>,
    clock: &Arc<dyn Clock>,
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_details(provider(), time_of(Arc::clone(clock)))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// The side of TLS by which operators are answered, and the certificates that it rests on.
#[derive(Debug, Clone)]
pub struct OperatorSide {
    /// What a handshake is made with.
    pub config: Arc<ServerConfig>,
    /// What operators are shown: the certificate, then its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// The authorities whose certificates make an operator.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// Reads the files and makes the side of TLS by which operators are answered. Their certificates are few and their
/// authority the institution's own: it is asked for no revocation lists.
///
/// # Errors
/// The first [`TlsError`].
pub fn load_for_operators(files: &OperatorFiles, clock: &Arc<dyn Clock>) -> Result<OperatorSide, TlsError> {
    let authorities = load_certificates(&files.client_ca)?;
    let roots = Arc::new(anchor(authorities.clone())?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build()?;
    let chain = load_certificates(&files.certificate)?;
    let wrong = |reason| TlsError::File { file: files.key.clone(), reason };
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(wrong)?;
    let config = Arc::new(configure_for(verifier, clock, chain.clone(), key)?);
    Ok(OperatorSide { config, chain, authorities })
}

fn load_gate(files: &TlsFiles, clock: &Arc<dyn Clock>, errors: &mut Vec<TlsError>) -> Option<Arc<ClientVerifier>> {
    let before = errors.len();
    let authorities = read_all(&files.client_ca, errors, CertificateDer::from);
    let revocation = match &files.revocation {
        RevocationFiles::None => Revocation::None,
        RevocationFiles::Lists(lists) => Revocation::Lists(read_all(lists, errors, CertificateRevocationListDer::from)),
    };
    if errors.len() > before {
        return None;
    }
    let algorithms = provider().signature_verification_algorithms;
    match Trust::new(authorities, &revocation, algorithms) {
        Ok(trust) => Some(Arc::new(ClientVerifier::new(trust, Arc::clone(clock), algorithms))),
        Err(error) => {
            errors.push(error.into());
            None
        }
    }
}

/// Everything of one kind in these files and folders.
fn read_all<T: PemObject>(paths: &[PathBuf], errors: &mut Vec<TlsError>, from_der: fn(Vec<u8>) -> T) -> Vec<T> {
    let mut found = Vec::new();
    for path in paths {
        let files = match files_of(path) {
            Ok(files) => files,
            Err(reason) => {
                errors.push(TlsError::Unreadable { file: path.clone(), reason });
                continue;
            }
        };
        for file in files {
            match fs::read(&file) {
                Ok(bytes) if is_pem(&bytes) => match T::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>() {
                    Ok(items) if items.is_empty() => {
                        errors.push(TlsError::File { file, reason: pem::Error::NoItemsFound });
                    }
                    Ok(items) => found.extend(items),
                    Err(reason) => errors.push(TlsError::File { file, reason }),
                },
                Ok(bytes) => found.push(from_der(bytes)),
                Err(reason) => errors.push(TlsError::Unreadable { file, reason }),
            }
        }
    }
    found
}

/// The file itself, or the files of the folder, in the order of their names; hidden ones are not meant.
///
/// # Errors
/// What the system says if it cannot be looked at.
pub fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && fs::metadata(entry.path())?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|window| window == b"-----BEGIN ")
}

/// The authorities of a PEM file, as trust anchors: for clients of this service.
///
/// # Errors
/// [`TlsError`] if the file cannot be read, is empty of certificates, or one of them cannot be an anchor.
pub fn load_authorities(file: &Path) -> Result<RootCertStore, TlsError> {
    Ok(anchor(load_certificates(file)?)?)
}

fn anchor(authorities: Vec<CertificateDer<'static>>) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority)?;
    }
    Ok(roots)
}

/// Every certificate of a PEM file, in its order; at least one.
///
/// # Errors
/// [`TlsError`] if the file cannot be read, or has none.
pub fn load_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |reason| TlsError::File { file: file.to_owned(), reason };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(wrong)?.collect();
    match certificates.map_err(wrong)? {
        none if none.is_empty() => Err(TlsError::NoCertificate(file.to_owned())),
        certificates => Ok(certificates),
    }
}
