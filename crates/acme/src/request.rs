//! Keys, and certificate requests for them.

use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::PrivateKeyDer;

use crate::AcmeError;

/// Makes an EC key on P-256. Returns it as PEM (PKCS #8).
///
/// # Errors
/// [`AcmeError::Request`].
pub fn make_key() -> Result<String, AcmeError> {
    let key = KeyPair::generate().map_err(|error| AcmeError::Request(error.to_string()))?;
    Ok(key.serialize_pem())
}

/// Makes a certificate request (PKCS #10, DER) for a key and these host names. Its subject is empty: CAs ignore it.
///
/// # Errors
/// [`AcmeError::Request`] if the key is of a kind that cannot sign, or a name is no host name.
pub fn make_request(key: &PrivateKeyDer<'_>, names: &[String]) -> Result<Vec<u8>, AcmeError> {
    let failed = |error: rcgen::Error| AcmeError::Request(error.to_string());
    let key = KeyPair::try_from(key).map_err(failed)?;
    let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(&key).map_err(failed)?.der().to_vec())
}
