//! Linux: Landlock, memory dumps, abstract sockets, the clock that counts suspended time, `/proc`.

use std::fs::File;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::FileExt;
use std::os::unix::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durable_file::Directory;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
};
use rustix::fs::{Dir, Mode, OFlags, fstat, open};
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{DumpableBehavior, Resource, getrlimit, set_dumpable_behavior};
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::reach::{Confined, Reach};
use crate::admin::ProcessReport;

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
    duration(clock_gettime(ClockId::Boottime))
}

fn duration(time: Timespec) -> Duration {
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
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

/// Version of Landlock in the kernel; 0: it has none, or it is not enabled. `None`: unknown.
///
/// A thread of its own is restricted, to no folder that matters, because the library says the version
/// only of a restriction that was made.
pub(in crate::app) fn landlock_version() -> Option<u32> {
    let restricted = std::thread::Builder::new().spawn(|| {
        let rights = AccessFs::from_all(ABI::V1);
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(rights)?;
        ruleset.create()?.restrict_self()
    });
    let status: Result<RestrictionStatus, RulesetError> = restricted.ok()?.join().ok()?;
    match status.ok()?.landlock {
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => Some(0),
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            let version = kernel_abi.unwrap_or(effective_abi as i32);
            u32::try_from(version).ok()
        }
    }
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

/// What says how much of the machine the process uses. The files stay open: neither Landlock nor
/// `ProtectProc=` lets a confined process open them, and what is open can still be read.
#[derive(Debug, Default)]
pub struct ProcessFiles {
    /// `/proc/self/stat` (proc_pid_stat(5)).
    stat: Option<File>,
    /// `/proc/self/fd`, an entry for each open file.
    descriptors: Option<Dir>,
    /// Start of the process, since 1970.
    started: Option<Duration>,
}

/// What `/proc/self/stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    /// Start of the process, in ticks since the start of the machine.
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl ProcessFiles {
    /// Opens the files: before the process is confined.
    #[must_use]
    pub fn open() -> Self {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptors = open("/proc/self/fd", flags, Mode::empty()).and_then(Dir::new);
        let mut files = Self { stat: File::open("/proc/self/stat").ok(), descriptors: descriptors.ok(), started: None };
        files.started = files.read_stat().and_then(|stat| started(stat.start_ticks));
        files
    }

    /// Reads what the system says now.
    pub(in crate::app) fn read(&mut self) -> ProcessReport {
        let stat = self.read_stat();
        let page = u64::try_from(page_size()).unwrap_or(0);
        ProcessReport {
            cpu: Some(duration(clock_gettime(ClockId::ProcessCPUTime))),
            resident_bytes: stat.map(|stat| stat.resident_pages.saturating_mul(page)),
            virtual_bytes: stat.map(|stat| stat.virtual_bytes),
            open_descriptors: self.descriptors.as_mut().and_then(count_entries),
            max_descriptors: getrlimit(Resource::Nofile).current,
            started: self.started,
        }
    }

    fn read_stat(&self) -> Option<Stat> {
        let mut content = [0; 1_024];
        let length = self.stat.as_ref()?.read_at(&mut content, 0).ok()?;
        parse_stat(std::str::from_utf8(content.get(..length)?).ok()?)
    }
}

/// Number of open files. Since Linux 6.2 it is the size of the folder; before, its entries are
/// counted.
fn count_entries(folder: &mut Dir) -> Option<u64> {
    let size = folder.fd().and_then(fstat).ok().and_then(|status| u64::try_from(status.st_size).ok());
    if size.is_some_and(|size| size > 0) {
        return size;
    }
    folder.rewind();
    let is_file = |name: &[u8]| !matches!(name, b"." | b"..");
    let mut count = 0_u64;
    for entry in folder {
        count = count.saturating_add(u64::from(is_file(entry.ok()?.file_name().to_bytes())));
    }
    Some(count)
}

/// Parses the fields behind the name of the program, which may contain anything: field 22 is the
/// start, 23 the virtual memory, 24 the resident memory.
fn parse_stat(content: &str) -> Option<Stat> {
    let (_, fields) = content.rsplit_once(") ")?;
    let mut numbers = fields.split_ascii_whitespace().skip(19).map(|field| field.parse().ok());
    let mut next = || numbers.next().flatten();
    Some(Stat { start_ticks: next()?, virtual_bytes: next()?, resident_pages: next()? })
}

/// Start of the process, since 1970.
fn started(ticks: u64) -> Option<Duration> {
    let millis = ticks.checked_mul(1_000)?.checked_div(clock_ticks_per_second())?;
    let age = uptime().checked_sub(Duration::from_millis(millis))?;
    SystemTime::now().duration_since(UNIX_EPOCH).ok()?.checked_sub(age)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::forbid_memory_dumps;

    #[test]
    fn a_process_that_forbids_dumps_cannot_be_dumped() {
        forbid_memory_dumps().expect("permitted");
        assert_eq!(rustix::process::dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
    }

    #[test]
    fn a_confined_thread_reads_the_files_that_it_opened_before() {
        let mut files = ProcessFiles::open();
        let folder = tempfile::tempdir().expect("a folder");
        let within = Directory::open(folder.path()).expect("there");
        let read = std::thread::spawn(move || {
            let confined = restrict_to_folder(&within).expect("confined");
            assert_eq!(File::open("/proc/self/stat").is_ok(), confined == Confined::Not);
            let before = files.read();
            let more: Vec<_> = (0..7).map(|_| io::pipe().expect("a pipe")).collect();
            let after = files.read();
            drop(more);
            (before, after)
        });
        let (before, after) = read.join().expect("no panic");
        // Other tests of this process open and close files, too.
        assert!(after.open_descriptors > Some(14), "{after:?}");
        assert!(before.cpu > Some(Duration::ZERO) && after.cpu >= before.cpu, "{before:?} {after:?}");
        let (resident, mapped) = (after.resident_bytes.expect("known"), after.virtual_bytes.expect("known"));
        assert!(resident > 1 << 20 && resident < mapped, "{after:?}");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let started = after.started.expect("known");
        assert!(started < now && now < started + uptime(), "{after:?}");
    }

    #[test]
    fn the_version_of_landlock_restricts_no_other_thread() {
        let version = landlock_version().expect("known");
        assert_eq!(landlock_version(), Some(version));
        File::open("/proc/self/stat").expect("this thread is not restricted");
        let folder = tempfile::tempdir().expect("a folder");
        let within = Directory::open(folder.path()).expect("there");
        let confined = std::thread::spawn(move || restrict_to_folder(&within).expect("confined"));
        assert_eq!(version == 0, confined.join().expect("no panic") == Confined::Not);
    }

    #[test]
    fn a_program_may_have_any_name() {
        let content = "7 (a) R (b) S 1 7 7 0 -1 4194560 1 0 0 0 11 12 0 0 20 0 4 0 8901 123456789 2345 18446744073709551615 1 1\n";
        let stat = Stat { start_ticks: 8_901, virtual_bytes: 123_456_789, resident_pages: 2_345 };
        assert_eq!(parse_stat(content), Some(stat));
        assert_eq!(parse_stat("7 (a) S 1 7"), None);
    }
}
