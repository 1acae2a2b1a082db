//! Texts of the policy files under which exchanges were decided, in the folder of the audit log.
//!
//! A record has the SHA-256 of the policy file that decided it. The text lies beside the segments,
//! under that name, from before the first such record. So a text that was changed later is
//! recognised, and "under which text was this allowed" can be answered as long as the records are
//! kept. Texts are never removed: they are small, and have no personal data.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ehealth_core::model::Digest;

use crate::format::tree::sha256;

/// Maximum size of a policy file, in bytes: 16 MiB.
pub const MAX_POLICY_BYTES: usize = 1 << 24;

fn path(folder: &Path, policy: Digest) -> PathBuf {
    folder.join(format!("policy-{policy}.toml"))
}

/// Keeps the text of a policy file, durably, and returns its SHA-256. Call it before the policy
/// decides anything.
///
/// # Errors
/// The error of the system; [`io::ErrorKind::FileTooLarge`] over [`MAX_POLICY_BYTES`].
pub fn keep_policy_text(folder: &Path, text: &[u8]) -> io::Result<Digest> {
    if text.len() > MAX_POLICY_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let policy = sha256(&[text]);
    match policy_text(folder, policy) {
        Ok(Some(_)) => {}
        // Not there, damaged, or not a file: it is written again.
        Ok(None) | Err(_) => durable_file::replace(&path(folder, policy), text, 0o600)?,
    }
    Ok(policy)
}

/// Returns the text of the policy file with this SHA-256; `None` if it is not there, or is another.
///
/// # Errors
/// The error of the system.
pub fn policy_text(folder: &Path, policy: Digest) -> io::Result<Option<Vec<u8>>> {
    let path = path(folder, policy);
    let seen = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        seen => seen?,
    };
    if !seen.is_file() || seen.len() > MAX_POLICY_BYTES as u64 {
        return Ok(None);
    }
    let mut text = Vec::new();
    File::open(path)?.take(MAX_POLICY_BYTES as u64).read_to_end(&mut text)?;
    Ok(Some(text).filter(|text| sha256(&[text.as_slice()]) == policy))
}

/// Names of the files with texts of policies.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let is_text = |name: &str| {
        let digest = name.strip_prefix("policy-").and_then(|name| name.strip_suffix(".toml"));
        digest.is_some_and(|digest| Digest::parse(digest).is_ok())
    };
    names.filter(|name| name.as_ref().map_or(true, |name| is_text(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_its_digest_and_only_unchanged() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = b"# no consumer\n";
        let policy = keep_policy_text(folder.path(), text).expect("written");
        assert_eq!(policy_text(folder.path(), policy).expect("read").as_deref(), Some(text.as_slice()));
        assert_eq!(list(folder.path()).expect("listed"), [format!("policy-{policy}.toml")]);
        let other = sha256(&[b"another"]);
        assert_eq!(policy_text(folder.path(), other).expect("read"), None);
        fs::write(path(folder.path(), policy), b"# one consumer\n").expect("changed");
        assert_eq!(policy_text(folder.path(), policy).expect("read"), None);
        assert_eq!(keep_policy_text(folder.path(), text).expect("written again"), policy);
        assert_eq!(policy_text(folder.path(), policy).expect("read").as_deref(), Some(text.as_slice()));
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let [victim, text] = ["victim", "# no consumer\n"].map(|name| (folder.path().join(name), name.as_bytes()));
        fs::write(&victim.0, b"untouched").expect("written");
        std::os::unix::fs::symlink(&victim.0, path(folder.path(), sha256(&[text.1]))).expect("linked");
        let policy = keep_policy_text(folder.path(), text.1).expect("written");
        assert_eq!(fs::read(&victim.0).expect("there"), b"untouched");
        assert_eq!(policy_text(folder.path(), policy).expect("read").as_deref(), Some(text.1));
    }
}
