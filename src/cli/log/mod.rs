//! The log on standard error: text, or JSON for a collector.

mod format;
mod json;
mod queue;
mod writer;

use std::error::Error;
use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use format::TextFormat;
use json::JsonFormat;
pub use writer::LogWriter;

/// Format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line of text per event, coloured on a terminal
    Text,
    /// One JSON object per line
    Json,
}

/// Starts the log. It starts no thread; see [`LogWriter::start`].
///
/// # Errors
/// If the filter is invalid, or the process has a log already.
pub fn start_log(filter: &str, format: LogFormat) -> Result<LogWriter, Box<dyn Error + Send + Sync>> {
    let filter = EnvFilter::try_new(filter)?;
    let writer = LogWriter::default();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer.lines());
    match format {
        LogFormat::Text if std::io::stderr().is_terminal() => log.with_ansi(true).try_init()?,
        LogFormat::Text => log.event_format(TextFormat).try_init()?,
        LogFormat::Json => log.event_format(JsonFormat).try_init()?,
    }
    Ok(writer)
}
