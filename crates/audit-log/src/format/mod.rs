//! Bytes of the audit log: frames, records, keys, the tree over the records, and checkpoints.

pub(crate) mod codes;
pub(crate) mod damage;
pub(crate) mod decode;
pub(crate) mod detail;
pub(crate) mod encode;
pub(crate) mod enterprise;
pub(crate) mod frame;
pub(crate) mod key_id;
pub(crate) mod month;
pub(crate) mod note;
pub(crate) mod record;
pub(crate) mod segment_name;
pub(crate) mod subject;
pub(crate) mod tree;
