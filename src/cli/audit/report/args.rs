//! Arguments of `audit report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::audit::scope::Scope;
use ehealth_core::model::Language;

pub(in crate::cli::audit) const REPORT_HELP: &str = "\
Examples:
  ehealth-attributes audit report --ssin - --language fr --format pdf < ssin.txt > letter.pdf
  ehealth-attributes audit report --ssin - --format pdf --reference 2026/42 --addressee 'Jan Peeters' \\
      --addressee 'Kerkstraat 1' --addressee '1000 Brussel' < ssin.txt > letter.pdf
  ehealth-attributes audit report --ssin - --language nl --format text < ssin.txt
  ehealth-attributes audit report --print-template --language fr > letter/fr.md
  ehealth-attributes audit report --batch requests.csv --out letters --resume

The section [letter] of the settings has the data of the institution. Own templates are in the folder
letter.templates.

The file of --batch is CSV with the header ssin,language,reference and, after these, columns with the
lines of the addressee. Each line makes one file, REFERENCE.pdf: letters, digits, '.', '_' and '-' in
references stay, '/' becomes '-'. An error of a line does not stop the others.

Exit codes:
  0  all records were read, and every letter was written
  1  failed, or records are missing or unreadable, or a line of the batch has an error
  3  the settings have errors, or lack the data of the institution";

/// Arguments of `audit report`.
#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = false, args = ["ssin", "batch", "print_template"])]
pub struct ReportArguments {
    /// SSIN of the person; - reads it from standard input (recommended)
    #[arg(long, value_name = "SSIN")]
    pub ssin: Option<String>,
    /// Settings and days
    #[command(flatten)]
    pub scope: Scope,
    /// Format [default: text; pdf with --batch]
    #[arg(long, value_enum)]
    pub format: Option<ReportFormat>,
    /// Language: nl, fr, de, en
    #[arg(long, default_value = "nl", value_parser = parse_language, conflicts_with = "batch")]
    pub language: Language,
    /// CSV file with the names of organisations: NUMBER,NAME per line
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,
    /// Reference of the letter
    #[arg(long, value_name = "TEXT", conflicts_with = "batch")]
    pub reference: Option<String>,
    /// Line of the addressee; may be given several times
    #[arg(long, value_name = "LINE", conflicts_with = "batch")]
    pub addressee: Vec<String>,
    /// Template of the letter [default: the file in letter.templates, or the built-in one]
    #[arg(long, value_name = "FILE", conflicts_with = "batch")]
    pub template: Option<PathBuf>,
    /// Print the template of the language
    #[arg(long)]
    pub print_template: bool,
    /// Show the names of missing settings in the letter, instead of refusing to write it
    #[arg(long)]
    pub draft: bool,
    /// Many letters
    #[command(flatten)]
    pub many: BatchArguments,
}

/// Arguments of a batch.
#[derive(Debug, Args)]
pub struct BatchArguments {
    /// CSV file with requests: ssin,language,reference[,addressee…]; - is standard input
    #[arg(long, value_name = "FILE", requires = "out")]
    pub batch: Option<PathBuf>,
    /// Folder of the letters of --batch; it is created
    #[arg(long, value_name = "DIR", requires = "batch")]
    pub out: Option<PathBuf>,
    /// Replace existing files
    #[arg(long, requires = "batch")]
    pub force: bool,
    /// Skip requests whose file exists
    #[arg(long, requires = "batch", conflicts_with = "force")]
    pub resume: bool,
    /// Print one JSON object for each line of --batch
    #[arg(long, requires = "batch")]
    pub json: bool,
}

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Plain text, without the letter
    Text,
    /// JSON
    Json,
    /// Letter as an HTML page
    Html,
    /// Letter as PDF (PDF/UA-1)
    Pdf,
}

impl ReportFormat {
    /// End of the name of a file.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Json => "json",
            Self::Html => "html",
            Self::Pdf => "pdf",
        }
    }
}

fn parse_language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| format!("expected one of {}", Language::ALL.map(Language::code).join(", ")))
}
