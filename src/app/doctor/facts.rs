//! What was read of the machine, as plain data: the verdicts need nothing else, so that tests can make
//! it up.

use std::path::PathBuf;

use crate::admin::Verification;
use crate::app::units::{DropInState, Unit};
use ehealth_core::model::Timestamp;

/// Everything that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The clock; `None`: no program says it.
    pub clock: Option<ClockFacts>,
    /// Folders that are written.
    pub folders: Vec<FolderFacts>,
    /// Space that a run of a feed leaves (`data.min_free_space`), in bytes.
    pub min_free_space: u64,
    /// Space of the audit log that only registered consumers may use (`audit_log.reserve`), in bytes.
    pub reserve: u64,
    /// Files whose permissions matter.
    pub files: Vec<FileFacts>,
    /// User of the service: the owner of the audit log.
    pub service: Option<User>,
    /// User who fetches the feeds, if it is another.
    pub feeds: Option<User>,
    /// Latencies of fdatasync.
    pub syncs: SyncFacts,
    /// Whether the kernel has enough entropy; `None`: unknown.
    pub has_entropy: Option<bool>,
    /// Descriptors that a process may open; `None`: unlimited.
    pub descriptors: Option<u64>,
    /// Limit on core dumps in bytes; `None`: unlimited.
    pub core_bytes: Option<u64>,
    /// Swap devices; `None`: unknown.
    pub swaps: Option<Vec<Swap>>,
    /// Release of the kernel.
    pub kernel: Option<String>,
    /// Version of Landlock; 0: not available. `None`: unknown.
    pub landlock: Option<u32>,
    /// Memory.
    pub memory: MemoryFacts,
    /// Processors that this process may use.
    pub processors: Option<usize>,
    /// systemd.
    pub units: UnitFacts,
    /// Certificates and CRLs; `None`: they cannot be loaded.
    pub certificates: Option<CertificateFacts>,
    /// The last verification.
    pub verification: VerificationFacts,
    /// Time of the diagnosis.
    pub now: Timestamp,
}

/// Synchronisation of the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockFacts {
    /// Whether it is synchronised.
    pub is_synchronised: bool,
    /// Where this was read.
    pub source: &'static str,
    /// Estimated error in microseconds, if it is known.
    pub error_micros: Option<u64>,
}

/// A folder that the service writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFacts {
    /// Use of the folder.
    pub role: Role,
    /// Its path.
    pub path: PathBuf,
    /// Whether there is no such folder.
    pub is_missing: bool,
    /// Number of the file system; `None`: the folder cannot be read.
    pub device: Option<u64>,
    /// The mount.
    pub mount: Option<Mount>,
    /// Free space.
    pub space: Option<Space>,
}

ehealth_core::closed_enum! {
    /// Use of a folder. Codes: its setting.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Role {
        /// The audit log.
        AuditLog => "audit_log.folder",
        /// Its keys.
        Keys => "audit_log.keys",
        /// The second copy of its checkpoint.
        CheckpointCopy => "audit_log.checkpoint_copy",
        /// The datasets.
        Data => "data.folder",
        /// Rejected records.
        Rejected => "data.rejected",
    }
}

/// A mount of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Type of the file system.
    pub kind: String,
    /// Options of the mount and of the file system.
    pub options: Vec<String>,
}

/// What a disk has left for this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes.
    pub bytes: u64,
    /// Inodes; `None`: the file system does not count them.
    pub inodes: Option<u64>,
}

/// A file or folder, and who may do what with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// What it is.
    pub kind: FileKind,
    /// Setting that names it.
    pub setting: String,
    /// Its path.
    pub path: PathBuf,
    /// Owner, group and mode, or the error of the system.
    pub access: Result<Access, String>,
}

ehealth_core::closed_enum! {
    /// Files by who may do what with them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum FileKind {
        /// The folder of the audit log's keys, and each key: for the service alone.
        AuditKey,
        /// A private key of a certificate.
        PrivateKey,
        /// The folder of the audit log: not for the user who fetches the feeds.
        AuditLog,
        /// Settings and policy: written by operators alone.
        Operators,
    }
}

/// Owner, group and mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}

/// A user of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Name, or the number if it has none.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// Groups.
    pub groups: Vec<u32>,
}

impl User {
    /// Whether one of these bits of `rwx` (4, 2, 1) applies to the user. Access control lists are not
    /// read.
    pub fn may(&self, bits: u32, access: Access) -> bool {
        let shift = match (access.uid == self.uid, self.groups.contains(&access.gid)) {
            (true, _) => 6,
            (false, true) => 3,
            (false, false) => 0,
        };
        access.mode >> shift & bits != 0
    }
}

/// Latencies of appends of 4 KiB with fdatasync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncFacts {
    /// `--no-probe`.
    LeftOut,
    /// This user may not write there.
    NotPermitted,
    /// The error of the system.
    Failed(String),
    /// Latencies in microseconds, in ascending order.
    Measured(Vec<u64>),
}

/// A swap device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// Its path.
    pub device: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Whether what is written there is readable without a key.
    pub medium: SwapMedium,
}

/// Where a swap device keeps what is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwapMedium {
    /// In memory (zram).
    Memory,
    /// On a disk, encrypted (dm-crypt).
    Encrypted,
    /// On a disk.
    Disk,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryFacts {
    /// Of the machine; `None`: unknown.
    pub total: Option<u64>,
    /// Limit of the control group; `None`: unlimited or unknown.
    pub limit: Option<u64>,
    /// Size of the loaded datasets.
    pub datasets: u64,
}

/// What systemd has of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitFacts {
    /// systemd does not run here.
    NoSystemd,
    /// The drop-ins cannot be derived or read.
    Unknown(String),
    /// Each unit: is its file installed, and what is its drop-in?
    Known(Vec<(Unit, bool, DropInState)>),
}

/// Ends of certificates and CRLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Certificates: setting, and the last second in which it is valid.
    pub ends: Vec<(&'static str, Timestamp)>,
    /// Whether CRLs are required.
    pub has_crls: bool,
    /// Next update of each current CRL.
    pub next_updates: Vec<Timestamp>,
    /// Issuers without a usable CRL, and why.
    pub closed: usize,
}

/// The last verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationFacts {
    /// `audit_log.verification_report` is not set.
    NotSet,
    /// No report can be read.
    Missing,
    /// The report.
    Found(Verification),
}
