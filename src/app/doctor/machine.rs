//! Reads the facts of the machine. It changes nothing, except that the probe of the disk writes a file
//! and removes it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use durable_file::Directory;
use rustix::fs::{OFlags, statvfs};
use rustix::process::{Resource, getrlimit};

use super::facts::{
    Access, ClockFacts, FileFacts, FileKind, FolderFacts, MemoryFacts, Mount, Role, Space, Swap, SwapMedium, SyncFacts,
    User,
};
use crate::app::bounded_run::run;
use crate::config::{FetchMode, Kind, Settings, find_key};

/// Maximum size of a file of `/proc`, `/sys` or `/etc` that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Maximum number of keys that are looked at.
const MAX_KEYS: usize = 4_096;
/// Appends of the probe, and their size in bytes.
const APPENDS: usize = 200;
const APPEND_BYTES: usize = 4_096;
/// Time after which no further append of the probe begins.
const PROBE_TIME: Duration = Duration::from_secs(5);
/// Maximum time for a program that says how the clock is synchronised.
const PROGRAM_TIME: Duration = Duration::from_secs(3);
/// User who fetches the feeds in the package.
const FEEDS_USER: &str = "ehealth-attributes-feeds";

/// The text of a small file of the system, at most 1 MiB of it.
#[must_use]
pub fn read_text(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).ok()?;
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    file.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// How the clock is synchronised: systemd's answer is that of the kernel (adjtimex(2), STA_UNSYNC), which
/// chrony sets too; chrony knows the error.
pub(super) fn clock() -> Option<ClockFacts> {
    let text = |program, arguments: &[&str]| {
        run(program, arguments, MAX_FILE, PROGRAM_TIME).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let chrony = text("chronyc", &["-n", "-c", "tracking"]).and_then(|text| parse_tracking(&text));
    let systemd = || {
        let answer = text("timedatectl", &["show", "--property=NTPSynchronized", "--value"])?;
        let is_synchronised = match answer.trim() {
            "yes" => true,
            "no" => false,
            _ => return None,
        };
        Some(ClockFacts { is_synchronised, source: "timedatectl", error_micros: None })
    };
    let timesync = || {
        let is_there = Path::new("/run/systemd/timesync/synchronized").exists();
        is_there.then_some(ClockFacts { is_synchronised: true, source: "systemd-timesyncd", error_micros: None })
    };
    chrony.or_else(systemd).or_else(timesync)
}

/// Reads `chronyc -c tracking`: the second field is the reference, the fifth the error in seconds (its sign
/// says the direction), the last the state of leap seconds.
pub(super) fn parse_tracking(line: &str) -> Option<ClockFacts> {
    let fields: Vec<_> = line.trim().split(',').collect();
    let error = fields.get(4)?.trim_start_matches(['-', '+']);
    let (seconds, part) = error.split_once('.').unwrap_or((error, ""));
    let micros: String = part.chars().chain("000000".chars()).take(6).collect();
    let error = seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(micros.parse().ok()?)?;
    let is_synchronised = *fields.last()? != "Not synchronised";
    Some(ClockFacts { is_synchronised, source: "chronyc", error_micros: Some(error) })
}

/// The folders that the settings name.
pub(super) fn folders(settings: &Settings) -> Vec<FolderFacts> {
    let mounts = read_text("/proc/self/mountinfo").unwrap_or_default();
    let audit_log = &settings.audit_log;
    let copy = audit_log.checkpoints.copy.as_deref().and_then(Path::parent);
    let named = [
        (Role::AuditLog, Some(audit_log.folder.as_path())),
        (Role::Keys, Some(&audit_log.keys)),
        (Role::CheckpointCopy, copy),
        (Role::Data, Some(&settings.sync.data)),
        (Role::Rejected, Some(&settings.sync.rejected)),
    ];
    let of = |(role, path): (Role, Option<&Path>)| path.map(|path| folder(role, path, &mounts));
    named.into_iter().filter_map(of).collect()
}

fn folder(role: Role, path: &Path, mounts: &str) -> FolderFacts {
    let (real, metadata) = (path.canonicalize().ok(), fs::metadata(path));
    FolderFacts {
        role,
        path: path.to_owned(),
        is_missing: metadata.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound),
        device: metadata.ok().map(|metadata| metadata.dev()),
        mount: real.as_deref().and_then(|real| find_mount(mounts, real)),
        space: statvfs(path).ok().map(|disk| Space {
            bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            inodes: (disk.f_files > 0).then_some(disk.f_favail),
        }),
    }
}

