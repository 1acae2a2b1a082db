//! The settings: everything that `serve` and `sync` need, each value in the form that its user
//! takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::acme::AcmeSettings;
use super::letter::LetterSettings;
use ipnet::IpNet;

use super::origin::Setting;
use crate::admin;
use crate::server;
use crate::server::tls::{OperatorFiles, TlsFiles};
use datasets::sync;
use ehealth_core::policy::EnvironmentRule;

/// All settings, complete: no user of a setting has to supply a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Address for consumers.
    pub listen: SocketAddr,
    /// Whether another process may listen on the same port.
    pub listen_mode: server::PortUse,
    /// Server certificate, key, CAs and CRLs.
    pub tls: TlsFiles,
    /// Environment whose certificates are accepted; `None`: every one.
    pub environment: Option<EnvironmentRule>,
    /// Settings of the server.
    pub server: server::Settings,
    /// Certificate and key with which responses are signed; `None`: the server's own.
    pub response_signer: Option<SigningFiles>,
    /// Policy file.
    pub policy: PathBuf,
    /// Datasets and their feeds.
    pub sync: sync::Settings,
    /// Process that fetches the feeds.
    pub fetch_mode: FetchMode,
    /// Settings of the audit log.
    pub audit_log: audit_log::Settings,
    /// File with the result of the last verification of the audit log.
    pub verification_report: Option<PathBuf>,
    /// Letters of `audit report`.
    pub letter: LetterSettings,
    /// The cluster of which the service is a node; `None`: it is one machine.
    pub cluster: Option<cluster::Settings>,
    /// Admin listener; `None`: nothing listens for operators.
    pub admin: Option<admin::Settings>,
    /// Mutual TLS of the admin listener; `None`: it listens on loopback only.
    pub admin_tls: Option<OperatorFiles>,
    /// Listener for scrapers; `None`: metrics are on the admin listener alone.
    pub metrics: Option<MetricsListener>,
    /// Where `certificates acme` gets the server's certificate; `None`: operators renew it.
    pub acme: Option<AcmeSettings>,
    /// Every value with its origin, in the order of [`KEYS`](super::KEYS).
    pub active_config: Vec<Setting>,
}

/// The listener for scrapers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsListener {
    /// Address and port.
    pub listen: SocketAddr,
    /// Who may connect.
    pub access: MetricsAccess,
}

/// Who may connect to the listener for scrapers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Every user of this machine: the address is a loopback address.
    Loopback,
    /// Holders of a certificate.
    MutualTls(OperatorFiles),
    /// Machines whose address has one of these prefixes, over plain HTTP.
    Networks(Vec<IpNet>),
}

impl MetricsListener {
    /// Files of its mutual TLS, if it has that.
    #[must_use]
    pub fn tls(&self) -> Option<&OperatorFiles> {
        match &self.access {
            MetricsAccess::MutualTls(files) => Some(files),
            MetricsAccess::Loopback | MetricsAccess::Networks(_) => None,
        }
    }
}

/// Certificate and key with which responses are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningFiles {
    /// PEM file of the certificate.
    pub certificate: PathBuf,
    /// PEM file of the key.
    pub key: PathBuf,
}

/// Process that fetches the feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchMode {
    /// The serving process.
    InProcess,
    /// A second process: `sync --follow`.
    SeparateProcess,
}

impl Settings {
    /// Every file and folder that the start and each reload read: they are watched for changes, and the
    /// confined process must reach them.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let of_operators = self.admin_tls.iter().flat_map(OperatorFiles::paths);
        let of_metrics = self.metrics_tls().into_iter().flat_map(OperatorFiles::paths);
        let of_signer = self.response_signer.iter().flat_map(|files| [&files.certificate, &files.key]);
        let of_cluster = self.cluster.iter().flat_map(|of| [&of.certificate, &of.key, &of.authorities]);
        let of_listeners = of_operators.chain(of_metrics);
        self.tls.paths().chain([&self.policy]).chain(of_listeners).chain(of_signer).chain(of_cluster)
    }

    /// Files of mutual TLS with scrapers.
    pub fn metrics_tls(&self) -> Option<&OperatorFiles> {
        self.metrics.as_ref().and_then(MetricsListener::tls)
    }

    /// Replaces the public URL, also in the list of active values.
    pub fn replace_public_url(&mut self, url: &str) {
        url.clone_into(&mut self.server.public_url);
        for setting in self.active_config.iter_mut().filter(|setting| setting.key == "server.public_url") {
            url.clone_into(&mut setting.value);
        }
    }
}
