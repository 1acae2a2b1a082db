//! Answers to challenges as files in the folder of a web server.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use durable_file::Directory;

use crate::AcmeError;

/// Folders below that of the web server (RFC 8555, 8.3).
const BELOW: [&str; 2] = [".well-known", "acme-challenge"];
/// Permission bits of folders and files: the web server is another user.
const MODES: (u32, u32) = (0o755, 0o644);

/// The files of one order; they are removed when this is dropped.
pub(crate) struct Webroot {
    path: PathBuf,
    /// Stays open: a folder that is replaced by a link leads nowhere else.
    folder: Directory,
    tokens: Vec<String>,
}

impl Webroot {
    /// Makes the folder of challenges. The folder of the web server must exist; below it no link is followed.
    pub fn open(root: &Path) -> Result<Self, AcmeError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |reason| AcmeError::Webroot { path, reason }
        };
        let mut folder = Directory::open(root).map_err(failed(root))?;
        let mut path = root.to_owned();
        for name in BELOW {
            path.push(name);
            folder = folder.open_or_make_folder(OsStr::new(name), MODES.0).map_err(failed(&path))?;
        }
        Ok(Self { path, folder, tokens: Vec::new() })
    }

    /// Writes the answer of a token, which was validated. An existing file or link is not followed.
    pub fn put(&mut self, token: &str, answer: &str) -> Result<(), AcmeError> {
        // Before it is written: a part of it is removed, too.
        self.tokens.push(token.to_owned());
        let written = self.write(OsStr::new(token), answer);
        written.map_err(|reason| AcmeError::Webroot { path: self.path.join(token), reason })
    }

    fn write(&self, token: &OsStr, answer: &str) -> io::Result<()> {
        match self.folder.remove(token) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
        self.folder.create_new(token, MODES.1)?.write_all(answer.as_bytes())
    }
}

impl Drop for Webroot {
    fn drop(&mut self) {
        for token in &self.tokens {
            // What is left behind is public and is never read again.
            let _ = self.folder.remove(OsStr::new(token));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_answer_is_written_and_removed_and_no_link_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, precious) = (folder.path().join(BELOW.join("/")).join("token"), folder.path().join("precious"));
        fs::write(&precious, "old").expect("written");
        let mut webroot = Webroot::open(folder.path()).expect("a folder");
        symlink(&precious, &file).expect("a link");
        webroot.put("token", "token.thumbprint").expect("written");
        assert_eq!(fs::read_to_string(&file).expect("there"), "token.thumbprint");
        assert_eq!(fs::read_to_string(&precious).expect("there"), "old");
        drop(webroot);
        assert!(!file.exists());
        // A web server that plants a link leads no file elsewhere.
        let elsewhere = tempfile::tempdir().expect("a folder");
        for link in [".well-known/acme-challenge", ".well-known"] {
            let link = folder.path().join(link);
            fs::remove_dir(&link).expect("it is empty");
            symlink(elsewhere.path(), &link).expect("a link");
            assert!(Webroot::open(folder.path()).is_err(), "{}", link.display());
            fs::remove_file(&link).expect("removed");
        }
        assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);
        let error = Webroot::open(&folder.path().join("absent")).err().expect("no folder").to_string();
        assert!(error.starts_with("acme.webroot: cannot write "), "{error}");
    }
}
