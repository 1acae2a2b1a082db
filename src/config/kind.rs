//! Kinds of values that settings have.

/// Kind of a value, for documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Address and port.
    Address,
    /// One of the listed words.
    Choice(&'static str),
    /// HTTPS URL.
    Url,
    /// URL of a PostgreSQL database.
    Database,
    /// File or folder. A relative path starts at the folder of the settings file.
    Path,
    /// One path or a list of paths.
    Paths,
    /// One address prefix or a list of address prefixes.
    Networks,
    /// File of a secret, or `credential:NAME` for a systemd credential. Settings never contain the
    /// secret itself.
    Secret,
    /// Duration: `30s`, `15m`, `36h`, `7d`.
    Duration,
    /// Percentage: `0.1%`.
    Percentage,
    /// Text without blanks.
    Name,
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
            Self::Url => "HTTPS URL",
            Self::Database => "URL of a PostgreSQL database",
            Self::Path => "path",
            Self::Paths => "path or list of paths",
            Self::Networks => "address prefix or list of address prefixes",
            Self::Secret => "path or credential:NAME",
            Self::Duration => "duration, like 36h",
            Self::Percentage => "percentage, like 0.1%",
            Self::Name => "name",
            Self::Integer => "integer",
            Self::Size => "size, like 512MiB",
            Self::Truth => "true or false",
        }
    }
}
