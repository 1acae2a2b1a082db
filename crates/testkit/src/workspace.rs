//! A folder with everything that a demo service needs: authority, certificates, settings, policy,
//! feeds.
//!
//! Tests and benchmarks start their services from such a folder too. It is made once; a later start
//! in the same folder uses the files that are there, and makes expired certificates again.
//! Certificates are valid at two times: the service's, whose clock may be set to any time, and
//! this machine's, which callers use.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::authority::{Authority, AuthorityError, Identity, KeyKind, RefusedClient};
use crate::failure::ServerProblem;
use crate::feeds::{write_catalogue, write_scenario};
use crate::organisations::ORGANISATIONS;
use crate::policy::{Purpose, policy_text};
use crate::scenario::Scenario;
use crate::validity::Validity;
use ehealth_core::model::{EnterpriseNumber, Timestamp};

/// Why the folder cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// A file or folder cannot be written.
    #[error("{}: cannot write: {reason}", .path.display())]
    File {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the system.
        reason: io::Error,
    },
    /// A certificate cannot be made.
    #[error("cannot make a development certificate: {0}")]
    Certificate(#[from] AuthorityError),
}

/// The folder of a demonstration.
#[derive(Debug, Clone)]
pub struct Workspace {
    folder: PathBuf,
}

/// Kinds of keys that clients get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKeys {
    /// ECDSA on P-256.
    P256,
    /// RSA keys in addition, for SOAP stacks that read no other.
    P256AndRsa,
}

/// Whether certificates were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {
    /// Certificates were made.
    Made,
    /// The certificates of an earlier start are still valid.
    Reused,
}

impl Workspace {
    /// The workspace in this folder, which need not exist yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Settings file.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.folder.join("ehealth-attributes.toml")
    }

    /// Certificate of the authority: the trust anchor of clients.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Certificate and key of an organisation.
    #[must_use]
    pub fn client(&self, word: &str) -> (PathBuf, PathBuf) {
        self.identity(word, KeyKind::P256)
    }

    /// RSA certificate and key of an organisation, made by [`prepare_rsa`](Self::prepare_rsa).
    #[must_use]
    pub fn rsa_client(&self, word: &str) -> (PathBuf, PathBuf) {
        self.identity(word, KeyKind::Rsa)
    }

    /// Certificate and key of the server that a client must refuse, made for a simulation.
    #[must_use]
    pub fn faulty_server(&self, problem: ServerProblem) -> (PathBuf, PathBuf) {
        pair(&self.folder, &format!("server-{}", problem.code()))
    }

    /// Certificate and key of a client that the service refuses, made for a simulation.
    #[must_use]
    pub fn refused_client(&self, problem: RefusedClient) -> (PathBuf, PathBuf) {
        pair(&self.folder.join(REFUSED_CLIENTS), problem.code())
    }

    /// An example request, as a file for curl.
    #[must_use]
    pub fn question(&self) -> PathBuf {
        self.folder.join("question.xml")
    }

    /// Makes the files that are missing.
    ///
    /// # Errors
    /// [`WorkspaceError`] if a file cannot be written or a certificate cannot be made.
    pub fn prepare(&self, now: Timestamp, question: &str) -> Result<Prepared, WorkspaceError> {
        make_folder(&self.folder.join("clients"))?;
        let prepared = if self.certificates_are_valid(now) {
            Prepared::Reused
        } else {
            self.write_certificates(now, &[])?;
            Prepared::Made
        };
        let feeds = self.folder.join("feeds");
        write_catalogue(&feeds).map_err(|reason| WorkspaceError::File { path: feeds, reason })?;
        write_missing(&self.folder.join("policy.toml"), &policy_text(Purpose::Demonstration))?;
        write_missing(&self.settings(), SETTINGS)?;
        write_missing(&self.question(), question)?;
        Ok(prepared)
    }

    /// As [`prepare`](Self::prepare), with RSA client certificates in addition. The authority's key
    /// is not kept, so a folder without RSA certificates gets a new authority and new certificates
    /// for all.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_rsa(&self, now: Timestamp, question: &str) -> Result<Prepared, WorkspaceError> {
        make_folder(&self.rsa_clients())?;
        self.prepare(now, question)
    }

    /// Makes everything for a simulation in an empty folder: the scenario's people, no rate limits, and
    /// certificates for failures of the handshake. The server's certificate names `hosts` in addition
    /// to `localhost`.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_scenario(
        &self,
        scenario: &Scenario,
        keys: ClientKeys,
        hosts: &[String],
    ) -> Result<(), WorkspaceError> {
        make_folder(&self.folder.join("clients"))?;
        match keys {
            ClientKeys::P256 => {}
            ClientKeys::P256AndRsa => make_folder(&self.rsa_clients())?,
        }
        let authority = self.write_certificates(scenario.now, hosts)?;
        for problem in ServerProblem::ALL {
            write_identity(self.faulty_server(problem), &authority.faulty_server(hosts, problem)?)?;
        }
        make_folder(&self.folder.join(REFUSED_CLIENTS))?;
        for problem in RefusedClient::ALL {
            write_identity(self.refused_client(problem), &authority.refused_client(problem)?)?;
        }
        let feeds = self.folder.join("feeds");
        write_scenario(&feeds, scenario).map_err(|reason| WorkspaceError::File { path: feeds, reason })?;
        write(&self.folder.join("policy.toml"), &policy_text(Purpose::Simulation(scenario.signatures)))?;
        write(&self.settings(), &format!("{SETTINGS}{UNLIMITED_CALLERS}"))
    }

    /// Writes the address, the URL and the admin port that a service uses into the settings, so that
    /// `serve` and a client that read them find the same. Everything else in the file stays as it is.
    ///
    /// # Errors
    /// [`WorkspaceError`] if the file cannot be read or written.
    pub fn write_addresses(&self, listen: SocketAddr, url: &str, admin: Option<u16>) -> Result<(), WorkspaceError> {
        let file = self.settings();
        let text = fs::read_to_string(&file).map_err(|reason| WorkspaceError::File { path: file.clone(), reason })?;
        let changed = with_addresses(&text, listen, url, admin);
        if changed == text { Ok(()) } else { write(&file, &changed) }
    }

    fn rsa_clients(&self) -> PathBuf {
        self.folder.join("clients-rsa")
    }

    fn validity(&self) -> PathBuf {
        self.folder.join("validity")
    }

    fn server(&self) -> (PathBuf, PathBuf) {
        pair(&self.folder, "server")
    }

    fn identity(&self, word: &str, key: KeyKind) -> (PathBuf, PathBuf) {
        let folder = match key {
            KeyKind::P256 => self.folder.join("clients"),
            KeyKind::Rsa => self.rsa_clients(),
        };
        pair(&folder, word)
    }

    /// Kinds of keys that the clients of this folder have.
    fn key_kinds(&self) -> &'static [KeyKind] {
        if self.rsa_clients().is_dir() { &[KeyKind::P256, KeyKind::Rsa] } else { &[KeyKind::P256] }
    }

    fn certificates_are_valid(&self, now: Timestamp) -> bool {
        let exists = |(certificate, key): (PathBuf, PathBuf)| certificate.is_file() && key.is_file();
        let clients = ORGANISATIONS
            .iter()
            .all(|organisation| self.key_kinds().iter().all(|key| exists(self.identity(organisation.word, *key))));
        let covers = |made: Validity| made.covers(Validity::new(now));
        clients
            && exists(self.server())
            && self.authority().is_file()
            && Validity::read(&self.validity()).is_some_and(covers)
    }

    fn write_certificates(&self, now: Timestamp, hosts: &[String]) -> Result<Authority, WorkspaceError> {
        let validity = Validity::new(now);
        let authority = Authority::new(validity.first, validity.last)?;
        write(&self.authority(), &authority.certificate())?;
        write_identity(self.server(), &authority.server(hosts)?)?;
        for organisation in ORGANISATIONS {
            let Ok(number) = EnterpriseNumber::parse(organisation.number) else { continue };
            for kind in self.key_kinds() {
                let application = organisation.word.to_uppercase();
                let client = authority.client(number, &application, organisation.convention, *kind)?;
                write_identity(self.identity(organisation.word, *kind), &client)?;
            }
        }
        write(&self.validity(), &validity.text())?;
        Ok(authority)
    }
}

