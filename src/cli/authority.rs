//! A development authority: a CA, and the server and client certificates that it signs.
//!
//! For demonstrations and tests alone. Its keys lie in plain files; whoever has the folder can sign certificates, so
//! no service with real data may trust it.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};

use ehealth_core::model::{Date, EnterpriseNumber};

/// Why a certificate cannot be made: the library's own words.
pub(super) type AuthorityError = rcgen::Error;

/// How a client certificate names its organisation (domain.md "Identifiers").
#[derive(Debug, Clone, Copy)]
pub(super) enum Convention {
    /// An OU `urn:be:fgov:kbo-bce:organization:cbe-number:NNNNNNNNNN`.
    Federal,
    /// `CBE=NNNNNNNNNN` in OU and CN, the CN going on with the application.
    Ehealth,
}

/// What kind of key a client has.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeyKind {
    /// ECDSA on P-256.
    P256,
    /// RSA of 2048 bits, for stacks that read no other. Its making takes a while.
    Rsa,
}

/// A certificate with its key, both PEM.
pub(super) struct Identity {
    pub certificate: String,
    pub key: String,
}

/// The authority with its key.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    first: Date,
    last: Date,
}

impl Authority {
    /// A new authority; it and what it signs hold from the day before the first of these days to a year after the last.
    pub fn new(first: Date, last: Date) -> Result<Self, AuthorityError> {
        let mut params = hold_between(CertificateParams::default(), first, last);
        params.distinguished_name = name(&[(DnType::CommonName, "ehealth-attributes development CA")]);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer, first, last })
    }

    /// The authority's own certificate, PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A server certificate for this machine alone.
    pub fn server(&self) -> Result<Identity, AuthorityError> {
        let hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(hosts)?;
        params.distinguished_name = name(&[(DnType::CommonName, "localhost")]);
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth, KeyKind::P256)
    }

    /// A client certificate for an organisation.
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
        let mut params = hold_between(params, self.first, self.last);
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

fn hold_between(mut params: CertificateParams, first: Date, last: Date) -> CertificateParams {
    let moment = |day: Date| {
        let (year, month, day) = day.calendar();
        // A calendar's months and days fit in a byte.
        date_time_ymd(year, u8::try_from(month).unwrap_or(1), u8::try_from(day).unwrap_or(1))
    };
    params.not_before = moment(first.plus_days(-1));
    params.not_after = moment(last.plus_days(365));
    params
}

fn name(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    parts.iter().for_each(|(kind, value)| name.push(kind.clone(), *value));
    name
}
