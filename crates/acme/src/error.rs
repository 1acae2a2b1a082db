//! Errors, each with what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use instant_acme::{Error, Problem};

use crate::transport::TransportError;

/// Type of a problem that a repetition solves (RFC 8555, 6.5).
const BAD_NONCE: &str = "urn:ietf:params:acme:error:badNonce";
/// Type of a problem with an account that the server does not know (RFC 8555, 6.7).
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";
/// Type of a problem without an external account (RFC 8555, 7.3.4).
const NO_EXTERNAL_ACCOUNT: &str = "urn:ietf:params:acme:error:externalAccountRequired";
/// Type of a problem with too many orders (RFC 8555, 6.6).
const RATE_LIMITED: &str = "urn:ietf:params:acme:error:rateLimited";
/// Longest text of the ACME server in a message, in characters.
const MAX_TEXT: usize = 500;

/// Why there is no certificate. Control characters in texts of the ACME server are repeated as they came: clean them
/// before a terminal shows them.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// The ACME server cannot be reached, or is not the one that is expected.
    #[error("{0}")]
    Unreachable(TransportError),
    /// The order took too long.
    #[error("the order took longer than {} s; run the command again later", .0.as_secs())]
    Timeout(Duration),
    /// The ACME server has neither verified nor issued in time, or asks to wait longer.
    #[error("the ACME server did not finish the order in time; run the command again later")]
    Unfinished,
    /// The ACME server refused a request.
    #[error("the ACME server refused the request: {}{}", shorten(&.0.to_string()), advise(.0))]
    Refused(Problem),
    /// What came is no ACME.
    #[error("the answer is not ACME: {0}; see whether acme.directory is the URL of an ACME directory")]
    Protocol(String),
    /// The ACME server did not see the answer to a challenge.
    #[error(
        "the ACME server could not verify {name}: {}; it must reach http://{name}/.well-known/acme-challenge/ on port 80 from its network",
        shorten(.reason)
    )]
    Challenge {
        /// Host name.
        name: String,
        /// Text of the ACME server.
        reason: String,
    },
    /// The ACME server offers no challenge that is implemented here.
    #[error("the ACME server offers no challenge http-01 for {0}; use another server")]
    NoChallenge(String),
    /// The listener cannot be opened.
    #[error(
        "acme.listen: cannot listen on {address}: {reason}; a port below 1024 needs the unit of the package or root, and if a web server has the port, set acme.webroot to its folder"
    )]
    Listen {
        /// Address and port.
        address: SocketAddr,
        /// Error of the system.
        reason: io::Error,
    },
    /// The answer to a challenge cannot be written.
    #[error("acme.webroot: cannot write {}: {reason}; give the folder to the user of this command", .path.display())]
    Webroot {
        /// The file or folder.
        path: PathBuf,
        /// Error of the system.
        reason: io::Error,
    },
    /// The account file is not one.
    #[error("it is not an account: {0}; remove it, and a new account is made")]
    Account(String),
    /// The account is one of another ACME server.
    #[error("the account belongs to {0}; set acme.account to another file, or remove this one")]
    OtherDirectory(String),
    /// A key or a request cannot be made.
    #[error("the certificate request cannot be made: {0}")]
    Request(String),
}

impl AcmeError {
    /// Whether the ACME server was not reached or did not answer in time.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Timeout(_) | Self::Unfinished)
    }

    /// Whether the same order can succeed at once.
    pub(crate) fn is_bad_nonce(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.r#type.as_deref() == Some(BAD_NONCE))
    }
}

/// The beginning of a text of the ACME server: what to do comes after it and must not be lost.
fn shorten(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

/// What to do about a problem.
fn advise(problem: &Problem) -> &'static str {
    match problem.r#type.as_deref() {
        Some(NO_ACCOUNT) => "; remove the file acme.account, and a new account is made",
        Some(NO_EXTERNAL_ACCOUNT) => "; set acme.eab_key_id and acme.eab_key to what the CA gave you",
        Some(RATE_LIMITED) => "; wait until the time that it names, the timer tries again",
        Some(_) | None => "",
    }
}

impl From<Error> for AcmeError {
    fn from(error: Error) -> Self {
        #[allow(clippy::wildcard_enum_match_arm, reason = "foreign enum, grows with its library")]
        match error {
            Error::Api(problem) => Self::Refused(problem),
            Error::Timeout(_) => Self::Unfinished,
            Error::Other(other) => match other.downcast::<TransportError>() {
                Ok(error) => Self::Unreachable(*error),
                Err(other) => Self::Protocol(other.to_string()),
            },
            other => Self::Protocol(other.to_string()),
        }
    }
}
