//! The arguments that name the nodes of a cluster, and the keys of another node.

use std::path::PathBuf;

use clap::Args;

/// Which nodes of a cluster are read.
#[derive(Debug, Args)]
pub struct NodesArguments {
    /// Only this node's own audit log; without it, all nodes are read from the database if the settings
    /// have a section [cluster]
    #[arg(long)]
    pub this_node: bool,
    /// Folder of the keys of another node; may be given several times
    #[arg(long, value_name = "NODE=DIR", value_parser = parse_keys_of)]
    pub keys_of: Vec<KeysOf>,
}

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
