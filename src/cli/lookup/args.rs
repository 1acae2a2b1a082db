//! Arguments of `lookup`.

use std::path::PathBuf;

use clap::Args;

use crate::config::parse_legal_context;
use ehealth_core::model::LegalContext;

const AFTER_HELP: &str = "\
--ssin asks about one person. --in FILE asks about many, one SSIN per line, and --out FILE receives
the answers: CSV, or one JSON object per line with --json. Run the same command again to continue
after an interruption: lines that have a row already are skipped.

A line is an SSIN (85073099932 or 85.07.30-999.32), alone or before `;`, a comma, a tab or #: what
follows is not read. Blank lines, lines that begin with # and a header line (ssin;name) are left out.
A line without an SSIN gets a row with the code MSG00011 and no ticket: no request is sent for it.

Examples:
  ehealth-attributes lookup --url https://localhost:8443 --ca ca.pem --cert fund.pem --key fund.key \\
      --organisation 0999010126 --legal-context advisory-physician --ssin - < ssin.txt
  ehealth-attributes lookup --profile fund --ssin - < ssin.txt
  ehealth-attributes lookup --profile fund --ssin - --end-user jdoe --quality ADVISORY_PHYSICIAN < ssin.txt
  ehealth-attributes lookup --profile fund --in people.csv --out answers.csv
  ehealth-attributes lookup --profile ./fund.toml --in people.txt --unordered --json > answers.jsonl
  ehealth-attributes lookup --profile fund --p12 new.p12 --p12-password-file new.password --test
  ehealth-attributes lookup --profile fund --sign-cert sign.pem --sign-key sign.key --verify-responses \\
      --ssin - < ssin.txt
  ehealth-attributes lookup --url https://localhost:8443 --ca ca.pem --cert fund.pem --key fund.key --test

Exit codes:
  0  answered
  1  failed, or stopped; also if the signature of a response is missing or refused
  2  arguments are invalid; all of them are printed
  3  the profile has errors; all of them are printed
  4  the service cannot be reached, or the TLS handshake failed
  5  answered without a result (one person)
  6  the service answered with a SOAP fault";

