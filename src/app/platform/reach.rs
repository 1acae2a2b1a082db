//! What a confinement leaves to a process, and how far the kernel enforces it.

use std::path::PathBuf;

/// Result of the confinement. Only Linux has Landlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confined {
    /// The kernel enforces every right.
    Fully,
    /// The kernel enforces some of the rights.
    Partly,
    /// The kernel has no Landlock.
    Not,
}

/// Folders that a process needs, and whether it connects to other hosts.
#[derive(Default)]
pub(in crate::app) struct Reach {
    pub read: Vec<PathBuf>,
    pub write: Vec<PathBuf>,
    /// Folders of SQLite's temporary files: it sorts there what does not fit into memory.
    pub temporary: Vec<PathBuf>,
    pub connects: bool,
}
