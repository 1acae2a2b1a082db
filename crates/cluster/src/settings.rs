//! Settings of a node of a cluster.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use audit_log::replication::Durability;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// Database, identity and behaviour of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Database that the nodes share.
    pub database: Database,
    /// Client certificate of the node's role, with its chain (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
    /// CA certificates of the database servers (PEM).
    pub authorities: PathBuf,
    /// Name of this node. One process at a time has it.
    pub node: NodeName,
    /// Whether questions are answered while records cannot be replicated.
    pub durability: Durability,
    /// Longest wait for a commit, and for a connection.
    pub timeout: Duration,
}

/// Name of a node: 1 to 32 of `a`–`z`, `0`–`9` and `-`, beginning with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(String);

/// The text is not the name of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a node's name has 1 to 32 characters a-z, 0-9 and '-', and begins with a letter")]
pub struct NodeNameError;

impl NodeName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<Self, NodeNameError> {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        let is_name = begins && text.len() <= 32 && text.bytes().all(is_part);
        is_name.then(|| Self(text.to_owned())).ok_or(NodeNameError)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Address of the database: hosts, role, database name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database(pub(crate) Config);

/// Reason why a text is not the address of a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// It is no connection URL.
    #[error("not a URL like postgresql://role@host1:5432,host2:5432/database: {0}")]
    Syntax(String),
    /// It has a password.
    #[error("a password is not used: the role is authenticated by the client certificate")]
    Password,
    /// It names no role.
    #[error("the URL names no role: postgresql://role@…")]
    NoRole,
    /// It names no database.
    #[error("the URL names no database: …/database")]
    NoDatabase,
    /// It names no host.
    #[error("the URL names no host")]
    NoHost,
    /// It names a Unix socket.
    #[error("a Unix socket is not used: connections are encrypted and authenticated by certificates")]
    Socket,
    /// It sets an option that the program sets itself.
    #[error("the option \"{0}\" is set by the program; remove it")]
    Option(&'static str),
}

impl FromStr for Database {
    type Err = DatabaseError;

    fn from_str(text: &str) -> Result<Self, DatabaseError> {
        let config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            DatabaseError::Syntax(cause)
        })?;
        if config.get_password().is_some() {
            return Err(DatabaseError::Password);
        }
        if config.get_user().is_none_or(str::is_empty) {
            return Err(DatabaseError::NoRole);
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(DatabaseError::NoDatabase);
        }
        if config.get_hosts().is_empty() {
            return Err(DatabaseError::NoHost);
        }
        if config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_))) {
            return Err(DatabaseError::Socket);
        }
        if config.get_options().is_some() {
            return Err(DatabaseError::Option("options"));
        }
        Ok(Self(config))
    }
}

impl Database {
    /// The role.
    #[must_use]
    pub fn role(&self) -> &str {
        self.0.get_user().unwrap_or_default()
    }

    /// Names or addresses of the servers.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.0.get_hosts().iter().filter_map(|host| match host {
            Host::Tcp(name) => Some(name.as_str()),
            Host::Unix(_) => None,
        })
    }

    /// One configuration for each server.
    pub(crate) fn servers(&self) -> Vec<Config> {
        let ports = self.0.get_ports();
        let of_host = |(index, host): (usize, &Host)| {
            let mut config = Config::new();
            config.user(self.role()).dbname(self.name()).ssl_mode(SslMode::Require);
            config.target_session_attrs(TargetSessionAttrs::ReadWrite).application_name("ehealth-attributes");
            config.port(ports.get(index).or(ports.first()).copied().unwrap_or(5432));
            match host {
                Host::Tcp(name) => config.host(name),
                Host::Unix(path) => config.host_path(path),
            };
            config
        };
        self.0.get_hosts().iter().enumerate().map(of_host).collect()
    }

    /// Name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.get_dbname().unwrap_or_default()
    }
}

/// `role@host:port,host:port/database`.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@", self.role())?;
        for (index, host) in self.0.get_hosts().iter().enumerate() {
            let port = self.0.get_ports().get(index).or(self.0.get_ports().first()).unwrap_or(&5432);
            let comma = if index == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}:{port}")?,
                Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
        }
        write!(f, "/{}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_shown() {
        let database: Database = "postgresql://ehealth_node@db1,db2:5433/ehealth".parse().expect("an address");
        assert_eq!(database.to_string(), "ehealth_node@db1:5432,db2:5433/ehealth");
        let servers = database.servers();
        let of = |config: &Config| (config.get_hosts().to_vec(), config.get_ports().to_vec());
        let expected = [("db1", 5432), ("db2", 5433)].map(|(host, port)| (vec![Host::Tcp(host.into())], vec![port]));
        assert_eq!(servers.iter().map(of).collect::<Vec<_>>(), expected);
        assert!(servers.iter().all(|config| config.get_ssl_mode() == SslMode::Require));
        let read_write = TargetSessionAttrs::ReadWrite;
        assert!(servers.iter().all(|config| config.get_target_session_attrs() == read_write));
    }

    #[test]
    fn wrong_addresses_are_refused_with_their_reason() {
        let error = |text: &str| text.parse::<Database>().expect_err(text);
        assert_eq!(error("postgresql://a:b@db/ehealth"), DatabaseError::Password);
        assert_eq!(error("postgresql://db/ehealth"), DatabaseError::NoRole);
        assert_eq!(error("postgresql://a@db"), DatabaseError::NoDatabase);
        assert_eq!(error("postgresql://a@%2Frun%2Fpostgresql/ehealth"), DatabaseError::Socket);
        assert_eq!(error("postgresql://a@db/ehealth?options=-cfsync%3Doff"), DatabaseError::Option("options"));
        assert!(matches!(error("http://db"), DatabaseError::Syntax(_)));
        assert!(matches!(error("postgresql://a@db:99999/ehealth"), DatabaseError::Syntax(_)));
    }

    #[test]
    fn names_of_nodes_are_short_and_plain() {
        let long = "a".repeat(33);
        for wrong in ["", "A", "a_b", "1a", "-a", "a b", long.as_str()] {
            assert_eq!(wrong.parse::<NodeName>(), Err(NodeNameError), "{wrong}");
        }
        for right in ["a", "brussels-1", &long[..32]] {
            assert_eq!(right.parse::<NodeName>().expect("a name").as_str(), right);
        }
    }
}