/// Arguments of `lookup`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct LookupArguments {
    /// File with the connection options, or its name in ~/.config/ehealth-attributes/profiles
    ///
    /// TOML with the keys url, ca, cert, key, p12, p12_password_file, organisation and legal_context. A
    /// NAME with a `/` or the ending .toml is a path; any other is the file NAME.toml in the folder
    /// ehealth-attributes/profiles of $XDG_CONFIG_HOME [default: ~/.config]. Options of the command line
    /// win.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Scheme and authority of the service, for example https://localhost:8443
    #[arg(long, required_unless_present = "profile")]
    pub url: Option<String>,
    /// CA certificate that signed the server certificate (PEM)
    #[arg(long, value_name = "FILE", required_unless_present = "profile")]
    pub ca: Option<PathBuf>,
    /// Client certificate, followed by its issuers (PEM)
    #[arg(long, value_name = "FILE", required_unless_present_any = ["profile", "p12"])]
    pub cert: Option<PathBuf>,
    /// Private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", required_unless_present_any = ["profile", "p12"])]
    pub key: Option<PathBuf>,
    /// PKCS #12 file (.p12, .pfx) with the client certificate, its issuers and its private key
    ///
    /// The password is the first line of --p12-password-file, or the value of
    /// EHEALTH_ATTRIBUTES_P12_PASSWORD.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cert", "key"])]
    pub p12: Option<PathBuf>,
    /// File with the password of the PKCS #12 file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cert", "key"])]
    pub p12_password_file: Option<PathBuf>,
    /// Certificate that signs the requests (PEM); it may be the one of --cert
    #[arg(long, value_name = "FILE", requires = "sign_key")]
    pub sign_cert: Option<PathBuf>,
    /// Private key of the signing certificate (PEM): RSA of at least 2048 bits, or EC on P-256 or P-384
    #[arg(long, value_name = "FILE", requires = "sign_cert")]
    pub sign_key: Option<PathBuf>,
    /// Accept only signed responses, which confirm the signature of the request
    ///
    /// The service signs with the certificate that it presents for TLS, or with one of
    /// --response-signer.
    #[arg(long)]
    pub verify_responses: bool,
    /// Certificates that may sign responses besides the TLS certificate of the service (PEM)
    #[arg(long, value_name = "FILE", requires = "verify_responses")]
    pub response_signer: Option<PathBuf>,
    /// Enterprise number of your organisation, ten digits
    #[arg(long, value_name = "NUMBER", required_unless_present_any = ["profile", "test"])]
    pub organisation: Option<String>,
    /// Legal context of the question: advisory-physician, prevention-service, ehealth-platform, or the
    /// code of another one
    #[arg(long, visible_alias = "context", value_name = "CONTEXT", value_parser = parse_legal_context,
        required_unless_present_any = ["profile", "test"])]
    pub legal_context: Option<LegalContext>,
    /// SSIN of the person, eleven digits or YY.MM.DD-NNN.CC; - reads it from standard input
    ///
    /// Other users of the machine can see the arguments of a process: prefer -.
    #[arg(long, required_unless_present_any = ["test", "input"])]
    pub ssin: Option<String>,
    /// Many persons
    #[command(flatten)]
    pub batch: BatchArguments,
    /// Reference date, YYYY-MM-DD [default: today]
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub date: Option<String>,
    /// First day of the period, YYYY-MM-DD
    #[arg(long, requires = "to")]
    pub from: Option<String>,
    /// Last day of the period, YYYY-MM-DD
    #[arg(long, requires = "from")]
    pub to: Option<String>,
    /// Identifier of the person for whom you ask, as your organisation knows them; the service records
    /// it encrypted
    ///
    /// Other users of the machine can see the arguments of a process: give no SSIN.
    #[arg(long, value_name = "ID", requires = "quality", conflicts_with = "test")]
    pub end_user: Option<String>,
    /// Quality in which that person asks, for example ADVISORY_PHYSICIAN
    #[arg(long, value_name = "QUALITY", requires = "end_user")]
    pub quality: Option<String>,
    /// Reference to a consent, never the consent itself
    #[arg(long, value_name = "REFERENCE", requires = "end_user")]
    pub consent_reference: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
    /// Only call sendTestMessage, to check the connection and how the service identifies you
    #[arg(long)]
    pub test: bool,
}

/// Arguments of `lookup --in`.
#[derive(Debug, Args)]
pub struct BatchArguments {
    /// File with one SSIN per line, at most 256 MiB; - reads standard input
    #[arg(long = "in", value_name = "FILE", conflicts_with_all = ["ssin", "test"])]
    pub input: Option<PathBuf>,
    /// File for the answers to --in; lines that have a row in it already are skipped [default: standard
    /// output]
    ///
    /// The rows of one run are in the order of the input; persons who got a fault are asked again by
    /// the next run, which adds their rows at the end. CSV columns: ssin (of a line without one, its
    /// first field: at most 64 characters, special ones replaced, and ' before a formula), organisation, context, asked (the requested dates; empty for today),
    /// code, on (the last requested day), services (EMPLOYER:SERVICE, the competent service of each
    /// employment on that day), fund, replaced_by, incomplete (datasets that are missing or stale;
    /// a value that they could change ends with a question mark, and a question mark alone stands
    /// for what they hide), ticket, replied, line (number in the input), error (why the line has no
    /// SSIN).
    #[arg(long, value_name = "FILE", requires = "input")]
    pub out: Option<PathBuf>,
    /// Number of concurrent requests for --in
    #[arg(long, value_name = "N", default_value_t = 4, requires = "input",
        value_parser = clap::value_parser!(u8).range(1..=16))]
    pub parallel: u8,
    /// Write the answers to --in in the order in which they arrive
    ///
    /// Without it they are in the order of the input: at most 256 wait for a slow one before them.
    #[arg(long, requires = "input")]
    pub unordered: bool,
}
