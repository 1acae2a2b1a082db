//! Drop-ins for the packaged systemd units: what the settings need beyond what the units allow.
//!
//! The units are as tight as the packaged settings permit. Settings with another key, address or
//! folder, a feed over HTTPS or a cluster need more. The drop-ins are derived from the settings, so
//! that an operator does not have to know which sandbox rule stands in the way.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::config::{FetchMode, Settings};
use datasets::sync::Source;
use ehealth_core::closed_enum;

/// Folder that all units may write, as far as its owners permit.
pub const STATE: &str = "/var/lib/ehealth-attributes";
/// Folder that the unit of the certificate may write.
pub const ACME_STATE: &str = "/var/lib/ehealth-attributes-acme";
/// Addresses in the packaged socket unit.
pub const LISTEN: [&str; 2] = ["0.0.0.0:8443", "127.0.0.1:9443"];
/// Credential in the packaged unit, and its file.
pub const CREDENTIAL: (&str, &str) = ("server.key", "/etc/ehealth-attributes/tls/server.key");

/// First port that every user may open.
const FIRST_OPEN_PORT: u16 = 1_024;

closed_enum! {
    /// A packaged unit. Codes: its name.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Unit {
        /// Opens the ports.
        Socket => "ehealth-attributes.socket",
        /// Answers requests.
        Answering => "ehealth-attributes.service",
        /// Fetches the feeds.
        Fetching => "ehealth-attributes-feeds.service",
        /// Verifies the audit log.
        Verifying => "ehealth-attributes-verify.service",
        /// Renews the certificate.
        Renewing => "ehealth-attributes-acme.service",
    }
}

closed_enum! {
    /// A drop-in beside the one in the folder of units. Codes: JSON and text.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum DropInState {
        /// The packaged unit suffices, and there is no drop-in.
        NotNeeded => "not-needed",
        /// The drop-in is missing.
        New => "new",
        /// The drop-in differs.
        Changed => "changed",
        /// The drop-in is the one in the folder.
        Current => "current",
        /// The drop-in in the folder is no longer needed.
        Obsolete => "obsolete",
    }
}

/// What one unit needs beyond the packaged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropIn {
    /// The unit.
    pub unit: Unit,
    /// Lines of its section, comments included; none: the packaged unit suffices.
    pub lines: Vec<String>,
}

impl DropIn {
    /// Path below the folder of units.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("{}.d/50-settings.conf", self.unit.code()))
    }

    /// The file.
    #[must_use]
    pub fn text(&self) -> String {
        let section = if self.unit == Unit::Socket { "Socket" } else { "Service" };
        format!("{}\n[{section}]\n{}\n", HEADER, self.lines.join("\n"))
    }
}

/// First line of every file; without it, a file is not replaced.
pub const HEADER: &str = "# Written by `ehealth-attributes config units`: change the settings, and run it again.";

/// Why the units cannot be derived.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// The serving process of the packaged unit opens no connection to publishers.
    #[error(
        "data.fetch_mode = \"in_process\" with feeds over HTTPS: the serving unit has no network; set \"separate_process\""
    )]
    InProcess,
    /// The name of a server has no address now.
    #[error("{setting}: cannot find the addresses of {host}: {reason}")]
    NoAddress {
        /// Setting that names the server.
        setting: String,
        /// The name.
        host: String,
        /// Error of the system.
        reason: io::Error,
    },
}

/// How names are found: addresses of a host, and the addresses of the machine's name servers.
pub struct Names<'a> {
    /// Addresses of a host.
    pub find: &'a dyn Fn(&str) -> io::Result<Vec<IpAddr>>,
    /// Name servers of this machine.
    pub servers: Vec<IpAddr>,
}

/// Derives the drop-ins, one for each unit in the order of [`Unit::ALL`]. `credentials` is the folder
/// in which the settings' `credential:NAME` is found.
///
/// # Errors
/// [`UnitError`].
pub fn derive(settings: &Settings, credentials: &Path, names: &Names<'_>) -> Result<Vec<DropIn>, UnitError> {
    Unit::ALL
        .into_iter()
        .map(|unit| {
            let lines = match unit {
                Unit::Socket => of_socket(settings),
                Unit::Answering => of_answering(settings, credentials)?,
                Unit::Fetching => of_fetching(settings, credentials, names)?,
                Unit::Verifying => of_verifying(settings),
                Unit::Renewing => of_renewing(settings, names)?,
            };
            Ok(DropIn { unit, lines })
        })
        .collect()
}

