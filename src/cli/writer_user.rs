//! Refuses to write as root where the service writes as its own user.
//!
//! A file that root makes belongs to root with the permissions of its owner only. The service could
//! then read neither its keys nor its audit log, and would fail at the next start.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Fails if this process is root and a folder belongs to another user. A folder that does not exist
/// yet belongs to the owner of the one above.
///
/// # Errors
/// A message with the folder, its owner and the command to use instead.
pub(super) fn check_writer(folders: &[&Path]) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    for folder in folders {
        let existing = folder.ancestors().find(|path| path.exists());
        let owner = existing.and_then(|path| path.metadata().ok()).map_or(0, |metadata| metadata.uid());
        if owner != 0 {
            let name = name_of(owner);
            return Err(format!(
                "{}: belongs to the user {name}, who could not read what root writes there; run the command as that \
                 user: runuser -u {name} -- ehealth-attributes …",
                folder.display()
            ));
        }
    }
    Ok(())
}

/// Name of a user; the number if the machine has no name for it.
fn name_of(user: u32) -> String {
    let users = text_file::read(Path::new("/etc/passwd")).unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut columns = line.split(':');
        let (name, number) = (columns.next()?, columns.nth(1)?);
        (number.parse() == Ok(user)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| user.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    #[test]
    fn root_does_not_write_where_another_user_owns() {
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("not/yet");
        assert_eq!(check_writer(&[folder.path(), &below]), Ok(()), "one's own folder");
        // Only root may give a folder away, and only root is refused.
        if chown(folder.path(), Some(1), None).is_ok() {
            for path in [folder.path(), &below] {
                let refused = check_writer(&[path]).expect_err("another user's");
                let name = name_of(1);
                assert!(refused.starts_with(&format!("{}: belongs to the user {name}", path.display())), "{refused}");
                assert!(refused.contains(&format!("runuser -u {name} -- ")), "{refused}");
            }
        }
        assert_eq!(name_of(4_000_000_000), "4000000000", "a user without a name");
        assert_eq!(name_of(0), "root");
    }
}
