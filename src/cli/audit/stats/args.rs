//! Arguments of `audit stats`.

use clap::Args;

use crate::cli::audit::exchanges::FilterArguments;
use crate::cli::audit::scope::NodesArguments;
use crate::cli::settings_file::SettingsFile;

/// Text behind the arguments.
pub(in crate::cli::audit) const STATS_HELP: &str = "\
Examples:
  ehealth-attributes audit stats --from 2026-01-01 --to 2026-12-31
  ehealth-attributes audit stats --legal-context prevention-service --csv > counts.csv
  ehealth-attributes audit stats --caller 0999010126 --json

One row for each month, caller and legal context. `answered`, `empty`, `refused` and `failed` count
exchanges; the nine columns behind them count the exchanges that disclosed a field (1 to 9, as in the
policy). Requests that a limit refused before they were read are no exchanges: see `audit events`.

Exit codes:
  0  all records were read
  1  failed, or records are missing or unreadable; those that can be read are counted
  2  invalid arguments
  3  the settings have errors";

/// Arguments of `audit stats`.
#[derive(Debug, Args)]
pub struct StatsArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Filters
    #[command(flatten)]
    pub filter: FilterArguments,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print one JSON object for each row
    #[arg(long)]
    pub json: bool,
    /// Nodes
    #[command(flatten)]
    pub nodes: NodesArguments,
}
