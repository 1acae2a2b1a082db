//! A folder with everything that a demonstration needs: authority, certificates, settings, policy, the fixture feeds.
//!
//! Tests start their services from such a folder too. Made once; a later start in the same folder takes what is there.
//! Certificates that have run out are made anew. They hold at two moments: the service's, whose clock may stand at another
//! one, and this machine's, by which callers go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::authority::{Authority, AuthorityError, Convention, KeyKind};
use super::people::{write_catalogue, write_scenario};
use crate::app::SystemClock;
use crate::certificates::Facts;
use crate::config::Scenario;
use crate::server::tls::load_certificates;
use ehealth_core::model::{Clock, EnterpriseNumber, LegalContext, Timestamp};
use ehealth_core::policy::ceiling;

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
    /// For whom else it may ask, as the policy file has it.
    pub acts_for: &'static [&'static str],
    convention: Convention,
}

/// The invented organisations of the fixture people.
pub const ORGANISATIONS: [Organisation; 6] = [
    Organisation {
        word: "platform",
        number: "0999000129",
        name: "Example platform",
        context: Some(LegalContext::EhealthPlatform),
        acts_for: &[],
        convention: Convention::Federal,
    },
    Organisation {
        word: "fund",
        number: "0999010126",
        name: "De Linde, health-insurance fund",
        context: Some(LegalContext::AdvisoryPhysician),
        acts_for: &["0202239951", "17/999=0202239951", "0/0=0202239951"],
        convention: Convention::Ehealth,
    },
    Organisation {
        word: "other-fund",
        number: "0999010225",
        name: "Le Ruisseau, health-insurance fund",
        context: Some(LegalContext::AdvisoryPhysician),
        acts_for: &[],
        convention: Convention::Ehealth,
    },
    Organisation {
        word: "service",
        number: "0999020123",
        name: "Welprev, external prevention service",
        context: Some(LegalContext::PreventionService),
        acts_for: &[],
        convention: Convention::Ehealth,
    },
    Organisation {
        word: "other-service",
        number: "0999020222",
        name: "Bosanté, external prevention service",
        context: Some(LegalContext::PreventionService),
        acts_for: &[],
        convention: Convention::Federal,
    },
    Organisation {
        word: "stranger",
        number: "0999090102",
        name: "An organisation that nobody registered",
        context: None,
        acts_for: &[],
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

/// The keys that clients are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKeys {
    /// ECDSA on P-256.
    P256,
    /// RSA keys too, for stacks that read no others.
    P256AndRsa,
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
        let feeds = self.folder.join("feeds");
        write_catalogue(&feeds).map_err(|reason| WorkspaceError::File { path: feeds, reason })?;
        write_new(&self.folder.join("policy.toml"), &policy_text(""))?;
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

    /// Makes everything for a simulation, in a folder that is empty: the scenario's people, and nobody who is slowed for
    /// asking much or in vain.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_scenario(&self, scenario: &Scenario, keys: ClientKeys) -> Result<(), WorkspaceError> {
        make_folder(&self.folder.join("clients"))?;
        match keys {
            ClientKeys::P256 => {}
            ClientKeys::P256AndRsa => make_folder(&self.rsa_clients())?,
        }
        self.write_certificates(scenario.now)?;
        let feeds = self.folder.join("feeds");
        write_scenario(&feeds, scenario).map_err(|reason| WorkspaceError::File { path: feeds, reason })?;
        write(&self.folder.join("policy.toml"), &policy_text(UNMEASURED))?;
        write(&self.settings(), SETTINGS)
    }

    fn certificates_are_valid(&self, now: Timestamp) -> bool {
        let is_valid = |file: &Path| {
            let leaf = load_certificates(file).ok().and_then(|chain| Facts::from_der(chain.first()?).ok());
            let holds = |facts: &Facts, moment| facts.not_before <= moment && moment <= facts.not_after;
            leaf.is_some_and(|facts| holds(&facts, now) && holds(&facts, SystemClock.now()))
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
        let (here, there) = (now.brussels_day(), SystemClock.now().brussels_day());
        let authority = Authority::new(here.min(there), here.max(there))?;
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

[audit_log]
folder = "audit-log"
keys = "keys"
missing_keys = "make"

[admin]
listen = "127.0.0.1:9443"
"#;

/// Beside a consumer whose clock stands: what it used up would never come back, and what it asks in vain is its tests'.
const UNMEASURED: &str = "quota_per_minute = 1000000\nquota_per_day = 1000000000\nempty_answers_percent = 100\n";

/// The policy of the fixture people: each organisation may what domain.md's table allows at most. `quota` are more lines
/// for every consumer.
fn policy_text(quota: &str) -> String {
    let mut text = String::from("# Who may ask what: each organisation at the ceiling of its legal context.\n");
    for organisation in ORGANISATIONS {
        let Some(context) = organisation.context else { continue };
        let (fields, relation) = ceiling(context);
        let acts_for = match organisation.acts_for {
            [] => String::new(),
            others => format!("acts_for = {others:?}\n"),
        };
        let fields: Vec<_> = fields.iter().map(|field| field.number().to_string()).collect();
        text.push_str(&format!(
            "\n[[consumer]]\norganisation = \"{}\"\nname = \"{}\"\n{acts_for}{quota}\n[[consumer.grant]]\nlegal_context = \"{}\"\n\
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
    fn certificates_hold_by_the_services_clock_and_by_the_callers() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for now in ["2019-06-01T12:00:00Z", "2150-06-01T12:00:00Z"] {
            let workspace = Workspace::new(folder.path().join(&now[..4]));
            let now = Timestamp::parse(now).expect("a moment");
            assert_eq!(workspace.prepare(now, "").expect("made"), Prepared::Made);
            assert_eq!(workspace.prepare(now, "").expect("there"), Prepared::Reused);
            let before_both = Timestamp::parse("2000-01-01T00:00:00Z").expect("a moment");
            assert!(!workspace.certificates_are_valid(before_both));
            for file in [workspace.authority(), workspace.client("fund").0, workspace.folder.join("server.pem")] {
                let chain = load_certificates(&file).expect("a certificate");
                let facts = Facts::from_der(chain.first().expect("one")).expect("readable");
                for moment in [now, SystemClock.now()] {
                    assert!(facts.not_before <= moment && moment <= facts.not_after, "{}", file.display());
                }
            }
        }
    }

    #[test]
    fn the_demonstrations_policy_is_right() {
        for quota in ["", UNMEASURED] {
            let register = parse_policy(Path::new("policy.toml"), &policy_text(quota)).expect("no mistake");
            assert_eq!(register.consumers().count(), 5);
        }
    }
}
