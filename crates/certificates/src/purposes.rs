//! What the extensions of a certificate say about its use, as text for people.

use std::net::{Ipv4Addr, Ipv6Addr};

use x509_parser::extensions::{ExtendedKeyUsage, GeneralName, KeyUsage};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::facts::CertificateError;
use super::subject::{describe, is_plain, mask};

/// Maximum alternative names that are shown.
const MAX_NAMES: usize = 64;

/// Uses and alternative names of a certificate (RFC 5280, 4.2.1). SSINs are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purposes {
    /// Key usage; `None` without the extension.
    pub key_usage: Option<Vec<&'static str>>,
    /// Extended key usage; `None` without the extension. A purpose without a name is its object
    /// identifier.
    pub extended_key_usage: Option<Vec<String>>,
    /// Alternative names of the subject, `DNS:localhost` or `IP:127.0.0.1`; at most 64.
    pub alternative_names: Vec<String>,
    /// Whether a host name or an IP address is among them.
    pub names_host: bool,
}

impl Purposes {
    /// Reads a certificate. Verifies nothing.
    ///
    /// # Errors
    /// [`CertificateError`] if the bytes are not a certificate, or an extension is repeated or
    /// malformed.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let malformed = |_| CertificateError::Malformed;
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        let key_usage = certificate.key_usage().map_err(malformed)?;
        let extended = certificate.extended_key_usage().map_err(malformed)?;
        let names = certificate.subject_alternative_name().map_err(malformed)?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        Ok(Self {
            key_usage: key_usage.map(|usage| usages(*usage.value)),
            extended_key_usage: extended.map(|usage| extended_usages(usage.value)),
            alternative_names: names.iter().take(MAX_NAMES).map(name).collect(),
            names_host: names.iter().any(|name| matches!(name, GeneralName::DNSName(_) | GeneralName::IPAddress(_))),
        })
    }
}

fn usages(usage: KeyUsage) -> Vec<&'static str> {
    [
        ("digitalSignature", usage.digital_signature()),
        ("nonRepudiation", usage.non_repudiation()),
        ("keyEncipherment", usage.key_encipherment()),
        ("dataEncipherment", usage.data_encipherment()),
        ("keyAgreement", usage.key_agreement()),
        ("keyCertSign", usage.key_cert_sign()),
        ("cRLSign", usage.crl_sign()),
        ("encipherOnly", usage.encipher_only()),
        ("decipherOnly", usage.decipher_only()),
    ]
    .into_iter()
    .filter_map(|(name, is_set)| is_set.then_some(name))
    .collect()
}

fn extended_usages(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let named = [
        ("anyExtendedKeyUsage", usage.any),
        ("serverAuth", usage.server_auth),
        ("clientAuth", usage.client_auth),
        ("codeSigning", usage.code_signing),
        ("emailProtection", usage.email_protection),
        ("timeStamping", usage.time_stamping),
        ("OCSPSigning", usage.ocsp_signing),
    ];
    let named = named.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.to_owned());
    named.chain(usage.other.iter().map(|oid| clean(&oid.to_id_string()))).collect()
}

fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(host) => format!("DNS:{}", clean(host)),
        GeneralName::IPAddress(octets) => match (<[u8; 4]>::try_from(*octets), <[u8; 16]>::try_from(*octets)) {
            (Ok(octets), _) => format!("IP:{}", Ipv4Addr::from(octets)),
            (_, Ok(octets)) => format!("IP:{}", Ipv6Addr::from(octets)),
            _ => "IP:(malformed)".to_owned(),
        },
        GeneralName::RFC822Name(address) => format!("email:{}", clean(address)),
        GeneralName::URI(address) => format!("URI:{}", clean(address)),
        GeneralName::DirectoryName(other) => format!("DirName:{}", describe(other)),
        GeneralName::OtherName(..)
        | GeneralName::X400Address(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::RegisteredID(_)
        | GeneralName::Invalid(..) => "(another kind of name)".to_owned(),
    }
}

/// A text of one line, at most 253 characters, with SSINs masked.
fn clean(text: &str) -> String {
    mask(text).chars().take(253).map(|c| if is_plain(c) { c } else { '?' }).collect()
}
