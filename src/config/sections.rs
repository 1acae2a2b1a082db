//! Readers of the sections of the settings file. Each reads all of its keys before it gives up, so
//! that every error is reported at once.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

use super::acme_section::read_acme;
use super::document::Section;
use super::duration::parse_duration;
use super::feeds::read_feeds;
use super::letter_section::read_letter;
use super::overrides::Overrides;
use super::readers::{self, PathReader};
use super::settings::{FetchMode, MetricsAccess, MetricsListener, Settings, SigningFiles};
use super::value::Value;
use crate::server::tls::{OperatorFiles, RevocationFiles, TlsFiles};
use crate::{admin, server};
use datasets::sync;
use ehealth_core::lookup::FreshnessLimits;
use ehealth_core::policy::EnvironmentRule;
use soap::signature::TimeRule;

/// Reads the whole document; `folder` is where relative paths start.
pub(super) fn read_document(root: &mut Section<'_>, folder: &Path, overrides: &Overrides) -> Option<Settings> {
    let paths = PathReader { folder, overrides };
    let server = root.section("server").and_then(|section| read_server(section, paths));
    let limits = root.implied_section("limits").and_then(read_limits);
    let trust = root.section("trust").and_then(|section| read_trust(section, paths));
    let signatures =
        root.implied_section("message_signature").and_then(|section| read_message_signature(section, paths));
    let policy = root.section("policy").and_then(|section| read_policy(section, paths));
    let data = root.section("data").map(|section| read_data(section, paths)).unwrap_or_default();
    let feeds = read_feeds(root, data.feeds.as_deref(), paths);
    let freshness = root.implied_section("freshness").and_then(read_freshness);
    let audit_log = root.section("audit_log").and_then(|section| read_audit_log(section, paths));
    let letter = root.implied_section("letter").and_then(|section| read_letter(section, paths));
    let cluster = root.optional_section("cluster").map_or(Some(None), |section| read_cluster(section, paths).map(Some));
    let admin = root.optional_section("admin").map_or(Some((None, None)), |section| read_admin(section, paths));
    let metrics = root.optional_section("metrics").map_or(Some(None), |section| read_metrics(section, paths).map(Some));
    let public_url = server.as_ref().map(|server| server.public_url.as_str());
    let acme =
        root.optional_section("acme").map_or(Some(None), |section| read_acme(section, public_url, paths).map(Some));
    let Server { listen, listen_mode, balancers, public_url, certificate, key, max_requests } = server?;
    let Trust { client_ca, revocation, environment } = trust?;
    let (signatures, response_signer) = signatures?;
    let AuditLog { settings: audit_log, verification_report, reserve } = audit_log?;
    let (admin, admin_tls) = admin?;
    Some(Settings {
        listen,
        listen_mode,
        tls: TlsFiles { certificate, key, client_ca, revocation },
        environment,
        server: server::Settings {
            public_url,
            balancers,
            freshness: freshness?,
            signatures,
            limits: server::Limits { messages_per_consumer: max_requests, audit_reserve: reserve, ..limits? },
        },
        response_signer,
        policy: policy?,
        sync: sync::Settings {
            data: data.folder?,
            rejected: data.rejected?,
            feeds: feeds?,
            min_free_space: data.min_free_space?,
        },
        fetch_mode: data.fetch_mode?,
        audit_log,
        verification_report,
        letter: letter?,
        cluster: cluster?,
        admin,
        admin_tls,
        metrics: metrics?,
        acme: acme?,
        active_config: Vec::new(),
    })
}

struct Server {
    listen: SocketAddr,
    listen_mode: server::PortUse,
    balancers: Vec<IpNet>,
    public_url: String,
    certificate: PathBuf,
    key: PathBuf,
    max_requests: usize,
}

fn read_server(mut section: Section<'_>, paths: PathReader<'_>) -> Option<Server> {
    let listen = section.required("listen", readers::address);
    let listen_mode = section.required("listen_mode", readers::listen_mode);
    let balancers = section.optional("proxy_protocol", readers::networks);
    let public_url = section.required("public_url", readers::public_url);
    let certificate = section.required("certificate", |value| paths.path(value));
    let key = section.required("key", |value| paths.secret(value));
    let max_requests = section.required("max_requests_per_consumer", readers::requests_per_consumer);
    section.finish();
    Some(Server {
        listen: listen?,
        listen_mode: listen_mode?,
        balancers: balancers.unwrap_or_default(),
        public_url: public_url?,
        certificate: certificate?,
        key: key?,
        max_requests: max_requests?,
    })
}

