//! Every setting there is, as data: name, kind, default, meaning.
//!
//! From this table come the names that the environment and `--set` may use, the defaults, the packaged example
//! (`deploy/config.toml`) and the README's table. How each value is read stands where it is read; a test holds that
//! what is read and what is listed here are the same.

use ehealth_core::model::Dataset;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An address and a port.
    Address,
    /// One of these words.
    Word(&'static str),
    /// An https address.
    Url,
    /// A file or folder; relative ones are meant from the settings file.
    Path,
    /// One or several of them.
    Paths,
    /// The file of a secret, or `credential:NAME` for one that systemd hands over. The secret itself stands nowhere.
    Secret,
    /// A span of time: `30s`, `15m`, `36h`, `7d`.
    Span,
    /// A share: `0.1%`.
    Share,
    /// A name without blanks.
    Name,
    /// A whole number.
    Number,
}

impl Kind {
    /// The word for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Address => "address and port",
            Self::Word(words) => words,
            Self::Url => "https URL",
            Self::Path => "path",
            Self::Paths => "path, or list of paths",
            Self::Secret => "path, or credential:NAME",
            Self::Span => "span, like 36h",
            Self::Share => "share, like 0.1%",
            Self::Name => "name",
            Self::Number => "whole number",
        }
    }
}

