//! Arguments of `lookup`.

use std::path::PathBuf;

use clap::Args;

use ehealth_core::model::LegalContext;

const AFTER_HELP: &str = "\
--ssin asks about one person. --in FILE asks about many, one SSIN per line, and --out FILE receives
the answers: CSV, or one JSON object per line with --json. Run the same command again to continue
after an interruption: persons whom the file answers already are skipped.

Examples:
  ehealth-attributes lookup --url https://localhost:8443 --ca ca.pem --cert fund.pem --key fund.key \\
      --organisation 0999010126 --context advisory-physician --ssin - < ssin.txt
  ehealth-attributes lookup … --ssin - --end-user jdoe --quality ADVISORY_PHYSICIAN < ssin.txt
  ehealth-attributes lookup … --in people.txt --out answers.csv
  ehealth-attributes lookup … --sign-cert sign.pem --sign-key sign.key --verify-responses --ssin - < ssin.txt
  ehealth-attributes lookup --url https://localhost:8443 --ca ca.pem --cert fund.pem --key fund.key --test

Exit codes:
  0  answered
  1  failed, or stopped; also if the signature of a response is missing or refused
  2  arguments are invalid; all of them are printed
  4  the service cannot be reached, or the TLS handshake failed
  5  answered without a result (one person)
  6  the service answered with a SOAP fault";

/// Arguments of `lookup`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct LookupArguments {
    /// Scheme and authority of the service, for example https://localhost:8443
    #[arg(long)]
    pub url: String,
    /// CA certificate that signed the server certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// Client certificate, followed by its issuers (PEM)
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,
    /// Private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
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
    #[arg(long, value_name = "NUMBER", required_unless_present = "test")]
    pub organisation: Option<String>,
    /// Legal context of the question: advisory-physician, prevention-service, ehealth-platform, or the
    /// code of another one
    #[arg(long, value_name = "CONTEXT", value_parser = parse_context, required_unless_present = "test")]
    pub context: Option<LegalContext>,
    /// SSIN of the person, eleven digits; - reads it from standard input
    ///
    /// Other users of the machine can see the arguments of a process: prefer -.
    #[arg(long, required_unless_present_any = ["test", "input"])]
    pub ssin: Option<String>,
    /// File with one SSIN per line; - reads standard input; # begins a comment line
    #[arg(long = "in", value_name = "FILE", conflicts_with_all = ["ssin", "test"])]
    pub input: Option<PathBuf>,
    /// File for the answers to --in; persons that it answers already are skipped [default: standard
    /// output]
    ///
    /// CSV columns: ssin, organisation, context, asked (the requested dates; empty for today),
    /// code, on (the last requested day), services (EMPLOYER:SERVICE, the competent service of each
    /// employment on that day), fund, replaced_by, incomplete (datasets that are missing or stale;
    /// a value that they could change ends with a question mark, and a question mark alone stands
    /// for what they hide), ticket, replied.
    #[arg(long, value_name = "FILE", requires = "input")]
    pub out: Option<PathBuf>,
    /// Number of concurrent requests for --in
    #[arg(long, value_name = "N", default_value_t = 4, requires = "input",
        value_parser = clap::value_parser!(u8).range(1..=16))]
    pub parallel: u8,
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

/// The words for the contexts of the packaged policy.
const WORDS: [(&str, LegalContext); 3] = [
    ("advisory-physician", LegalContext::ADVISORY_PHYSICIAN),
    ("prevention-service", LegalContext::PREVENTION_SERVICE),
    ("ehealth-platform", LegalContext::EHEALTH_PLATFORM),
];

/// Parses a word, or the code of a context.
fn parse_context(text: &str) -> Result<LegalContext, String> {
    let of_word = WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, context)| context);
    of_word.or_else(|| LegalContext::parse(text).ok()).ok_or_else(|| {
        let words = WORDS.map(|(word, _)| word).join(", ");
        format!("expected {words}, or the code of a legal context, such as TRIO:PLATFORM")
    })
}