/// The mount of a path without links: the last one with the longest mount point above it. Fields
/// (proc_pid_mountinfo(5)): the fifth is the mount point, the sixth its options; behind ` - ` are type, source
/// and options of the file system.
pub(super) fn find_mount(mounts: &str, path: &Path) -> Option<Mount> {
    let parsed = mounts.lines().filter_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(4);
        let (point, options) = (unescape(fields.next()?), fields.next()?);
        let mut system = system.split(' ');
        let (kind, of_system) = (system.next()?, system.nth(1).unwrap_or_default());
        Some((point, kind, options.split(',').chain(of_system.split(','))))
    });
    let above = parsed.filter(|(point, ..)| path.starts_with(point));
    let (_, kind, options) = above.max_by_key(|(point, ..)| Path::new(point).components().count())?;
    Some(Mount { kind: kind.to_owned(), options: options.map(str::to_owned).collect() })
}

/// Blanks and backslashes of a mount point are written as octal numbers.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The files whose permissions matter. `config` is the settings file.
pub(super) fn files(settings: &Settings, config: &Path) -> Vec<FileFacts> {
    let audit_log = &settings.audit_log;
    let mut files = vec![file(FileKind::AuditLog, Role::AuditLog.code(), &audit_log.folder)];
    files.push(file(FileKind::AuditKey, Role::Keys.code(), &audit_log.keys));
    let keys = fs::read_dir(&audit_log.keys).into_iter().flatten().take(MAX_KEYS).filter_map(Result::ok);
    files.extend(keys.map(|key| file(FileKind::AuditKey, Role::Keys.code(), &key.path())));
    // The settings list every private key; a default names no file.
    for setting in &settings.active_config {
        if find_key(&setting.key).is_some_and(|key| key.kind == Kind::Secret) && !setting.value.is_empty() {
            files.push(file(FileKind::PrivateKey, &setting.key, Path::new(&setting.value)));
        }
    }
    files.push(file(FileKind::Operators, "--config", config));
    files.push(file(FileKind::Operators, "policy.file", &settings.policy));
    files
}

fn file(kind: FileKind, setting: &str, path: &Path) -> FileFacts {
    let access =
        fs::metadata(path).map(|found| Access { uid: found.uid(), gid: found.gid(), mode: found.mode() & 0o7777 });
    let access = access.map_err(|error| error.to_string());
    FileFacts { kind, setting: setting.to_owned(), path: path.to_owned(), access }
}

/// The owner of the audit log, and the user who fetches the feeds if that is another.
pub(super) fn users(settings: &Settings) -> (Option<User>, Option<User>) {
    let passwd = read_text("/etc/passwd").unwrap_or_default();
    let group = read_text("/etc/group").unwrap_or_default();
    let owner = fs::metadata(&settings.audit_log.folder).ok().map(|folder| folder.uid());
    let service = owner.map(|uid| {
        let user = find_user(&passwd, &group, |_, other| other == uid);
        user.unwrap_or_else(|| User { name: uid.to_string(), uid, groups: Vec::new() })
    });
    let is_separate = settings.fetch_mode == FetchMode::SeparateProcess;
    let feeds = is_separate.then(|| find_user(&passwd, &group, |name, _| name == FEEDS_USER)).flatten();
    let feeds = feeds.filter(|feeds| service.as_ref().is_none_or(|service| service.uid != feeds.uid));
    (service, feeds)
}

/// Finds a user in the texts of `/etc/passwd` and `/etc/group`.
pub(super) fn find_user(passwd: &str, group: &str, is_wanted: impl Fn(&str, u32) -> bool) -> Option<User> {
    let mut users = passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, uid, gid) = (fields.next()?, fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        is_wanted(name, uid).then_some((name, uid, gid))
    });
    let (name, uid, gid): (&str, u32, u32) = users.next()?;
    let more = group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (gid, members) = (fields.nth(2)?.parse().ok()?, fields.next()?);
        members.split(',').any(|member| member == name).then_some(gid)
    });
    Some(User { name: name.to_owned(), uid, groups: std::iter::once(gid).chain(more).collect() })
}

