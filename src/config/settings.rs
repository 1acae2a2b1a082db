//! The settings: everything that `serve` and `sync` need to know, each value where it is used.
//!
//! Which there are, with their defaults and meanings, stands in `keys.rs`; `config example` writes a file with all of
//! them. Secrets are files or credentials, never values.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::document::{Layers, Section, Value, parse_layered, read_text};
use super::duration::parse_duration;
use super::feeds::{Paths, read_feeds};
use super::given::{Given, place};
use super::keys::{self, Kind};
use super::origin::{Problems, Setting};
use crate::admin;
use crate::server;
use crate::server::tls::{OperatorFiles, RevocationFiles, TlsFiles};
use audit_log::{self, MissingCheckpoint, MissingKeys};
use datasets::sync;
use ehealth_core::lookup::FreshnessLimits;

/// Everything that the operator set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the service listens.
    pub listen: SocketAddr,
    /// Whether another instance may listen there too.
    pub port: server::PortUse,
    /// What it shows in TLS and whom it lets in.
    pub tls: TlsFiles,
    /// What the server itself needs.
    pub server: server::Settings,
    /// The policy file.
    pub policy: PathBuf,
    /// The datasets and their feeds.
    pub sync: sync::Settings,
    /// Who fetches the feeds while the service answers.
    pub fetch: Fetch,
    /// The trail.
    pub trail: audit_log::Settings,
    /// What the last verification of the trail left.
    pub verified: Option<PathBuf>,
    /// What operators see; `None`: nothing listens for them.
    pub admin: Option<admin::Settings>,
    /// Mutual TLS for operators; `None`: they are answered on loopback alone.
    pub admin_tls: Option<OperatorFiles>,
    /// Every value that was read, with where it came from, in the order of the example.
    pub active_config: Vec<Setting>,
}

/// Who fetches the feeds while the service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// The process that answers.
    Here,
    /// Another one: `sync --follow`.
    Elsewhere,
}

impl Settings {
    /// Has callers come by another address than the settings say.
    pub fn replace_public_url(&mut self, url: &str) {
        url.clone_into(&mut self.server.public_url);
        for setting in self.active_config.iter_mut().filter(|setting| setting.key == "server.public_url") {
            url.clone_into(&mut setting.value);
        }
    }
}

/// Reads and judges a settings file, with nothing given beside it.
///
/// # Errors
/// Every mistake of the file.
pub fn read_settings(file: &Path) -> Result<Settings, Problems> {
    read_settings_with(file, &Given::default())
}

/// Reads and judges a settings file and what is given beside it.
///
/// # Errors
/// Every mistake of both.
pub fn read_settings_with(file: &Path, given: &Given) -> Result<Settings, Problems> {
    parse_settings(file, &read_text(file)?, given)
}

/// Judges the text of a settings file and what is given beside it; `file` is named in mistakes, and relative paths are
/// meant from its folder.
///
/// # Errors
/// Every mistake of both.
pub fn parse_settings(file: &Path, text: &str, given: &Given) -> Result<Settings, Problems> {
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let layers = Layers { over: given, under: keys::default_of };
    let (mut settings, mut active_config) = parse_layered(file, text, &layers, |root| read_all(root, &folder, given))?;
    for setting in &mut active_config {
        let kind = keys::find(&setting.key).map(|key| key.kind);
        let place = |text: &str| place(&folder, text.trim(), given).display().to_string();
        match kind {
            Some(Kind::Path | Kind::Secret) => setting.value = place(&setting.value),
            Some(Kind::Paths) if setting.value != "none" => {
                setting.value = setting.value.split(',').map(place).collect::<Vec<_>>().join(", ");
            }
            _ => {}
        }
    }
    let place_of = |setting: &Setting| keys::names().position(|name| name == setting.key);
    active_config.sort_by_key(place_of);
    settings.active_config = active_config;
    Ok(settings)
}

