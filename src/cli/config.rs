//! `config`: checks the settings, shows them with their origin, or prints an example.

use std::path::PathBuf;

use clap::Subcommand;

use super::exit::{Exit, fail};
use super::settings_file::SettingsFile;
use crate::config::{Setting, read_policy, write_example};

const CHECK_HELP: &str = "\
Examples:
  ehealth-attributes config check
  ehealth-attributes config check ./config.toml

Exit codes:
  0  no errors
  3  errors; all of them are printed with file, line and key";

const SHOW_HELP: &str = "\
Example:
  ehealth-attributes config show --set server.listen=127.0.0.1:8443

Exit codes:
  0  shown
  3  the settings have errors";

const EXAMPLE_HELP: &str = "\
Example:
  ehealth-attributes config example > config.toml";

/// Commands under `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings and the policy file that they name
    #[command(after_help = CHECK_HELP)]
    Check {
        /// Settings file, instead of --config
        file: Option<PathBuf>,
        /// Settings
        #[command(flatten)]
        settings: SettingsFile,
    },
    /// Show every active setting and where its value comes from
    #[command(after_help = SHOW_HELP)]
    Show {
        /// Settings
        #[command(flatten)]
        settings: SettingsFile,
    },
    /// Print a settings file with every setting and its description
    #[command(after_help = EXAMPLE_HELP)]
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
            println!("{}: no errors; {} consumers", file.config.display(), register.consumers().count());
            Exit::Done
        }
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}

fn show(file: &SettingsFile) -> Exit {
    match file.read() {
        Ok(settings) => {
            let width = |text: fn(&Setting) -> &str| {
                settings.active_config.iter().map(|setting| text(setting).len()).max().unwrap_or(0)
            };
            let (key, value) = (width(|setting| &setting.key), width(|setting| &setting.value));
            for setting in &settings.active_config {
                println!("{:key$}  {:value$}  {}", setting.key, setting.value, setting.origin);
            }
            Exit::Done
        }
        Err(problems) => fail(Exit::Configuration, &problems),
    }
}
