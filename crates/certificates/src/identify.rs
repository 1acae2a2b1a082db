//! Identifies the organisation of a subject by the three conventions in use
//! (docs/reference/domain.md "Identifiers").
//!
//! Federal certificates have an OU `urn:be:fgov:kbo-bce:organization:cbe-number:NNNNNNNNNN`;
//! eHealth certificates have a CN or OU `CBE=NNNNNNNNNN`, and the CN may continue with
//! `, APPLICATION`; certificates of ETSI EN 319 412-1 have an organizationIdentifier
//! `NTRBE-NNNNNNNNNN` or `VATBE-NNNNNNNNNN`. Every such claim counts, and all must name the same
//! number. Text that could be a claim but is malformed refuses the whole certificate: what one
//! parser overlooks, another might accept.

use x509_parser::oid_registry::{OID_X509_COMMON_NAME, OID_X509_ORGANIZATIONAL_UNIT};
use x509_parser::x509::X509Name;

use super::text::{ORGANIZATION_IDENTIFIER, TextError, read_text, readable};
use ehealth_core::model::{Application, EnterpriseNumber, EnterpriseNumberError, NamedEnvironment};

/// Prefix of the claim in a federal certificate.
const URN: &str = "urn:be:fgov:kbo-bce:organization:cbe-number:";
/// Prefix of the claim in an eHealth certificate.
const CBE: &str = "CBE=";
/// Beginnings of a Belgian organizationIdentifier (ETSI EN 319 412-1, 5.1.4): the national trade
/// register, and value added tax, whose number is the enterprise number.
const REGISTERS: [&str; 2] = ["NTRBE", "VATBE"];

ehealth_core::closed_enum! {
    /// Why a subject identifies no organisation. Codes: logs and metrics.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
    pub enum IdentityError {
        /// No claim at all.
        #[error("no CN, OU or organizationIdentifier names an organisation")]
        NoOrganisation => "no-organisation",
        /// Two claims with different numbers.
        #[error("the subject names two organisations")]
        TwoOrganisations => "two-organisations",
        /// Two different applications: each might belong to another consumer.
        #[error("the subject names two applications")]
        TwoApplications => "two-applications",
        /// A claim that does not begin its part, or is not followed by ten digits and the part's
        /// end.
        #[error("the subject names an organisation in a malformed way")]
        Malformed => "malformed-number",
        /// A claim whose number has wrong check digits or begins with 9.
        #[error("the subject names an invalid enterprise number (first digit or check digits)")]
        NoEnterpriseNumber => "no-enterprise-number",
        /// A claim with the number of an establishment unit.
        #[error("the subject names an establishment unit, not an enterprise")]
        EstablishmentUnit => "establishment-unit",
        /// A control character in a CN, OU or organizationIdentifier: some software stops reading at
        /// a NUL.
        #[error("a CN, OU or organizationIdentifier contains a control character")]
        ControlCharacter => "control-character",
        /// A CN, OU or organizationIdentifier that is neither a UTF8String nor a PrintableString.
        #[error("a CN, OU or organizationIdentifier is neither a UTF8String nor a PrintableString")]
        StringType => "string-type",
        /// A relative distinguished name of several attributes, whose order has no meaning.
        #[error("the subject has a multi-valued relative distinguished name")]
        MultiValued => "multi-valued",
    }
}

impl From<TextError> for IdentityError {
    fn from(error: TextError) -> Self {
        match error {
            TextError::StringType => Self::StringType,
            TextError::ControlCharacter => Self::ControlCharacter,
        }
    }
}

impl From<EnterpriseNumberError> for IdentityError {
    fn from(error: EnterpriseNumberError) -> Self {
        match error {
            EnterpriseNumberError::Form => Self::Malformed,
            EnterpriseNumberError::EstablishmentUnit => Self::EstablishmentUnit,
            EnterpriseNumberError::FirstDigit | EnterpriseNumberError::CheckDigits => Self::NoEnterpriseNumber,
        }
    }
}

/// What a subject names: an organisation, and perhaps one of its applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    pub organisation: EnterpriseNumber,
    pub application: Option<Application>,
}

/// Identifies the organisation of a subject, and its application.
///
/// # Errors
/// [`IdentityError`] if it names none, or not unambiguously.
pub(super) fn identify(subject: &X509Name<'_>) -> Result<Named, IdentityError> {
    let mut claims = Claims::default();
    for rdn in subject.iter_rdn() {
        if rdn.iter().nth(1).is_some() {
            return Err(IdentityError::MultiValued);
        }
        for attribute in rdn.iter() {
            let kind = attribute.attr_type();
            if *kind == OID_X509_COMMON_NAME {
                claims.read_common_name(read_text(attribute.attr_value())?)?;
            } else if *kind == OID_X509_ORGANIZATIONAL_UNIT {
                claims.read_parts(read_text(attribute.attr_value())?)?;
            } else if *kind == ORGANIZATION_IDENTIFIER {
                claims.read_identifier(read_text(attribute.attr_value())?)?;
            }
        }
    }
    claims.into_named()
}

