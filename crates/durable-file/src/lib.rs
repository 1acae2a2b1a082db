//! Durable replacement of whole files.
//!
//! [`replace`] writes the content to a draft beside the file, fsyncs the draft, renames it over the
//! file and fsyncs the folder. A crash at any moment leaves the old content or the new content,
//! never a part of one. A [`Draft`] does the same for content that is written piece by piece.
//!
//! [`replace_alike`] is for a file that another program reads: the new content keeps the permission
//! bits, the owner and the group of the old one.
//!
//! A draft has a random name and is created with `O_EXCL` and `O_NOFOLLOW`, relative to the
//! descriptor of its folder: another process can neither guess the name nor plant a link there, nor
//! move the folder away between two steps. A draft that is dropped before [`Draft::commit`] is
//! removed. A process that is killed leaves its draft behind; [`draft_target`] recognises the name,
//! so that the next writer can remove it. [`Directory`] has the single steps.

mod directory;

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::fs::{File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

pub use directory::{Directory, Identity, draft_name, draft_target};

/// Replaces a file with this content, durably. The file need not exist. `mode` is its permission
/// bits, before the umask.
///
/// # Errors
/// [`ReplaceError`]: the step that failed. The file has its old content, except after [`Step::SyncFolder`]: then the new
/// content is visible, but a power failure may bring the old content back.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), ReplaceError> {
    let mut draft = Draft::create(path, mode)?;
    draft.write(content)?;
    draft.commit()
}

/// Replaces the content of an existing file, durably; the file keeps its permission bits, owner and
/// group. A symbolic link stays, and the file that it names is replaced.
///
/// A command of root must not make a file of root out of one that a service reads as its owner.
///
/// # Errors
/// As [`replace`]; [`Step::Create`] if the file does not exist, or its owner cannot be kept.
pub fn replace_alike(path: &Path, content: &[u8]) -> Result<(), ReplaceError> {
    let failed = |source| ReplaceError { path: path.to_owned(), step: Step::Create, source };
    let path = path.canonicalize().map_err(failed)?;
    let old = path.metadata().map_err(failed)?;
    let mut draft = Draft::create(&path, 0o600)?;
    draft.resemble(&old).map_err(failed)?;
    draft.write(content)?;
    draft.commit()
}

/// The next content of a file, under another name until [`Draft::commit`]. Dropped before, it is
/// removed.
#[derive(Debug)]
pub struct Draft {
    file: File,
    folder: Directory,
    target: PathBuf,
    /// Name of the draft; `None` once it has been renamed.
    name: Option<OsString>,
    #[cfg(test)]
    failing: Option<Step>,
}

