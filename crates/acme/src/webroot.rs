//! Answers to challenges as files in the folder of a web server.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use durable_file::Directory;

use crate::AcmeError;

/// Folder below that of the web server (RFC 8555, 8.3).
const BELOW: &str = ".well-known/acme-challenge";

/// The files of one order; they are removed when this is dropped.
pub(crate) struct Webroot {
    folder: PathBuf,
    tokens: Vec<String>,
}

impl Webroot {
    /// Makes the folder of challenges. The folder of the web server must exist.
    pub fn open(root: &Path) -> Result<Self, AcmeError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |reason| AcmeError::Webroot { path, reason }
        };
        Directory::open(root).map_err(failed(root))?;
        let folder = root.join(BELOW);
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        Ok(Self { folder, tokens: Vec::new() })
    }

    /// Writes the answer of a token, which was validated. An existing file or link is not followed.
    pub fn put(&mut self, token: &str, answer: &str) -> Result<(), AcmeError> {
        let written = self.write(token, answer);
        written.map_err(|reason| AcmeError::Webroot { path: self.folder.join(token), reason })?;
        self.tokens.push(token.to_owned());
        Ok(())
    }

    fn write(&self, token: &str, answer: &str) -> io::Result<()> {
        let (folder, name) = (Directory::open(&self.folder)?, OsStr::new(token));
        match folder.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
        // The web server is another user.
        folder.create_new(name, 0o644)?.write_all(answer.as_bytes())
    }
}

impl Drop for Webroot {
    fn drop(&mut self) {
        if let Ok(folder) = Directory::open(&self.folder) {
            for token in &self.tokens {
                // What is left behind is public and is never read again.
                let _ = folder.remove(OsStr::new(token));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_answer_is_written_and_removed_and_no_link_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, precious) = (folder.path().join(BELOW).join("token"), folder.path().join("precious"));
        fs::write(&precious, "old").expect("written");
        let mut webroot = Webroot::open(folder.path()).expect("a folder");
        symlink(&precious, &file).expect("a link");
        webroot.put("token", "token.thumbprint").expect("written");
        assert_eq!(fs::read_to_string(&file).expect("there"), "token.thumbprint");
        assert_eq!(fs::read_to_string(&precious).expect("there"), "old");
        drop(webroot);
        assert!(!file.exists());
        let error = Webroot::open(&folder.path().join("absent")).err().expect("no folder").to_string();
        assert!(error.starts_with("acme.webroot: cannot write "), "{error}");
    }
}