/// Settings of a demonstration. The catalogue's data are not updated, hence the freshness limits of
/// 100 years.
const SETTINGS: &str = r#"# Settings of a demonstration. Do not use them for a service with real data:
# certificates of a development authority are accepted, and CRLs are not checked.

[server]
listen = "127.0.0.1:8443"
public_url = "https://localhost:8443"
certificate = "server.pem"
key = "server.key"

[trust]
client_ca = "ca.pem"
revocation = "none"

[policy]
file = "policy.toml"

[data]
folder = "data"
feeds = "feeds"
rejected = "rejected"

[freshness]            # the data of the demonstration are not updated
dimona = "36500d"
coprev = "36500d"
federated = "36500d"
insurance = "36500d"
persons = "36500d"

[audit_log]
folder = "audit-log"
keys = "keys"
missing_keys = "make"

[admin]
listen = "127.0.0.1:9443"
"#;

/// Further settings of a simulation: its callers are tests, and none of them shall wait.
const UNLIMITED_CALLERS: &str = "\n[limits]\nunregistered_per_minute = 60000\n";

/// Port for consumers in the settings of a new workspace.
pub const PORT: u16 = 8443;
/// Port for operators in the settings of a new workspace.
pub const ADMIN_PORT: u16 = 9443;

/// The settings with these addresses. Lines are replaced by section and key; comments behind a value are
/// kept.
fn with_addresses(text: &str, listen: SocketAddr, url: &str, admin: Option<u16>) -> String {
    let mut section = "";
    let mut changed = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        if content.starts_with('[') {
            section = content.split('#').next().unwrap_or_default().trim();
        }
        let value = match (section, content.split('=').next().unwrap_or_default().trim(), admin) {
            ("[server]", "listen", _) => Some(listen.to_string()),
            ("[server]", "public_url", _) => Some(url.to_owned()),
            ("[admin]", "listen", Some(admin)) => Some(format!("127.0.0.1:{admin}")),
            _ => None,
        };
        let parts: Vec<_> = line.splitn(3, '"').collect();
        match (value, parts.as_slice()) {
            (Some(value), [before, _, after]) => changed.push_str(&format!("{before}\"{value}\"{after}")),
            (_, _) => changed.push_str(line),
        }
    }
    changed
}