fn read_all(root: &mut Section<'_>, folder: &Path, given: &Given) -> Option<Settings> {
    let path = |value: Value<'_>| match value.text()? {
        "" => Err("is a path".to_owned()),
        text => Ok(folder.join(text)),
    };
    let secret = |value: Value<'_>| read_secret(value.text()?, folder, given);
    let server = root.section("server").map(|mut section| {
        let listen = section.required("listen", read_address);
        let port = section.required("port", read_port_use);
        let public_url = section.required("public_url", read_public_url);
        let certificate = section.required("certificate", path);
        let key = section.required("key", secret);
        let messages_each = section.required("messages_each", read_messages_each);
        section.finish();
        Some((listen?, port?, public_url?, certificate?, key?, messages_each?))
    });
    let trust = root.section("trust").map(|mut section| {
        let client_ca = section.required("client_ca", |value| read_paths(value, path));
        let revocation = section.required("revocation", |value| read_revocation(value, path));
        section.finish();
        client_ca.zip(revocation)
    });
    let policy = root.section("policy").map(|mut section| {
        let policy = section.required("file", path);
        section.finish();
        policy
    });
    let data = root.section("data").map(|mut section| {
        let data = section.required("folder", path);
        let feeds = section.optional("feeds", path);
        let rejected = section.required("rejected", path);
        let fetch = section.required("fetch", read_fetch);
        section.finish();
        (data, feeds, rejected, fetch)
    });
    let (data, of_all, rejected, fetch) = data.unwrap_or_default();
    let feeds = read_feeds(root, of_all.as_deref(), &Paths { path: &path, secret: &secret });
    let freshness = root.implied_section("freshness").and_then(read_freshness);
    let trail = root.section("trail").and_then(|section| read_trail(section, path));
    let admin = root.optional_section("admin").map(|section| read_admin(section, path, secret));
    let (listen, port, public_url, certificate, key, messages_each) = server??;
    let (client_ca, revocation) = trust??;
    let (trail, verified) = trail?;
    let (admin, admin_tls) = match admin {
        Some(read) => read.map(|(settings, tls)| (Some(settings), tls))?,
        None => (None, None),
    };
    Some(Settings {
        listen,
        port,
        tls: TlsFiles { certificate, key, client_ca, revocation },
        server: server::Settings {
            public_url,
            freshness: freshness?,
            limits: server::Limits { messages_per_consumer: messages_each, ..server::Limits::default() },
        },
        policy: policy??,
        sync: sync::Settings { data: data?, rejected: rejected?, feeds: feeds? },
        fetch: fetch?,
        trail,
        verified,
        admin,
        admin_tls,
        active_config: Vec::new(),
    })
}

type Read<T> = Result<T, String>;

/// Up to all that there may be.
fn read_messages_each(value: Value<'_>) -> Read<usize> {
    let most = u64::try_from(server::Limits::default().messages).unwrap_or(u64::MAX);
    value.integer(1, most).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
}