/// Appends to a file in this folder, with fdatasync after each, and removes it. It has the name of a draft:
/// what a killed process leaves behind is removed at the next start of the service.
pub(super) fn syncs(folder: &Path) -> SyncFacts {
    match append(folder) {
        Ok(micros) => SyncFacts::Measured(micros),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => SyncFacts::NotPermitted,
        Err(error) => SyncFacts::Failed(error.to_string()),
    }
}

fn append(folder: &Path) -> io::Result<Vec<u64>> {
    let directory = Directory::open(folder)?;
    let (draft, mut file) = directory.create_draft(OsStr::new("probe"), 0o600)?;
    let began = Instant::now();
    let mut measure = || {
        let mut micros = Vec::with_capacity(APPENDS);
        while micros.len() < APPENDS && began.elapsed() < PROBE_TIME {
            file.write_all(&[0; APPEND_BYTES])?;
            let synced = Instant::now();
            file.sync_data()?;
            micros.push(u64::try_from(synced.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        micros.sort_unstable();
        Ok(micros)
    };
    let measured = measure();
    // Also after a failure.
    directory.remove(&draft)?;
    measured
}

/// Whether the kernel's random numbers are ready: `/dev/random` does not block then (random(4)).
pub(super) fn has_entropy() -> Option<bool> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).ok()?;
    let mut random = File::options().read(true).custom_flags(flags).open("/dev/random").ok()?;
    match random.read(&mut [0; 1]) {
        Ok(length) => Some(length == 1),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Some(false),
        Err(_) => None,
    }
}

/// Descriptors to which a process of this user may raise its limit.
pub(super) fn descriptors() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// Limit on core dumps.
pub(super) fn core_bytes() -> Option<u64> {
    getrlimit(Resource::Core).current
}

/// The swap devices of `/proc/swaps` (proc_swaps(5)): path, type, size in KiB.
pub(super) fn swaps() -> Option<Vec<Swap>> {
    let text = read_text("/proc/swaps")?;
    let parsed = text.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (device, kib) = (fields.next()?, fields.nth(1)?.parse::<u64>().ok()?);
        Some(Swap { device: device.to_owned(), bytes: kib.saturating_mul(1_024), medium: medium(device) })
    });
    Some(parsed.collect())
}

fn medium(device: &str) -> SwapMedium {
    // A mapped device has links with names: the kernel's own name says which it is.
    let real = Path::new(device).canonicalize().unwrap_or_else(|_| PathBuf::from(device));
    let name = real.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let uuid = || read_text(&format!("/sys/class/block/{name}/dm/uuid")).unwrap_or_default();
    if name.starts_with("zram") {
        SwapMedium::Memory
    } else if uuid().starts_with("CRYPT-") {
        SwapMedium::Encrypted
    } else {
        SwapMedium::Disk
    }
}

/// Memory of the machine, limit of the control group, size of the datasets.
pub(super) fn memory(settings: &Settings) -> MemoryFacts {
    let total = read_text("/proc/meminfo").and_then(|text| {
        let line =
            text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix(" kB")?.parse::<u64>();
        Some(line.ok()?.saturating_mul(1_024))
    });
    let files = fs::read_dir(&settings.sync.data).into_iter().flatten().take(MAX_KEYS).filter_map(Result::ok);
    let sizes = files.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file);
    let datasets = sizes.fold(0_u64, |sum, metadata| sum.saturating_add(metadata.len()));
    MemoryFacts { total, limit: memory_limit(), datasets }
}

/// The lowest limit of this process's control group and those above it (cgroups(7), version 2).
fn memory_limit() -> Option<u64> {
    let own = read_text("/proc/self/cgroup")?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let root = Path::new("/sys/fs/cgroup");
    let group = root.join(path.trim_start_matches('/'));
    let groups = group.ancestors().take_while(|group| group.starts_with(root));
    let limit = |group: &Path| read_text(&group.join("memory.max").display().to_string())?.trim().parse::<u64>().ok();
    groups.filter_map(limit).min()
}
