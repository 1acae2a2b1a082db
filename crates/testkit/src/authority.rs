//! A development certificate authority: a CA, and the server and client certificates that it signs.
//!
//! For demonstrations and tests only. Its private key is dropped after signing, but the keys that
//! it certifies are plain files in the folder of the demonstration. No service with real data may
//! trust it.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};

use crate::failure::ServerProblem;
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

ehealth_core::closed_enum! {
    /// Why the service refuses a client certificate that the authority made for tests.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum RefusedClient {
        /// It expired: the handshake fails.
        Expired => "expired",
        /// It is not valid yet: the handshake fails.
        NotValidYet => "not-valid-yet",
        /// An authority signed it that the service does not trust: the handshake fails.
        OtherAuthority => "other-authority",
        /// It is for servers only: the handshake fails.
        ServerPurpose => "server-purpose",
        /// It names no organisation: the fault SOA-01001.
        NoOrganisation => "no-organisation",
    }
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
        Self::named("ehealth-attributes development CA", first, last)
    }

    /// An authority that no party trusts, for the same days.
    fn another(&self) -> Result<Self, AuthorityError> {
        Self::named("another CA", self.first, self.last)
    }

    fn named(common_name: &str, first: Date, last: Date) -> Result<Self, AuthorityError> {
        let mut params = with_validity(CertificateParams::default(), (first, last));
        params.distinguished_name = name(&[(DnType::CommonName, common_name)]);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer, first, last })
    }

    /// Certificate of the authority, PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// Signs a server certificate for these hosts, and for `localhost`, `127.0.0.1` and `::1`.
    pub fn server(&self, hosts: &[String]) -> Result<Identity, AuthorityError> {
        self.server_for(&with_loopback(hosts), self.days())
    }

    /// Signs a server certificate that a client must refuse.
    pub fn faulty_server(&self, hosts: &[String], problem: ServerProblem) -> Result<Identity, AuthorityError> {
        let hosts = with_loopback(hosts);
        match problem {
            ServerProblem::Expired => self.server_for(&hosts, self.past()),
            ServerProblem::NotValidYet => self.server_for(&hosts, self.future()),
            ServerProblem::OtherName => self.server_for(&["other.invalid".to_owned()], self.days()),
            ServerProblem::OtherAuthority => self.another()?.server_for(&hosts, self.days()),
        }
    }

    fn server_for(&self, hosts: &[String], days: (Date, Date)) -> Result<Identity, AuthorityError> {
        let mut params = with_validity(CertificateParams::new(hosts)?, days);
        let first = hosts.first().map_or("localhost", String::as_str);
        params.distinguished_name = name(&[(DnType::CommonName, first)]);
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth, KeyKind::P256)
    }

    /// Days of a certificate that ended a year before those of the authority.
    fn past(&self) -> (Date, Date) {
        let day = self.first.plus_days(-800);
        (day, day)
    }

    /// Days of a certificate that begins two years after those of the authority.
    fn future(&self) -> (Date, Date) {
        let day = self.last.plus_days(800);
        (day, day)
    }

    /// Days for which the authority and its certificates are made.
    fn days(&self) -> (Date, Date) {
        (self.first, self.last)
    }

    /// Signs a client certificate for an organisation.
    pub fn client(
        &self,
        organisation: EnterpriseNumber,
        application: &str,
        convention: Convention,
        key: KeyKind,
    ) -> Result<Identity, AuthorityError> {
        let mut params = with_validity(CertificateParams::default(), self.days());
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

    /// Signs a client certificate that the service refuses.
    pub fn refused_client(&self, problem: RefusedClient) -> Result<Identity, AuthorityError> {
        let named = |days| {
            let mut params = with_validity(CertificateParams::default(), days);
            params.distinguished_name = name(&[
                (DnType::OrganizationName, "Federal Government"),
                (DnType::OrganizationalUnitName, "CBE=0999010126"),
                (DnType::CommonName, "CBE=0999010126, REFUSED"),
            ]);
            params
        };
        let client = ExtendedKeyUsagePurpose::ClientAuth;
        match problem {
            RefusedClient::Expired => self.sign(named(self.past()), client, KeyKind::P256),
            RefusedClient::NotValidYet => self.sign(named(self.future()), client, KeyKind::P256),
            RefusedClient::OtherAuthority => self.another()?.sign(named(self.days()), client, KeyKind::P256),
            RefusedClient::ServerPurpose => {
                self.sign(named(self.days()), ExtendedKeyUsagePurpose::ServerAuth, KeyKind::P256)
            }
            RefusedClient::NoOrganisation => {
                let mut params = named(self.days());
                params.distinguished_name = name(&[(DnType::CommonName, "no organisation")]);
                self.sign(params, client, KeyKind::P256)
            }
        }
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
        key: KeyKind,
    ) -> Result<Identity, AuthorityError> {
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

/// The hosts, followed by the names of this machine for itself.
fn with_loopback(hosts: &[String]) -> Vec<String> {
    let mut all = hosts.to_vec();
    for own in ["localhost", "127.0.0.1", "::1"] {
        if !all.iter().any(|host| host == own) {
            all.push(own.to_owned());
        }
    }
    all
}

fn with_validity(mut params: CertificateParams, (first, last): (Date, Date)) -> CertificateParams {
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
