//! Writes certificates as PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;

/// Characters of a line (RFC 7468, section 2).
const LINE: usize = 64;

/// Writes certificates as PEM, in their order.
#[must_use]
pub fn write_pem(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded: Vec<char> = STANDARD.encode(certificate).chars().collect();
        for line in encoded.chunks(LINE) {
            text.extend(line);
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
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
