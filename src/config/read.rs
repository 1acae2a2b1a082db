//! Reads the settings file with its overrides.

use std::path::Path;

use super::document::{Layers, Parsed, parse_layered, read_text};
use super::key::Kind;

use super::key_names;

use super::origin::{Problems, Setting};
use super::overrides::{Overrides, resolve};
use super::sections::read_document;
use super::settings::Settings;

/// Reads a settings file without overrides.
///
/// # Errors
/// Every error of the file.
pub fn read_settings(file: &Path) -> Result<Settings, Problems> {
    read_settings_with(file, &Overrides::default())
}

/// Reads a settings file with overrides.
///
/// # Errors
/// Every error of the file and of the overrides.
pub fn read_settings_with(file: &Path, overrides: &Overrides) -> Result<Settings, Problems> {
    try_settings(file, overrides).map_err(|unreadable| unreadable.problems)
}

/// Settings that have errors.
#[derive(Debug)]
pub struct Unreadable {
    /// Every error; at least one.
    pub problems: Problems,
    /// The settings without an error.
    pub found: Vec<Setting>,
}

/// Reads a settings file with overrides, for a check that goes on after an error.
///
/// # Errors
/// [`Unreadable`]: every error, and what can be read all the same.
pub fn try_settings(file: &Path, overrides: &Overrides) -> Result<Settings, Unreadable> {
    match read_text(file) {
        Ok(text) => try_parse(file, &text, overrides),
        Err(problems) => Err(Unreadable { problems, found: Vec::new() }),
    }
}

/// Parses the text of a settings file. Errors name `file`, and relative paths start at its folder.
///
/// # Errors
/// Every error of the text and of the overrides.
pub fn parse_settings(file: &Path, text: &str, overrides: &Overrides) -> Result<Settings, Problems> {
    try_parse(file, text, overrides).map_err(|unreadable| unreadable.problems)
}

fn try_parse(file: &Path, text: &str, overrides: &Overrides) -> Result<Settings, Unreadable> {
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let layers = Layers::of_settings(overrides);
    let Parsed { value, mut found } =
        parse_layered(file, text, &layers, |root| read_document(root, &folder, overrides));
    found.iter_mut().for_each(|setting| show_resolved(setting, &folder, overrides));
    found.sort_by_key(|setting| key_names::names().position(|name| name == setting.key));
    match value {
        Ok(settings) => Ok(Settings { active_config: found, ..settings }),
        Err(problems) => Err(Unreadable { problems, found }),
    }
}

