//! What the commands under `audit` read: the settings of the log, and days.

use crate::cli::argument_errors::ArgumentErrors;
use crate::cli::exit::Exit;
use crate::cli::settings_file::SettingsFile;
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

/// The days that the arguments name; inner `None`: all days.
pub(super) fn read_days(from: Option<&str>, to: Option<&str>, errors: &mut ArgumentErrors) -> Option<Option<Window>> {
    let (Some(from), Some(to)) = (from, to) else { return Some(None) };
    let (from, to) = (errors.take("--from", Date::parse(from)), errors.take("--to", Date::parse(to)));
    from.zip(to).and_then(|(from, to)| errors.take("--to", Window::from_days(from, to))).map(Some)
}
