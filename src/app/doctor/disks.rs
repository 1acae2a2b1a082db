//! Verdicts on disks: file systems, free space, folders that share a disk, latency of fdatasync.

use super::check::{Check, CheckName, size};
use super::facts::{Facts, FolderFacts, Role, SyncFacts};

/// File systems in memory: a restart removes everything.
const IN_MEMORY: [&str; 3] = ["tmpfs", "ramfs", "devtmpfs"];
/// Layers of a container: removed with it, and locks of SQLite can fail between layers.
const LAYERED: [&str; 2] = ["overlay", "aufs"];
/// File systems over a network or in user space: locks and fsync depend on the other side.
const REMOTE: [&str; 7] = ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs"];
/// Mount options with which an acknowledged sync may be lost in a power failure.
const UNSAFE: [&str; 5] = ["nobarrier", "barrier=0", "data=writeback", "barrier=none", "nointegrity"];
/// Free bytes that a run of a feed needs beyond `data.min_free_space`, to begin: 128 MiB.
const RUN_BYTES: u64 = 128 << 20;
/// Free bytes below which the alert AuditLogDiskFilling fires: 1 GiB.
const AUDIT_BYTES: u64 = 1 << 30;
/// Free inodes below which a warning is due: a month of segments and indexes are two, a dataset a few.
const INODES: u64 = 10_000;
/// Median and 99th percentile of a sync above which a warning is due, in microseconds.
const SLOW_MICROS: (u64, u64) = (10_000, 100_000);
/// 99th percentile above which exchanges run into their time limits, in microseconds.
const FAILING_MICROS: u64 = 1_000_000;
/// Exchanges a second that one busy processor answers (docs/operations/capacity.md "Processor").
const ANSWERED: u64 = 30_745;
/// Connections of the figure below.
const CONNECTIONS: u64 = 64;

/// All checks of disks.
pub(super) fn assess(facts: &Facts) -> Vec<Check> {
    let mut checks: Vec<_> = facts.folders.iter().map(file_system).collect();
    checks.extend(facts.folders.iter().filter_map(|folder| free_space(folder, facts)));
    checks.push(shared_disk(facts));
    checks.push(sync_latency(&facts.syncs));
    checks
}

fn file_system(folder: &FolderFacts) -> Check {
    let name = CheckName::FileSystem;
    let subject = folder.role.code();
    let path = folder.path.display();
    let is_copy = folder.role == Role::CheckpointCopy;
    if folder.is_missing {
        let seen = format!("{path} does not exist");
        let check = if is_copy {
            Check::problem(name, seen, "make or mount it: the copy of the checkpoint is not written")
        } else {
            Check::warning(name, seen, "make it, or let the first start or run make it; then run the command again")
        };
        return check.about(subject);
    }
    let Some(mount) = folder.mount.as_ref().filter(|_| folder.device.is_some()) else {
        let action = "run the command as root or as the user of the service";
        return Check::not_checked(name, format!("{path} cannot be read"), action).about(subject);
    };
    let kind = mount.kind.as_str();
    let is_in = |kinds: &[&str]| kinds.contains(&kind);
    let unsafe_option = mount.options.iter().find(|option| UNSAFE.contains(&option.as_str()));
    let check = if is_in(&IN_MEMORY) {
        let action = "use a folder on a disk: what is in memory is lost at the next start of the machine";
        Check::problem(name, format!("{path} is in memory ({kind})"), action)
    } else if is_in(&LAYERED) {
        let action = "mount a volume there: the layer is removed with its container";
        Check::problem(name, format!("{path} is a layer of a container ({kind})"), action)
    } else if !is_copy && (is_in(&REMOTE) || kind.starts_with("fuse")) {
        let action = "use a disk of this machine: SQLite's locks and fsync depend on the server here, and a network that \
                      hangs stops the answers";
        Check::problem(name, format!("{path} is on {kind}"), action)
    } else if let Some(option) = unsafe_option {
        let action = "remove the option from /etc/fstab: records that were acknowledged can be lost in a power failure";
        Check::problem(name, format!("{path} is on {kind}, mounted with {option}"), action)
    } else {
        Check::ok(name, format!("{path} is on {kind}"))
    };
    check.about(subject)
}

