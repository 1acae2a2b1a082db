//! What a certificate is used for.

use clap::ValueEnum;

/// Use of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    /// Client of mutual TLS
    Client,
    /// Server of TLS
    Server,
    /// Signer of messages
    Signing,
}

impl Purpose {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Signing => "signing",
        }
    }
}
