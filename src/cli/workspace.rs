//! A folder with everything that a demonstration needs: authority, certificates, settings, policy, the fixture feeds.
//!
//! Tests start their services from such a folder too. Made once; a later start in the same folder takes what is there. Certificates that have run out are made anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::authority::{Authority, AuthorityError, Convention, KeyKind};
use crate::cert::Facts;
use crate::model::{Dataset, EnterpriseNumber, LegalContext, Timestamp};
use crate::policy::ceiling;
use crate::server::tls::load_certificates;

/// The feeds of the fixture people, as a publisher would drop them: dataset, notification, snapshot.
const FEEDS: [(Dataset, &str, &str); 5] = [
    (
        Dataset::Dimona,
        include_str!("../../fixtures/feeds/dimona/notification.xml"),
        include_str!("../../fixtures/feeds/dimona/snapshot-1.csv"),
    ),
    (
        Dataset::Coprev,
        include_str!("../../fixtures/feeds/coprev/notification.xml"),
        include_str!("../../fixtures/feeds/coprev/snapshot-1.csv"),
    ),
    (
        Dataset::Federated,
        include_str!("../../fixtures/feeds/federated/notification.xml"),
        include_str!("../../fixtures/feeds/federated/snapshot-1.csv"),
    ),
    (
        Dataset::Insurance,
        include_str!("../../fixtures/feeds/insurance/notification.xml"),
        include_str!("../../fixtures/feeds/insurance/snapshot-1.csv"),
    ),
    (
        Dataset::Persons,
        include_str!("../../fixtures/feeds/persons/notification.xml"),
        include_str!("../../fixtures/feeds/persons/snapshot-1.csv"),
    ),
];

/// An invented organisation with a client certificate.
#[derive(Debug, Clone, Copy)]
pub struct Organisation {
    /// The certificate's file name, without its ending; the word in `fixtures/catalogue.csv`.
    pub word: &'static str,
    /// Its enterprise number.
    pub number: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it was granted, if it is known at all.
    pub context: Option<LegalContext>,
    convention: Convention,
}

/// The invented organisations of the fixture people.
pub const ORGANISATIONS: [Organisation; 6] = [
    Organisation {
        word: "platform",
        number: "0999000129",
        name: "Example platform",
        context: Some(LegalContext::EhealthPlatform),
        convention: Convention::Federal,
    },
    Organisation {
        word: "fund",
        number: "0999010126",
        name: "De Linde, health-insurance fund",
        context: Some(LegalContext::AdvisoryPhysician),
        convention: Convention::Ehealth,
    },
    Organisation {
        word: "other-fund",
        number: "0999010225",
        name: "Le Ruisseau, health-insurance fund",
        context: Some(LegalContext::AdvisoryPhysician),
        convention: Convention::Ehealth,
    },
    Organisation {
        word: "service",
        number: "0999020123",
        name: "Welprev, external prevention service",
        context: Some(LegalContext::PreventionService),
        convention: Convention::Ehealth,
    },
    Organisation {
        word: "other-service",
        number: "0999020222",
        name: "Bosanté, external prevention service",
        context: Some(LegalContext::PreventionService),
        convention: Convention::Federal,
    },
    Organisation {
        word: "stranger",
        number: "0999090102",
        name: "An organisation that nobody registered",
        context: None,
        convention: Convention::Ehealth,
    },
];

/// Why the folder cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// A file or folder cannot be written.
    #[error("{}: {reason}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A certificate cannot be made.
    #[error("a development certificate cannot be made: {0}")]
    Certificate(#[from] AuthorityError),
}

/// The folder of a demonstration.
#[derive(Debug, Clone)]
pub struct Workspace {
    folder: PathBuf,
}

/// Whether the folder was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {
    /// Everything was made.
    Made,
    /// What was there is used.
    Reused,
}

