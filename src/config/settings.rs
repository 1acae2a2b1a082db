//! The settings file: everything that `serve` and `sync` need to know, each value where it is used.
//!
//! Relative paths are meant from the folder of the file. Secrets are files, never values.
//!
//! ```toml
//! [server]
//! listen = "0.0.0.0:8443"
//! port = "own"                                # or "shared": two instances on one port, one taking over from the other
//! public_url = "https://gateway.example.be"   # what callers use; soap:address in the contract
//! certificate = "server.pem"                  # with its issuers behind it
//! key = "server.key"
//!
//! [trust]
//! client_ca = ["clients-ca"]                  # files or folders, PEM or DER; roots and intermediates
//! revocation = ["clients-crl"]                # files or folders of lists, one for each authority; or, in so many
//!                                             # words, "none": revoked certificates are let in
//!
//! [policy]
//! file = "policy.toml"
//!
//! [data]
//! folder = "data"                             # the five datasets
//! feeds = "feeds"                             # where publishers drop them, a folder each; or see [feeds.…]
//! rejected = "rejected"                       # records that were wrong, with the reason; for the operator alone
//!
//! [feeds.dimona]                              # what is different for one of them
//! url = "https://feeds.example.be/dimona/"    # or: folder = "…"
//! authorities = "feeds-ca.pem"                # who signed the publisher's certificate
//! certificate = "feeds-client.pem"            # what we show, with its issuers behind it; absent: nothing
//! key = "feeds-client.key"
//! time_a_file = "1h"                          # a file that takes longer is given up
//! interval = "15m"                            # how often the publisher is asked
//! wrong_share = "0.1%"                        # more wrong records refuse the file (ten are always let pass)
//! loss_share = "10%"                          # a greater loss is refused until `sync --allow-shrink dimona`
//! # signer = "NAME+HASH+KEY"                  # a C2SP verifier key: unsigned notifications are refused
//!
//! [freshness]                                 # how old each dataset may be; absent: 36h, coprev and federated 8d
//! dimona = "36h"
//!
//! [trail]
//! folder = "trail"                            # evidence of every exchange
//! keys = "keys"                               # what seals it: better not on the same disk
//! missing_keys = "refuse"                     # or "make": draw a month's and a year's key when first wanted
//! name = "gateway.example.be/trail"           # in checkpoints
//! checkpoint_copy = "/mnt/other/checkpoint"   # the newest checkpoint a second time: better on another machine's disk
//! missing_checkpoint = "refuse"               # or "sign": somebody answers for a trail whose checkpoint is gone
//!
//! [admin]                                     # health, metrics and a page for operators; absent: none
//! listen = "127.0.0.1:9443"                   # loopback alone: nobody is asked who they are
//! ```

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{Problems, Section, Value, parse, read_text};
use super::duration::parse_duration;
use super::feeds::read_feeds;
use crate::admin;
use crate::audit::{self, MissingCheckpoint, MissingKeys};
use crate::lookup::FreshnessLimits;
use crate::server;
use crate::server::tls::{RevocationFiles, TlsFiles};
use crate::sync;

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
    /// The trail.
    pub trail: audit::Settings,
    /// What operators see; `None`: nothing listens for them.
    pub admin: Option<admin::Settings>,
}

/// Reads and judges a settings file.
///
/// # Errors
/// Every mistake of the file.
pub fn read_settings(file: &Path) -> Result<Settings, Problems> {
    parse_settings(file, &read_text(file)?)
}

