//! Files of the audit log: the disk, segments, keys, and the newest checkpoint.

pub(crate) mod checkpoint_files;
pub(crate) mod copy;
pub(crate) mod disk;
pub(crate) mod file_names;
pub(crate) mod keys;
pub(crate) mod segment;
pub(crate) mod space;
pub(crate) mod tail;
pub(crate) mod write_failure;