/// How a key stands in the packaged example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// With this value.
    Set(&'static str),
    /// Commented out, with this value.
    Note(&'static str),
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name with its sections; `DATASET` stands for each of the five.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What holds where nobody says anything.
    pub default: Option<&'static str>,
    /// How it stands in the packaged example.
    pub example: Example,
    /// What it means, for whom it is meant, what to think of.
    pub meaning: &'static str,
}

const DAILY: &str = "36h";
const WEEKLY: &str = "8d";
const AGE: &str = "How old it may be; people's data change daily, services' affiliations weekly.";

/// All of them, in the order of the file.
pub const KEYS: [Key; 39] = [
    key(
        "server.listen",
        Kind::Address,
        Example::Set("0.0.0.0:8443"),
        "Where callers are answered. Under systemd the socket unit opens it: change both.",
    ),
    defaulted(
        "server.port",
        Kind::Word("own, shared"),
        "own",
        "`shared`: the next start takes over on the same port, and no request is lost.",
    ),
    key(
        "server.public_url",
        Kind::Url,
        Example::Set("https://gateway.example.be"),
        "What callers use; `soap:address` of the contract.",
    ),
    key(
        "server.certificate",
        Kind::Path,
        Example::Set("tls/server.pem"),
        "PEM; the certificate with its issuers behind it.",
    ),
    key("server.key", Kind::Secret, Example::Set("credential:server.key"), "Its private key, PEM."),
    defaulted(
        "server.messages_each",
        Kind::Number,
        "16",
        "So many messages of one consumer are worked on at one time; what it sends beyond that is told to come back, because others wait for what one sends at once. 16 are good for each processor, 512 are the most.",
    ),
    key(
        "trust.client_ca",
        Kind::Paths,
        Example::Set("tls/clients-ca"),
        "Files or folders, PEM or DER: the authorities whose clients are let in, roots and intermediates.",
    ),
    key(
        "trust.revocation",
        Kind::Paths,
        Example::Set("tls/clients-crl"),
        "Files or folders with a revocation list of each authority; an authority without a current one is closed, its clients refused. Or `none`, in so many words: revoked certificates are let in, and every start warns of it.",
    ),
    key(
        "policy.file",
        Kind::Path,
        Example::Set("policy.toml"),
        "Who may ask what; `policy check` judges it, `policy explain` tells a verdict and its rule.",
    ),
    key("data.folder", Kind::Path, Example::Set("/var/lib/ehealth-attributes/data"), "The five datasets."),
    key(
        "data.feeds",
        Kind::Path,
        Example::Set("/var/lib/ehealth-attributes/feeds"),
        "Where publishers drop them: a folder each, with `notification.xml`.",
    ),
    key(
        "data.rejected",
        Kind::Path,
        Example::Set("/var/lib/ehealth-attributes/rejected"),
        "Records that were wrong, with line and reason; for the operator alone.",
    ),
    Key {
        example: Example::Set("elsewhere"),
        ..defaulted(
            "data.fetch",
            Kind::Word("here, elsewhere"),
            "here",
            "`elsewhere`: `sync --follow` fetches, in a process of its own, and the one that answers dials nobody.",
        )
    },
    key(
        "feeds.DATASET.folder",
        Kind::Path,
        Example::Note("/srv/sftp/dimona"),
        "In place of `data.feeds`: a folder of its own.",
    ),
    key(
        "feeds.DATASET.url",
        Kind::Url,
        Example::Note("https://feeds.example.be/dimona/"),
        "In place of a folder: a folder on a web server.",
    ),
    key(
        "feeds.DATASET.authorities",
        Kind::Path,
        Example::Note("tls/feeds-ca.pem"),
        "Who signed the publisher's certificate.",
    ),
    key(
        "feeds.DATASET.certificate",
        Kind::Path,
        Example::Note("tls/feeds.pem"),
        "What is shown to the publisher, with its issuers behind it; absent: nothing.",
    ),
    key("feeds.DATASET.key", Kind::Secret, Example::Note("credential:feeds.key"), "Its private key, PEM."),
    defaulted("feeds.DATASET.time_a_file", Kind::Span, "1h", "A file that takes longer is given up."),
    key(
        "feeds.DATASET.signer",
        Kind::Name,
        Example::Note("NAME+HASH+KEY"),
        "A C2SP verifier key: notifications that it did not sign are refused.",
    ),
    defaulted("feeds.DATASET.interval", Kind::Span, "15m", "How often the publisher is asked, give or take a tenth."),
    defaulted(
        "feeds.DATASET.wrong_share",
        Kind::Share,
        "0.1%",
        "More wrong records refuse the file; ten are always let pass.",
    ),
    defaulted(
        "feeds.DATASET.loss_share",
        Kind::Share,
        "10%",
        "A greater loss is refused until `sync --allow-shrink DATASET`.",
    ),
    defaulted("freshness.dimona", Kind::Span, DAILY, AGE),
    defaulted("freshness.coprev", Kind::Span, WEEKLY, AGE),
    defaulted("freshness.federated", Kind::Span, WEEKLY, AGE),
    defaulted("freshness.insurance", Kind::Span, DAILY, AGE),
    defaulted("freshness.persons", Kind::Span, DAILY, AGE),
    key("trail.folder", Kind::Path, Example::Set("/var/lib/ehealth-attributes/trail"), "Evidence of every exchange."),
    key(
        "trail.keys",
        Kind::Path,
        Example::Set("/var/lib/ehealth-attributes/keys"),
        "What seals it: a key a month for details, a key a year for finding a person. Better on another disk, and never in the trail's backup.",
    ),
    Key {
        example: Example::Set("make"),
        ..defaulted(
            "trail.missing_keys",
            Kind::Word("refuse, make"),
            "refuse",
            "`make`: a month's and a year's key are drawn when first wanted; `refuse`: somebody brings them.",
        )
    },
    defaulted(
        "trail.name",
        Kind::Name,
        "ehealth-attributes/trail",
        "Its name in checkpoints: `gateway.example.be/trail`. It does not change later.",
    ),
    key(
        "trail.checkpoint_copy",
        Kind::Path,
        Example::Note("/mnt/other/checkpoint"),
        "The newest checkpoint a second time: on another machine's disk, if it shall be worth much.",
    ),
    defaulted(
        "trail.missing_checkpoint",
        Kind::Word("refuse, sign"),
        "refuse",
        "`sign`: somebody answers for a trail whose checkpoint is gone.",
    ),
    key(
        "trail.verified",
        Kind::Path,
        Example::Set("/var/lib/ehealth-attributes/verified"),
        "What `audit verify --report FILE` found last: shown to operators.",
    ),
    key(
        "admin.listen",
        Kind::Address,
        Example::Set("127.0.0.1:9443"),
        "Health, metrics and a page for operators; without the section nothing listens. On loopback nobody is asked who they are; elsewhere the next three are needed.",
    ),
    key(
        "admin.certificate",
        Kind::Path,
        Example::Note("tls/admin.pem"),
        "Mutual TLS for operators: what they are shown.",
    ),
    key("admin.key", Kind::Secret, Example::Note("credential:admin.key"), "Its private key, PEM."),
    key("admin.client_ca", Kind::Path, Example::Note("tls/operators-ca.pem"), "Whose certificates make an operator."),
];

const fn key(name: &'static str, kind: Kind, example: Example, meaning: &'static str) -> Key {
    Key { name, kind, default: None, example, meaning }
}

const fn defaulted(name: &'static str, kind: Kind, default: &'static str, meaning: &'static str) -> Key {
    Key { name, kind, default: Some(default), example: Example::Note(default), meaning }
}

/// Every name that stands in a file, `DATASET` written out.
pub(super) fn names() -> impl Iterator<Item = String> {
    KEYS.iter().flat_map(|key| {
        let each = key.name.contains("DATASET");
        let datasets = if each { &Dataset::ALL[..] } else { &Dataset::ALL[..1] };
        datasets.iter().map(|dataset| key.name.replace("DATASET", dataset.code()))
    })
}

/// The setting of this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    let general = name.split('.').collect::<Vec<_>>();
    let general = match general.as_slice() {
        ["feeds", dataset, rest @ ..] if Dataset::parse(dataset).is_some() => {
            format!("feeds.DATASET.{}", rest.join("."))
        }
        _ => name.to_owned(),
    };
    KEYS.iter().find(|key| key.name == general)
}

