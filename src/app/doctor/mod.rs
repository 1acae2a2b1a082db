//! `doctor`: checks the machine under the service. What is read of it (`machine`) is plain data
//! (`facts`); the verdicts are functions of that data alone.
//!
//! The settings have a check of their own ([`check`](super::check())); its findings are one line here.

mod check;
mod disks;
mod facts;
mod kernel;
mod machine;
#[cfg(test)]
mod machine_tests;
mod permissions;
#[cfg(test)]
mod tests;
mod upkeep;

use std::path::Path;
use std::sync::Arc;

pub use machine::read_text as read_system_text;

pub use check::{Check, CheckName, Diagnosis, Verdict};

use self::facts::{CertificateFacts, Facts, SyncFacts, UnitFacts, VerificationFacts};
use super::data_file::read_regular;
use super::finding::Findings;
use super::installed_units::{UNITS, compare_all};
use super::load::{Loaded, load_active_config};
use super::{platform, verification_report};
use crate::config::Settings;
use crate::server::tls::RevocationFiles;
use certificates::Facts as CertificateOf;
use datasets::sync::Source;
use ehealth_core::closed_enum;
use ehealth_core::model::{Clock, Timestamp};

/// Folder that exists if systemd is the first process (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";
/// Maximum size of a verification report, in bytes.
const MAX_REPORT: u64 = 4_096;
/// Folders of installed units.
const INSTALLED: [&str; 3] = [UNITS, "/usr/lib/systemd/system", "/lib/systemd/system"];

closed_enum! {
    /// Whether the latency of the disk is measured.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Probe {
        /// Yes: a file of 800 KiB is written in the folder of the audit log, and removed.
        Write,
        /// No: nothing is written.
        LeaveOut,
    }
}

/// What a diagnosis is about.
pub struct Subject<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// Their file.
    pub config: &'a Path,
    /// Folder in which the settings' `credential:NAME` was found.
    pub credentials: &'a Path,
    /// What the check of the settings found.
    pub findings: &'a Findings,
}

/// Checks the machine. Waits for disks and for programs of the system: call it from a thread of its own.
#[must_use]
pub fn examine(subject: &Subject<'_>, probe: Probe, clock: &Arc<dyn Clock>) -> Diagnosis {
    let mut checks = vec![upkeep::configuration(subject.findings)];
    checks.extend(assess(&read(subject, probe, clock)));
    Diagnosis::new(checks)
}

/// The verdicts on these facts.
fn assess(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![kernel::clock(facts.clock.as_ref())];
    checks.extend(disks::assess(facts));
    checks.extend(permissions::assess(facts));
    checks.extend(kernel::assess(facts));
    checks.extend(upkeep::assess(facts));
    checks.sort_by_key(|check| CheckName::ALL.iter().position(|name| *name == check.name));
    checks
}

fn read(subject: &Subject<'_>, probe: Probe, clock: &Arc<dyn Clock>) -> Facts {
    let settings = subject.settings;
    let (service, feeds) = machine::users(settings);
    let verification = match &settings.verification_report {
        None => VerificationFacts::NotSet,
        // A regular file alone: the user of the service may put something else there, and root reads it.
        Some(file) => {
            let text = read_regular(file, MAX_REPORT).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let found = text.and_then(|text| verification_report::parse(&text));
            found.map_or(VerificationFacts::Missing, VerificationFacts::Found)
        }
    };
    let now = clock.now();
    Facts {
        clock: machine::clock(),
        folders: machine::folders(settings),
        min_free_space: settings.sync.min_free_space,
        reserve: settings.server.limits.audit_reserve,
        files: machine::files(settings, subject.config),
        service,
        feeds,
        syncs: match probe {
            Probe::Write => machine::syncs(&settings.audit_log.folder),
            Probe::LeaveOut => SyncFacts::LeftOut,
        },
        has_entropy: machine::has_entropy(),
        descriptors: machine::descriptors(),
        core_bytes: machine::core_bytes(),
        swaps: machine::swaps(),
        kernel: machine::read_text("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
        landlock: platform::landlock_version(),
        memory: machine::memory(settings),
        processors: std::thread::available_parallelism().ok().map(usize::from),
        units: units(subject),
        certificates: load_active_config(settings, clock).ok().map(|loaded| certificates(settings, &loaded, now)),
        verification,
        now,
    }
}

fn units(subject: &Subject<'_>) -> UnitFacts {
    if !Path::new(BOOTED).is_dir() {
        return UnitFacts::NoSystemd;
    }
    let is_installed = |unit: &str| INSTALLED.iter().any(|folder| Path::new(folder).join(unit).is_file());
    match compare_all(subject.settings, subject.credentials, Path::new(UNITS)) {
        Err(error) => UnitFacts::Unknown(error),
        Ok(found) => {
            let of = found.into_iter().map(|(drop_in, state)| (drop_in.unit, is_installed(drop_in.unit.code()), state));
            UnitFacts::Known(of.collect())
        }
    }
}

fn certificates(settings: &Settings, loaded: &Loaded, now: Timestamp) -> CertificateFacts {
    let Loaded { active_config, operators, .. } = loaded;
    let end = |setting| move |der: &_| CertificateOf::from_der(der).ok().map(|facts| (setting, facts.not_after));
    let mut ends: Vec<_> = active_config.chain.iter().filter_map(|der| end("server.certificate")(der)).collect();
    for (side, certificate, client_ca) in [
        (&operators.admin, "admin.certificate", "admin.client_ca"),
        (&operators.metrics, "metrics.certificate", "metrics.client_ca"),
    ] {
        if let Some(side) = side {
            ends.extend(side.chain.iter().filter_map(|der| end(certificate)(der)));
            ends.extend(side.authorities.iter().filter_map(|der| end(client_ca)(der)));
        }
    }
    for (setting, file) in other_certificates(settings) {
        let chain = tls_files::read_certificates(file).unwrap_or_default();
        ends.extend(chain.iter().filter_map(|der| end(setting)(der)));
    }
    let trust = active_config.client_verifier.trust();
    ends.extend(trust.authorities(now).map(|authority| ("trust.client_ca", authority.profile.not_after)));
    let lists = trust.authorities(now).filter_map(|authority| authority.list?.ok());
    CertificateFacts {
        ends,
        has_crls: settings.tls.revocation != RevocationFiles::None,
        next_updates: lists.map(certificates::RevocationList::next_update).collect(),
        closed: trust.closed_issuers(now).count(),
    }
}

/// Certificates that the service does not load for its listeners: those with which it signs, and with which it
/// and the process of the feeds identify themselves.
fn other_certificates(settings: &Settings) -> impl Iterator<Item = (&'static str, &Path)> {
    let signer =
        settings.response_signer.iter().map(|files| ("message_signature.certificate", files.certificate.as_path()));
    let cluster = settings.cluster.iter();
    let cluster = cluster.map(|cluster| ("cluster.certificate", cluster.certificate.as_path()));
    let feeds = settings.sync.feeds.iter().filter_map(|feed| match &feed.source {
        Source::Https(feed) => Some(("feeds.DATASET.certificate", feed.identity.as_ref()?.certificate.as_path())),
        Source::Folder(_) => None,
    });
    signer.chain(cluster).chain(feeds)
}