/// Shows a path as it is used, not as it is written.
fn show_resolved(setting: &mut Setting, folder: &Path, overrides: &Overrides) {
    let resolve = |text: &str| resolve(folder, text.trim(), overrides).display().to_string();
    let Some(key) = key_names::find(&setting.key) else { return };
    match key.kind {
        Kind::Path | Kind::Secret => setting.value = resolve(&setting.value),
        Kind::Paths if setting.value == "none" => {}
        Kind::Paths => setting.value = setting.value.split(',').map(resolve).collect::<Vec<_>>().join(", "),
        Kind::Address
        | Kind::Networks
        | Kind::Choice(_)
        | Kind::Url
        | Kind::Database
        | Kind::Duration
        | Kind::Percentage
        | Kind::Name
        | Kind::Text
        | Kind::Integer
        | Kind::Truth
        | Kind::Size => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::example::write_example;
    use super::super::overrides::variable;
    use super::super::renamed;
    use super::super::settings::MetricsAccess;
    use super::*;
    use crate::server;
    use datasets::sync::{self, Share, Shrinking, Source};

    const WHOLE: &str = r#"
[server]
listen = "127.0.0.1:8443"
public_url = "https://localhost:8443/"
certificate = "server.pem"
key = "/etc/server.key"
[trust]
client_ca = "ca.pem"
revocation = "none"
[policy]
file = "policy.toml"
[data]
folder = "data"
feeds = "feeds"
rejected = "rejected"
[freshness]
dimona = "2d"
[audit_log]
folder = "audit-log"
keys = "keys"
"#;

    fn parse_text(text: &str) -> Result<Settings, String> {
        let file = Path::new("/srv/gateway.toml");
        parse_settings(file, text, &Overrides::default()).map_err(|problems| problems.to_string())
    }

    #[test]
    fn relative_paths_start_at_the_folder_of_the_file() {
        let settings = parse_text(WHOLE).expect("valid settings");
        assert_eq!(settings.tls.certificate, Path::new("/srv/server.pem"));
        assert_eq!(settings.tls.key, Path::new("/etc/server.key"));
        assert_eq!(settings.server.public_url, "https://localhost:8443");
        assert_eq!(settings.server.freshness.dimona, Duration::from_secs(172_800));
        assert_eq!(settings.server.freshness.persons, Duration::from_secs(129_600));
    }

    #[test]
    fn an_environment_is_checked_if_it_is_set() {
        let with = |lines: &str| parse_text(&WHOLE.replace("[trust]\n", &format!("[trust]\n{lines}\n")));
        let rule = |lines: &str| {
            with(lines).expect("valid settings").environment.map(|rule| (rule.environment.code(), rule.is_required))
        };
        assert_eq!(rule(""), None);
        assert_eq!(rule("environment = \"PRD\""), Some(("PRD", true)));
        assert_eq!(rule("environment = \"ACC\"\nenvironment_required = false"), Some(("ACC", false)));
        for (lines, expected) in [
            (
                "environment = \"prd\"",
                "/srv/gateway.toml:8: trust.environment: must be one of ACC, PRD, INT, TEST, DEV",
            ),
            (
                "environment = \"X\"\nenvironment_required = false",
                "/srv/gateway.toml:8: trust.environment: must be one of ACC, PRD, INT, TEST, DEV",
            ),
            (
                "environment = \"PRD\"\nenvironment_required = \"no\"",
                "/srv/gateway.toml:9: trust.environment_required: must be true or false",
            ),
            (
                "environment_required = false",
                "/srv/gateway.toml:7: trust: environment_required = false has no effect without environment",
            ),
        ] {
            assert_eq!(with(lines).expect_err("an error"), expected);
        }
    }

    #[test]
    fn a_feed_has_its_own_section_or_a_folder_of_data_feeds() {
        let feeds = |text: &str| parse_text(text).map(|settings| settings.sync.feeds);
        let of_all = feeds(WHOLE).expect("valid settings");
        assert_eq!(of_all[1].source, Source::Folder("/srv/feeds/coprev".into()));
        let own = "[feeds.persons]\nfolder = \"/drop\"\ninterval = \"30s\"\nmax_shrink_share = \"2.5%\"\nmax_rejected_share = \"0%\"\n";
        let read = feeds(&format!("{WHOLE}{own}")).expect("valid settings");
        assert_eq!(read[..4], of_all[..4]);
        assert_eq!(read[4].source, Source::Folder("/drop".into()));
        assert_eq!(read[4].interval, Duration::from_secs(30));
        assert_eq!(read[4].shrinking, Shrinking::UpTo(Share::from_millionths(25_000)));
        assert_eq!(read[4].wrong_share, Share::from_millionths(0));
    }

    #[test]
    fn reports_the_errors_of_a_feed() {
        let count_errors = |text: &str| parse_text(text).expect_err("errors").lines().count();
        assert_eq!(count_errors(&WHOLE.replace("feeds = \"feeds\"\n", "")), 5, "five datasets without a source");
        let https = "url = \"https://feeds.example.be/\"\nserver_ca = \"ca.pem\"\n";
        assert!(parse_text(&format!("{WHOLE}[feeds.dimona]\n{https}")).is_ok());
        for (wrong, errors) in [
            ("folder = \"a\"\nurl = \"https://a.be/\"\n", 1),
            ("folder = \"a\"\nserver_ca = \"a\"\n", 1),
            ("url = \"http://a.be/\"\n", 1),
            ("url = \"https://a.be/\"\n", 1),
            ("url = \"https://a.be/\"\nserver_ca = \"a\"\nkey = \"a\"\n", 1),
            ("folder = \"a\"\nsigner = \"a+b+c\"\ninterval = \"0s\"\n", 2),
            ("folder = \"a\"\nmax_rejected_share = \"101%\"\nmax_shrink_share = \"0.12345%\"\n", 2),
        ] {
            assert_eq!(count_errors(&format!("{WHOLE}[feeds.dimona]\n{wrong}")), errors, "{wrong}");
        }
        assert_eq!(count_errors(&format!("{WHOLE}[feeds.dimoma]\nfolder = \"a\"\n")), 1);
    }

    #[test]
    fn reports_every_error_at_once() {
        let text = WHOLE
            .replace("127.0.0.1:8443", "localhost")
            .replace("https://localhost", "http://localhost")
            .replace("\"none\"", "[]")
            .replace("[policy]\nfile", "[policy]\nfiles")
            .replace("\"2d\"", "2")
            .replace("[audit_log]", "[admin]\nlisten = \"0.0.0.0:9443\"\n[audit_logs]");
        let errors = parse_text(&text).expect_err("errors");
        assert_eq!(errors.lines().count(), 9, "{errors}");
        assert!(errors.contains("admin: an address other than loopback needs"), "{errors}");
        assert!(errors.starts_with("/srv/gateway.toml: audit_log: this section is missing"), "{errors}");
    }

    #[test]
    fn arguments_override_environment_then_file_then_default() {
        let given = |variables: &[(&str, &str)], arguments: &[&str]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            Overrides::new(variables, &arguments)
        };
        let settings = |given: &Overrides| parse_settings(Path::new("/srv/gateway.toml"), WHOLE, given);
        let origin = |settings: &Settings, key: &str| {
            let found =
                settings.active_config.iter().find(|setting| setting.key == key).expect("the setting is active");
            format!("{} = {} ({})", found.key, found.value, found.origin)
        };
        let all = given(
            &[
                ("EHEALTH_ATTRIBUTES_SERVER_LISTEN", "127.0.0.1:1"),
                ("EHEALTH_ATTRIBUTES_FRESHNESS_PERSONS", "1d"),
                ("EHEALTH_ATTRIBUTES_TRUST_CLIENT_CA", "a.pem, /b.pem"),
                ("EHEALTH_ATTRIBUTES_ADMIN_LISTEN", "127.0.0.1:9"),
                ("EHEALTH_ATTRIBUTES_SERVER_KEY", "credential:server.key"),
                ("CREDENTIALS_DIRECTORY", "/run/c"),
            ],
            &["server.listen=127.0.0.1:2"],
        );
        let read = settings(&all).expect("valid settings");
        assert_eq!(read.listen.port(), 2);
        assert_eq!(read.tls.client_ca, [Path::new("/srv/a.pem"), Path::new("/b.pem")]);
        assert_eq!(read.tls.key, Path::new("/run/c/server.key"));
        assert!(read.admin.is_some(), "a section that only the environment sets");
        assert_eq!(
            origin(&read, "trust.client_ca"),
            "trust.client_ca = /srv/a.pem, /b.pem (environment EHEALTH_ATTRIBUTES_TRUST_CLIENT_CA)"
        );
        assert_eq!(origin(&read, "server.listen"), "server.listen = 127.0.0.1:2 (--set)");
        assert_eq!(
            origin(&read, "freshness.persons"),
            "freshness.persons = 1d (environment EHEALTH_ATTRIBUTES_FRESHNESS_PERSONS)"
        );
        assert_eq!(origin(&read, "data.folder"), "data.folder = /srv/data (/srv/gateway.toml:13)");
        assert_eq!(origin(&read, "freshness.coprev"), "freshness.coprev = 8d (default)");
        let wrong =
            given(&[("EHEALTH_ATTRIBUTES_SERVER_LISTEN", "x"), ("EHEALTH_ATTRIBUTES_X", "")], &["data.fetch_mode=no"]);
        let errors = settings(&wrong).expect_err("three errors").to_string();
        assert_eq!(errors.lines().count(), 3, "{errors}");
        assert!(
            errors.contains("environment EHEALTH_ATTRIBUTES_SERVER_LISTEN: server.listen: must be an IP address"),
            "{errors}"
        );
    }

    #[test]
    fn a_secret_in_a_setting_is_refused_and_not_repeated() {
        for secret in ["-----BEGIN PRIVATE KEY-----", "", "credential:../key", "credential:", "credential:.."] {
            let errors = parse_text(&WHOLE.replace("/etc/server.key", secret)).expect_err("an error");
            assert!(errors.contains("server.key: must be the path of the secret"), "{errors}");
            assert!(!errors.contains("BEGIN"), "{errors}");
        }
    }

    #[test]
    fn admin_beyond_loopback_needs_certificates() {
        let admin = |lines: &str| parse_text(&format!("{WHOLE}[admin]\n{lines}"));
        let three = "certificate = \"a\"\nkey = \"b\"\nclient_ca = \"c\"\n";
        assert!(admin("listen = \"[::1]:1\"\n").is_ok_and(|settings| settings.admin_tls.is_none()));
        assert!(admin(&format!("listen = \"0.0.0.0:1\"\n{three}")).is_ok_and(|settings| settings.admin_tls.is_some()));
        assert!(admin("listen = \"0.0.0.0:1\"\n").is_err());
        assert!(admin("listen = \"127.0.0.1:1\"\nkey = \"b\"\n").is_err());
    }

    #[test]
    fn scrapers_need_certificates_or_listed_networks() {
        let metrics = |lines: &str| {
            let read = parse_text(&format!("{WHOLE}[metrics]\n{lines}"));
            read.map(|settings| settings.metrics.expect("a section").access)
        };
        let networks = |text: &str| metrics(&format!("listen = \"0.0.0.0:1\"\nnetworks = {text}\n"));
        let three = "certificate = \"a\"\nkey = \"b\"\nclient_ca = \"c\"\n";
        assert_eq!(metrics("listen = \"127.0.0.1:1\"\n"), Ok(MetricsAccess::Loopback));
        let tls = metrics(&format!("listen = \"0.0.0.0:1\"\n{three}"));
        assert!(matches!(tls, Ok(MetricsAccess::MutualTls(_))), "{tls:?}");
        for (text, count) in [("\"10.42.0.0/16\"", 1), ("[\"10.42.0.0/16\", \"fd00::/8\"]", 2)] {
            let read = networks(text);
            assert!(matches!(&read, Ok(MetricsAccess::Networks(read)) if read.len() == count), "{read:?}");
        }
        for (text, expected) in [
            ("\"10.42.0.1/16\"", "has bits beyond its prefix; write 10.42.0.0/16"),
            ("\"10.42\"", "must be an IP address or a network"),
            ("[]", "must name at least one address or network"),
            (&format!("\"10.0.0.0/8\"\n{three}"), "set either certificate, key and client_ca, or networks"),
        ] {
            let error = networks(text).expect_err("an error");
            assert!(error.contains(expected), "{error}");
        }
        assert!(metrics("listen = \"0.0.0.0:1\"\n").is_err_and(|error| error.contains("or networks")));
    }

    #[test]
    fn the_table_lists_what_is_read_and_the_example_is_valid() {
        // The example with every line active, and a feed of each kind.
        let example = write_example();
        parse_text(&example).expect("the example is valid");
        let whole: String = example
            .lines()
            .map(|line| {
                line.strip_prefix("# ").filter(|rest| rest.starts_with('[') || rest.contains(" = \"")).unwrap_or(line)
            })
            .filter(|line| !line.starts_with("folder = \"/srv/sftp") && !line.starts_with("networks = "))
            .map(|line| format!("{line}\n"))
            .collect();
        let whole = format!("{}[feeds.coprev]\nfolder = \"a\"\n", whole.replace("signer = \"NAME+HASH+KEY\"\n", ""));
        let settings = parse_text(&whole).expect("every line of the example is valid");
        let read: std::collections::BTreeSet<_> = settings
            .active_config
            .iter()
            .filter_map(|setting| key_names::find(&setting.key))
            .map(|key| key.name)
            .collect();
        let listed: std::collections::BTreeSet<_> = crate::config::KEYS.iter().map(|key| key.name).collect();
        let unread: Vec<_> = listed.difference(&read).collect();
        // The example cannot have a real verifier key, and has certificates for scrapers.
        assert_eq!(unread, [&"feeds.DATASET.signer", &"metrics.networks"]);
        assert!(settings.active_config.iter().all(|setting| key_names::find(&setting.key).is_some()));
    }

    #[test]
    fn the_defaults_are_those_of_the_crates() {
        let settings = parse_text(WHOLE).expect("valid settings");
        for feed in &settings.sync.feeds {
            assert_eq!(*feed, sync::Feed::new(feed.dataset, feed.source.clone()));
        }
        let usual = audit_log::Settings::new(settings.audit_log.folder.clone(), settings.audit_log.keys.clone());
        assert_eq!(settings.audit_log, usual);
        assert_eq!(settings.listen_mode, server::PortUse::default());
        let https = "[feeds.dimona]\nurl = \"https://feeds.example.be/\"\nserver_ca = \"ca.pem\"\n";
        let feeds = parse_text(&format!("{WHOLE}{https}")).expect("valid settings").sync.feeds;
        assert!(matches!(&feeds[0].source, Source::Https(feed) if feed.limits == sync::FeedLimits::default()));
    }

    #[test]
    fn an_old_name_is_an_error_that_names_the_new_one() {
        let read = |text: &str, overrides: &Overrides| {
            let problems = parse_settings(Path::new("x.toml"), text, overrides).expect_err("an error");
            problems.0.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        for old in renamed::old_names() {
            let (section, key) = old.rsplit_once('.').expect("a section");
            let in_file = read(&format!("[{section}]\n{key} = \"1\"\n"), &Overrides::default());
            let as_key = renamed::explain(&old, str::to_owned).expect("renamed");
            assert!(in_file.contains(&format!("x.toml:2: {old}: {as_key}")), "{in_file:?}");

            let argument = read("", &Overrides::new([], &[format!("{old}=1")]));
            assert!(argument.contains(&format!("--set: {old}: {as_key}")), "{argument:?}");

            let name = variable(&old);
            let in_environment = read("", &Overrides::new([(name.clone(), "1".to_owned())], &[]));
            let as_variable = renamed::explain(&old, variable).expect("renamed");
            assert!(in_environment.contains(&format!("environment {name}: {as_variable}")), "{in_environment:?}");
        }
    }
}
