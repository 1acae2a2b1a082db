//! A setting as data: its name, the kind of its value, its default, its meaning.

/// Kind of a value, for documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Address and port.
    Address,
    /// One of the listed words.
    Choice(&'static str),
    /// IP addresses and networks in CIDR notation: one, or a list.
    Networks,
    /// HTTPS URL.
    Url,
    /// URL of a PostgreSQL database.
    Database,
    /// File or folder. A relative path starts at the folder of the settings file.
    Path,
    /// One path or a list of paths.
    Paths,
    /// File of a secret, or `credential:NAME` for a systemd credential. Settings never contain the
    /// secret itself.
    Secret,
    /// Duration: `30s`, `15m`, `36h`, `7d`.
    Duration,
    /// Percentage: `0.1%`.
    Percentage,
    /// Text without blanks.
    Name,
    /// Text for people.
    Text,
    /// Integer.
    Integer,
    /// Number of bytes: `512MiB`.
    Size,
    /// `true` or `false`.
    Truth,
}

impl Kind {
    /// Description for the table of settings.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Address => "address and port",
            Self::Choice(words) => words,
            Self::Networks => "IP address or network, or list of them",
            Self::Url => "HTTPS URL",
            Self::Database => "URL of a PostgreSQL database",
            Self::Path => "path",
            Self::Paths => "path or list of paths",
            Self::Secret => "path or credential:NAME",
            Self::Duration => "duration, like 36h",
            Self::Percentage => "percentage, like 0.1%",
            Self::Name => "name",
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Size => "size, like 512MiB",
            Self::Truth => "true or false",
        }
    }
}

/// How the packaged example shows a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// Set to this value.
    Set(&'static str),
    /// Commented out, with this value.
    Note(&'static str),
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Name with its sections; `DATASET` stands for each of the five datasets, `LANGUAGE` for each
    /// language of letters.
    pub name: &'static str,
    /// Kind of the value.
    pub kind: Kind,
    /// Default value; `None` if the setting has none.
    pub default: Option<&'static str>,
    /// Line in the packaged example.
    pub example: Example,
    /// Effect of the setting, limits, and advice for operators. Markdown, one paragraph.
    pub meaning: &'static str,
}

/// A setting without a default.
pub(super) const fn key(name: &'static str, kind: Kind, example: Example, meaning: &'static str) -> Key {
    Key { name, kind, default: None, example, meaning }
}

/// A setting with a default, which the example shows as a comment.
pub(super) const fn defaulted(name: &'static str, kind: Kind, default: &'static str, meaning: &'static str) -> Key {
    Key { name, kind, default: Some(default), example: Example::Note(default), meaning }
}
