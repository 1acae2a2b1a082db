//! The keys of another node of a cluster.

use std::path::PathBuf;

/// Folder of the keys of one node: `NODE=DIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysOf {
    pub(super) node: String,
    pub(super) folder: PathBuf,
}

/// Parses `NODE=DIR`.
pub(super) fn parse_keys_of(text: &str) -> Result<KeysOf, String> {
    let (node, folder) = text.split_once('=').ok_or("expected NODE=DIR")?;
    let node: cluster::NodeName = node.parse().map_err(|error| format!("{error}"))?;
    Ok(KeysOf { node: node.to_string(), folder: folder.into() })
}
