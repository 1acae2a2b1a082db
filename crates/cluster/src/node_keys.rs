//! The keys of the nodes, which the database does not have.

use audit_log::KeyFolder;

/// The keys of each node.
pub trait NodeKeys {
    /// Folder of the keys of this node; `None` if it is not at hand.
    fn of_node(&self, node: &str) -> Option<&KeyFolder>;
}
