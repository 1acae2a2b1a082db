//! Arguments that several commands share: where and in which days to search.

use clap::Args;

use super::keys_of::{KeysOf, parse_keys_of};
use crate::cli::settings_file::SettingsFile;

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

/// Where and in which days to search.
#[derive(Debug, Args)]
pub struct Scope {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// First day of the exchanges, YYYY-MM-DD
    #[arg(long, requires = "to")]
    pub from: Option<String>,
    /// Last day of the exchanges, YYYY-MM-DD
    #[arg(long, requires = "from")]
    pub to: Option<String>,
    /// Read every record instead of using the indexes
    #[arg(long)]
    pub no_index: bool,
    /// Nodes
    #[command(flatten)]
    pub nodes: NodesArguments,
}