fn of_socket(settings: &Settings) -> Vec<String> {
    let admin = settings.admin.map(|admin| admin.listen.to_string());
    let metrics = settings.metrics.as_ref().map(|metrics| metrics.listen.to_string());
    let wanted: Vec<_> = [settings.listen.to_string()].into_iter().chain(admin).chain(metrics).collect();
    if wanted == LISTEN {
        return Vec::new();
    }
    // An empty value removes those of the packaged unit.
    ["ListenStream=".to_owned()].into_iter().chain(wanted.iter().map(|one| format!("ListenStream={one}"))).collect()
}

fn of_answering(settings: &Settings, credentials: &Path) -> Result<Vec<String>, UnitError> {
    let has_https = settings.sync.feeds.iter().any(|feed| matches!(feed.source, Source::Https(_)));
    if has_https && settings.fetch_mode == FetchMode::InProcess {
        return Err(UnitError::InProcess);
    }
    let keys = [(&settings.tls.certificate, &settings.tls.key)]
        .into_iter()
        .chain(settings.admin_tls.iter().chain(settings.metrics_tls()).map(|files| (&files.certificate, &files.key)))
        .chain(settings.response_signer.iter().map(|files| (&files.certificate, &files.key)))
        .chain(settings.cluster.iter().map(|of| (&of.certificate, &of.key)));
    let mut lines = Vec::new();
    let wanted = credentials_of(keys, credentials);
    if wanted != BTreeSet::from([format!("{}:{}", CREDENTIAL.0, CREDENTIAL.1)]) {
        lines.push("LoadCredential=".to_owned());
        lines.extend(wanted.iter().map(|one| format!("LoadCredential={one}")));
    }
    let audit_log = &settings.audit_log;
    let folders = [&settings.sync.data, &settings.sync.rejected, &audit_log.folder, &audit_log.keys];
    let copy = audit_log.checkpoints.copy.as_deref().and_then(Path::parent);
    lines.extend(writable(folders.into_iter().map(PathBuf::as_path).chain(copy)));
    if let Some(cluster) = &settings.cluster {
        lines.push("# A node connects to the database, and answers on its ports.".to_owned());
        lines.extend(["PrivateNetwork=no", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"].map(str::to_owned));
        lines.extend(["SystemCallFilter=connect", "TimeoutStartSec=60"].map(str::to_owned));
        let hosts: Vec<_> = cluster.database.hosts().collect();
        lines.push(
            "# Tighter: IPAddressDeny=any, and IPAddressAllow= for consumers, load balancers, operators and".to_owned(),
        );
        lines.push(format!("# the database ({}).", hosts.join(", ")));
    }
    Ok(lines)
}

fn of_fetching(settings: &Settings, credentials: &Path, names: &Names<'_>) -> Result<Vec<String>, UnitError> {
    let mut lines = Vec::new();
    let of_https = || {
        settings.sync.feeds.iter().filter_map(|feed| match &feed.source {
            Source::Https(https) => Some((feed.dataset, https)),
            Source::Folder(_) => None,
        })
    };
    let keys =
        of_https().filter_map(|(_, https)| https.identity.as_ref()).map(|files| (&files.certificate, &files.key));
    lines.extend(credentials_of(keys, credentials).iter().map(|one| format!("LoadCredential={one}")));
    let mut allowed = BTreeSet::new();
    for (dataset, https) in of_https() {
        allowed.extend(find(names, &format!("feeds.{}.url", dataset.code()), https.url.host())?);
    }
    if !allowed.is_empty() {
        lines.push("# Publishers and name servers; run the command again when their addresses change.".to_owned());
        lines.extend(allowed.iter().chain(&names.servers).map(|address| format!("IPAddressAllow={address}")));
    }
    lines.extend(writable([settings.sync.data.as_path(), settings.sync.rejected.as_path()]));
    Ok(lines)
}

fn of_verifying(settings: &Settings) -> Vec<String> {
    let packaged = [Path::new(STATE).join("audit-log"), Path::new(STATE).join("verification-report")];
    let report = settings.verification_report.as_ref().unwrap_or(&packaged[1]);
    let mut lines = Vec::new();
    if settings.audit_log.folder != packaged[0] || *report != packaged[1] {
        lines.push("ExecStart=".to_owned());
        lines.push(format!(
            "ExecStart=/usr/bin/ehealth-attributes audit verify --audit-log {} --key /etc/ehealth-attributes/audit-log.pub --report {}",
            settings.audit_log.folder.display(),
            report.display()
        ));
    }
    lines.extend(writable(report.parent()));
    lines
}

/// The packaged unit reaches no address: it does nothing without `[acme]`.
fn of_renewing(settings: &Settings, names: &Names<'_>) -> Result<Vec<String>, UnitError> {
    let Some(acme) = &settings.acme else { return Ok(Vec::new()) };
    let mut lines = Vec::new();
    if acme.webroot.is_some() && acme.is_private() {
        lines.push("# The ACME server and name servers; run the command again when their addresses change.".to_owned());
        let mut allowed: BTreeSet<_> = find(names, "acme.directory", acme.host())?.into_iter().collect();
        allowed.extend(&names.servers);
        lines.extend(allowed.iter().map(|address| format!("IPAddressAllow={address}")));
    } else {
        lines.push(
            "# Public CAs have changing addresses, and any CA verifies challenges from addresses of its choice."
                .to_owned(),
        );
        lines.push("IPAddressAllow=any".to_owned());
    }
    if acme.webroot.is_none() {
        lines.push(format!("SocketBindAllow=tcp:{}", acme.listen.port()));
        if acme.listen.port() < FIRST_OPEN_PORT {
            let capability = ["CapabilityBoundingSet", "AmbientCapabilities"];
            lines.extend(capability.map(|key| format!("{key}=CAP_NET_BIND_SERVICE")));
            // A capability of a user namespace does not hold for the network of the machine.
            lines.push("PrivateUsers=no".to_owned());
        }
    }
    let files = [&settings.tls.certificate, &acme.account].into_iter().filter_map(|file| file.parent());
    let folders: BTreeSet<_> =
        files.chain(acme.webroot.as_deref()).filter(|one| !one.starts_with(ACME_STATE)).collect();
    lines.extend(folders.iter().map(|folder| format!("ReadWritePaths={}", folder.display())));
    Ok(lines)
}

/// `NAME:FILE` for each key that is a credential: its file is beside its certificate.
fn credentials_of<'a>(
    keys: impl IntoIterator<Item = (&'a PathBuf, &'a PathBuf)>,
    credentials: &Path,
) -> BTreeSet<String> {
    let of_key = |(certificate, key): (&PathBuf, &PathBuf)| {
        let file = credential_file((certificate, key), credentials)?;
        Some(format!("{}:{}", file.file_name()?.to_str()?, file.display()))
    };
    keys.into_iter().filter_map(of_key).collect()
}

/// The file from which systemd takes a key that is a credential: beside its certificate. `None`: the
/// key is not a credential.
#[must_use]
pub fn credential_file((certificate, key): (&Path, &Path), credentials: &Path) -> Option<PathBuf> {
    let name = key.strip_prefix(credentials).ok()?;
    Some(certificate.parent().unwrap_or(Path::new("")).join(name))
}

/// A line for each folder outside of the packaged one.
fn writable<'a>(folders: impl IntoIterator<Item = &'a Path>) -> BTreeSet<String> {
    let beyond = folders.into_iter().filter(|folder| !folder.starts_with(STATE));
    beyond.map(|folder| format!("ReadWritePaths={}", folder.display())).collect()
}

fn find(names: &Names<'_>, setting: &str, host: &str) -> Result<Vec<IpAddr>, UnitError> {
    (names.find)(host).map_err(|reason| UnitError::NoAddress {
        setting: setting.to_owned(),
        host: host.to_owned(),
        reason,
    })
}