/// Judges the text of a settings file; `file` is named in mistakes, and relative paths are meant from its folder.
///
/// # Errors
/// Every mistake of the text.
pub fn parse_settings(file: &Path, text: &str) -> Result<Settings, Problems> {
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let path = |value: Value<'_>| match value.text()? {
        "" => Err("is a path".to_owned()),
        text => Ok(folder.join(text)),
    };
    parse(file, text, |root| {
        let server = root.section("server").map(|mut section| {
            let listen = section.required("listen", read_address);
            let port = section.optional("port", read_port_use).unwrap_or_default();
            let public_url = section.required("public_url", read_public_url);
            let certificate = section.required("certificate", path);
            let key = section.required("key", path);
            section.finish();
            Some((listen?, port, public_url?, certificate?, key?))
        });
        let trust = root.section("trust").map(|mut section| {
            let client_ca = section.required("client_ca", |value| read_paths(value, path));
            let revocation = section.required("revocation", |value| match value.text() {
                Ok("none") => Ok(RevocationFiles::None),
                Ok(_) => Err("is a list of files or folders, or \"none\": revoked certificates are then let in, and \
                    every start warns of it"
                    .to_owned()),
                Err(_) => read_paths(value, path).map(RevocationFiles::Lists),
            });
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
            section.finish();
            (data, feeds, rejected)
        });
        let (data, of_all, rejected) = data.unwrap_or_default();
        let feeds = read_feeds(root, of_all.as_deref(), path);
        let freshness = read_freshness(root.optional_section("freshness"));
        let trail = root.section("trail").map(|mut section| {
            let trail = section.required("folder", path);
            let keys = section.required("keys", path);
            let missing_keys = section.optional("missing_keys", read_missing_keys).unwrap_or_default();
            let usual = audit::Checkpoints::default();
            let origin = section.optional("name", read_origin).unwrap_or(usual.origin.clone());
            let copy = section.optional("checkpoint_copy", path);
            let missing = section.optional("missing_checkpoint", read_missing_checkpoint).unwrap_or_default();
            section.finish();
            let checkpoints = audit::Checkpoints { origin, copy, missing, ..usual };
            Some(audit::Settings { missing_keys, checkpoints, ..audit::Settings::new(trail?, keys?) })
        });
        let admin = root.optional_section("admin").map(|mut section| {
            let listen = section.required("listen", read_loopback_address);
            section.finish();
            listen.map(|listen| admin::Settings { listen })
        });
        let admin = match admin {
            Some(settings) => Some(settings?),
            None => None,
        };
        let (listen, port, public_url, certificate, key) = server??;
        let (client_ca, revocation) = trust??;
        Some(Settings {
            listen,
            port,
            tls: TlsFiles { certificate, key, client_ca, revocation },
            server: server::Settings { public_url, freshness, limits: server::Limits::default() },
            policy: policy??,
            sync: sync::Settings { data: data?, rejected: rejected?, feeds: feeds? },
            trail: trail??,
            admin,
        })
    })
}

fn read_address(value: Value<'_>) -> Result<SocketAddr, String> {
    value.text()?.parse().map_err(|_| "is an address and a port, for example \"0.0.0.0:8443\"".to_owned())
}

fn read_loopback_address(value: Value<'_>) -> Result<SocketAddr, String> {
    let wrong =
        "is a loopback address and a port, for example \"127.0.0.1:9443\"; mutual TLS for others is not there yet";
    let address: SocketAddr = value.text()?.parse().map_err(|_| wrong.to_owned())?;
    if address.ip().is_loopback() { Ok(address) } else { Err(wrong.to_owned()) }
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
    if value.text().is_ok() {
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

fn read_freshness(section: Option<Section<'_>>) -> FreshnessLimits {
    // People's data change daily; services' affiliations are published weekly.
    let (daily, weekly) = (Duration::from_secs(36 * 3_600), Duration::from_secs(8 * 86_400));
    let mut limits =
        FreshnessLimits { dimona: daily, coprev: weekly, federated: weekly, insurance: daily, persons: daily };
    let Some(mut section) = section else { return limits };
    for (key, limit) in [
        ("dimona", &mut limits.dimona),
        ("coprev", &mut limits.coprev),
        ("federated", &mut limits.federated),
        ("insurance", &mut limits.insurance),
        ("persons", &mut limits.persons),
    ] {
        if let Some(read) = section.optional(key, |value| parse_duration(value.text()?)) {
            *limit = read;
        }
    }
    section.finish();
    limits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Share, Shrinking, Source};

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
        parse_settings(Path::new("/srv/gateway.toml"), text).map_err(|problems| problems.to_string())
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
            ("", 1),
            ("folder = \"a\"\nurl = \"https://a.be/\"\n", 1),
            ("folder = \"a\"\nauthorities = \"a\"\n", 1),
            ("url = \"http://a.be/\"\n", 2),
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
            .replace("\"none\"", "\"crl\"")
            .replace("[policy]\nfile", "[policy]\nfiles")
            .replace("\"2d\"", "2")
            .replace("[trail]", "[admin]\nlisten = \"0.0.0.0:9443\"\n[trial]");
        let told = parse_text(&text).expect_err("mistakes");
        assert_eq!(told.lines().count(), 9, "{told}");
        assert!(told.contains("admin.listen: is a loopback address"), "{told}");
        assert!(told.starts_with("/srv/gateway.toml: trail: this section is missing"), "{told}");
    }

    #[test]
    fn the_example_in_this_files_own_words_is_right() {
        let example: String = include_str!("settings.rs")
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .skip_while(|line| !line.ends_with("```toml"))
            .skip(1)
            .take_while(|line| !line.ends_with("```"))
            .map(|line| format!("{}\n", line.trim_start_matches("//!")))
            .collect();
        assert!(parse_text(&example).is_ok(), "{:?}", parse_text(&example));
    }
}
