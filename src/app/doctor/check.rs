//! The result of a diagnosis: one line for each check.

use ehealth_core::closed_enum;

closed_enum! {
    /// What a check says.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Verdict {
        /// As it should be.
        Ok => "ok",
        /// The service works; something needs attention.
        Warning => "warning",
        /// The service does not work, or records, keys or data are at risk.
        Problem => "problem",
        /// The system did not say it.
        NotChecked => "not-checked",
    }
}

closed_enum! {
    /// What is checked (`docs/operations/diagnose.md` "Checks").
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CheckName {
        /// The check of the settings, as `config check --offline`.
        Configuration => "configuration",
        /// Synchronisation of the clock.
        Clock => "clock",
        /// File system of a folder.
        FileSystem => "file-system",
        /// Free space and inodes of a folder's disk.
        FreeSpace => "free-space",
        /// Folders that should be on different disks.
        SharedDisk => "shared-disk",
        /// Owners and modes of files and folders.
        Permissions => "permissions",
        /// Latency of fdatasync in the folder of the audit log.
        SyncLatency => "sync-latency",
        /// Random numbers of the kernel.
        Entropy => "entropy",
        /// Limit on open descriptors.
        Descriptors => "descriptors",
        /// Limit on core dumps.
        CoreDumps => "core-dumps",
        /// Swap devices.
        Swap => "swap",
        /// Version of the kernel, and of its sandbox.
        Landlock => "landlock",
        /// Memory of the machine, and the limit of the control group.
        Memory => "memory",
        /// Processors that this process may use.
        Processors => "processors",
        /// Units of systemd, and their drop-ins.
        Units => "units",
        /// Validity of the certificates.
        Certificates => "certificates",
        /// Validity of the CRLs.
        Crls => "crls",
        /// Last verification of the audit log.
        Verification => "verification",
        /// Last backup.
        Backup => "backup",
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is checked.
    pub name: CheckName,
    /// Setting that the check is about; empty: the machine.
    pub subject: String,
    /// What it says.
    pub verdict: Verdict,
    /// What was seen, with numbers and units.
    pub seen: String,
    /// What to do; empty if nothing.
    pub action: String,
}

impl Check {
    fn new(name: CheckName, verdict: Verdict, seen: impl Into<String>, action: &str) -> Self {
        Self { name, subject: String::new(), verdict, seen: seen.into(), action: action.to_owned() }
    }

    /// Nothing is to be done.
    pub(super) fn ok(name: CheckName, seen: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, seen, "")
    }

    /// Something needs attention.
    pub(super) fn warning(name: CheckName, seen: impl Into<String>, action: &str) -> Self {
        Self::new(name, Verdict::Warning, seen, action)
    }

    /// Something is wrong.
    pub(super) fn problem(name: CheckName, seen: impl Into<String>, action: &str) -> Self {
        Self::new(name, Verdict::Problem, seen, action)
    }

    /// The system did not say it.
    pub(super) fn not_checked(name: CheckName, why: impl Into<String>, action: &str) -> Self {
        Self::new(name, Verdict::NotChecked, why, action)
    }

    /// The same check about a setting.
    pub(super) fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..self }
    }
}

/// Every check, in the order of [`CheckName::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnosis(Vec<Check>);

impl Diagnosis {
    pub(super) fn new(checks: Vec<Check>) -> Self {
        Self(checks)
    }

    /// The checks.
    pub fn iter(&self) -> impl Iterator<Item = &Check> {
        self.0.iter()
    }

    /// Number of checks with this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|check| check.verdict == verdict).count()
    }
}

/// A number of bytes for a person: whole MiB below 10 GiB, else GiB.
pub(super) fn size(bytes: u64) -> String {
    let mib = bytes >> 20;
    if mib < 10_240 { format!("{mib} MiB") } else { format!("{} GiB", mib >> 10) }
}
