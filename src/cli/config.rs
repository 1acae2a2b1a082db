//! `config`: judge the settings, show what is in force and who says so, write an example.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Exit, SettingsFile, fail};
use crate::config::{Problems, read_policy, write_example};

/// What can be done with the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Judge the settings and the policy that they name: every mistake with its line and key
    ///
    /// Exit codes: 0 no mistake, 3 mistakes.
    Check {
        /// The settings file; without: that of --config
        file: Option<PathBuf>,
        /// The settings
        #[command(flatten)]
        settings: SettingsFile,
    },
    /// Show every setting in force, and who says so
    Show {
        /// The settings
        #[command(flatten)]
        settings: SettingsFile,
    },
    /// Write a settings file with every setting and its meaning
    Example,
}

/// Runs the command to its end.
pub(super) fn run(command: ConfigCommand) -> Exit {
    match command {
        ConfigCommand::Check { file, settings } => {
            check(&SettingsFile { config: file.unwrap_or(settings.config), set: settings.set })
        }
        ConfigCommand::Show { settings } => show(&settings),
        ConfigCommand::Example => {
            print!("{}", write_example());
            Exit::Done
        }
    }
}

fn check(file: &SettingsFile) -> Exit {
    let policy = file.read().and_then(|settings| read_policy(&settings.policy));
    match policy {
        Ok(register) => {
            println!("{}: no mistake; {} consumers", file.config.display(), register.consumers().count());
            Exit::Done
        }
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}

fn show(file: &SettingsFile) -> Exit {
    match file.read() {
        Ok(settings) => {
            let longest = |text: fn(&crate::config::Setting) -> &str| {
                settings.active_config.iter().map(|setting| text(setting).len()).max().unwrap_or(0)
            };
            let (key, value) = (longest(|setting| &setting.key), longest(|setting| &setting.value));
            for setting in &settings.active_config {
                println!("{:key$}  {:value$}  {}", setting.key, setting.value, setting.origin);
            }
            Exit::Done
        }
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}

impl SettingsFile {
    /// Reads the settings, with what the environment and the command line say beside the file.
    pub(super) fn read(&self) -> Result<crate::config::Settings, Problems> {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            // What is no UTF-8 is none of ours.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        crate::config::read_settings_with(&self.config, &crate::config::Overrides::new(environment, &self.set))
    }
}