fn read_trail(
    mut section: Section<'_>,
    path: impl Fn(Value<'_>) -> Read<PathBuf> + Copy,
) -> Option<(audit_log::Settings, Option<PathBuf>)> {
    let trail = section.required("folder", path);
    let keys = section.required("keys", path);
    let missing_keys = section.required("missing_keys", read_missing_keys);
    let origin = section.required("name", read_origin);
    let copy = section.optional("checkpoint_copy", path);
    let missing = section.required("missing_checkpoint", read_missing_checkpoint);
    let verified = section.optional("verified", path);
    section.finish();
    let checkpoints =
        audit_log::Checkpoints { origin: origin?, copy, missing: missing?, ..audit_log::Checkpoints::default() };
    let settings =
        audit_log::Settings { missing_keys: missing_keys?, checkpoints, ..audit_log::Settings::new(trail?, keys?) };
    Some((settings, verified))
}

/// On loopback nobody need be asked who they are; elsewhere operators show certificates.
fn read_admin(
    mut section: Section<'_>,
    path: impl Fn(Value<'_>) -> Read<PathBuf> + Copy,
    secret: impl Fn(Value<'_>) -> Read<PathBuf>,
) -> Option<(admin::Settings, Option<OperatorFiles>)> {
    let listen = section.required("listen", read_address);
    let certificate = section.optional("certificate", path);
    let key = section.optional("key", secret);
    let client_ca = section.optional("client_ca", path);
    let tls = match (certificate, key, client_ca) {
        (Some(certificate), Some(key), Some(client_ca)) => Some(OperatorFiles { certificate, key, client_ca }),
        (None, None, None) => {
            if listen.is_some_and(|listen| !listen.ip().is_loopback()) {
                section.report("listens elsewhere than on loopback only with certificate, key and client_ca");
                section.finish();
                return None;
            }
            None
        }
        _ => {
            section.report("certificate, key and client_ca go together");
            section.finish();
            return None;
        }
    };
    section.finish();
    Some((admin::Settings { listen: listen? }, tls))
}

fn read_secret(text: &str, folder: &Path, given: &Given) -> Read<PathBuf> {
    let wrong = "is the file of a secret, or credential:NAME; the secret itself stands in no setting";
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let names_nothing = match text.strip_prefix("credential:") {
        Some(name) => !name.bytes().all(is_name) || name.trim_matches('.').is_empty(),
        None => text.is_empty() || text.contains('\n') || text.contains("-----"),
    };
    if names_nothing { Err(wrong.to_owned()) } else { Ok(place(folder, text, given)) }
}

fn read_revocation(value: Value<'_>, path: impl Fn(Value<'_>) -> Read<PathBuf>) -> Read<RevocationFiles> {
    if value.text() == Ok("none") {
        return Ok(RevocationFiles::None);
    }
    read_paths(value, path).map(RevocationFiles::Lists).map_err(|wrong| {
        format!("{wrong}; or is \"none\": revoked certificates are then let in, and every start warns of it")
    })
}

fn read_fetch(value: Value<'_>) -> Read<Fetch> {
    match value.text()? {
        "here" => Ok(Fetch::Here),
        "elsewhere" => Ok(Fetch::Elsewhere),
        _ => Err("is \"here\" or \"elsewhere\"".to_owned()),
    }
}

fn read_address(value: Value<'_>) -> Result<SocketAddr, String> {
    value.text()?.parse().map_err(|_| "is an address and a port, for example \"0.0.0.0:8443\"".to_owned())
}

fn read_port_use(value: Value<'_>) -> Result<server::PortUse, String> {
    match value.text()? {
        "own" => Ok(server::PortUse::Own),
        "shared" => Ok(server::PortUse::Shared),
        _ => Err("is \"own\" or \"shared\"".to_owned()),
    }
}

fn read_public_url(value: Value<'_>) -> Result<String, String> {
    let text = value.text()?;
    let rest = text.strip_prefix("https://").unwrap_or("");
    if rest.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(['?', '#']) {
        return Err("is what callers use, for example \"https://gateway.example.be\"".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// One path, or a list of at least one.
fn read_paths(value: Value<'_>, path: impl Fn(Value<'_>) -> Result<PathBuf, String>) -> Result<Vec<PathBuf>, String> {
    if let Value::Toml(_) = value
        && value.text().is_ok()
    {
        return Ok(vec![path(value)?]);
    }
    match value.list(path)? {
        none if none.is_empty() => Err("names at least one file or folder".to_owned()),
        paths => Ok(paths),
    }
}

fn read_missing_keys(value: Value<'_>) -> Result<MissingKeys, String> {
    match value.text()? {
        "refuse" => Ok(MissingKeys::Refuse),
        "make" => Ok(MissingKeys::Make),
        _ => Err("is \"refuse\" or \"make\"".to_owned()),
    }
}

fn read_missing_checkpoint(value: Value<'_>) -> Result<MissingCheckpoint, String> {
    match value.text()? {
        "refuse" => Ok(MissingCheckpoint::Refuse),
        "sign" => Ok(MissingCheckpoint::Sign),
        _ => Err("is \"refuse\" or \"sign\"".to_owned()),
    }
}

/// The name of a trail in its checkpoints (C2SP signed-note: no blanks, no plus sign).
fn read_origin(value: Value<'_>) -> Result<String, String> {
    let text = value.text()?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'+';
    if text.is_empty() || !text.bytes().all(is_plain) {
        return Err("is a name without blanks and plus signs, for example \"gateway.example.be/trail\"".to_owned());
    }
    Ok(text.to_owned())
}

fn read_freshness(mut section: Section<'_>) -> Option<FreshnessLimits> {
    let mut span = |key| section.required(key, |value| parse_duration(value.text()?));
    let (dimona, coprev, federated) = (span("dimona"), span("coprev"), span("federated"));
    let (insurance, persons) = (span("insurance"), span("persons"));
    section.finish();
    Some(FreshnessLimits {
        dimona: dimona?,
        coprev: coprev?,
        federated: federated?,
        insurance: insurance?,
        persons: persons?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use datasets::sync::{Share, Shrinking, Source};

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
[trail]
folder = "trail"
keys = "keys"
"#;

    fn parse_text(text: &str) -> Result<Settings, String> {
        let file = Path::new("/srv/gateway.toml");
        parse_settings(file, text, &Given::default()).map_err(|problems| problems.to_string())
    }

    #[test]
    fn paths_are_meant_from_the_folder_of_the_file() {
        let settings = parse_text(WHOLE).expect("no mistake");
        assert_eq!(settings.tls.certificate, Path::new("/srv/server.pem"));
        assert_eq!(settings.tls.key, Path::new("/etc/server.key"));
        assert_eq!(settings.server.public_url, "https://localhost:8443");
        assert_eq!(settings.server.freshness.dimona, Duration::from_secs(172_800));
        assert_eq!(settings.server.freshness.persons, Duration::from_secs(129_600));
    }

    #[test]
    fn a_feed_has_a_section_of_its_own_or_the_folder_of_all() {
        let feeds = |text: &str| parse_text(text).map(|settings| settings.sync.feeds);
        let of_all = feeds(WHOLE).expect("no mistake");
        assert_eq!(of_all[1].source, Source::Folder("/srv/feeds/coprev".into()));
        let own =
            "[feeds.persons]\nfolder = \"/drop\"\ninterval = \"30s\"\nloss_share = \"2.5%\"\nwrong_share = \"0%\"\n";
        let read = feeds(&format!("{WHOLE}{own}")).expect("no mistake");
        assert_eq!(read[..4], of_all[..4]);
        assert_eq!(read[4].source, Source::Folder("/drop".into()));
        assert_eq!(read[4].interval, Duration::from_secs(30));
        assert_eq!(read[4].shrinking, Shrinking::UpTo(Share::from_millionths(25_000)));
        assert_eq!(read[4].wrong_share, Share::from_millionths(0));
    }

    #[test]
    fn tells_what_is_wrong_with_a_feed() {
        let told = |text: &str| parse_text(text).expect_err("mistakes").lines().count();
        assert_eq!(told(&WHOLE.replace("feeds = \"feeds\"\n", "")), 5, "five datasets from nowhere");
        let https = "url = \"https://feeds.example.be/\"\nauthorities = \"ca.pem\"\n";
        assert!(parse_text(&format!("{WHOLE}[feeds.dimona]\n{https}")).is_ok());
        for (wrong, mistakes) in [
            ("folder = \"a\"\nurl = \"https://a.be/\"\n", 1),
            ("folder = \"a\"\nauthorities = \"a\"\n", 1),
            ("url = \"http://a.be/\"\n", 1),
            ("url = \"https://a.be/\"\n", 1),
            ("url = \"https://a.be/\"\nauthorities = \"a\"\nkey = \"a\"\n", 1),
            ("folder = \"a\"\nsigner = \"a+b+c\"\ninterval = \"0s\"\n", 2),
            ("folder = \"a\"\nwrong_share = \"101%\"\nloss_share = \"0.12345%\"\n", 2),
        ] {
            assert_eq!(told(&format!("{WHOLE}[feeds.dimona]\n{wrong}")), mistakes, "{wrong}");
        }
        assert_eq!(told(&format!("{WHOLE}[feeds.dimoma]\nfolder = \"a\"\n")), 1);
    }

    #[test]
    fn tells_every_mistake_at_once() {
        let text = WHOLE
            .replace("127.0.0.1:8443", "localhost")
            .replace("https://localhost", "http://localhost")
            .replace("\"none\"", "[]")
            .replace("[policy]\nfile", "[policy]\nfiles")
            .replace("\"2d\"", "2")
            .replace("[trail]", "[admin]\nlisten = \"0.0.0.0:9443\"\n[trial]");
        let told = parse_text(&text).expect_err("mistakes");
        assert_eq!(told.lines().count(), 9, "{told}");
        assert!(told.contains("admin: listens elsewhere than on loopback only with"), "{told}");
        assert!(told.starts_with("/srv/gateway.toml: trail: this section is missing"), "{told}");
    }

    #[test]
    fn arguments_go_before_the_environment_before_the_file_before_the_default() {
        let given = |variables: &[(&str, &str)], arguments: &[&str]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            Given::new(variables, &arguments)
        };
        let settings = |given: &Given| parse_settings(Path::new("/srv/gateway.toml"), WHOLE, given);
        let origin = |settings: &Settings, key: &str| {
            let found = settings.active_config.iter().find(|setting| setting.key == key).expect("it is in force");
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
        let read = settings(&all).expect("no mistake");
        assert_eq!(read.listen.port(), 2);
        assert_eq!(read.tls.client_ca, [Path::new("/srv/a.pem"), Path::new("/b.pem")]);
        assert_eq!(read.tls.key, Path::new("/run/c/server.key"));
        assert!(read.admin.is_some(), "a section that only the environment has");
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
            given(&[("EHEALTH_ATTRIBUTES_SERVER_LISTEN", "x"), ("EHEALTH_ATTRIBUTES_X", "")], &["data.fetch=no"]);
        let told = settings(&wrong).expect_err("three mistakes").to_string();
        assert_eq!(told.lines().count(), 3, "{told}");
        assert!(told.contains("environment EHEALTH_ATTRIBUTES_SERVER_LISTEN: server.listen: is an address"), "{told}");
    }

    #[test]
    fn a_secret_that_stands_in_a_setting_is_refused_and_not_told() {
        for secret in ["-----BEGIN PRIVATE KEY-----", "", "credential:../key", "credential:", "credential:.."] {
            let told = parse_text(&WHOLE.replace("/etc/server.key", secret)).expect_err("a mistake");
            assert!(told.contains("server.key: is the file of a secret"), "{told}");
            assert!(!told.contains("BEGIN"), "{told}");
        }
    }

    #[test]
    fn operators_elsewhere_than_on_loopback_need_certificates() {
        let admin = |lines: &str| parse_text(&format!("{WHOLE}[admin]\n{lines}"));
        let three = "certificate = \"a\"\nkey = \"b\"\nclient_ca = \"c\"\n";
        assert!(admin("listen = \"[::1]:1\"\n").is_ok_and(|settings| settings.admin_tls.is_none()));
        assert!(admin(&format!("listen = \"0.0.0.0:1\"\n{three}")).is_ok_and(|settings| settings.admin_tls.is_some()));
        assert!(admin("listen = \"0.0.0.0:1\"\n").is_err());
        assert!(admin("listen = \"127.0.0.1:1\"\nkey = \"b\"\n").is_err());
    }

    #[test]
    fn what_is_read_is_what_is_listed_and_the_example_is_right() {
        // The example with every line of it in force, and a feed of each kind.
        let example = keys::write_example();
        parse_text(&example).expect("the example is right as it stands");
        let whole: String = example
            .lines()
            .map(|line| {
                line.strip_prefix("# ").filter(|rest| rest.starts_with('[') || rest.contains(" = \"")).unwrap_or(line)
            })
            .filter(|line| !line.starts_with("folder = \"/srv/sftp"))
            .map(|line| format!("{line}\n"))
            .collect();
        let whole = format!("{}[feeds.coprev]\nfolder = \"a\"\n", whole.replace("signer = \"NAME+HASH+KEY\"\n", ""));
        let settings = parse_text(&whole).expect("every line of the example is right");
        let read: std::collections::BTreeSet<_> =
            settings.active_config.iter().filter_map(|setting| keys::find(&setting.key)).map(|key| key.name).collect();
        let listed: std::collections::BTreeSet<_> = keys::KEYS.iter().map(|key| key.name).collect();
        let unread: Vec<_> = listed.difference(&read).collect();
        assert_eq!(unread, [&"feeds.DATASET.signer"], "a key of nobody cannot be in the example");
        assert!(settings.active_config.iter().all(|setting| keys::find(&setting.key).is_some()));
    }

    #[test]
    fn the_defaults_are_those_of_the_rooms() {
        let settings = parse_text(WHOLE).expect("no mistake");
        for feed in &settings.sync.feeds {
            assert_eq!(*feed, sync::Feed::new(feed.dataset, feed.source.clone()));
        }
        let usual = audit_log::Settings::new(settings.trail.folder.clone(), settings.trail.keys.clone());
        assert_eq!(settings.trail, usual);
        assert_eq!(settings.port, server::PortUse::default());
        let https = "[feeds.dimona]\nurl = \"https://feeds.example.be/\"\nauthorities = \"ca.pem\"\n";
        let feeds = parse_text(&format!("{WHOLE}{https}")).expect("no mistake").sync.feeds;
        assert!(matches!(&feeds[0].source, Source::Https(feed) if feed.limits == sync::FeedLimits::default()));
    }
}
