//! Content of a file, as errors name it.

use std::fmt;

use rustls::pki_types::pem;

/// Kind of content that a caller expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// X.509 certificates.
    Certificates,
    /// Certificate revocation lists.
    RevocationLists,
    /// A private key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    PrivateKey,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificates => "certificates",
            Self::RevocationLists => "certificate revocation lists",
            Self::PrivateKey => "an unencrypted private key",
        })
    }
}

/// The content is not what was expected. The text has nothing of a private key.
#[derive(Debug, PartialEq, Eq)]
pub enum ContentError {
    /// There are no bytes, or only white space.
    Empty {
        /// Expected kind of content.
        expected: Content,
    },
    /// Neither PEM nor DER.
    Unknown {
        /// Expected kind of content.
        expected: Content,
    },
    /// PEM or DER of another kind.
    Unexpected {
        /// Content that was found, as a phrase ("a private key").
        found: String,
        /// Expected kind of content.
        expected: Content,
        /// How to get the expected content, as an instruction with OLD and NEW for the files.
        remedy: Option<&'static str>,
    },
    /// A PEM block is malformed.
    Malformed {
        /// Expected kind of content.
        expected: Content,
        /// Kind of error.
        reason: &'static str,
    },
}

impl ContentError {
    /// What was found and what was expected.
    #[must_use]
    pub fn problem(&self) -> String {
        match self {
            Self::Empty { expected } => format!("is empty, expected {expected}"),
            Self::Unknown { expected } => format!("found neither PEM nor DER, expected {expected}"),
            Self::Unexpected { found, expected, .. } => format!("found {found}, expected {expected}"),
            Self::Malformed { expected, reason } => format!("malformed PEM, expected {expected}: {reason}"),
        }
    }

    /// How to get the expected content; `None` if that depends on where the file came from.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Unexpected { remedy, .. } => *remedy,
            Self::Empty { .. } | Self::Unknown { .. } | Self::Malformed { .. } => None,
        }
    }

    /// Expected kind of content.
    #[must_use]
    pub fn expected(&self) -> Content {
        match self {
            Self::Empty { expected }
            | Self::Unknown { expected }
            | Self::Unexpected { expected, .. }
            | Self::Malformed { expected, .. } => *expected,
        }
    }

    /// Converts an error of the PEM parser, whose own text may quote a line of a private key.
    #[allow(clippy::wildcard_enum_match_arm, reason = "foreign enum, grows with its library")]
    pub(crate) fn malformed(expected: Content, error: &pem::Error) -> Self {
        let reason = match error {
            pem::Error::MissingSectionEnd { .. } => "a block has no END line",
            pem::Error::IllegalSectionStart { .. } => "a BEGIN line is invalid",
            pem::Error::Base64Decode(_) => "a block is not base64",
            // The remaining errors are of I/O, and bytes in memory have none.
            _ => "it cannot be parsed",
        };
        Self::Malformed { expected, reason }
    }
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem())?;
        self.remedy().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl std::error::Error for ContentError {}
