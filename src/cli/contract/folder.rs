//! Writes files into a folder of the user, and overwrites nothing unless that is asked for.
//!
//! The folder may be one in which others write, such as a checkout or `/tmp`. It is opened once;
//! every step is on a name relative to its descriptor, and a symbolic link under that name is never
//! followed ([`durable_file::Directory`]). All files are compared before the first is written, so a
//! conflict leaves the folder as it was.
//!
//! A new file is created under its own name with `O_EXCL`: hard links, which could put a whole file
//! in place without replacing another, are missing on many shared and removable disks. A file that
//! cannot be written to its end is removed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use durable_file::Directory;
use rustix::io::Errno;

/// Permission bits of the files, before the umask.
const MODE: u32 = 0o666;

/// What happens to a file that has other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// It is kept, and nothing is written.
    Keep,
    /// It is replaced. Of a symbolic link the link is replaced, not its target.
    Replace,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Created,
    Replaced,
    /// It had this content before.
    Unchanged,
}

/// A file that has its content now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub name: &'static str,
    pub bytes: usize,
    pub outcome: Outcome,
}

/// Why files could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// The folder cannot be created or opened.
    #[error("{}: the folder cannot be used: {source}", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    /// Names in the folder belong to something else. Nothing was written.
    #[error(
        "{}\nNothing was written. Name another folder, or remove what is in the way; --force replaces files and links",
        lines(.0)
    )]
    Conflicts(Vec<Conflict>),
    /// A file cannot be written.
    #[error("{}: cannot be written: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
}

/// A name in the folder that something else has.
#[derive(Debug, thiserror::Error)]
#[error("{}: {found}", file.display())]
pub(super) struct Conflict {
    file: PathBuf,
    found: Obstacle,
}

/// What has a file's name.
#[derive(Debug, thiserror::Error)]
enum Obstacle {
    #[error("exists with other content")]
    OtherContent,
    #[error("is a symbolic link, which is not followed")]
    Link,
    #[error("is not a regular file")]
    NoFile,
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
}

impl Obstacle {
    /// Whether `--force` replaces it. No export wrote a folder or a device.
    fn is_replaceable(&self) -> bool {
        match self {
            Self::OtherContent | Self::Link => true,
            Self::NoFile | Self::Unreadable(_) => false,
        }
    }
}

/// State of a name in the folder.
enum Found {
    Nothing,
    SameContent,
    Obstacle(Obstacle),
}

/// Writes files, by name and content, into a folder. A missing folder is created, with its parents.
///
/// # Errors
/// [`WriteError`]. After [`WriteError::File`], files before the named one are in place.
pub(super) fn write_all(
    folder: &Path,
    files: &[(&'static str, String)],
    existing: Existing,
) -> Result<Vec<Written>, WriteError> {
    let failed = |source| WriteError::Folder { folder: folder.to_owned(), source };
    let directory = open_or_create(folder).map_err(failed)?;
    let plan = plan(&directory, folder, files, existing)?;
    let mut written = Vec::new();
    for ((name, text), outcome) in files.iter().zip(plan) {
        let failed = |source| WriteError::File { file: folder.join(name), source };
        match outcome {
            Outcome::Created => create(&directory, name.as_ref(), text.as_bytes()).map_err(failed)?,
            Outcome::Replaced => replace(&directory, name.as_ref(), text.as_bytes()).map_err(failed)?,
            Outcome::Unchanged => {}
        }
        written.push(Written { name, bytes: text.len(), outcome });
    }
    directory.sync().map_err(failed)?;
    Ok(written)
}

fn open_or_create(folder: &Path) -> io::Result<Directory> {
    match Directory::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            Directory::open(folder)
        }
        opened => opened,
    }
}

/// What to do for each file.
fn plan(
    directory: &Directory,
    folder: &Path,
    files: &[(&'static str, String)],
    existing: Existing,
) -> Result<Vec<Outcome>, WriteError> {
    let (mut plan, mut conflicts) = (Vec::new(), Vec::new());
    for (name, text) in files {
        match look(directory, name.as_ref(), text.as_bytes()) {
            Found::Nothing => plan.push(Outcome::Created),
            Found::SameContent => plan.push(Outcome::Unchanged),
            Found::Obstacle(found) if existing == Existing::Replace && found.is_replaceable() => {
                plan.push(Outcome::Replaced);
            }
            Found::Obstacle(found) => conflicts.push(Conflict { file: folder.join(name), found }),
        }
    }
    if conflicts.is_empty() { Ok(plan) } else { Err(WriteError::Conflicts(conflicts)) }
}

fn look(directory: &Directory, name: &OsStr, wanted: &[u8]) -> Found {
    let file = match directory.open_file(name) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Found::Obstacle(Obstacle::Link);
        }
        // A socket.
        Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
            return Found::Obstacle(Obstacle::NoFile);
        }
        Err(error) => return Found::Obstacle(Obstacle::Unreadable(error)),
    };
    match has_content(&file, wanted) {
        Ok(Some(true)) => Found::SameContent,
        Ok(Some(false)) => Found::Obstacle(Obstacle::OtherContent),
        Ok(None) => Found::Obstacle(Obstacle::NoFile),
        Err(error) => Found::Obstacle(Obstacle::Unreadable(error)),
    }
}

/// Whether a file has this content; `None` if it is not a regular file. Reads at most one byte more.
fn has_content(file: &File, wanted: &[u8]) -> io::Result<Option<bool>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut content = Vec::new();
    let most = u64::try_from(wanted.len()).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut content)?;
    Ok(Some(content == wanted))
}

/// Creates a file; one that exists by now is an error.
fn create(directory: &Directory, name: &OsStr, content: &[u8]) -> io::Result<()> {
    let file = directory.create_new(name, MODE)?;
    let written = write(&file, content);
    if written.is_err() {
        let _ = directory.remove(name);
    }
    written
}

/// Puts a draft in the place of a file or a link.
fn replace(directory: &Directory, name: &OsStr, content: &[u8]) -> io::Result<()> {
    let (draft, file) = directory.create_draft(name, MODE)?;
    let written = write(&file, content).and_then(|()| directory.rename(&draft, name));
    if written.is_err() {
        let _ = directory.remove(&draft);
    }
    written
}

fn write(mut file: &File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    file.sync_all()
}

fn lines(conflicts: &[Conflict]) -> String {
    conflicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
