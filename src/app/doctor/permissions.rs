//! Verdicts on owners and modes.

use super::check::{Check, CheckName};
use super::facts::{Access, Facts, FileFacts, FileKind, User};

/// Read, write and search of everyone but the owner.
const GROUP_AND_OTHERS: u32 = 0o077;
const OTHERS: u32 = 0o007;
const OTHERS_WRITE: u32 = 0o002;
const READ: u32 = 4;
const WRITE: u32 = 2;

/// One check for each setting that names files: the worst of its files.
pub(super) fn assess(facts: &Facts) -> Vec<Check> {
    let mut settings: Vec<&str> = facts.files.iter().map(|file| file.setting.as_str()).collect();
    settings.dedup();
    settings.into_iter().map(|setting| of_setting(setting, facts)).collect()
}

fn of_setting(setting: &str, facts: &Facts) -> Check {
    let of_setting = || facts.files.iter().filter(|file| file.setting == setting);
    let wrong: Vec<_> = of_setting().filter_map(|file| fault_of(file, facts)).collect();
    let more = wrong.len().saturating_sub(1);
    let check = match wrong.into_iter().next() {
        Some(check) if more > 0 => Check { seen: format!("{}; {more} more files", check.seen), ..check },
        Some(check) => check,
        None => {
            let first = of_setting().next();
            let mode = first.and_then(|file| file.access.as_ref().ok()).map(|access| access.mode).unwrap_or_default();
            let path = first.map(|file| file.path.display().to_string()).unwrap_or_default();
            let more = of_setting().count().saturating_sub(1);
            let files = if more == 0 { String::new() } else { format!(", and {more} files") };
            Check::ok(CheckName::Permissions, format!("{path} has mode {mode:04o}{files}"))
        }
    };
    check.about(setting)
}

/// What is wrong with a file; `None`: nothing.
fn fault_of(file: &FileFacts, facts: &Facts) -> Option<Check> {
    let path = file.path.display();
    let access = match &file.access {
        Ok(access) => *access,
        Err(error) => {
            let action = "run the command as root or as the user of the service";
            return Some(Check::not_checked(CheckName::Permissions, format!("{path}: {error}"), action));
        }
    };
    match file.kind {
        FileKind::AuditKey => of_audit_key(&path.to_string(), access, facts.service.as_ref()),
        FileKind::PrivateKey => of_private_key(&path.to_string(), access),
        FileKind::AuditLog => of_audit_log(&path.to_string(), access, facts.feeds.as_ref()),
        FileKind::Operators => of_operators(&path.to_string(), access, [&facts.service, &facts.feeds]),
    }
}

fn wrong(seen: String, action: &str) -> Check {
    Check::problem(CheckName::Permissions, seen, action)
}

fn of_audit_key(path: &str, access: Access, service: Option<&User>) -> Option<Check> {
    let Access { mode, uid, .. } = access;
    if mode & GROUP_AND_OTHERS != 0 {
        let seen = format!("{path} has mode {mode:04o}: others than its owner have access to keys of the audit log");
        return Some(wrong(seen, "chmod 0700 the folder and 0600 its files; see who may have read them"));
    }
    let other = service.filter(|service| service.uid != uid)?;
    let seen = format!("{path} belongs to user {uid}, the audit log to {}", other.name);
    Some(wrong(seen, "chown it to the user of the service, who otherwise cannot read it"))
}

fn of_private_key(path: &str, access: Access) -> Option<Check> {
    let Access { mode, .. } = access;
    if mode & OTHERS != 0 {
        let seen = format!("{path} has mode {mode:04o}: every user of this machine has access to the private key");
        return Some(wrong(seen, "chmod 0600 it; renew the certificate with another key if others use this machine"));
    }
    if mode & GROUP_AND_OTHERS == 0 {
        return None;
    }
    let seen = format!("{path} has mode {mode:04o}: its group has access to the private key");
    let action =
        "chmod 0600 it, unless the group is the service's alone (credentials of systemd, volumes of a container)";
    Some(Check::warning(CheckName::Permissions, seen, action))
}

fn of_audit_log(path: &str, access: Access, feeds: Option<&User>) -> Option<Check> {
    let Access { mode, .. } = access;
    if mode & OTHERS != 0 {
        let seen = format!("{path} has mode {mode:04o}: every user of this machine has access to the audit log");
        return Some(wrong(seen, "chmod 0700 it"));
    }
    let feeds = feeds.filter(|user| user.may(READ | WRITE | 1, access))?;
    let seen = format!("{path} has mode {mode:04o}: {} has access to the audit log", feeds.name);
    Some(wrong(
        seen,
        "chmod 0700 it: what a publisher's file does to the fetching process must not reach the audit log",
    ))
}

fn of_operators(path: &str, access: Access, users: [&Option<User>; 2]) -> Option<Check> {
    let Access { mode, .. } = access;
    if mode & OTHERS_WRITE != 0 {
        let seen = format!("{path} has mode {mode:04o}: every user of this machine may change it");
        return Some(wrong(seen, "chmod 0644 it, and compare it with a copy"));
    }
    // Root may write everything: a container runs as one user.
    let writer = users.into_iter().flatten().find(|user| user.uid != 0 && user.may(WRITE, access))?;
    let seen = format!("{path} has mode {mode:04o}: {} may change it", writer.name);
    let action = "chown root it: a service that is taken over could otherwise permit itself everything";
    Some(Check::warning(CheckName::Permissions, seen, action))
}