/// Reads what the OUs say about the environment. An OU that cannot be read says nothing: with it,
/// [`identify`] finds no organisation.
pub(super) fn read_environment(subject: &X509Name<'_>) -> NamedEnvironment {
    readable(subject, &OID_X509_ORGANIZATIONAL_UNIT).fold(NamedEnvironment::Absent, NamedEnvironment::and)
}

/// Claims found so far.
#[derive(Debug, Default)]
struct Claims<'a> {
    organisation: Option<EnterpriseNumber>,
    /// Whether a claim is a URN, as in federal certificates.
    is_federal: bool,
    /// Text behind a claim in a CN.
    suffix: Option<&'a str>,
    /// A CN without a claim and without a key.
    plain_name: Option<&'a str>,
    /// Whether there are two different such texts, or two such names.
    has_two: (bool, bool),
}

impl<'a> Claims<'a> {
    /// Reads a CN: behind a claim stands the application. A CN without a claim is the application of
    /// a federal certificate.
    fn read_common_name(&mut self, text: &'a str) -> Result<(), IdentityError> {
        let behind = self.read_parts(text)?;
        match behind {
            Some(parts) => {
                // A part with a key, such as `SSIN=`, names something else.
                let named = parts.split(',').map(|part| part.trim_start_matches(' '));
                for part in named.filter(|part| !part.is_empty() && !part.contains('=')) {
                    self.has_two.0 |= self.suffix.is_some_and(|other| other != part);
                    self.suffix = Some(part);
                }
            }
            None if text.is_empty() || text.contains('=') => {}
            None => {
                self.has_two.1 |= self.plain_name.is_some_and(|other| other != text);
                self.plain_name = Some(text);
            }
        }
        Ok(())
    }

