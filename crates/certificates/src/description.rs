//! What the log says of a certificate that was refused: its public parts, SSINs masked.

use x509_parser::prelude::{FromDer, X509Certificate};

use super::facts::sha256;
use super::subject::{describe, mask_runs};
use ehealth_core::model::Digest;

/// Maximum octets of a serial number (RFC 5280, 4.1.2.2); a longer one is cut.
const SERIAL_OCTETS: usize = 20;

/// Public parts of a certificate, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// SHA-256 of the certificate (DER).
    pub fingerprint: Digest,
    /// Names and serial number; `None` if the certificate is malformed.
    pub names: Option<Names>,
}

/// Names of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Distinguished name of the subject (RFC 4514), with SSINs masked.
    pub subject: String,
    /// Distinguished name of the issuer, in the same form.
    pub issuer: String,
    /// Serial number, hexadecimal in upper case, with SSINs masked.
    pub serial: String,
}

impl Description {
    /// Describes a certificate. Verifies nothing.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Self {
        let names = X509Certificate::from_der(der).ok().map(|(_, certificate)| Names {
            subject: describe(certificate.subject()),
            issuer: describe(certificate.issuer()),
            serial: write_serial(certificate.raw_serial()),
        });
        Self { fingerprint: sha256(der), names }
    }
}

fn write_serial(octets: &[u8]) -> String {
    let digits = octets.iter().take(SERIAL_OCTETS).map(|octet| format!("{octet:02X}")).collect::<String>();
    mask_runs(digits.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_hexadecimal_cut_and_masked() {
        assert_eq!(write_serial(&[0x0a, 0xff]), "0AFF");
        assert_eq!(write_serial(&[0xab; 100]).len(), 2 * SERIAL_OCTETS);
        assert_eq!(write_serial(&[0xa8, 0x50, 0x73, 0x00, 0x01, 0x60]), "A***********");
    }

    #[test]
    fn a_malformed_certificate_has_a_fingerprint_only() {
        let description = Description::from_der(b"nonsense");
        assert_eq!(description.names, None);
        assert_eq!(description.fingerprint, sha256(b"nonsense"));
    }
}