fn read_limits(mut section: Section<'_>) -> Option<server::Limits> {
    let unregistered_per_minute = section.required("unregistered_per_minute", readers::unregistered_per_minute);
    let idle = section.required("idle", readers::idle);
    section.finish();
    let (unregistered_per_minute, idle) = unregistered_per_minute.zip(idle)?;
    let unregistered_burst = unregistered_per_minute.div_ceil(6);
    Some(server::Limits { unregistered_per_minute, unregistered_burst, idle, ..server::Limits::default() })
}

struct Trust {
    client_ca: Vec<PathBuf>,
    revocation: RevocationFiles,
    environment: Option<EnvironmentRule>,
}

fn read_trust(mut section: Section<'_>, paths: PathReader<'_>) -> Option<Trust> {
    let client_ca = section.required("client_ca", |value| paths.paths(value));
    let revocation = section.required("revocation", |value| paths.revocation(value));
    let mut names_environment = false;
    let environment = section.optional("environment", |value| {
        names_environment = true;
        readers::environment(value)
    });
    let is_required = section.required("environment_required", Value::truth);
    if !names_environment && is_required == Some(false) {
        section.report("environment_required = false has no effect without environment");
    }
    section.finish();
    let is_required = is_required?;
    let environment = environment.map(|environment| EnvironmentRule { environment, is_required });
    Some(Trust { client_ca: client_ca?, revocation: revocation?, environment })
}

fn read_message_signature(mut section: Section<'_>, paths: PathReader<'_>) -> Option<(TimeRule, Option<SigningFiles>)> {
    let skew_millis = section.required("clock_skew", |value| readers::millis(value, 0, 300));
    let lifetime_millis = section.required("lifetime", |value| readers::millis(value, 1, 3_600));
    let certificate = section.optional("certificate", |value| paths.path(value));
    let key = section.optional("key", |value| paths.secret(value));
    if certificate.is_some() != key.is_some() {
        section.report("set both of certificate and key, or none of them");
    }
    section.finish();
    let rule = TimeRule { skew_millis: skew_millis?, lifetime_millis: lifetime_millis? };
    Some((rule, certificate.zip(key).map(|(certificate, key)| SigningFiles { certificate, key })))
}

fn read_policy(mut section: Section<'_>, paths: PathReader<'_>) -> Option<PathBuf> {
    let file = section.required("file", |value| paths.path(value));
    section.finish();
    file
}

/// `[data]`: what is right of it is used even if the rest is wrong, because `[feeds]` depends on
/// it.
#[derive(Default)]
struct Data {
    folder: Option<PathBuf>,
    feeds: Option<PathBuf>,
    rejected: Option<PathBuf>,
    min_free_space: Option<u64>,
    fetch_mode: Option<FetchMode>,
}

fn read_data(mut section: Section<'_>, paths: PathReader<'_>) -> Data {
    let data = Data {
        folder: section.required("folder", |value| paths.path(value)),
        feeds: section.optional("feeds", |value| paths.path(value)),
        rejected: section.required("rejected", |value| paths.path(value)),
        min_free_space: section.required("min_free_space", readers::size),
        fetch_mode: section.required("fetch_mode", readers::fetch_mode),
    };
    section.finish();
    data
}

fn read_freshness(mut section: Section<'_>) -> Option<FreshnessLimits> {
    let mut limit = |key| section.required(key, |value| parse_duration(value.text()?));
    let (dimona, coprev, federated) = (limit("dimona"), limit("coprev"), limit("federated"));
    let (insurance, persons) = (limit("insurance"), limit("persons"));
    section.finish();
    Some(FreshnessLimits {
        dimona: dimona?,
        coprev: coprev?,
        federated: federated?,
        insurance: insurance?,
        persons: persons?,
    })
}

struct AuditLog {
    settings: audit_log::Settings,
    verification_report: Option<PathBuf>,
    reserve: u64,
}

