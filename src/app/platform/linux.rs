//! Linux: Landlock, memory dumps, abstract sockets, the clock that counts suspended time.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::time::Duration;

use durable_file::Directory;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::time::{ClockId, clock_gettime};

use super::reach::{Confined, Reach};

/// Landlock version whose rights are restricted; an older kernel restricts those that it knows.
const RIGHTS: ABI = ABI::V5;

/// Folders that resolving host names needs.
const RESOLVER: [&str; 5] = ["/etc", "/lib", "/lib64", "/usr", "/run"];

/// Address of an abstract socket (unix(7)).
pub(in crate::app) fn abstract_address(name: &[u8]) -> Option<SocketAddr> {
    SocketAddr::from_abstract_name(name).ok()
}

/// Time since the start of the machine, suspended time included.
pub(in crate::app) fn uptime() -> Duration {
    let uptime = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(uptime.tv_sec), u32::try_from(uptime.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

/// Forbids that other processes of the same user read this one's memory, and core dumps that the
/// kernel pipes to a program, as systemd-coredump.
pub(in crate::app) fn forbid_dumps() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Confines the calling thread to these folders.
pub(in crate::app) fn restrict(reach: &Reach) -> io::Result<Confined> {
    enforce(reach).map(confined).map_err(io::Error::other)
}

/// Confines the calling thread to reading and replacing files of one folder.
pub(in crate::app) fn restrict_to_folder(folder: &Directory) -> io::Result<Confined> {
    enforce_folder(folder).map(confined).map_err(io::Error::other)
}

fn confined(status: RulesetStatus) -> Confined {
    match status {
        RulesetStatus::FullyEnforced => Confined::Fully,
        RulesetStatus::PartiallyEnforced => Confined::Partly,
        RulesetStatus::NotEnforced => Confined::Not,
    }
}

fn enforce_folder(folder: &Directory) -> Result<RulesetStatus, RulesetError> {
    let access =
        AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::RemoveFile;
    let restricted = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RIGHTS))?
        .handle_access(AccessNet::from_all(RIGHTS))?
        .create()?
        .add_rule(PathBeneath::new(folder, access))?
        .restrict_self()?;
    Ok(restricted.ruleset)
}

fn enforce(reach: &Reach) -> Result<RulesetStatus, RulesetError> {
    let reading: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    let resolver = if reach.connects { &RESOLVER[..] } else { &[] };
    let mut ruleset =
        Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(AccessFs::from_all(RIGHTS))?;
    if !reach.connects {
        // No rule permits a port, so no address can be connected to.
        ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
    }
    let restricted = ruleset
        .create()?
        .add_rules(path_beneath_rules(&reach.read, reading))?
        .add_rules(path_beneath_rules(resolver, reading | AccessFs::Execute))?
        .add_rules(path_beneath_rules(&reach.temporary, AccessFs::from_all(RIGHTS)))?
        .add_rules(path_beneath_rules(&reach.write, AccessFs::from_all(RIGHTS)))?
        .restrict_self()?;
    Ok(restricted.ruleset)
}

#[cfg(test)]
mod tests {
    use rustix::process::Resource;

    use super::*;
    use crate::app::forbid_memory_dumps;

    #[test]
    fn a_process_that_forbids_dumps_cannot_be_dumped() {
        forbid_memory_dumps().expect("permitted");
        assert_eq!(rustix::process::dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(rustix::process::getrlimit(Resource::Core).current, Some(0));
    }
}