/// Folder of the clients that the service refuses.
const REFUSED_CLIENTS: &str = "clients-refused";

/// Certificate and key of this name in a folder.
fn pair(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")))
}

fn write_identity((certificate, key): (PathBuf, PathBuf), identity: &Identity) -> Result<(), WorkspaceError> {
    write(&certificate, &identity.certificate)?;
    write_secret(&key, &identity.key)
}

fn make_folder(path: &Path) -> Result<(), WorkspaceError> {
    fs::create_dir_all(path).map_err(|reason| WorkspaceError::File { path: path.to_owned(), reason })
}

/// Writes a file that users may edit: an existing one is kept.
fn write_missing(path: &Path, text: &str) -> Result<(), WorkspaceError> {
    if path.exists() { Ok(()) } else { write(path, text) }
}

fn write(path: &Path, text: &str) -> Result<(), WorkspaceError> {
    fs::write(path, text).map_err(|reason| WorkspaceError::File { path: path.to_owned(), reason })
}

/// Writes a key that only its owner can read, from the first byte on.
fn write_secret(path: &Path, text: &str) -> Result<(), WorkspaceError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|reason| WorkspaceError::File { path: path.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use x509_parser::pem::parse_x509_pem;

    use super::*;

    #[test]
    fn addresses_are_written_and_nothing_else_changes() {
        let edited = SETTINGS.replace("public_url = \"https://localhost:8443\"", "public_url = \"x\" # mine");
        let listen = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let changed = with_addresses(&edited, listen(1), "https://a.example:1", Some(2));
        let expected = SETTINGS
            .replace("127.0.0.1:8443", "127.0.0.1:1")
            .replace("\"https://localhost:8443\"", "\"https://a.example:1\" # mine")
            .replace("127.0.0.1:9443", "127.0.0.1:2");
        assert_eq!(changed, expected);
        let url = "https://localhost:8443";
        assert_eq!(with_addresses(SETTINGS, listen(PORT), url, Some(ADMIN_PORT)), SETTINGS);
        assert_eq!(with_addresses(SETTINGS, listen(PORT), url, None), SETTINGS);
        assert_eq!(with_addresses("[admin]\nlisten", listen(1), url, Some(2)), "[admin]\nlisten");
    }

    fn machine_seconds() -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        i64::try_from(since.as_secs()).expect("in range")
    }

    #[test]
    fn certificates_are_valid_by_both_clocks() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for now in ["2019-06-01T12:00:00Z", "2150-06-01T12:00:00Z"] {
            let workspace = Workspace::new(folder.path().join(&now[..4]));
            let now = Timestamp::parse(now).expect("a timestamp");
            assert_eq!(workspace.prepare(now, "").expect("made"), Prepared::Made);
            assert_eq!(workspace.prepare(now, "").expect("reused"), Prepared::Reused);
            let before_both = Timestamp::parse("2000-01-01T00:00:00Z").expect("a timestamp");
            assert!(!workspace.certificates_are_valid(before_both));
            for file in [workspace.authority(), workspace.client("fund").0, workspace.server().0] {
                let text = fs::read(&file).expect("a file");
                let (_, pem) = parse_x509_pem(&text).expect("PEM");
                let validity = pem.parse_x509().expect("a certificate").validity().clone();
                for seconds in [now.as_millis() / 1_000, machine_seconds()] {
                    let is_valid =
                        validity.not_before.timestamp() <= seconds && seconds <= validity.not_after.timestamp();
                    assert!(is_valid, "{}", file.display());
                }
            }
        }
    }

    #[test]
    fn a_missing_or_expired_certificate_is_made_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::new(folder.path().to_owned());
        let now = Timestamp::parse("2150-06-01T12:00:00Z").expect("a timestamp");
        assert_eq!(workspace.prepare(now, "").expect("made"), Prepared::Made);
        fs::remove_file(workspace.client("fund").1).expect("removed");
        assert_eq!(workspace.prepare(now, "").expect("made"), Prepared::Made);
        let last = Timestamp::parse("2151-05-31T12:00:00Z").expect("a timestamp");
        assert_eq!(workspace.prepare(last, "").expect("reused"), Prepared::Reused);
        let expired = Timestamp::parse("2151-06-01T12:00:00Z").expect("a timestamp");
        assert_eq!(workspace.prepare(expired, "").expect("made"), Prepared::Made);
    }
}
