//! The files of the audit log: segments, the newest checkpoint, and the keys.

// The interface to the disk, and why a write fails.
pub(crate) mod disk;
pub(crate) mod file_names;
pub(crate) mod space;
pub(crate) mod write_failure;

// Segments.
pub(crate) mod segment;
pub(crate) mod tail;

// Beside the segments.
pub(crate) mod checkpoint_files;
pub(crate) mod copy_folder;
pub(crate) mod copy_thread;
pub(crate) mod keys;
pub(crate) mod policy_text;

// Backup.
pub(crate) mod copy;