fn free_space(folder: &FolderFacts, facts: &Facts) -> Option<Check> {
    let (name, path) = (CheckName::FreeSpace, folder.path.display());
    let space = folder.space?;
    let least = match folder.role {
        Role::AuditLog => facts.reserve,
        Role::Data | Role::Rejected if facts.min_free_space == 0 => 0,
        Role::Data | Role::Rejected => facts.min_free_space.saturating_add(RUN_BYTES),
        Role::Keys | Role::CheckpointCopy => 1 << 20,
    };
    let early = match folder.role {
        Role::AuditLog => least.max(AUDIT_BYTES),
        Role::Data | Role::Rejected | Role::Keys | Role::CheckpointCopy => least,
    };
    let inodes = space.inodes.map_or(String::new(), |inodes| format!(", {inodes} inodes"));
    let seen = format!("{path} has {}{inodes} free; {} are needed", size(space.bytes), size(least));
    let check = if space.bytes < least {
        Check::problem(name, seen, "free or enlarge the disk (docs/operations/capacity.md)")
    } else if space.inodes == Some(0) {
        Check::problem(name, seen, "remove files: no file can be made there")
    } else if space.bytes < early || space.inodes.is_some_and(|inodes| inodes < INODES) {
        Check::warning(name, seen, "free or enlarge the disk soon (docs/operations/capacity.md)")
    } else {
        Check::ok(name, seen)
    };
    Some(check.about(folder.role.code()))
}

fn shared_disk(facts: &Facts) -> Check {
    let name = CheckName::SharedDisk;
    let device = |role: Role| facts.folders.iter().find(|folder| folder.role == role).and_then(|folder| folder.device);
    let Some(audit_log) = device(Role::AuditLog) else {
        return Check::not_checked(name, "the folder of the audit log cannot be read", "");
    };
    let shares = |role: &Role| device(*role) == Some(audit_log);
    let shared: Vec<_> =
        [Role::Data, Role::Rejected, Role::CheckpointCopy, Role::Keys].into_iter().filter(shares).collect();
    let codes: Vec<_> = shared.iter().map(|role| role.code()).collect();
    let seen = format!("on the file system of the audit log: {}", codes.join(", "));
    if shared.contains(&Role::CheckpointCopy) {
        let action =
            "put audit_log.checkpoint_copy on another machine's disk: a copy beside the audit log protects little";
        Check::warning(name, seen, action).about(Role::CheckpointCopy.code())
    } else if shared.is_empty() {
        Check::ok(name, "the audit log has a file system of its own")
    } else {
        let action = "give the audit log a file system of its own, and its keys another: what a publisher sends can then \
                      not fill it, and who gets the disk has not the keys";
        Check::warning(name, seen, action).about(Role::AuditLog.code())
    }
}

fn sync_latency(syncs: &SyncFacts) -> Check {
    let (name, subject) = (CheckName::SyncLatency, Role::AuditLog.code());
    let check = match syncs {
        SyncFacts::LeftOut => Check::not_checked(name, "left out by --no-probe", ""),
        SyncFacts::NotPermitted => {
            let action = "run the command as root or as the user of the service";
            Check::not_checked(name, "this user may not write there", action)
        }
        SyncFacts::Failed(error) => {
            Check::problem(name, format!("a file cannot be written: {error}"), "free or repair the disk")
        }
        SyncFacts::Measured(micros) => measured(micros),
    };
    check.about(subject)
}

/// Verdict on latencies in ascending order.
fn measured(micros: &[u64]) -> Check {
    let name = CheckName::SyncLatency;
    let at = |hundredths: usize| {
        let place = micros.len().saturating_mul(hundredths) / 100;
        micros.get(place.min(micros.len().saturating_sub(1))).copied()
    };
    let (Some(median), Some(high)) = (at(50), at(99)) else {
        return Check::not_checked(name, "nothing was measured", "");
    };
    let alone = 1_000_000 / median.max(1);
    let together = alone.saturating_mul(CONNECTIONS).min(ANSWERED);
    let seen = format!(
        "{} appends of 4 KiB with fdatasync: p50 {median} us, p99 {high} us; at most {} exchanges/s on one connection, \
         {together} on {CONNECTIONS}",
        micros.len(),
        alone.min(ANSWERED)
    );
    if high >= FAILING_MICROS {
        Check::problem(name, seen, "use another disk, or find what else writes to it: exchanges wait for a sync")
    } else if median > SLOW_MICROS.0 || high > SLOW_MICROS.1 {
        let action = "use a disk with a protected write cache (docs/operations/capacity.md \"Processor\")";
        Check::warning(name, seen, action)
    } else {
        Check::ok(name, seen)
    }
}
