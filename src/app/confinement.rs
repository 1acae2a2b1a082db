//! Confinement of the process after its settings are read: access to its own files only and, if it
//! fetches no feed, no outgoing TCP connection (Landlock, if the kernel supports it). The thread that
//! writes the copy of the checkpoint is confined apart: to the folder of the copy, which the rest of
//! the process cannot touch.
//!
//! No part of the memory is ever written to a file: a core dump or another process of the same user
//! would read persons' numbers and keys there ([`forbid_memory_dumps`]).
//!
//! systemd's sandbox is stricter and starts earlier; this one also works in a container or from a
//! shell. System calls are not filtered here: the unit's `SystemCallFilter` does that. A filter in
//! the program would have to know every call of its libraries, which change with each version.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use durable_file::Directory;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::platform::{self, Confined, Reach};
use crate::config::{FetchMode, Settings};
use crate::server::tls::RevocationFiles;
use datasets::sync::{Feed, Source};

/// Process to confine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Answers consumers and, if the settings say so, fetches feeds.
    Answering,
    /// Only fetches feeds: it needs neither the audit log, its keys nor the policy.
    Fetching,
}

/// Confines the calling thread and the threads that it starts afterwards: call it before any other
/// thread is started, except the one for the copy of the checkpoint. Makes the folders that are
/// written, with access for their owner only.
///
/// # Errors
/// The error of the system if a folder cannot be made, or if the kernel refuses a right that it
/// supports.
pub fn confine(settings: &Settings, part: Part) -> io::Result<Confined> {
    for folder in &Reach::new(settings, part).write {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    confine_existing(settings, part)
}

/// As [`confine`], without making a folder: for a check, which changes nothing.
///
/// # Errors
/// As [`confine`].
pub fn confine_existing(settings: &Settings, part: Part) -> io::Result<Confined> {
    platform::restrict(&Reach::new(settings, part))
}

/// Confines the calling thread to reading and replacing files of one folder. It can then neither
/// read another file nor connect to another host.
///
/// # Errors
/// The error of the system if the kernel refuses a right that it supports.
pub fn confine_to_folder(folder: &Directory) -> io::Result<Confined> {
    platform::restrict_to_folder(folder)
}

/// Forbids core dumps, and that other processes of the same user read this one's memory. Call it
/// before anything secret is read.
///
/// # Errors
/// The error of the system.
pub fn forbid_memory_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // The limit does not apply if the kernel pipes core dumps to a program, as systemd-coredump.
    platform::forbid_dumps()
}

impl Reach {
    fn new(settings: &Settings, part: Part) -> Self {
        let mut reach = Self { write: vec![settings.sync.data.clone()], ..Self::default() };
        let fetches = match part {
            Part::Answering => {
                reach.add_answering(settings);
                settings.fetch_mode == FetchMode::InProcess
            }
            Part::Fetching => true,
        };
        if fetches {
            reach.write.push(settings.sync.rejected.clone());
            reach.temporary.extend([std::env::temp_dir(), "/var/tmp".into()]);
            settings.sync.feeds.iter().for_each(|feed| reach.add_feed(feed));
        }
        reach
    }

    fn add_answering(&mut self, settings: &Settings) {
        let crls = match &settings.tls.revocation {
            RevocationFiles::None => &[][..],
            RevocationFiles::Lists(crls) => crls.as_slice(),
        };
        self.read.extend(settings.tls.client_ca.iter().chain(crls).cloned());
        let files = settings.files().chain(&settings.verification_report);
        self.read.extend(files.flat_map(|file| folders_of(file)));
        self.write.extend([settings.audit_log.folder.clone(), settings.audit_log.keys.clone()]);
        self.connects |= settings.cluster.is_some();
        // Not the folder of the checkpoint's copy: only its own thread needs it.
    }

    fn add_feed(&mut self, feed: &Feed) {
        match &feed.source {
            // The publisher may still have to make the folder: then the folder around it must be
            // readable.
            Source::Folder(folder) if folder.exists() => self.read.push(folder.clone()),
            Source::Folder(folder) => self.read.extend(folder_of(folder)),
            Source::Https(feed) => {
                self.connects = true;
                let identity = feed.identity.iter().flat_map(|own| [&own.certificate, &own.key]);
                self.read.extend([&feed.authorities].into_iter().chain(identity).flat_map(|file| folders_of(file)));
            }
        }
    }
}

/// The folder of a file and of its link's target. The rule is for the folder, because a replaced
/// file is a new file.
fn folders_of(file: &Path) -> impl Iterator<Item = PathBuf> {
    let linked = file.canonicalize().ok().and_then(|file| folder_of(&file));
    folder_of(file).into_iter().chain(linked)
}

fn folder_of(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    Some(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;

    use super::*;

    #[test]
    fn a_confined_thread_reaches_one_folder_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let [inside, outside] = ["inside", "outside"].map(|name| dir.path().join(name));
        for folder in [&inside, &outside] {
            fs::create_dir(folder).expect("ours");
            fs::write(folder.join("file"), "content").expect("ours");
        }
        let (within, beyond) = (inside.clone(), outside.clone());
        let confined = std::thread::spawn(move || {
            let directory = Directory::open(&within).expect("there");
            let confined = confine_to_folder(&directory).expect("confined");
            // As a copy is replaced.
            let (draft, _) = directory.create_draft(OsStr::new("file"), 0o600).expect("permitted");
            directory.rename(&draft, OsStr::new("file")).expect("permitted");
            let again = Directory::open(&within).and_then(|folder| folder.sync());
            assert!(again.is_ok(), "{again:?}");
            let reached = fs::read(beyond.join("file")).is_ok() || fs::write(beyond.join("new"), "").is_ok();
            assert_eq!(reached, confined == Confined::Not);
            confined
        });
        let confined = confined.join().expect("no panic");
        assert_eq!(outside.join("new").exists(), confined == Confined::Not);
        assert_eq!(fs::read(outside.join("file")).expect("not confined here"), b"content");
        assert_eq!(fs::read(inside.join("file")).expect("replaced"), b"");
    }
}
