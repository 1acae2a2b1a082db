//! Why a handshake failed: a closed list of reasons, for the log.

use std::io;

use ehealth_core::closed_enum;

closed_enum! {
    /// Why a handshake failed for another reason than the client's certificate. Codes: log.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum HandshakeFailure {
        /// The client ended the connection during the handshake.
        Disconnected => "disconnected",
        /// The client presented no certificate.
        NoCertificate => "no-certificate",
        /// The bytes are not TLS, or violate it.
        NotTls => "not-tls",
        /// There is no common version, cipher suite or key exchange.
        Incompatible => "incompatible",
        /// The client sent an alert: it refused the service's certificate, or had an error.
        Alert => "alert-received",
        /// The certificate was refused, and no reason is known.
        Certificate => "certificate",
        /// Another error of TLS.
        Tls => "tls-error",
    }
}

impl HandshakeFailure {
    /// Reason of an error that the TLS library returned.
    pub(crate) fn of(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
        tls.map_or(Self::Disconnected, Self::of_tls)
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "foreign enum, grows with its library")]
    fn of_tls(error: &rustls::Error) -> Self {
        use rustls::Error;
        match error {
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidMessage(_)
            | Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. }
            | Error::PeerMisbehaved(_)
            | Error::PeerSentOversizedRecord
            | Error::DecryptError => Self::NotTls,
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => Self::Incompatible,
            Error::AlertReceived(_) => Self::Alert,
            Error::InvalidCertificate(_) => Self::Certificate,
            _ => Self::Tls,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_library_have_a_reason() {
        let of = |error| HandshakeFailure::of(&io::Error::new(io::ErrorKind::InvalidData, error));
        assert_eq!(of(rustls::Error::NoCertificatesPresented), HandshakeFailure::NoCertificate);
        assert_eq!(of(rustls::Error::DecryptError), HandshakeFailure::NotTls);
        assert_eq!(of(rustls::Error::NoApplicationProtocol), HandshakeFailure::Incompatible);
        assert_eq!(HandshakeFailure::of(&io::ErrorKind::UnexpectedEof.into()), HandshakeFailure::Disconnected);
    }
}
