//! Values that override the settings file: environment variables, and `--set KEY=VALUE` on the
//! command line.
//!
//! A variable is named `EHEALTH_ATTRIBUTES_` and the key in capitals, with underscores for dots:
//! `EHEALTH_ATTRIBUTES_SERVER_LISTEN` is `server.listen`. A variable with that prefix that names no
//! setting is an error: otherwise a misspelt variable would silently have no effect. This module
//! does not read the process's environment; the command line passes it in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::origin::{Origin, Problem};
use super::{key_names, renamed};

/// Prefix of all variables.
const PREFIX: &str = "EHEALTH_ATTRIBUTES_";

/// Variables that the command line reads itself.
const OF_THE_COMMAND_LINE: [&str; 3] = ["CONFIG", "LOG", "LOG_FORMAT"];

/// Folder of the packaged service's credentials. systemd sets `$CREDENTIALS_DIRECTORY` for the
/// service only, but operators run `config check` themselves.
const CREDENTIALS: &str = "/run/credentials/ehealth-attributes.service";

/// Values that override those of the settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrides {
    pub(super) values: BTreeMap<String, (Origin, String)>,
    pub(super) problems: Vec<Problem>,
    credentials: PathBuf,
}

impl Default for Overrides {
    /// No override.
    fn default() -> Self {
        Self { values: BTreeMap::new(), problems: Vec::new(), credentials: PathBuf::from(CREDENTIALS) }
    }
}

impl Overrides {
    /// Takes the settings out of an environment, then the arguments of `--set`, which override the
    /// environment. Errors are reported when the settings are read, together with those of the
    /// file.
    #[must_use]
    pub fn new(environment: impl IntoIterator<Item = (String, String)>, arguments: &[String]) -> Self {
        let mut overrides = Self::default();
        let keys: BTreeMap<String, String> = key_names::names().map(|name| (variable(&name), name)).collect();
        for (name, value) in environment {
            if name == "CREDENTIALS_DIRECTORY" {
                overrides.credentials = PathBuf::from(value);
            } else if let Some(short) = name.strip_prefix(PREFIX)
                && !OF_THE_COMMAND_LINE.contains(&short)
            {
                match keys.get(&name) {
                    Some(key) => overrides.put(key.clone(), Origin::Environment(name), value),
                    None => overrides.report(Origin::Environment(name.clone()), "", &explain_variable(&name)),
                }
            }
        }
        let names: BTreeSet<_> = keys.into_values().collect();
        for argument in arguments {
            match argument.split_once('=') {
                Some((key, value)) if names.contains(key) => {
                    overrides.put(key.to_owned(), Origin::Argument, value.to_owned());
                }
                Some((key, _)) => {
                    let unknown = || "unknown setting; `config show` lists all settings".to_owned();
                    let text = renamed::explain(key, str::to_owned).unwrap_or_else(unknown);
                    overrides.report(Origin::Argument, key, &text);
                }
                None => overrides.report(Origin::Argument, argument, "must have the form KEY=VALUE"),
            }
        }
        overrides
    }

    /// Folder of the credentials: systemd passes the private keys there.
    #[must_use]
    pub fn credentials(&self) -> &Path {
        &self.credentials
    }

    /// Path of a credential.
    pub(super) fn credential(&self, name: &str) -> PathBuf {
        self.credentials.join(name)
    }

    /// Whether a key of this section is overridden.
    pub(super) fn reaches(&self, section: &str) -> bool {
        self.values.keys().any(|key| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.')))
    }

    fn put(&mut self, key: String, origin: Origin, value: String) {
        self.values.insert(key, (origin, value));
    }

    fn report(&mut self, origin: Origin, key: &str, text: &str) {
        self.problems.push(Problem { origin, key: key.to_owned(), text: text.to_owned() });
    }
}

/// Name of a key's variable.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// The error for a variable that is no setting: the new name of a renamed setting, or that it is
/// unknown.
fn explain_variable(name: &str) -> String {
    let renamed = renamed::old_names().find(|old| variable(old) == name);
    let text = renamed.and_then(|old| renamed::explain(&old, variable));
    text.unwrap_or_else(|| "unknown setting; unset the variable or correct its name".to_owned())
}

/// Resolves a path of the settings: `credential:NAME`, or a path that is absolute or relative to
/// the settings file.
pub(super) fn resolve(folder: &Path, text: &str, overrides: &Overrides) -> PathBuf {
    match text.strip_prefix("credential:") {
        Some(name) => overrides.credential(name),
        None => folder.join(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_variable() {
        let all = || key_names::names().chain(renamed::old_names());
        let variables: BTreeSet<_> = all().map(|name| variable(&name)).collect();
        assert_eq!(variables.len(), all().count());
        assert!(variables.contains("EHEALTH_ATTRIBUTES_FEEDS_DIMONA_FILE_TIMEOUT"));
        for own in OF_THE_COMMAND_LINE {
            assert!(!variables.contains(&format!("{PREFIX}{own}")));
        }
    }

    #[test]
    fn arguments_override_variables_and_unknown_names_are_errors() {
        let variables = [
            ("EHEALTH_ATTRIBUTES_SERVER_LISTEN", "127.0.0.1:1"),
            ("EHEALTH_ATTRIBUTES_SERVER_LISEN", "127.0.0.1:1"),
            ("EHEALTH_ATTRIBUTES_LOG", "debug"),
            ("PATH", "/bin"),
        ];
        let arguments = ["server.listen=127.0.0.1:2".to_owned(), "server.key".to_owned(), "a.b=1".to_owned()];
        let overrides = Overrides::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())), &arguments);
        assert_eq!(overrides.values["server.listen"], (Origin::Argument, "127.0.0.1:2".to_owned()));
        let problems: Vec<_> = overrides.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "environment EHEALTH_ATTRIBUTES_SERVER_LISEN: unknown setting; unset the variable or correct its name",
                "--set: server.key: must have the form KEY=VALUE",
                "--set: a.b: unknown setting; `config show` lists all settings",
            ]
        );
    }
}