    /// Reads every claim in one CN or OU, a comma-separated list of parts. Returns what stands
    /// behind the first claim.
    fn read_parts(&mut self, text: &'a str) -> Result<Option<&'a str>, IdentityError> {
        let mut behind = None;
        let mut rest = Some(text);
        while let Some(unread) = rest {
            let (part, next) = match unread.split_once(',') {
                Some((part, next)) => (part, Some(next)),
                None => (unread, None),
            };
            rest = next;
            let part = part.trim_start_matches(' ');
            let federal = part.strip_prefix(URN);
            let Some(number) = federal.or_else(|| part.strip_prefix(CBE)) else {
                if part.contains(CBE) || part.contains(URN) {
                    return Err(IdentityError::Malformed);
                }
                continue;
            };
            self.is_federal |= federal.is_some();
            self.claim(number)?;
            behind = behind.or(Some(next.unwrap_or_default()));
        }
        Ok(behind)
    }

    /// Reads an organizationIdentifier. Those of other registers and countries do not count.
    fn read_identifier(&mut self, text: &str) -> Result<(), IdentityError> {
        for register in REGISTERS {
            if let Some(number) = text.strip_prefix(register).and_then(|rest| rest.strip_prefix('-')) {
                return self.claim(number);
            }
            if text.contains(register) {
                return Err(IdentityError::Malformed);
            }
        }
        Ok(())
    }

    fn claim(&mut self, number: &str) -> Result<(), IdentityError> {
        let number = EnterpriseNumber::parse(number)?;
        if self.organisation.is_some_and(|other| other != number) {
            return Err(IdentityError::TwoOrganisations);
        }
        self.organisation = Some(number);
        Ok(())
    }

    fn into_named(self) -> Result<Named, IdentityError> {
        let organisation = self.organisation.ok_or(IdentityError::NoOrganisation)?;
        let (two_suffixes, two_names) = self.has_two;
        let plain_name = self.plain_name.filter(|_| self.is_federal);
        let differ = plain_name.zip(self.suffix).is_some_and(|(one, other)| one != other);
        if two_suffixes || (self.is_federal && two_names) || differ {
            return Err(IdentityError::TwoApplications);
        }
        let application = self.suffix.or(plain_name).and_then(|text| Application::parse(text).ok());
        Ok(Named { organisation, application })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEDERAL: &str = "urn:be:fgov:kbo-bce:organization:cbe-number:0202239951";

    /// The organisation that these CNs name, and the application.
    fn named(texts: &[&str]) -> Result<(EnterpriseNumber, Option<String>), IdentityError> {
        let mut claims = Claims::default();
        texts.iter().try_for_each(|text| claims.read_common_name(text))?;
        claims.into_named().map(|named| (named.organisation, named.application.map(|one| one.to_string())))
    }

    #[test]
    fn both_conventions_are_read_in_cn_and_ou() {
        let number = EnterpriseNumber::parse("0202239951").expect("valid check digits");
        for (texts, application) in [
            (&["CBE=0202239951"][..], None),
            (&["CBE=0202239951, ROUTER"], Some("ROUTER")),
            (&["CBE=0202239951,ROUTER,"], Some("ROUTER")),
            (&[FEDERAL], None),
            (&[FEDERAL, "employment:job-attest:werkkaart"], Some("employment:job-attest:werkkaart")),
            (&["SSIN=85073099932, CBE=0202239951", "CBE=0202239951"], None),
            (&["CBE=0202239951, SSIN=85073099932, ROUTER"], Some("ROUTER")),
            (&["CBE=0202239951, 85073099932"], None),
            (&["ROUTER", "CBE=0202239951"], None),
            (&["ROUTER", "CBE=0202239951", FEDERAL], Some("ROUTER")),
            (&["ROUTER", "CBE=0202239951, ROUTER", FEDERAL], Some("ROUTER")),
            (&["A, B", FEDERAL], None),
        ] {
            assert_eq!(named(texts), Ok((number, application.map(str::to_owned))), "{texts:?}");
        }
        for texts in [&["Fund"][..], &["cbe=0202239951"], &["SSIN=85073099932"], &["NIHII=12345678"], &[""]] {
            assert_eq!(named(texts), Err(IdentityError::NoOrganisation), "{texts:?}");
        }
    }

    #[test]
    fn an_ambiguous_claim_is_refused() {
        for (texts, expected) in [
            (&["CBE=0202239951, CBE=0809394427"][..], IdentityError::TwoOrganisations),
            (
                &["CBE=0202239951", "urn:be:fgov:kbo-bce:organization:cbe-number:0809394427"],
                IdentityError::TwoOrganisations,
            ),
            (&["CBE=0202239950"], IdentityError::NoEnterpriseNumber),
            (&["CBE=9202239951"], IdentityError::NoEnterpriseNumber),
            (&["CBE=2202239951"], IdentityError::EstablishmentUnit),
            (&["CBE=02022399511"], IdentityError::Malformed),
            (&["CBE=0202.239.951"], IdentityError::Malformed),
            (&["CBE= 0202239951"], IdentityError::Malformed),
            (&["CBE=0202239951 APP"], IdentityError::Malformed),
            (&["APP CBE=0202239951"], IdentityError::Malformed),
            (&["CBE=０２０２２３９９５１"], IdentityError::Malformed),
            (&["CBE="], IdentityError::Malformed),
            (&["x-urn:be:fgov:kbo-bce:organization:cbe-number:0202239951"], IdentityError::Malformed),
            (&["CBE=0202239951, A, B"], IdentityError::TwoApplications),
            (&["CBE=0202239951, A", "CBE=0202239951, B"], IdentityError::TwoApplications),
            (&["CBE=0202239951, A", "CBE=0202239951, a"], IdentityError::TwoApplications),
            (&["CBE=0202239951, A", "B", FEDERAL], IdentityError::TwoApplications),
            (&["A", FEDERAL, "B"], IdentityError::TwoApplications),
        ] {
            assert_eq!(named(texts), Err(expected), "{texts:?}");
        }
    }

    #[test]
    fn a_belgian_organization_identifier_is_a_claim() {
        let read = |text: &str| {
            let mut claims = Claims::default();
            claims.read_identifier(text).map(|()| claims.organisation.map(|number| number.to_string()))
        };
        for text in ["NTRBE-0202239951", "VATBE-0202239951"] {
            assert_eq!(read(text), Ok(Some("0202239951".to_owned())), "{text}");
        }
        for text in ["NTRNL-0202239951", "PSDBE-NBB-0202239951", "VATDE-0202239951", "BE:CB-0202239951", "", "LEIXG-1"]
        {
            assert_eq!(read(text), Ok(None), "{text}");
        }
        for (text, expected) in [
            ("VATBE-0202239950", IdentityError::NoEnterpriseNumber),
            ("NTRBE-2202239951", IdentityError::EstablishmentUnit),
            ("NTRBE-0202.239.951", IdentityError::Malformed),
            ("NTRBE-0202239951 ", IdentityError::Malformed),
            ("NTRBE-0202239951, NTRBE-0202239951", IdentityError::Malformed),
            ("VATBE0202239951", IdentityError::Malformed),
            ("VATBE-BE0202239951", IdentityError::Malformed),
            ("x NTRBE-0202239951", IdentityError::Malformed),
            ("VATBE-202239951", IdentityError::Malformed),
        ] {
            assert_eq!(read(text), Err(expected), "{text}");
        }
    }
}