impl Workspace {
    /// The demonstration in this folder, made or not.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The settings file.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.folder.join("ehealth-attributes.toml")
    }

    /// The authority's certificate: what clients trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// An organisation's certificate and key.
    #[must_use]
    pub fn client(&self, word: &str) -> (PathBuf, PathBuf) {
        let clients = self.folder.join("clients");
        (clients.join(format!("{word}.pem")), clients.join(format!("{word}.key")))
    }

    /// An organisation's other certificate and key, for stacks that read RSA keys alone; made by
    /// [`prepare_rsa`](Self::prepare_rsa).
    #[must_use]
    pub fn rsa_client(&self, word: &str) -> (PathBuf, PathBuf) {
        let clients = self.rsa_clients();
        (clients.join(format!("{word}.pem")), clients.join(format!("{word}.key")))
    }

    fn rsa_clients(&self) -> PathBuf {
        self.folder.join("clients-rsa")
    }

    /// An example question, as a file for curl.
    #[must_use]
    pub fn question(&self) -> PathBuf {
        self.folder.join("question.xml")
    }

    /// Makes what is not there yet.
    ///
    /// # Errors
    /// [`WorkspaceError`] if a file cannot be written or a certificate cannot be made.
    pub fn prepare(&self, now: Timestamp, question: &str) -> Result<Prepared, WorkspaceError> {
        make_folder(&self.folder.join("clients"))?;
        let prepared = if self.certificates_are_valid(now) {
            Prepared::Reused
        } else {
            self.write_certificates(now)?;
            Prepared::Made
        };
        for (dataset, notification, snapshot) in FEEDS {
            let feed = self.folder.join("feeds").join(dataset.code());
            make_folder(&feed)?;
            write_new(&feed.join("snapshot-1.csv"), snapshot)?;
            write_new(&feed.join("notification.xml"), notification)?;
        }
        write_new(&self.folder.join("policy.toml"), &policy_text())?;
        write_new(&self.settings(), SETTINGS)?;
        write_new(&self.question(), question)?;
        Ok(prepared)
    }

    /// As [`prepare`](Self::prepare), with RSA client certificates beside the others. The authority's key is kept
    /// nowhere: a folder that has no RSA certificates yet gets another authority and all certificates anew.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_rsa(&self, now: Timestamp, question: &str) -> Result<Prepared, WorkspaceError> {
        make_folder(&self.rsa_clients())?;
        self.prepare(now, question)
    }

    fn certificates_are_valid(&self, now: Timestamp) -> bool {
        let is_valid = |file: &Path| {
            let leaf = load_certificates(file).ok().and_then(|chain| Facts::from_der(chain.first()?).ok());
            leaf.is_some_and(|facts| facts.not_before <= now && now <= facts.not_after)
        };
        let clients = ORGANISATIONS.iter().all(|organisation| {
            let word = organisation.word;
            self.key_kinds().iter().all(|key| is_valid(&self.identity(word, *key).0))
        });
        clients && is_valid(&self.folder.join("server.pem")) && is_valid(&self.authority())
    }

    /// The kinds of keys that the clients of this folder have.
    fn key_kinds(&self) -> &'static [KeyKind] {
        if self.rsa_clients().is_dir() { &[KeyKind::P256, KeyKind::Rsa] } else { &[KeyKind::P256] }
    }

    fn identity(&self, word: &str, key: KeyKind) -> (PathBuf, PathBuf) {
        match key {
            KeyKind::P256 => self.client(word),
            KeyKind::Rsa => self.rsa_client(word),
        }
    }

    fn write_certificates(&self, now: Timestamp) -> Result<(), WorkspaceError> {
        let authority = Authority::new(now.brussels_day())?;
        write(&self.authority(), &authority.certificate())?;
        let server = authority.server()?;
        write(&self.folder.join("server.pem"), &server.certificate)?;
        write_secret(&self.folder.join("server.key"), &server.key)?;
        for organisation in ORGANISATIONS {
            let Ok(number) = EnterpriseNumber::parse(organisation.number) else { continue };
            for kind in self.key_kinds() {
                let application = organisation.word.to_uppercase();
                let client = authority.client(number, &application, organisation.convention, *kind)?;
                let (certificate, key) = self.identity(organisation.word, *kind);
                write(&certificate, &client.certificate)?;
                write_secret(&key, &client.key)?;
            }
        }
        Ok(())
    }
}

/// The settings of a demonstration. The fixture people do not age, hence the limits.
const SETTINGS: &str = r#"# Settings of a demonstration. No service with real data may look like this:
# its authority's key lies beside it, and revoked certificates are let in.

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

[freshness]            # the fixture people do not age
dimona = "36500d"
coprev = "36500d"
federated = "36500d"
insurance = "36500d"
persons = "36500d"

[trail]
folder = "trail"
keys = "keys"
missing_keys = "make"

[admin]
listen = "127.0.0.1:9443"
"#;

/// The policy of the fixture people: each organisation may what domain.md's table allows at most.
fn policy_text() -> String {
    let mut text = String::from("# Who may ask what: each organisation at the ceiling of its legal context.\n");
    for organisation in ORGANISATIONS {
        let Some(context) = organisation.context else { continue };
        let (fields, relation) = ceiling(context);
        let fields: Vec<_> = fields.iter().map(|field| field.number().to_string()).collect();
        text.push_str(&format!(
            "\n[[consumer]]\norganisation = \"{}\"\nname = \"{}\"\n\n[[consumer.grant]]\nlegal_context = \"{}\"\n\
             fields = [{}]\nrelation = \"{}\"\nvalid_from = \"2020-01-01\"\ndeliberation = \"16/108\"\n",
            organisation.number,
            organisation.name,
            context.code(),
            fields.join(", "),
            relation.code(),
        ));
    }
    text
}

fn make_folder(path: &Path) -> Result<(), WorkspaceError> {
    fs::create_dir_all(path).map_err(|reason| WorkspaceError::File { path: path.to_owned(), reason })
}

/// Writes a file that may be changed by hand: one that is there is left as it is.
fn write_new(path: &Path, text: &str) -> Result<(), WorkspaceError> {
    if path.exists() { Ok(()) } else { write(path, text) }
}

fn write(path: &Path, text: &str) -> Result<(), WorkspaceError> {
    fs::write(path, text).map_err(|reason| WorkspaceError::File { path: path.to_owned(), reason })
}

/// Writes a key, readable by its owner alone from the first byte on.
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
    use super::*;
    use crate::config::parse_policy;

    #[test]
    fn the_demonstrations_policy_is_right() {
        let register = parse_policy(Path::new("policy.toml"), &policy_text()).expect("no mistake");
        assert_eq!(register.consumers().count(), 5);
    }
}
