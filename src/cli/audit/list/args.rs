//! Arguments of `audit list`.

use std::num::NonZeroU64;

use clap::Args;

use crate::cli::audit::exchanges::FilterArguments;
use crate::cli::audit::scope::NodesArguments;
use crate::cli::settings_file::SettingsFile;

/// Text behind the arguments.
pub(in crate::cli::audit) const LIST_HELP: &str = "\
Examples:
  ehealth-attributes audit list --from 2026-01-01 --to 2026-01-31
  ehealth-attributes audit list --caller 0999010126 --outcome refused --csv > refused.csv
  ehealth-attributes audit list --from 2026-01-15T08:00:00Z --legal-context advisory-physician --json
  ehealth-attributes audit list --quality ADVISORY_PHYSICIAN --limit 100

No person is shown: `audit search` finds the exchanges of a person. Records are in the order of the log.
Every filter but --quality works without the keys of the audit log.

Exit codes:
  0  all records were read, or --limit was reached
  1  failed, or records are missing or unreadable; those that can be read are printed
  2  invalid arguments
  3  the settings have errors";

/// Arguments of `audit list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Filters
    #[command(flatten)]
    pub filter: FilterArguments,
    /// Print this many exchanges at most
    #[arg(long, value_name = "NUMBER")]
    pub limit: Option<NonZeroU64>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print one JSON object for each exchange
    #[arg(long)]
    pub json: bool,
    /// Nodes
    #[command(flatten)]
    pub nodes: NodesArguments,
}
