//! Arguments of `audit export`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use crate::cli::settings_file::SettingsFile;

/// Text behind the arguments.
pub(in crate::cli::audit) const EXPORT_HELP: &str = "\
Examples:
  ehealth-attributes audit export --out records.jsonl
  ehealth-attributes audit export --out records.jsonl --state export.state --follow
  ehealth-attributes audit export --after 1203 | gzip > more.jsonl.gz
  ehealth-attributes audit export --with-encrypted-detail --out archive.jsonl --state archive.state

Every record is a line, also those that are no exchanges. Lines have no person: neither the detail nor the
tokens, unless --with-encrypted-detail adds both, encrypted and keyed as they are. The log of this node is
exported, up to its last durable record.

With --state the same command continues where it ended or was killed, and the file has every record once.
The file may be moved away between two runs: the next one begins a new file with the next record. On
standard output the state says what was written to the pipe, not what its reader kept.

Exit codes:
  0  all durable records were written
  1  failed: a gap or damage in the log, or a file cannot be read or written; what was written before is
     complete
  2  invalid arguments
  3  the settings have errors";

/// Arguments of `audit export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Settings
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Write to this file, which only the owner can read [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Begin behind this record
    #[arg(long, value_name = "SEQUENCE", conflicts_with = "state")]
    pub after: Option<u64>,
    /// Keep in this file how far the export is, and continue there
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Wait for new records until interrupted
    #[arg(long)]
    pub follow: bool,
    /// Add the bytes of each record in base64, with the encrypted detail and the tokens of persons. Nothing
    /// is decrypted. The hash of a line can then be computed from it
    #[arg(long)]
    pub with_encrypted_detail: bool,
    /// Sync after this many records at the latest
    #[arg(long, value_name = "RECORDS", default_value = "8192")]
    pub batch: NonZeroU32,
}
