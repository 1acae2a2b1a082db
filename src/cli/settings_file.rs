//! The arguments that name the settings.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::app::{Findings, check_unreadable};
use crate::config::{Overrides, Problems, Settings, read_settings_with, try_settings};

/// Settings file, and settings on the command line.
#[derive(Debug, Args)]
pub struct SettingsFile {
    /// Settings file (TOML); relative paths in it are relative to its folder
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/ehealth-attributes/config.toml",
        env = "EHEALTH_ATTRIBUTES_CONFIG"
    )]
    pub config: PathBuf,
    /// Override a setting of the file and the environment, for example server.listen=127.0.0.1:8443
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl SettingsFile {
    /// Reads the settings from the file, the environment and the command line.
    pub(super) fn read(&self) -> Result<Settings, Problems> {
        read_settings_with(&self.config, &self.overrides())
    }

    /// As [`read`](Self::read). If the settings have errors, the files that they name are checked all
    /// the same, so that every error is reported at once.
    pub(super) fn read_or_check(&self) -> Result<Settings, Findings> {
        try_settings(&self.config, &self.overrides()).map_err(|unreadable| check_unreadable(&unreadable))
    }

    /// Folder in which the settings' `credential:NAME` is found.
    pub(super) fn credentials(&self) -> PathBuf {
        self.overrides().credentials().to_owned()
    }

    /// As [`read`](Self::read), with the credentials of this folder.
    pub(super) fn read_with_credentials(&self, folder: &Path) -> Result<Settings, Problems> {
        let credentials = ("CREDENTIALS_DIRECTORY".to_owned(), folder.display().to_string());
        read_settings_with(&self.config, &Overrides::new(environment().chain([credentials]), &self.set))
    }

    fn overrides(&self) -> Overrides {
        Overrides::new(environment(), &self.set)
    }
}

/// The environment. The names and values of our variables are UTF-8; all others are left out.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
