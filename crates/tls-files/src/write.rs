//! Writes certificates and private keys as PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Characters of a line (RFC 7468, section 2).
const LINE: usize = 64;

/// Writes certificates as PEM, in their order.
#[must_use]
pub fn write_pem(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    certificates.iter().flat_map(|certificate| block("CERTIFICATE", certificate)).collect()
}

/// Writes a private key as PEM, in the form that it has: PKCS #8, PKCS #1 or SEC 1.
#[must_use]
pub fn write_private_key(key: &PrivateKeyDer<'_>) -> Vec<u8> {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        // The general form; a form that a later version of the library adds is not read by this crate.
        PrivateKeyDer::Pkcs8(_) | _ => "PRIVATE KEY",
    };
    block(label, key.secret_der())
}

fn block(label: &str, der: &[u8]) -> Vec<u8> {
    let mut text = format!("-----BEGIN {label}-----\n");
    let encoded: Vec<char> = STANDARD.encode(der).chars().collect();
    for line in encoded.chunks(LINE) {
        text.extend(line);
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_certificates;

    #[test]
    fn what_is_written_is_read_back() {
        // The first tags of a certificate: the reader looks no further.
        let certificates = [vec![0x30; 47], vec![0x31; 48], vec![0x32; 200]].map(CertificateDer::from);
        let pem = write_pem(&certificates);
        assert_eq!(parse_certificates(&pem).expect("PEM"), certificates);
        assert!(pem.split(|byte| *byte == b'\n').all(|line| line.len() <= LINE));
    }
}