impl Draft {
    /// Creates an empty draft beside a file. `mode` is its permission bits, before the umask.
    ///
    /// # Errors
    /// [`ReplaceError`] with [`Step::Create`].
    pub fn create(target: &Path, mode: u32) -> Result<Self, ReplaceError> {
        let failed = |source| ReplaceError { path: target.to_owned(), step: Step::Create, source };
        let name = target.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let folder = Directory::open(folder_of(target)).map_err(failed)?;
        let (name, file) = folder.create_draft(name, mode).map_err(failed)?;
        Ok(Self {
            file,
            folder,
            target: target.to_owned(),
            name: Some(name),
            #[cfg(test)]
            failing: None,
        })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`ReplaceError`] with [`Step::Write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ReplaceError> {
        self.step(Step::Write, |draft| (&draft.file).write_all(bytes))
    }

    /// Gives the draft the owner, the group and the permission bits of a file.
    fn resemble(&self, old: &Metadata) -> io::Result<()> {
        let own = self.file.metadata()?;
        if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
            fchown(&self.file, Some(old.uid()), Some(old.gid()))?;
        }
        // After the owner: a change of owner clears bits.
        self.file.set_permissions(Permissions::from_mode(old.mode() & 0o777))
    }

    /// Makes the draft durable and puts it in the place of the file.
    ///
    /// # Errors
    /// [`ReplaceError`] with [`Step::SyncFile`], [`Step::Rename`] or [`Step::SyncFolder`]; see
    /// [`replace`].
    pub fn commit(mut self) -> Result<(), ReplaceError> {
        self.step(Step::SyncFile, |draft| draft.file.sync_all())?;
        self.step(Step::Rename, |draft| match (&draft.name, draft.target.file_name()) {
            (Some(name), Some(target)) => draft.folder.rename(name, target),
            (None, _) | (_, None) => Ok(()),
        })?;
        self.name = None;
        self.step(Step::SyncFolder, |draft| draft.folder.sync())
    }

    fn step(&self, step: Step, perform: impl FnOnce(&Self) -> io::Result<()>) -> Result<(), ReplaceError> {
        #[cfg(test)]
        let perform = |draft: &Self| {
            if draft.failing == Some(step) { Err(io::ErrorKind::StorageFull.into()) } else { perform(draft) }
        };
        perform(self).map_err(|source| ReplaceError { path: self.target.clone(), step, source })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut self.file, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            // What is left behind takes room but is never read.
            let _ = self.folder.remove(&name);
        }
    }
}

/// Folder of a file; the current one if the path has no folder.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// One step of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Creating the draft.
    Create,
    /// Writing the content to the draft.
    Write,
    /// Fsyncing the draft.
    SyncFile,
    /// Renaming the draft over the file.
    Rename,
    /// Fsyncing the folder, which makes the new name durable.
    SyncFolder,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "cannot create its draft",
            Self::Write => "cannot write its draft",
            Self::SyncFile => "cannot fsync its draft",
            Self::Rename => "cannot rename its draft",
            Self::SyncFolder => "cannot fsync its folder",
        })
    }
}

/// A file could not be replaced.
#[derive(Debug)]
pub struct ReplaceError {
    path: PathBuf,
    step: Step,
    source: io::Error,
}

impl ReplaceError {
    /// The file that was to be replaced.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The step that failed.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }
}

impl fmt::Display for ReplaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.path.display(), self.step, self.source)
    }
}

impl Error for ReplaceError {}

impl From<ReplaceError> for io::Error {
    /// Keeps the kind of the operating system's error, and the text with path and step.
    fn from(error: ReplaceError) -> Self {
        Self::new(error.source.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<_> =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_the_content_and_leaves_no_draft() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        for content in ["one\n", "a longer second\n", ""] {
            replace(&path, content.as_bytes(), 0o600).expect("writable");
            assert_eq!(fs::read_to_string(&path).expect("readable"), content);
        }
        assert_eq!(names(folder.path()), ["file"]);
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }

    #[test]
    fn a_replacement_alike_keeps_permissions_owner_and_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&path, "old").expect("written");
        symlink("file", &link).expect("a link");
        // A set-user-ID bit is not kept: content from elsewhere must not get it.
        fs::set_permissions(&path, Permissions::from_mode(0o4640)).expect("set");
        // Only root may give a file away; 1 is another user on every system.
        let other = fchown(File::open(&path).expect("open"), Some(1), Some(1)).map_or(None, |()| Some((1, 1)));
        replace_alike(&link, b"new").expect("replaced");
        let found = fs::symlink_metadata(&path).expect("there");
        assert_eq!(fs::read_to_string(&path).expect("readable"), "new");
        assert_eq!(found.mode() & 0o7777, 0o640);
        assert!(other.is_none_or(|other| other == (found.uid(), found.gid())));
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        let missing = replace_alike(&folder.path().join("missing"), b"x").expect_err("nothing to resemble");
        assert_eq!(missing.step, Step::Create);
        assert_eq!(names(folder.path()), ["file", "link"]);
    }

    #[test]
    fn a_failed_step_before_the_rename_keeps_the_old_content() {
        for step in [Step::Write, Step::SyncFile, Step::Rename] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("file");
            replace(&path, b"old", 0o600).expect("writable");
            let mut draft = Draft::create(&path, 0o600).expect("writable");
            draft.failing = Some(step);
            let error = draft.write(b"new").and_then(|()| draft.commit()).expect_err("injected");
            assert_eq!((error.step(), error.path()), (step, path.as_path()));
            assert_eq!(fs::read_to_string(&path).expect("readable"), "old", "{step:?}");
            assert_eq!(names(folder.path()), ["file"], "{step:?}");
        }
    }

    #[test]
    fn a_failed_folder_sync_leaves_the_new_content() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let mut draft = Draft::create(&path, 0o600).expect("writable");
        draft.failing = Some(Step::SyncFolder);
        draft.write(b"new").expect("writable");
        assert_eq!(draft.commit().expect_err("injected").step(), Step::SyncFolder);
        assert_eq!(fs::read_to_string(&path).expect("readable"), "new");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn an_error_names_the_path_the_step_and_the_cause() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("missing").join("file");
        let error = replace(&path, b"", 0o600).expect_err("no such folder");
        assert_eq!(error.step(), Step::Create);
        let text = error.to_string();
        assert!(text.starts_with(&format!("{}: cannot create its draft: ", path.display())), "{text}");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
        assert_eq!(replace(Path::new("/"), b"", 0o600).expect_err("no name").step(), Step::Create);
    }

    #[test]
    fn a_folder_in_the_place_of_the_file_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::create_dir_all(path.join("inside")).expect("writable");
        assert_eq!(replace(&path, b"new", 0o600).expect_err("a folder").step(), Step::Rename);
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_link_is_replaced_and_its_target_is_untouched() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, target) = (folder.path().join("file"), folder.path().join("target"));
        fs::write(&target, "precious").expect("writable");
        symlink(&target, &path).expect("writable");
        replace(&path, b"new", 0o600).expect("writable");
        assert!(!fs::symlink_metadata(&path).expect("there").is_symlink());
        assert_eq!(fs::read_to_string(&target).expect("readable"), "precious");
    }

    #[test]
    fn a_dropped_draft_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let mut draft = Draft::create(&path, 0o600).expect("writable");
        Write::write_all(&mut draft, b"some").expect("writable");
        let found = names(folder.path());
        assert_eq!(found.len(), 1);
        assert_eq!(draft_target(&found[0]), Some(OsStr::new("file")), "{found:?}");
        drop(draft);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_folder_that_is_moved_away_keeps_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let (here, there) = (folder.path().join("here"), folder.path().join("there"));
        fs::create_dir(&here).expect("writable");
        let mut draft = Draft::create(&here.join("file"), 0o600).expect("writable");
        draft.write(b"new").expect("writable");
        fs::rename(&here, &there).expect("moved");
        fs::create_dir(&here).expect("another folder in its place");
        draft.commit().expect("writable");
        assert_eq!((names(&here), names(&there)), (vec![], vec![OsString::from("file")]));
    }
}
