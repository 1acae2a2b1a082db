//! What the commands under `audit` read: the settings of the log, files, and days.

use std::path::Path;

use crate::cli::argument_errors::ArgumentErrors;
use crate::cli::exit::Exit;
use crate::cli::settings_file::SettingsFile;
use crate::cli::writer_user::check_writer;
use audit_log::{KeyFolder, MissingKeys};
use audit_verify::VerifyingKey;
use ehealth_core::model::{Date, Window};

/// Exit code and message of a command that failed.
pub(super) type Failure = (Exit, String);

pub(super) fn failed(error: impl std::fmt::Display) -> Failure {
    (Exit::Failed, error.to_string())
}

/// The settings of the audit log.
pub(super) fn audit_log_settings(settings: &SettingsFile) -> Result<audit_log::Settings, Failure> {
    settings.read().map(|settings| settings.audit_log).map_err(|problems| (Exit::Configuration, problems.to_string()))
}

/// The settings of the audit log, for a command that writes it or its keys.
pub(super) fn writable_audit_log(settings: &SettingsFile) -> Result<audit_log::Settings, Failure> {
    let settings = audit_log_settings(settings)?;
    check_writer(&[&settings.folder, &settings.keys]).map_err(failed)?;
    Ok(settings)
}

/// Opens the existing keys: these commands never make any.
pub(super) fn keys(settings: &audit_log::Settings) -> Result<KeyFolder, Failure> {
    KeyFolder::open(&settings.keys, MissingKeys::Refuse).map_err(failed)
}

/// Reads a text file.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    text_file::read(file).map_err(|error| failed(format_args!("{}: {error}", file.display())))
}

/// Reads a public key.
pub(super) fn public_key(file: &Path) -> Result<VerifyingKey, Failure> {
    VerifyingKey::from_argument(file).map_err(failed)
}

/// The days that the arguments name; inner `None`: all days.
pub(super) fn read_days(from: Option<&str>, to: Option<&str>, errors: &mut ArgumentErrors) -> Option<Option<Window>> {
    let (Some(from), Some(to)) = (from, to) else { return Some(None) };
    let (from, to) = (errors.take("--from", Date::parse(from)), errors.take("--to", Date::parse(to)));
    from.zip(to).and_then(|(from, to)| errors.take("--to", Window::from_days(from, to))).map(Some)
}

/// Prints what could not be read; the exit code.
pub(super) fn exit_with_gaps(gaps: &[impl std::fmt::Display]) -> Exit {
    gaps.iter().for_each(|gap| eprintln!("{gap}"));
    if gaps.is_empty() { Exit::Done } else { Exit::Failed }
}