/// The default of a setting.
pub(super) fn default_of(name: &str) -> Option<&'static str> {
    find(name)?.default
}

/// Writes the packaged settings file: every setting with its meaning, those commented out that have a default or that
/// few need.
#[must_use]
pub fn write_example() -> String {
    let mut text = String::from(
        "# The settings of ehealth-attributes. `ehealth-attributes config check` tells every mistake,\n\
         # `config show` what is in force and who says so. Relative paths are meant from this file's folder.\n\
         # Each setting can also be given as EHEALTH_ATTRIBUTES_SECTION_KEY, or as --set section.key=value.\n",
    );
    let mut open = "";
    for key in &KEYS {
        let (section, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        let is_note = section.contains("DATASET");
        if section != open {
            open = section;
            // Sections of which nothing is set stay closed.
            let mark = if is_note || !has_set(section) { "# " } else { "" };
            text.push_str(&format!("\n{mark}[{}]\n", section.replace("DATASET", "dimona")));
        }
        text.push_str(&wrap(key.meaning));
        if let Some(default) = key.default {
            text.push_str(&format!("# Default: {default}\n"));
        }
        let quote = if key.kind == Kind::Number { "" } else { "\"" };
        match key.example {
            Example::Set(value) => text.push_str(&format!("{name} = {quote}{value}{quote}\n")),
            Example::Note(value) => text.push_str(&format!("# {name} = {quote}{value}{quote}\n")),
        }
    }
    text
}

fn has_set(section: &str) -> bool {
    let in_section = |key: &&Key| key.name.rsplit_once('.').is_some_and(|(of, _)| of == section);
    KEYS.iter().filter(in_section).any(|key| matches!(key.example, Example::Set(_)))
}

/// A comment of lines that fit a screen.
fn wrap(meaning: &str) -> String {
    let mut text = String::new();
    let mut line = String::from("#");
    for word in meaning.replace('`', "'").split(' ') {
        if line.chars().count() + word.chars().count() > 98 {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text + &line + "\n"
}

/// Writes the settings as a table for the README.
#[must_use]
pub fn write_table() -> String {
    let rows = KEYS.iter().map(|key| {
        let default = key.default.map_or(String::new(), |default| format!("`{default}`"));
        format!("| `{}` | {} | {default} | {} |\n", key.name, key.kind.describe(), key.meaning)
    });
    format!("| key | kind | default | meaning |\n|---|---|---|---|\n{}", rows.collect::<String>())
}
