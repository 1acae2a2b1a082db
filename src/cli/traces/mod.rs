//! `traces`: sends the traces that log lines have to an OpenTelemetry collector, as a process of its
//! own. The serving process opens no outgoing connection.

mod collector;
mod endpoint;
mod otlp;
mod run;
mod span;

use std::path::PathBuf;

use clap::Args;

use endpoint::{Endpoint, parse_endpoint};

pub(super) use run::run;

const HELP: &str = "\
Examples:
  journalctl -u ehealth-attributes -o cat -f -n 0 | ehealth-attributes traces --collector http://127.0.0.1:4318
  ehealth-attributes traces --dry-run < service.log

Reads JSON log lines from standard input until its end. A line of an exchange with a sampled
traceparent becomes a span, with a span for each stage below it; other lines are passed over. Spans go
to COLLECTOR/v1/traces (OTLP 1 over HTTP, JSON) in batches of up to 512, at least once a second. While
the collector does not answer, nothing more is read, so that no span is lost; a collector that refuses
a batch loses it, with a log line. Attributes: ticket, operation, consumer, application, outcome, rule.

Exit codes:
  0  the input ended, or the command was stopped, and every span was accepted
  1  the input cannot be read, or the collector refused spans
  2  an argument is invalid
  4  the input ended, and the collector did not answer for a minute";

/// Arguments of `traces`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct TracesArguments {
    /// Address of the collector, `http://` or `https://`
    #[arg(long, value_name = "URL", value_parser = parse_endpoint, required_unless_present = "dry_run")]
    collector: Option<Endpoint>,
    /// File with the CA of an https collector (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Name of the service in the traces
    #[arg(long, value_name = "NAME", default_value = "ehealth-attributes")]
    service_name: String,
    /// Send traces that the caller did not sample, too
    #[arg(long)]
    all: bool,
    /// Print the requests, one JSON object a line, and send nothing
    #[arg(long)]
    dry_run: bool,
}
