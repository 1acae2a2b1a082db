//! What the process may still touch once its settings are known: its own files, and, where it fetches nothing, no
//! address at all to connect to (Landlock, where the kernel has it).
//!
//! systemd's sandbox says more and says it earlier; this holds where there is no systemd, in a container or by hand.
//! System calls are not filtered here: the unit's `SystemCallFilter` does that, and a filter of our own would have to
//! know every call of the libraries below, which change with their versions.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, path_beneath_rules,
};

use crate::config::{FetchMode, Settings};
use crate::server::tls::RevocationFiles;
use datasets::sync::Source;

/// The rights that are handled; a kernel that knows fewer handles those.
const RIGHTS: ABI = ABI::V5;

/// What names of hosts are found out with.
const RESOLVER: [&str; 5] = ["/etc", "/lib", "/lib64", "/usr", "/run"];

/// Which part of the program is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It answers callers; where the settings say so it fetches feeds, too.
    Answering,
    /// It fetches feeds alone: evidence, keys and policy are none of its business.
    Fetching,
}

/// How far the kernel went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confined {
    /// Everything that was asked for.
    Fully,
    /// It knows some of the rights.
    Partly,
    /// It has no Landlock.
    Not,
}

/// Confines the calling thread and those that it starts from now on: to be called before any other is started. Folders
/// that are written are made if they are not there, for their owner alone.
///
/// # Errors
/// What the system says, if a folder cannot be made or the kernel refuses what it should know.
pub fn confine(settings: &Settings, part: Part) -> io::Result<Confined> {
    let Reach { read, write, resolves } = reach(settings, part);
    for folder in &write {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut more: Vec<&str> = Vec::new();
    if resolves {
        more.extend(RESOLVER);
    }
    // Where SQLite sorts what does not fit into memory.
    let temporary = if fetches(settings, part) { vec![std::env::temp_dir(), "/var/tmp".into()] } else { Vec::new() };
    let apply = || -> Result<RulesetStatus, RulesetError> {
        let reading: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
        let mut ruleset =
            Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(AccessFs::from_all(RIGHTS))?;
        if !resolves {
            // No rule allows a port: no address can be connected to.
            ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
        }
        let restricted = ruleset
            .create()?
            .add_rules(path_beneath_rules(&read, reading))?
            .add_rules(path_beneath_rules(more, reading | AccessFs::Execute))?
            .add_rules(path_beneath_rules(temporary, AccessFs::from_all(RIGHTS)))?
            .add_rules(path_beneath_rules(&write, AccessFs::from_all(RIGHTS)))?
            .restrict_self()?;
        Ok(restricted.ruleset)
    };
    match apply().map_err(io::Error::other)? {
        RulesetStatus::FullyEnforced => Ok(Confined::Fully),
        RulesetStatus::PartiallyEnforced => Ok(Confined::Partly),
        RulesetStatus::NotEnforced => Ok(Confined::Not),
    }
}

/// Folders, and whether hosts are looked up and connected to.
struct Reach {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    resolves: bool,
}

fn fetches(settings: &Settings, part: Part) -> bool {
    part == Part::Fetching || settings.fetch_mode == FetchMode::InProcess
}

fn reach(settings: &Settings, part: Part) -> Reach {
    let mut reach = Reach { read: Vec::new(), write: vec![settings.sync.data.clone()], resolves: false };
    if part == Part::Answering {
        let lists = match &settings.tls.revocation {
            RevocationFiles::None => &[][..],
            RevocationFiles::Lists(lists) => lists.as_slice(),
        };
        reach.read.extend(settings.tls.client_ca.iter().chain(lists).cloned());
        let files = settings.tls.paths().chain([&settings.policy]).chain(&settings.verification_report);
        let of_operators = settings.admin_tls.iter().flat_map(crate::server::tls::OperatorFiles::paths);
        reach.read.extend(files.chain(of_operators).flat_map(|file| folders_of(file)));
        reach.write.extend([settings.audit_log.folder.clone(), settings.audit_log.keys.clone()]);
        reach.write.extend(settings.audit_log.checkpoints.copy.as_deref().and_then(folder_of));
    }
    if fetches(settings, part) {
        reach.write.push(settings.sync.rejected.clone());
        for feed in &settings.sync.feeds {
            match &feed.source {
                // One that is not there yet is made by whoever drops the files: its own folder must be seen then.
                Source::Folder(folder) if folder.exists() => reach.read.push(folder.clone()),
                Source::Folder(folder) => reach.read.extend(folder_of(folder)),
                Source::Https(feed) => {
                    reach.resolves = true;
                    let identity = feed.identity.iter().flat_map(|own| [&own.certificate, &own.key]);
                    reach
                        .read
                        .extend([&feed.authorities].into_iter().chain(identity).flat_map(|file| folders_of(file)));
                }
            }
        }
    }
    reach
}

/// A file that is replaced is another file: its folder is what stays; and that of what it links to.
fn folders_of(file: &Path) -> impl Iterator<Item = PathBuf> {
    let linked = file.canonicalize().ok().and_then(|file| folder_of(&file));
    folder_of(file).into_iter().chain(linked)
}

fn folder_of(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    Some(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() })
}
