//! A development certificate authority: a CA, and the server and client certificates that it signs.
//!
//! For demonstrations and tests only. Its private key is dropped after signing, but the keys that
//! it certifies are plain files in the folder of the demonstration. No service with real data may
//! trust it.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};

use ehealth_core::model::{Date, EnterpriseNumber};

/// Error of the certificate library.
pub type AuthorityError = rcgen::Error;

/// How a client certificate names its organisation (`docs/reference/domain.md "Certificates"`).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Convention {
    /// An OU `urn:be:fgov:kbo-bce:organization:cbe-number:NNNNNNNNNN`.
    Federal,
    /// `CBE=NNNNNNNNNN` in OU and CN; the CN continues with the application.
    Ehealth,
}

/// Algorithm of a client's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    P256,
    /// RSA with 2048 bits, for SOAP stacks that read no other key. Generating one takes about a
    /// second.
    Rsa,
}

/// A certificate and its private key, both PEM.
pub(crate) struct Identity {
    pub certificate: String,
    pub key: String,
}

/// The authority with its key.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    first: Date,
    last: Date,
}

impl Authority {
    /// Creates an authority. It and its certificates are valid from the day before `first` to 365
    /// days after `last`.
    pub fn new(first: Date, last: Date) -> Result<Self, AuthorityError> {
        let mut params = with_validity(CertificateParams::default(), first, last);
        params.distinguished_name = name(&[(DnType::CommonName, "ehealth-attributes development CA")]);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer, first, last })
    }

    /// Certificate of the authority, PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// Signs a server certificate for `localhost`, `127.0.0.1` and `::1`.
    pub fn server(&self) -> Result<Identity, AuthorityError> {
        let hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(hosts)?;
        params.distinguished_name = name(&[(DnType::CommonName, "localhost")]);
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth, KeyKind::P256)
    }

    /// Signs a client certificate for an organisation.
    pub fn client(
        &self,
        organisation: EnterpriseNumber,
        application: &str,
        convention: Convention,
        key: KeyKind,
    ) -> Result<Identity, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = match convention {
            Convention::Federal => name(&[
                (DnType::CountryName, "BE"),
                (DnType::OrganizationName, application),
                (
                    DnType::OrganizationalUnitName,
                    &format!("urn:be:fgov:kbo-bce:organization:cbe-number:{organisation}"),
                ),
                (DnType::CommonName, application),
            ]),
            Convention::Ehealth => name(&[
                (DnType::CountryName, "BE"),
                (DnType::OrganizationName, "Federal Government"),
                (DnType::OrganizationalUnitName, &format!("CBE={organisation}")),
                (DnType::CommonName, &format!("CBE={organisation}, {application}")),
            ]),
        };
        self.sign(params, ExtendedKeyUsagePurpose::ClientAuth, key)
    }

    fn sign(
        &self,
        params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
        key: KeyKind,
    ) -> Result<Identity, AuthorityError> {
        let mut params = with_validity(params, self.first, self.last);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = match key {
            KeyKind::P256 => KeyPair::generate()?,
            KeyKind::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?,
        };
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn with_validity(mut params: CertificateParams, first: Date, last: Date) -> CertificateParams {
    let midnight = |day: Date| {
        let (year, month, day) = day.calendar();
        // Months and days of a calendar fit in a byte.
        date_time_ymd(year, u8::try_from(month).unwrap_or(1), u8::try_from(day).unwrap_or(1))
    };
    params.not_before = midnight(first.plus_days(-1));
    params.not_after = midnight(last.plus_days(365));
    params
}

fn name(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    parts.iter().for_each(|(kind, value)| name.push(kind.clone(), *value));
    name
}