fn read_audit_log(mut section: Section<'_>, paths: PathReader<'_>) -> Option<AuditLog> {
    let folder = section.required("folder", |value| paths.path(value));
    let keys = section.required("keys", |value| paths.path(value));
    let missing_keys = section.required("missing_keys", readers::missing_keys);
    let origin = section.required("origin", readers::log_origin);
    let copy = section.optional("checkpoint_copy", |value| paths.path(value));
    let missing = section.required("missing_checkpoint", readers::missing_checkpoint);
    let reserve = section.required("reserve", readers::size);
    let verification_report = section.optional("verification_report", |value| paths.path(value));
    section.finish();
    let checkpoints =
        audit_log::Checkpoints { origin: origin?, copy, missing: missing?, ..audit_log::Checkpoints::default() };
    let settings =
        audit_log::Settings { missing_keys: missing_keys?, checkpoints, ..audit_log::Settings::new(folder?, keys?) };
    Some(AuditLog { settings, verification_report, reserve: reserve? })
}

fn read_cluster(mut section: Section<'_>, paths: PathReader<'_>) -> Option<cluster::Settings> {
    let database = section.required("database", readers::parsed);
    let certificate = section.required("certificate", |value| paths.path(value));
    let key = section.required("key", |value| paths.secret(value));
    let authorities = section.required("authorities", |value| paths.path(value));
    let node = section.required("node", readers::parsed);
    let durability = section.required("durability", readers::durability);
    let timeout = section.required("timeout", |value| readers::millis(value, 1, 60));
    section.finish();
    Some(cluster::Settings {
        database: database?,
        certificate: certificate?,
        key: key?,
        authorities: authorities?,
        node: node?,
        durability: durability?,
        timeout: Duration::from_millis(u64::try_from(timeout?).unwrap_or(5_000)),
    })
}

/// `[admin]`: on loopback, operators need no certificates; anywhere else they do.
fn read_admin(
    mut section: Section<'_>,
    paths: PathReader<'_>,
) -> Option<(Option<admin::Settings>, Option<OperatorFiles>)> {
    let listen = section.required("listen", readers::address);
    let tls = read_mutual_tls(&mut section, paths);
    let is_loopback = listen.is_none_or(|listen| listen.ip().is_loopback());
    let tls = tls.filter(|tls| {
        let is_open = tls.is_none() && !is_loopback;
        if is_open {
            section.report("an address other than loopback needs certificate, key and client_ca");
        }
        !is_open
    });
    section.finish();
    Some((Some(admin::Settings { listen: listen? }), tls?))
}

/// `[metrics]`: on loopback, scrapers need nothing; anywhere else a certificate, or an address that is
/// listed.
fn read_metrics(mut section: Section<'_>, paths: PathReader<'_>) -> Option<MetricsListener> {
    let listen = section.required("listen", readers::address);
    let tls = read_mutual_tls(&mut section, paths);
    let networks = section.optional("networks", readers::networks);
    let is_loopback = listen.is_none_or(|listen| listen.ip().is_loopback());
    let access = tls.and_then(|tls| match (tls, networks) {
        (Some(files), None) => Some(MetricsAccess::MutualTls(files)),
        (None, Some(networks)) => Some(MetricsAccess::Networks(networks)),
        (None, None) if is_loopback => Some(MetricsAccess::Loopback),
        (None, None) => {
            section.report("an address other than loopback needs certificate, key and client_ca, or networks");
            None
        }
        (Some(_), Some(_)) => {
            section.report("set either certificate, key and client_ca, or networks, not both");
            None
        }
    });
    section.finish();
    Some(MetricsListener { listen: listen?, access: access? })
}

/// `certificate`, `key` and `client_ca`: all of them, or none. `None` if there is an error.
fn read_mutual_tls(section: &mut Section<'_>, paths: PathReader<'_>) -> Option<Option<OperatorFiles>> {
    let certificate = section.optional("certificate", |value| paths.path(value));
    let key = section.optional("key", |value| paths.secret(value));
    let client_ca = section.optional("client_ca", |value| paths.path(value));
    match (certificate, key, client_ca) {
        (Some(certificate), Some(key), Some(client_ca)) => Some(Some(OperatorFiles { certificate, key, client_ca })),
        (None, None, None) => Some(None),
        (_, _, _) => {
            section.report("set all of certificate, key and client_ca, or none of them");
            None
        }
    }
}
