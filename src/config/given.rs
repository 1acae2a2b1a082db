//! What is given beside the settings file: variables of the environment, and `--set KEY=VALUE` on the command line.
//!
//! A variable is named `EHEALTH_ATTRIBUTES_` and the key in capitals, points as underscores:
//! `EHEALTH_ATTRIBUTES_SERVER_LISTEN` is `server.listen`. One of that beginning that names no key is a mistake, because
//! a setting that is misspelt would otherwise be silently what it was. Nothing here reads the process's environment:
//! the command line hands it in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::keys;
use super::origin::{Origin, Problem};

/// What the names of all variables begin with.
const PREFIX: &str = "EHEALTH_ATTRIBUTES_";

/// Variables that the command line reads itself.
const OF_THE_COMMAND_LINE: [&str; 3] = ["CONFIG", "LOG", "LOG_FORMAT"];

/// Where systemd puts the credentials of the packaged service; `$CREDENTIALS_DIRECTORY` says so to the service alone,
/// and `config check` is run by a person.
const CREDENTIALS: &str = "/run/credentials/ehealth-attributes.service";

/// Values that go before those of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub(super) values: BTreeMap<String, (Origin, String)>,
    pub(super) problems: Vec<Problem>,
    credentials: PathBuf,
}

impl Default for Given {
    /// Nothing is given.
    fn default() -> Self {
        Self { values: BTreeMap::new(), problems: Vec::new(), credentials: PathBuf::from(CREDENTIALS) }
    }
}

impl Given {
    /// Takes what concerns the settings out of an environment, and the arguments of `--set` over it. What is wrong is
    /// told when the settings are read, with the mistakes of the file.
    #[must_use]
    pub fn new(environment: impl IntoIterator<Item = (String, String)>, arguments: &[String]) -> Self {
        let mut given = Self::default();
        let keys: BTreeMap<String, String> = keys::names().map(|name| (variable(&name), name)).collect();
        for (name, value) in environment {
            if name == "CREDENTIALS_DIRECTORY" {
                given.credentials = PathBuf::from(value);
            } else if let Some(short) = name.strip_prefix(PREFIX) {
                match keys.get(&name) {
                    Some(key) => given.put(key.clone(), Origin::Environment(name), value),
                    None if OF_THE_COMMAND_LINE.contains(&short) => {}
                    None => given.report(Origin::Environment(name), "", "names no setting"),
                }
            }
        }
        for argument in arguments {
            match argument.split_once('=') {
                Some((key, value)) if keys::names().any(|name| name == key) => {
                    given.put(key.to_owned(), Origin::Argument, value.to_owned());
                }
                Some((key, _)) => given.report(Origin::Argument, key, "is no setting; `config show` lists them"),
                None => given.report(Origin::Argument, argument, "is written KEY=VALUE"),
            }
        }
        given
    }

    /// The file of a credential.
    pub(super) fn credential(&self, name: &str) -> PathBuf {
        self.credentials.join(name)
    }

    /// Whether something is given for a key of this section.
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

/// The variable of a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Where a file lies that is named in the settings: relative paths are meant from the settings file.
pub(super) fn place(folder: &Path, text: &str, given: &Given) -> PathBuf {
    match text.strip_prefix("credential:") {
        Some(name) => given.credential(name),
        None => folder.join(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_a_variable_of_its_own() {
        let variables: std::collections::BTreeSet<_> = keys::names().map(|name| variable(&name)).collect();
        assert_eq!(variables.len(), keys::names().count());
        assert!(variables.contains("EHEALTH_ATTRIBUTES_FEEDS_DIMONA_TIME_A_FILE"));
        for own in OF_THE_COMMAND_LINE {
            assert!(!variables.contains(&format!("{PREFIX}{own}")));
        }
    }

    #[test]
    fn arguments_go_before_the_environment_and_what_names_no_setting_is_told() {
        let variables = [
            ("EHEALTH_ATTRIBUTES_SERVER_LISTEN", "127.0.0.1:1"),
            ("EHEALTH_ATTRIBUTES_SERVER_LISEN", "127.0.0.1:1"),
            ("EHEALTH_ATTRIBUTES_LOG", "debug"),
            ("PATH", "/bin"),
        ];
        let arguments = ["server.listen=127.0.0.1:2".to_owned(), "server.port".to_owned(), "a.b=1".to_owned()];
        let given = Given::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())), &arguments);
        assert_eq!(given.values["server.listen"], (Origin::Argument, "127.0.0.1:2".to_owned()));
        let told: Vec<_> = given.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "environment EHEALTH_ATTRIBUTES_SERVER_LISEN: names no setting",
                "--set: server.port: is written KEY=VALUE",
                "--set: a.b: is no setting; `config show` lists them",
            ]
        );
    }
}
