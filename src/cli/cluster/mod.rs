//! `cluster`: checks the database that the nodes share, shows the nodes, and migrates the schema.

mod run;

use clap::{Args, Subcommand};

use super::audit::PruneArguments;
use super::settings_file::SettingsFile;

pub(super) use run::run;

const CHECK_HELP: &str = "\
Examples:
  ehealth-attributes cluster check
  ehealth-attributes cluster check --config ./config.toml --json

Checks what a start would refuse: connection, certificates, version and settings of PostgreSQL,
synchronous standbys, schema, rights of the role. It changes nothing.

Exit codes:
  0  no errors; a node starts
  1  errors; each is printed with what to do
  3  the settings have errors, or no section [cluster]";

const STATUS_HELP: &str = "\
Examples:
  ehealth-attributes cluster status
  ehealth-attributes cluster status --json

Columns: node, age of its last report, link to the database, records that are not replicated yet,
records under its newest checkpoint, version. Below: what differs between the nodes.

Exit codes:
  0  all nodes report, and agree on policy, CRLs and datasets
  1  a node is silent or not replicated, nodes differ, or the database cannot be read
  3  the settings have errors, or no section [cluster]";

const MIGRATE_HELP: &str = "\
Example:
  ehealth-attributes cluster migrate \\
      --set cluster.database=postgresql://ehealth_owner@db1,db2/ehealth \\
      --set cluster.certificate=owner.pem --set cluster.key=owner.key

Brings the schema to the version of this program, forward only. Run deploy/cluster/roles.sql first.
Nodes of the version before go on while it runs.

Exit codes:
  0  the schema has the version of this program
  1  failed; nothing of the failed step remains
  3  the settings have errors, or no section [cluster]";

const PRUNE_HELP: &str = "\
Example:
  ehealth-attributes cluster prune --years 10 \\
      --set cluster.database=postgresql://pruner@db1,db2/ehealth \\
      --set cluster.certificate=pruner.pem --set cluster.key=pruner.key

First run `audit prune` on every node: it destroys the keys, and records the removal. A month stays
in the database while a node has a part of it in its own log. Fewer than 10 years need --shorter and
--confirm, as for `audit prune`.

Exit codes:
  0  removed, or nothing to remove
  1  failed, or a month stays because of a node
  3  the settings have errors, or no section [cluster]";

/// Commands under `cluster`.
#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Check the database that the nodes share: what a start would refuse
    #[command(after_help = CHECK_HELP)]
    Check(ClusterArguments),
    /// Show all nodes: replication, datasets, policy
    #[command(after_help = STATUS_HELP)]
    Status(ClusterArguments),
    /// Make or migrate the schema of the database
    #[command(after_help = MIGRATE_HELP)]
    Migrate(ClusterArguments),
    /// Remove the months past retention from the database, after every node has pruned its own log
    #[command(after_help = PRUNE_HELP)]
    Prune(PruneArguments),
}

/// Arguments of the commands under `cluster`.
#[derive(Debug, Args)]
pub struct ClusterArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
