//! Certificates of the database: its authority, the servers', and one for each role.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ehealth_attributes::server::tls;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ServerConfig};

/// A certificate and its private key, both PEM files.
#[derive(Debug, Clone)]
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// The authority of the database, and what it has signed.
pub struct DatabaseTls {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl DatabaseTls {
    /// Makes an authority, and the certificate of the servers, in this folder.
    pub fn new(folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).expect("a folder");
        let mut params = CertificateParams::default();
        params.distinguished_name = name("database CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        fs::write(folder.join("ca.pem"), issuer.pem()).expect("written");
        let this = Self { folder, issuer };
        let hosts = ["localhost", "127.0.0.1"].map(str::to_owned);
        let server = CertificateParams::new(hosts).expect("names");
        this.sign("server", server, ExtendedKeyUsagePurpose::ServerAuth);
        this
    }

    /// Certificate of the authority.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Identity of the servers: `localhost` and `127.0.0.1`.
    pub fn server(&self) -> Identity {
        self.files("server")
    }

    /// Identity of a role: its name is the certificate's common name. Made at the first call.
    pub fn client(&self, role: &str) -> Identity {
        let files = self.files(role);
        if !files.certificate.exists() {
            self.sign(role, CertificateParams::default(), ExtendedKeyUsagePurpose::ClientAuth);
        }
        files
    }

    fn files(&self, name: &str) -> Identity {
        let file = |end: &str| self.folder.join(format!("{name}.{end}"));
        Identity { certificate: file("pem"), key: file("key") }
    }

    fn sign(&self, common_name: &str, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) {
        params.distinguished_name = name(common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &self.issuer).expect("a certificate");
        let files = self.files(common_name);
        // The certificate is last: with it, the identity is complete.
        write_secret(&files.key, &key.serialize_pem());
        fs::write(&files.certificate, signed.pem()).expect("written");
    }

    /// TLS of a role that connects to a server.
    pub fn client_config(&self, role: &str) -> Arc<ClientConfig> {
        let (chain, key) = read(&self.client(role));
        let config = ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(tls::load_authorities(&self.authority()).expect("an authority"))
            .with_client_auth_cert(chain, key);
        Arc::new(config.expect("an identity"))
    }

    /// TLS of a server that asks for no certificate: what a proxy presents in place of a server.
    pub fn proxy_config(&self) -> Arc<ServerConfig> {
        let (chain, key) = read(&self.server());
        let config = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key);
        Arc::new(config.expect("an identity"))
    }
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn read(files: &Identity) -> (Vec<rustls::pki_types::CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = tls::read_certificates(&files.certificate).expect("a certificate");
    (chain, PrivateKeyDer::from_pem_file(&files.key).expect("a key"))
}

/// Writes a key that only its owner can read: PostgreSQL and libpq refuse any other.
fn write_secret(path: &Path, text: &str) {
    fs::write(path, "").expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
    fs::write(path, text).expect("written");
}
